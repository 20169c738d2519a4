/* SPDX-License-Identifier: MIT */
/*
 * shm_ring.h - one direction of a connection: the hot path.
 *
 * The producer reserves room, fills it and publishes; the consumer observes
 * the oldest record and consumes it. Nobody locks, allocates, or calls the
 * system. All cursors live in the segment, the producer's own too, so that
 * both halves of a fork can go on; hence a hostile peer may change even them.
 * So each cursor is loaded once into a local, checked by ring_sane, and every
 * address is computed from checked locals: whatever the segment holds, nothing
 * outside the ring is touched, and nonsense is reported as ST_PROTOCOL.
 *
 * Memory order. Two pairs carry data: ring_publish (release) with ring_observe
 * (acquire) hands records over, ring_consume (release) with the acquire in
 * ring_reserve_far hands room back. Two pairs carry sleep, and need a full
 * fence on both sides, because each side stores one word and then loads the
 * one that the other side stores:
 *
 *     sleeper                          waker
 *     asleep = 1                       publish tail (or head)
 *     fence   (ring_announce_sleep)    fence   (ring_sleeper)
 *     look at tail (or head)           look at asleep
 *
 * At least one of them sees the other's store: either the sleeper finds what it
 * waits for, or the waker rings.
 */
#ifndef WSD_TRANSPORT_SHM_RING_H
#define WSD_TRANSPORT_SHM_RING_H

#include <stdbool.h>

#include "base/status.h"
#include "transport/shm/shm_segment.h"

/* A ring as one side sees it; constant once made. */
struct shm_ring {
	struct shm_ring_words *words;
	uint8_t *data;
	uint64_t size; /* power of two */
};

/* Kept back from ordinary messages. Twice the 256 bytes that are promised and
 * their headers would do (half may be lost at the end of the ring). */
#define SHM_RESERVE 1024u

/*
 * An idle ring starts over at its first byte now and then, so that a
 * connection with little traffic stays in few pages. The producer looks whether
 * the ring is empty whenever a record crosses a multiple of this; so the pages
 * in use are twice as much. What is skipped counts as full until the consumer
 * has passed it, so this is also the room that a burst finds at least.
 */
#define SHM_REWIND (64u << 10)

/* Room for one record, not yet published. */
struct ring_place {
	uint8_t *header;
	uint8_t *payload;
	uint64_t next; /* tail after it */
	uint32_t len;
};

struct ring_record {
	const uint8_t *payload;
	uint64_t next; /* head after it */
	uint32_t len;
	uint32_t kind;
};

static inline uint64_t ring_record_size(uint64_t len)
{
	return (SHM_RECORD_HEADER + len + 7) & ~UINT64_C(7);
}

static inline bool ring_sane(const struct shm_ring *r, uint64_t tail,
	uint64_t head)
{
	return ((tail | head) & 7) == 0 && tail - head <= r->size;
}

/* ---- producer -------------------------------------------------------- */

/* The general case of ring_reserve: looks at the consumer's head, goes around
 * the end of the ring. */
enum status ring_reserve_far(const struct shm_ring *r, uint32_t len,
	uint32_t keep, struct ring_place *out);

static inline void ring_place_at(const struct shm_ring *r, uint64_t at,
	uint32_t len, struct ring_place *out)
{
	out->header = r->data + (at & (r->size - 1));
	out->payload = out->header + SHM_RECORD_HEADER;
	out->next = at + ring_record_size(len);
	out->len = len;
}

/*
 * Room for a record of len bytes (at most SHM_MESSAGE_MAX) that leaves `keep`
 * bytes free. ST_AGAIN, ST_PROTOCOL. Nothing is visible before ring_publish.
 */
static inline enum status ring_reserve(const struct shm_ring *r, uint32_t len,
	uint32_t keep, struct ring_place *out)
{
	uint64_t tail = atomic_load_explicit(&r->words->tail,
		memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&r->words->head_cache,
		memory_order_relaxed);
	uint64_t at = tail & (r->size - 1), need = ring_record_size(len);
	bool stays = at / SHM_REWIND == (at + need) / SHM_REWIND;

	if (!stays || !ring_sane(r, tail, head) ||
	    r->size - (tail - head) < need + keep)
		return ring_reserve_far(r, len, keep, out);
	ring_place_at(r, tail, len, out);
	return ST_OK;
}

/* The header of a record that is not yet visible. */
static inline void ring_mark(uint8_t *header, uint32_t len, uint32_t kind)
{
	atomic_store_explicit((_Atomic uint64_t *)(void *)header,
		(uint64_t)kind << 32 | len, memory_order_relaxed);
}

/* Makes the record visible. Pairs with ring_observe. */
static inline void ring_publish(const struct shm_ring *r,
	const struct ring_place *p, enum shm_kind kind)
{
	ring_mark(p->header, p->len, kind);
	atomic_store_explicit(&r->words->tail, p->next, memory_order_release);
}

/* True when the largest ordinary message has room. Looks afresh: for both
 * sides, after ring_announce_sleep or ring_sleeper. Nonsense counts as room:
 * who is woken will meet it. */
bool ring_writable(const struct shm_ring *r);

/* ---- consumer -------------------------------------------------------- */

/* True when there is a record, or nonsense. Looks afresh. */
static inline bool ring_readable(const struct shm_ring *r)
{
	return atomic_load_explicit(&r->words->tail, memory_order_acquire) !=
		atomic_load_explicit(&r->words->head, memory_order_relaxed);
}

/*
 * The oldest record, of any kind; it stays until ring_consume. ST_AGAIN none,
 * ST_PROTOCOL. Pairs with ring_publish.
 */
static inline enum status ring_observe(const struct shm_ring *r,
	struct ring_record *out)
{
	struct shm_ring_words *w = r->words;
	uint64_t head = atomic_load_explicit(&w->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&w->tail_cache,
		memory_order_relaxed);
	uint64_t at, word, need;

	if (tail == head) {
		tail = atomic_load_explicit(&w->tail, memory_order_acquire);
		if (tail == head)
			return ST_AGAIN;
		atomic_store_explicit(&w->tail_cache, tail,
			memory_order_relaxed);
	}
	if (!ring_sane(r, tail, head))
		return ST_PROTOCOL;
	at = head & (r->size - 1);
	word = atomic_load_explicit(
		(_Atomic uint64_t *)(void *)(r->data + at),
		memory_order_relaxed);
	need = ring_record_size((uint32_t)word);
	if (need > tail - head || need > r->size - at)
		return ST_PROTOCOL;
	out->payload = r->data + at + SHM_RECORD_HEADER;
	out->next = head + need;
	out->len = (uint32_t)word;
	out->kind = (uint32_t)(word >> 32);
	return ST_OK;
}

/* Gives the record's room back. Pairs with ring_reserve_far. */
static inline void ring_consume(const struct shm_ring *r,
	const struct ring_record *rec)
{
	atomic_store_explicit(&r->words->head, rec->next, memory_order_release);
}

/* ---- sleep ----------------------------------------------------------- */

/* Before the last look. Pairs with ring_sleeper. */
static inline void ring_announce_sleep(_Atomic uint32_t *asleep)
{
	atomic_store_explicit(asleep, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

/* After publishing: may somebody sleep? Pairs with ring_announce_sleep. */
static inline bool ring_sleeper(_Atomic uint32_t *asleep)
{
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(asleep, memory_order_relaxed) != 0;
}

/* True for the one who has to ring. */
static inline bool ring_claim_sleeper(_Atomic uint32_t *asleep)
{
	return atomic_exchange_explicit(asleep, 0, memory_order_acq_rel) != 0;
}

#endif
