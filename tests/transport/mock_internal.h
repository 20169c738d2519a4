/* SPDX-License-Identifier: MIT */
/*
 * mock_internal.h - what the files of the mock share.
 *
 * One lock for everything: a mock is for finding faults in what uses it. Each
 * end owns one end of a link, which serves for doorbells and for liveness, as
 * in a real transport.
 */
#ifndef TRANSPORT_MOCK_INTERNAL_H
#define TRANSPORT_MOCK_INTERNAL_H

#include "mock_transport.h"

#define MESSAGE_MAX (64u << 10)
#define CHANNEL_BYTES (256u << 10)
#define RESERVE 1024u
#define COST 16u /* of a message, beside its bytes */
#define RDMA_MAX (16u << 20)
#define DESCRIPTOR_LEN 24
#define EXPOSURES 64
#define TRANSFERS 16

enum mock_state { REQUESTED, ACCEPTED, REFUSED };

struct message {
	struct message *next;
	uint32_t looks; /* before it is seen */
	uint32_t len;
	uint8_t bytes[];
};

struct queue {
	struct message *first, *last;
	size_t used;
	uint64_t arrivals;
	bool reader_asleep, writer_asleep;
};

struct exposure {
	bool used;
	uint32_t rights;
	uint64_t key, len;
	uint8_t *base;
};

struct transfer {
	bool used;
	enum transport_op op;
	uint32_t looks;
	uint32_t slot;
	uint64_t key, offset, cookie;
	struct os_span *spans;
	unsigned count;
};

/* One end. The other is peer, NULL once that is closed. */
struct transport_conn {
	struct transport_conn *peer;
	struct transport_listener *listener; /* while queued there */
	struct transport_conn *next_queued;
	enum mock_state state;
	enum transport_refusal refusal;
	enum status over;
	enum status reported;
	bool server;
	struct queue in;
	struct exposure exposures[EXPOSURES];
	struct transfer transfers[TRANSFERS];
	os_handle link;
	bool owns_link;
	struct addr local, remote;
	uint8_t private_data[TRANSPORT_PRIVATE_MAX];
	uint32_t private_len;
	uint32_t sends;
};

struct transport_listener {
	struct transport_listener *next;
	struct addr local;
	bool only_v6, shadowed, shut;
	unsigned backlog, queued;
	struct transport_conn *first; /* server ends */
	os_handle bell[2];            /* [0] is waited on */
};

/* A request is a server end with its description. */
struct mock_request {
	struct transport_request pub;
	struct transport_conn *server;
};

/* All up to the slots of the table is called with the lock held. */
extern struct os_mutex mock_lock;

/* Counts down to 0; true when it gets there. */
bool mock_due(_Atomic uint32_t *countdown);
void *mock_alloc(size_t len);
void mock_free(void *p);

/* Takes a server end out of its listener's queue. */
void mock_unqueue(struct transport_conn *server);
/* As the peer sees us. */
void mock_myself(struct os_peer *out);

enum status mock_pair_new(struct transport_conn **client,
	struct transport_conn **server);
void mock_ring_peer(struct transport_conn *c);
void mock_end_over(struct transport_conn *c, enum status why);
/* The peer sees the end, and goes on with what has arrived. */
void mock_end_close(struct transport_conn *c);
enum status mock_look(const struct transport_conn *c);
bool mock_transfers_wait(const struct transport_conn *c);
void mock_free_transfers(struct transport_conn *c);

bool mock_has_room(const struct queue *q, size_t len, size_t keep);
/* Bytes of the spans; false when more than max. */
bool mock_total(const struct os_span *spans, unsigned count, size_t max,
	size_t *out);
/* Between spans and flat memory. */
void mock_copy(const struct os_span *spans, unsigned count, uint8_t *flat,
	bool into_spans);

/* ---- slots of the table ---------------------------------------------- */

enum status mock_listen(const struct addr *local, bool only_v6,
	unsigned backlog, struct transport_listener **out);
enum status mock_set_backlog(struct transport_listener *l, unsigned backlog);
void mock_shut_listener(struct transport_listener *l);
os_handle mock_listener_handle(struct transport_listener *l);
enum status mock_connect(const struct addr *local,
	const struct addr *remote, const void *private_data,
	uint32_t private_len, struct transport_conn **out);
enum status mock_take(struct transport_listener *l,
	struct transport_request **out);
enum status mock_accept(struct transport_request *pub,
	struct transport_conn **out);
void mock_refuse(struct transport_request *pub, enum transport_refusal why);
void mock_close_listener(struct transport_listener *l);
enum status mock_status(struct transport_conn *c, bool thorough);
enum status mock_early(struct transport_conn *c);
bool mock_writable(struct transport_conn *c);
void mock_attend(struct transport_conn *c);
void mock_peer(struct transport_conn *c, struct os_peer *out);
void mock_abort(struct transport_conn *c);
os_handle mock_handle(struct transport_conn *c);
void mock_set_handle(struct transport_conn *c, os_handle h);
enum status mock_arm(struct transport_conn *c, unsigned interest);
enum status mock_drain(struct transport_conn *c, bool keep);
enum status mock_send(struct transport_conn *c,
	const struct os_span *spans, unsigned count, unsigned flags);
enum status mock_peek(struct transport_conn *c, const void **data,
	uint32_t *len);
void mock_release(struct transport_conn *c);
uint64_t mock_arrivals(struct transport_conn *c);
enum status mock_expose(struct transport_conn *c, void *base,
	uint64_t len, unsigned rights, uint8_t *descriptor);
enum status mock_conceal(struct transport_conn *c,
	const uint8_t *descriptor);
enum status mock_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie);
enum status mock_reap(struct transport_conn *c, uint64_t *cookie,
	enum status *result);
enum status mock_pin(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, void **registration);
void mock_unpin(struct transport_conn *c, void *registration);

#endif
