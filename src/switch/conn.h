/* SPDX-License-Identifier: MIT */
/*
 * conn.h - a connection inside the switch.
 *
 * What the two halves of a fork must agree on is in struct sw_shared, which
 * lies in memory that a child inherits; the rest is each process's own.
 * Lock roles, in order of acquisition: receive_lock, send_lock (both in
 * sw_shared), sleep_lock (process), registry (process).
 */
#ifndef WSD_SWITCH_CONN_H
#define WSD_SWITCH_CONN_H

#include "switch/lane.h"
#include "switch/provider.h"
#include "switch/session.h"
#include "switch/switch.h"

/* Facts about a connection; each is set once and stays. */
#define FACT_HELLO       0x001u /* peer's hello has come */
#define FACT_SHUT_SEND   0x002u /* this side has shut down sending */
#define FACT_SHUT_RECV   0x004u /* this side has shut down receiving */
#define FACT_FIN         0x008u /* the peer's stream has ended in order */
#define FACT_RESET       0x010u /* aborted by the peer or by a broken protocol */
#define FACT_GONE        0x020u /* the peer is gone (closed or died) */
#define FACT_NO_OFFERS   0x040u /* RDMA does not work here, or is not wanted */
#define FACT_EVER_SHARED 0x080u /* a fork has happened while it was open */
#define FACT_TOLD_RESET  0x100u /* the program has been told of the reset */

struct sw_shared {
	struct os_shared_lock send_lock;
	struct os_shared_lock receive_lock;
	_Atomic uint32_t facts;
	_Atomic uint32_t sharers; /* processes that have it open */
	struct sw_options options;

	/* sending; send_lock */
	uint64_t sent;             /* stream bytes sent */
	uint32_t peer_max_payload; /* of one data message */
	uint32_t offering;         /* an offer is out: no other bytes meanwhile */
	_Atomic uint32_t blocked;  /* last send found no room */
	_Atomic uint64_t blocked_count;

	/* receiving; receive_lock */
	uint64_t received;     /* stream offset of the oldest message's start */
	uint32_t head_taken;   /* bytes of the oldest message already taken */
	uint8_t session_state; /* enum session_state */
	uint64_t announced;    /* offset last told with READY, plus 1 */

	/* what the peer said; written under receive_lock, read anywhere */
	_Atomic uint64_t ready_at;  /* the peer waits for bytes from here, plus 1 */
	_Atomic uint32_t ready_len;
	_Atomic uint64_t done_at;   /* answered offer, plus 1 */
	_Atomic uint32_t done_len;

	/* urgent data; receive_lock */
	_Atomic uint32_t urgent_there;
	uint8_t urgent_byte;
	uint32_t mark_set; /* the program has yet to read past the mark, */
	uint32_t mark_at;  /* which is at this place of what is put aside */

	/* messages put aside so that later ones could be seen; receive_lock */
	uint32_t aside_head, aside_tail;
};

struct sw_slab;
struct sw_aside;

struct sw_conn {
	struct sw_shared *shared;
	struct sw_slab *slab;      /* where shared lives */
	const struct sw_lane_ops *lane;
	struct sw_provider *provider;
	SOCKET socket;             /* provider descriptor */
	WSDCHANNEL channel;        /* lane of channels */
	struct sw_overlapped *ov;  /* lane of overlapped requests */
	uint8_t *aside;            /* SW_ASIDE_BYTES, or NULL */
	_Atomic os_handle handle; /* may be moved beside any use */
	struct addr local, peer;

	/* For sw_edges: what it saw last time. */
	_Atomic uint64_t edge_arrivals, edge_received;
	_Atomic bool edge_unread;

	struct os_mutex sleep_lock;
	unsigned sleepers, watchers; /* sleep_lock */
	struct kickable *kickable;   /* sleep_lock: blocked calls of threads */

	struct sw_conn *next, **link; /* registry */
};

#define SW_ASIDE_BYTES (4u << 20)

/* ---- conn.c ---- */

/* A connection over a connected (or, early, connecting) provider socket, with
 * its lane open: `channel`, or if NULL a new one. Owns the socket from now on:
 * on failure it is closed. */
enum status conn_create(struct sw_provider *p, SOCKET s,
	const WSDCHANNEL *channel, const struct addr *local,
	const struct addr *peer, struct sw_conn **out);
