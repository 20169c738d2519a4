/* SPDX-License-Identifier: MIT */
/*
 * request.h - overlapped requests, and the lane each direction of a socket is.
 *
 * A lane is a queue of posted requests and behind it a queue of finished ones
 * whose completion has not been shown yet. Each request passes both in posting
 * order, so completions of one direction come in posting order (R150).
 *
 * Who completes. A request with hEvent bit 0 set is shown by storing into its
 * OVERLAPPED, as soon as nothing older waits to be shown. One with bit 0 clear
 * needs an upcall, which is made without locks and never from inside WSPSend,
 * WSPRecv or the RDMA functions (the switch may hold a lock around those): it
 * waits in the done queue for prov_lane_deliver, called by whoever polls, by
 * the engine, by close and by hand-off. One thread delivers at a time; others
 * leave their completions to it.
 */
#ifndef WSD_PROVIDER_REQUEST_H
#define WSD_PROVIDER_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <openwsd/winsock2.h>
#include <openwsd/ws2spi.h>

#include "os/os.h"
#include "transport/transport.h"

struct prov_socket;
struct prov_registration;

/* Requests of one direction that have been posted and not shown (R149). */
#define PROV_MAX_PENDING 64
/* Buffers of one request. */
#define PROV_MAX_BUFFERS 64

enum {
	PROV_OWN_SPANS = 8,    /* more are allocated */
	PROV_REQUEST_BLOCK = 8 /* requests are allocated so many at a time */
};

enum prov_request_kind {
	PROV_SEND,
	PROV_RDMA_WRITE,
	PROV_RDMA_READ,
	PROV_RECEIVE
};

struct prov_request {
	struct prov_request *next;
	LPWSAOVERLAPPED overlapped;
	enum prov_request_kind kind;
	bool notify;   /* wants the upcall */
	bool started;  /* with the transport, which will name the cookie */
	bool finished; /* `result` counts, an older one is not finished yet */
	enum status result;
	int error;   /* when done */
	DWORD bytes; /* room before, transferred when done */
	DWORD flags;

	unsigned count;
	struct os_span *spans;
	struct prov_registration **registrations; /* each held, or NULL */
	struct os_span own_spans[PROV_OWN_SPANS];
	struct prov_registration *own_registrations[PROV_OWN_SPANS];

	/* RDMA only. */
	uint64_t cookie;
	uint64_t offset;
	uint32_t descriptor_len;
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
};

struct prov_request_block;

struct prov_request_queue {
	struct prov_request *head, **tail;
};

/*
 * `lock` guards everything but the atomics and makes the transport's rule true
 * that calls of one direction come one after the other.
 */
struct prov_lane {
	struct os_mutex lock; /* role: lane */
	struct os_cond quiet; /* nobody delivers any more */
	struct prov_request_queue posted, done;
	struct prov_request *free;
	struct prov_request_block *blocks;
	uint32_t deliverer;     /* thread that delivers; 0: none */
	uint64_t next_cookie;
	enum status over;       /* not ST_OK: new requests fail with it */
	unsigned idle_looks;    /* looks that found nothing */
	uint64_t last_thorough; /* when the system was last asked */
	_Atomic unsigned running; /* RDMA started and not finished */
	_Atomic bool blocked;     /* the transport had no room for the next */
	_Atomic unsigned waiting; /* done and not shown */
	_Atomic unsigned pending; /* posted and done */
	_Atomic unsigned notify;  /* those of them that want the upcall */
};

void prov_lane_init(struct prov_lane *l);
/* With nothing pending. */
void prov_lane_fini(struct prov_lane *l);

/* ---- with the lane's lock held ------------------------------------- */

/* An empty request, NULL when 64 are pending or there is no memory (R148). */
struct prov_request *prov_request_take(struct prov_lane *l);
/* Gives back one that was never posted. */
void prov_request_drop(struct prov_lane *l, struct prov_request *r);
/* Room for n spans and registrations in it. ST_NOMEM. */
enum status prov_request_room(struct prov_request *r, unsigned n);

/* Marks the OVERLAPPED as pending (R129) and appends the request. */
void prov_lane_post(struct prov_lane *l, struct prov_request *r);
/* Ends a request: the oldest posted, or one that never was posted. */
void prov_lane_finish(struct prov_socket *s, struct prov_lane *l,
	struct prov_request *r, int error, DWORD bytes);
/* Ends all posted ones: `error`, 0 bytes. */
void prov_lane_flush(struct prov_socket *s, struct prov_lane *l, int error);

/*
 * The socket closes: every request that wants no upcall is shown now, although
 * another thread may still be inside the upcall of an older one. Nobody could
 * ask for it later, and its memory may go.
 */
void prov_lane_show_polled(struct prov_socket *s, struct prov_lane *l);

/* ---- without locks ------------------------------------------------- */

/*
 * Shows what is done, with upcalls. `nested`: also when this very thread is
 * inside an upcall of this lane (it waits for a later request).
 */
void prov_lane_deliver(struct prov_socket *s, struct prov_lane *l,
	bool nested);
/* Leaves it to the engine, if there is anything: the caller may be inside a
 * lock of the switch. */
void prov_lane_deliver_later(struct prov_socket *s);
/* As prov_lane_deliver, and waits until no other thread delivers; at most
 * 5 s. */
void prov_lane_deliver_all(struct prov_socket *s, struct prov_lane *l);

#endif
