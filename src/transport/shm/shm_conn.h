/* SPDX-License-Identifier: MIT */
/*
 * shm_conn.h - one side of a connection, inside this transport.
 *
 * Whatever send, peek, release and arm need to go on lies in the segment, so
 * that both halves of a fork can. What lies here is constant, or a memory of
 * this process that the other half finds out for itself.
 */
#ifndef WSD_TRANSPORT_SHM_CONN_H
#define WSD_TRANSPORT_SHM_CONN_H

#include "transport/shm/shm_ring.h"
#include "transport/transport.h"

static_assert(SHM_PRIVATE_MAX == TRANSPORT_PRIVATE_MAX, "same limit");

struct shm_rdma; /* shm_rdma.h */

struct transport_conn {
	struct shm_segment *segment;
	size_t size;   /* of the mapping */
	enum shm_side side;
	struct shm_ring tx, rx;
	struct os_peer peer;
	_Atomic os_handle link; /* may be moved beside any use */
	os_handle segment_handle; /* for a hand-off; or none */
	bool owns_link;

	_Atomic uint32_t over;     /* enum status; ST_OK while it goes on */
	_Atomic uint32_t accepted; /* 1: not connecting any more */
	_Atomic uint32_t reported; /* enum status last told by status or arm */

	struct shm_rdma *_Atomic rdma; /* NULL until used */
	_Atomic uint32_t direct;       /* 1: direct access may work */

	/* Apart from each other: two threads count here. */
	char line_of_sender[SHM_LINE];
	uint32_t sends;
	char line_of_receiver[SHM_LINE];
	uint32_t idle_looks;
	_Atomic uint64_t arrivals; /* as told last */
	char line_of_others[SHM_LINE];
};

/* ---- making one (shm_conn.c) ----------------------------------------- */

/* NULL: no memory. Before shm_conn_init it is given back with free(). */
struct transport_conn *shm_conn_alloc(void);
/* Around a mapped and checked segment; the mapping, the link and the segment's
 * handle then belong to it. */
void shm_conn_init(struct transport_conn *c, enum shm_side side, void *base,
	size_t size, os_handle link, os_handle segment_handle,
	const struct os_peer *peer);
/* The segment's handle is somebody else's; the mapping stays. */
void shm_conn_forget_segment(struct transport_conn *c);
void shm_conn_set_link(struct transport_conn *c, os_handle link,
	const struct os_peer *peer);
/* Closes handles (where owned), unmaps, frees. Tells nobody. */
void shm_conn_free(struct transport_conn *c);

/* Ring size for a segment of this many bytes; 0 when there is none. */
size_t shm_ring_size_for(uint64_t segment_size);
/* Writes the identity of a new segment. */
void shm_segment_init(struct shm_segment *s, size_t size);
/* Checks it: ST_OK, ST_PROTOCOL, ST_VERSION. */
enum status shm_segment_check(struct shm_segment *s, size_t size);
/* Stores what the peer needs to reach this process's memory. */
void shm_self_publish(struct transport_conn *c);

/* ---- where it stands ------------------------------------------------- */

/* Full answer, from the segment; *not* cached on the fast path. */
enum status shm_conn_look_closely(struct transport_conn *c, bool thorough);
/* Ends it for this process with the first reason given; returns that. */
enum status shm_conn_end(struct transport_conn *c, enum status why);
/* The peer stored nonsense: ends it for both. */
enum status shm_conn_broken(struct transport_conn *c);

static inline uint32_t shm_notice_of_interest(const struct transport_conn *c)
{
	return SHM_CLOSED(!c->side) | SHM_BROKEN(SHM_CLIENT) |
		SHM_BROKEN(SHM_SERVER);
}

/* As status without `thorough`: three loads while all is well. */
static inline enum status shm_conn_look(struct transport_conn *c)
{
	uint32_t notice = atomic_load_explicit(&c->segment->notice,
		memory_order_acquire);

	if (atomic_load_explicit(&c->over, memory_order_relaxed) == ST_OK &&
	    atomic_load_explicit(&c->accepted, memory_order_relaxed) &&
	    (notice & shm_notice_of_interest(c)) == 0)
		return ST_OK;
	return shm_conn_look_closely(c, false);
}

static inline bool shm_going_on(enum status st)
{
	return st == ST_OK || st == ST_PENDING;
}

/* ---- doorbells ------------------------------------------------------- */

/* Rings, whoever sleeps. */
void shm_conn_ring(struct transport_conn *c);

/* After ring_publish on c->tx. */
static inline void shm_wake_reader(struct transport_conn *c)
{
	_Atomic uint32_t *asleep = &c->tx.words->reader_asleep;

	if (ring_sleeper(asleep) && ring_claim_sleeper(asleep))
		shm_conn_ring(c);
}

/* After ring_consume on c->rx: when a message of any size has room again. */
static inline void shm_wake_writer(struct transport_conn *c)
{
	_Atomic uint32_t *asleep = &c->rx.words->writer_asleep;

	if (ring_sleeper(asleep) && ring_writable(&c->rx) &&
	    ring_claim_sleeper(asleep))
		shm_conn_ring(c);
}

#endif