/* Undoes conn_create; the peer is told unless abandoned. */
void conn_destroy(struct sw_conn *c, bool abandon);
/* First message in each direction. */
enum status conn_send_hello(struct sw_conn *c);

static inline uint32_t conn_facts(const struct sw_conn *c)
{
	return atomic_load_explicit(&c->shared->facts, memory_order_acquire);
}

static inline void conn_set_fact(struct sw_conn *c, uint32_t fact)
{
	atomic_fetch_or_explicit(&c->shared->facts, fact, memory_order_acq_rel);
}

/* The kernel says that the peer is gone; the provider shall know it too. */
void conn_peer_gone(struct sw_conn *c);

static inline bool conn_is_shared(const struct sw_conn *c)
{
	return atomic_load_explicit(&c->shared->sharers, memory_order_relaxed) >
		1;
}

/* ---- head.c: the oldest message ---- */

struct head {
	const uint8_t *payload; /* not yet taken part of the oldest message */
	uint32_t len;
	bool is_offer;          /* payload is none: `offer` is to be pulled */
	bool is_aside;
	struct session_offer offer;
	uint32_t offer_len;
};
/*
 * receive_lock held. Deals with control messages until there is something that
 * the program can have: ST_OK. ST_AGAIN nothing yet; ST_CLOSED end of stream;
 * ST_RESET.
 */
enum status head_get(struct sw_conn *c, struct head *h);
/* receive_lock held: n bytes of what head_get gave are taken. */
void head_take(struct sw_conn *c, struct head *h, uint32_t n);
/* receive_lock held: moves the oldest data message aside, so that the next can
 * be seen. ST_FULL no room aside, ST_AGAIN nothing to move. */
enum status head_put_aside(struct sw_conn *c);
/* Memory for what is put aside; made at first use, and before a fork, since a
 * process could not see what another makes after it. False: none. */
bool head_make_aside(struct sw_conn *c);
/* receive_lock held: the next byte is the first after the urgent mark. */
bool head_at_mark(const struct sw_conn *c);
/* receive_lock not held: puts aside all that is there, so that what comes
 * behind is seen: an end, an answer. False: no more room. */
bool head_see_behind(struct sw_conn *c);

/* ---- wait.c ---- */

/* Beside the SW_ bits of `interest`: wake up at an arrival, whatever it is. */
#define CONN_ARRIVAL 0x100u

/* Blocks until `interest` may hold, the deadline (os_now time) or a signal.
 * `seen` is the arrivals count from before the caller last looked. */
enum status conn_wait(struct sw_conn *c, unsigned interest, uint64_t seen,
	uint64_t deadline);
uint64_t conn_deadline(uint64_t timeout);
/* Wakes blocked calls of other threads: something has changed on this side. */
void conn_kick(struct sw_conn *c);

/* ---- ready.c ---- */

/* Would a send find room? */
bool conn_can_send(struct sw_conn *c);

/* ---- send.c ---- */

/* A control message; may be lost only when the connection is over. ST_AGAIN
 * when even the reserve is full. Takes send_lock. */
enum status conn_send_control(struct sw_conn *c, enum session_type type,
	uint32_t length, uint64_t sequence);

/* ---- bulk.c: large data by RDMA ---- */

bool bulk_wanted(struct sw_conn *c, size_t len);
/* Sender, no lock held: offers the span if the peer waits for it.
 * *done bytes were taken; ST_AGAIN: use messages instead. */
enum status bulk_offer(struct sw_conn *c, const struct os_span *span,
	uint64_t deadline, size_t *done);
/* Receiver, receive_lock held: tells the peer that `len` bytes can be pulled. */
void bulk_announce(struct sw_conn *c, size_t len);
/* Receiver, receive_lock held, head is an offer: pulls into the spans. */
enum status bulk_pull(struct sw_conn *c, struct head *h,
	const struct os_span *spans, unsigned count, size_t *done);

/* ---- slab.c: memory for struct sw_shared ---- */

struct sw_shared *slab_alloc(struct sw_slab **slab);
void slab_free(struct sw_slab *slab, struct sw_shared *s, bool ever_shared);
void slab_forked(void); /* in the child */

#endif
