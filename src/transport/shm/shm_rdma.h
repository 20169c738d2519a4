/* SPDX-License-Identifier: MIT */
/*
 * shm_rdma.h - remote memory access, inside this transport.
 *
 * Two ways. Direct: the asking process copies out of or into the other
 * process's memory itself, where the kernel allows that and has told us which
 * process it is; the slot in the segment says where, and counts users so that
 * conceal knows. Served: the asking side sends records through the ring, and
 * the exposing side copies, by its own table, never by what the segment says.
 *
 * Served transfers and the calls of transport.h. {send, rdma, reap} may send,
 * {peek, release} may not. So peek, when it meets a served record, only notes
 * what is asked (or copies the bytes that came with it), and reap sends. Both
 * hold `lock`, a short while. A side that exposes memory must therefore call
 * reap after it has looked at its ring; arm says ST_AGAIN as long as there is
 * something that reap could send. A side that exposes nothing has nothing to
 * answer: what it is asked then is dropped, and who has asked finds in the
 * segment that the exposure has gone.
 *
 * All of this is one process's: after a fork the child starts with nothing
 * exposed and nothing asked for.
 */
#ifndef WSD_TRANSPORT_SHM_RDMA_H
#define WSD_TRANSPORT_SHM_RDMA_H

#include "transport/shm/shm_conn.h"

/* What this side exposes; the truth, where the segment has the copy. */
struct shm_exposure {
	bool used;
	uint32_t rights;
	uint64_t key;
	uint64_t len;
	uint8_t *base;
};

/* What one transfer reaches: checked against its descriptor. */
struct shm_target {
	enum transport_op op;
	uint32_t slot;
	uint64_t key;
	uint64_t offset;
	uint64_t len;
};

#define SHM_TRANSFERS 16 /* asked for by one process */
#define SHM_SERVICES 32  /* asked for by the peer: two halves of a fork */
#define SHM_OWN_SPANS 8  /* more are put on the heap */

enum shm_transfer_phase {
	TRANSFER_NONE,
	TRANSFER_SENDING, /* a write: part of the bytes is still here */
	TRANSFER_WAITING, /* for the peer's bytes or reply */
	TRANSFER_ENDED,   /* for reap */
};

/* One that this side asked for. */
struct shm_transfer {
	enum shm_transfer_phase phase;
	struct shm_target target;
	uint64_t id;
	uint64_t cookie;
	uint64_t moved;
	enum status result;
	unsigned count;
	struct os_span *spans; /* own_spans or from the heap */
	struct os_span own_spans[SHM_OWN_SPANS];
};

enum shm_service_phase {
	SERVICE_NONE,
	SERVICE_READING, /* bytes are to be sent */
	SERVICE_WRITING, /* more bytes will come */
	SERVICE_REPLYING,
};

/* One that the peer asked for. */
struct shm_service {
	enum shm_service_phase phase;
	uint64_t order;
	uint64_t id;
	uint64_t key;
	uint64_t offset;
	uint64_t len;
	uint64_t moved;
	uint32_t slot;
	enum shm_reply result;
};

struct shm_rdma {
	uint32_t process; /* whose this is */
	struct shm_rdma *former; /* of the process this one was forked from */
	struct os_mutex lock; /* guards all below */
	uint64_t seed;
	uint64_t counter;
	uint32_t exposed; /* used entries of table; 0: no services either */
	struct shm_exposure table[SHM_SLOTS];
	struct shm_transfer transfers[SHM_TRANSFERS];
	struct shm_service services[SHM_SERVICES];
	/* Counts of the above, for looks without the lock. */
	_Atomic uint32_t active;
	_Atomic uint32_t blocked;  /* something to send */
	_Atomic uint32_t finished; /* something to report */
};

/* This process's, made when there is none. NULL: no memory. */
struct shm_rdma *shm_rdma_get(struct transport_conn *c);
/* The same, but NULL when there is none. */
struct shm_rdma *shm_rdma_mine(struct transport_conn *c);
/* Counts again for those who look without the lock. Lock held. */
void shm_rdma_recount(struct shm_rdma *r);
/* Nothing is reachable any more; waits a bounded time for direct users. */
void shm_rdma_close(struct transport_conn *c);
/* Never the same twice in one connection, not to be guessed. Lock held. */
uint64_t shm_rdma_fresh(struct shm_rdma *r);

/* Is there something that only room in the ring is wanted for? */
static inline bool shm_rdma_blocked(struct transport_conn *c)
{
	struct shm_rdma *r = atomic_load(&c->rdma);

	return r && atomic_load(&r->blocked) != 0 && shm_rdma_mine(c);
}

/* Is there something for reap to report? */
static inline bool shm_rdma_finished(struct transport_conn *c)
{
	struct shm_rdma *r = atomic_load(&c->rdma);

	return r && atomic_load(&r->finished) != 0 && shm_rdma_mine(c);
}

/* ---- served (shm_served.c: asking, shm_service.c: answering) --------- */

/* Starts it: ST_PENDING, ST_AGAIN, ST_NOMEM and the codes of status. */
enum status shm_served_start(struct transport_conn *c,
	const struct shm_target *target, const struct os_span *spans,
	unsigned count, uint64_t cookie);
/* A record met by peek that is not data: ST_OK digested, ST_PROTOCOL. */
enum status shm_served_take(struct transport_conn *c,
	const struct ring_record *rec);
/* Sends one record of `kind`: head and bytes of the spans from `skip` on. */
enum status shm_served_post(struct transport_conn *c, enum shm_kind kind,
	const struct shm_served_head *head, const struct os_span *spans,
	unsigned count, uint64_t skip, uint32_t len);

/* Answering; all with the lock held. */
enum status shm_service_ask_read(struct shm_rdma *r,
	const struct shm_served_head *head);
enum status shm_service_write(struct shm_rdma *r,
	const struct shm_served_head *head, const uint8_t *bytes, uint32_t len);
enum status shm_service_run(struct transport_conn *c, struct shm_rdma *r);
bool shm_service_uses(const struct shm_rdma *r, uint32_t slot, uint64_t key);
void shm_service_drop_all(struct shm_rdma *r);

/* For tests: all transfers are served, in this process. */
void shm_rdma_forbid_direct(bool forbid);

#endif
