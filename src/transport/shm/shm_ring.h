/* SPDX-License-Identifier: MIT */
/*
 * shm_ring.h - one direction of a connection: the hot path.
 *
 * The producer reserves room, fills it and publishes; the consumer observes
 * the oldest record and consumes it. Nobody locks, allocates, or calls the
 * system.
 *
 * Publishing. A record is there when its header is not 0. Behind the last
 * record the word where the next header will be is always 0 (the end mark):
 * the producer writes it before it publishes. So the consumer looks at one word
 * only, in the cache line that the message itself comes in; a tail that both
 * look at would cost another line per message, half as much time again. The
 * tail is the producer's own; the consumer looks at it only when the producer
 * sleeps. The end mark takes 8 bytes of room that is otherwise free.
 *
 * Both halves of a fork may go on, so all cursors live in the segment. If a
 * half is killed when its header is out and its tail is not, the other finds
 * intent and tail unequal, and steps over the record. (To look at the end mark
 * every time would fetch the line that the consumer looks at: 80 ns.)
 *
 * A hostile peer may change everything here, one's own cursors too. So each
 * word is loaded once into a local and checked, and every address is computed
 * from checked locals: whatever the segment holds, nothing outside the ring is
 * touched. Nonsense is reported as ST_PROTOCOL, or ends as nonsense in what the
 * peer itself sends.
 *
 * Memory order. Two pairs carry data: ring_publish (release) with ring_observe
 * (acquire) hands records over, ring_consume (release) with the acquire in
 * ring_reserve_far hands room back. Two pairs carry sleep, and need a full
 * fence on both sides, because each side stores one word and then loads the
 * one that the other side stores:
 *
 *     sleeper                          waker
 *     asleep = 1                       publish a header (or a head)
 *     fence   (ring_announce_sleep)    fence   (ring_sleeper)
 *     look at the header (or head)     look at asleep
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
 * An idle ring starts over at its first byte now and then, so that a connection
 * with little traffic stays in fewer pages. The producer looks whether the ring
 * is empty whenever a record crosses a multiple of this. What is skipped counts
 * as full until the consumer has passed it, so this is also the room that a
 * burst finds at least: programs may count on much.
 */
#define SHM_REWIND (128u << 10)

/* Room for one record, not yet published. */
struct ring_place {
	uint64_t at;   /* cursor of the record */
	uint64_t skip; /* bytes before it that are left unused */
	uint64_t next; /* cursor behind it */
	uint8_t *payload;
	uint32_t len;
};

struct ring_record {
	const uint8_t *payload;
	uint64_t next; /* head behind it */
	uint32_t len;
	uint32_t kind;
};

static inline uint64_t ring_record_size(uint64_t len)
{
	return (SHM_RECORD_HEADER + len + 7) & ~UINT64_C(7);
}

/* The word at a cursor, which must be a multiple of 8. */
static inline _Atomic uint64_t *ring_word(const struct shm_ring *r,
	uint64_t cursor)
{
	return (_Atomic uint64_t *)(void *)(r->data + (cursor & (r->size - 1)));
}

static inline bool ring_sane(const struct shm_ring *r, uint64_t tail,
	uint64_t head)
{
	return ((tail | head) & 7) == 0 && tail - head <= r->size;
}

/* ---- producer -------------------------------------------------------- */

/* The general case of ring_reserve: looks at the consumer's head, goes around
 * the end of the ring, steps over what a killed process has left. */
enum status ring_reserve_far(const struct shm_ring *r, uint32_t len,
	uint32_t keep, struct ring_place *out);

/*
 * The intent is stored here and not between payload and header: those stores
 * follow each other, so that the consumer, which is looking, does not take the
 * line away in between (70 ns).
 */
static inline void ring_place_at(const struct shm_ring *r, uint64_t at,
	uint64_t skip, uint32_t len, struct ring_place *out)
{
	out->at = at;
	out->skip = skip;
	out->next = at + ring_record_size(len);
	out->payload = (uint8_t *)ring_word(r, at) + SHM_RECORD_HEADER;
	out->len = len;
	atomic_store_explicit(&r->words->intent, out->next,
		memory_order_relaxed);
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
	uint64_t intent = atomic_load_explicit(&r->words->intent,
		memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&r->words->head_cache,
		memory_order_relaxed);
	uint64_t at = tail & (r->size - 1), need = ring_record_size(len);
	bool stays = at / SHM_REWIND == (at + need) / SHM_REWIND;

	if (!stays || tail != intent || !ring_sane(r, tail, head) ||
	    r->size - (tail - head) < need + SHM_END_MARK + keep)
		return ring_reserve_far(r, len, keep, out);
	ring_place_at(r, tail, 0, len, out);
	return ST_OK;
}

/* Makes the record visible, with the unused bytes before it as a record of
 * their own. Pairs with ring_observe. */
static inline void ring_publish(const struct shm_ring *r,
	const struct ring_place *p, enum shm_kind kind)
{
	atomic_store_explicit(ring_word(r, p->next), 0, memory_order_relaxed);
	atomic_store_explicit(ring_word(r, p->at), SHM_HEADER(kind, p->len),
		memory_order_release);
	if (p->skip)
		atomic_store_explicit(ring_word(r, p->at - p->skip),
			SHM_HEADER(SHM_SKIP, p->skip - SHM_RECORD_HEADER),
			memory_order_release);
	atomic_store_explicit(&r->words->tail, p->next, memory_order_release);
}

/* True when the largest ordinary message has room. Looks afresh: for both
 * sides, after ring_announce_sleep or ring_sleeper. Nonsense counts as room:
 * who is woken will meet it. */
bool ring_writable(const struct shm_ring *r);

/* ---- consumer -------------------------------------------------------- */

/*
 * The oldest record, of any kind; it stays until ring_consume. ST_AGAIN none,
 * ST_PROTOCOL. Pairs with ring_publish.
 */
static inline enum status ring_observe(const struct shm_ring *r,
	struct ring_record *out)
{
	uint64_t head = atomic_load_explicit(&r->words->head,
		memory_order_relaxed);
	uint64_t word, need;

	if (head & 7)
		return ST_PROTOCOL;
	word = atomic_load_explicit(ring_word(r, head), memory_order_acquire);
	if (word == 0)
		return ST_AGAIN;
	need = ring_record_size((uint32_t)word);
	if (need > r->size - (head & (r->size - 1)))
		return ST_PROTOCOL;
	out->payload = (uint8_t *)ring_word(r, head) + SHM_RECORD_HEADER;
	out->next = head + need;
	out->len = (uint32_t)word;
	out->kind = (uint32_t)(word >> 32);
	return ST_OK;
}

/* True when there is a record, or nonsense. */
static inline bool ring_readable(const struct shm_ring *r)
{
	struct ring_record rec;

	return ring_observe(r, &rec) != ST_AGAIN;
}

/*
 * The cursor behind the last record there is; different after each one that
 * arrives. `known` is what an earlier call gave, or anything. May run beside
 * the consumer.
 */
uint64_t ring_end(const struct shm_ring *r, uint64_t known);

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
	atomic_store_explicit(asleep, 1, memory_order_release);
	atomic_thread_fence(memory_order_seq_cst);
}

/* After publishing: may somebody sleep? Pairs with ring_announce_sleep. */
static inline bool ring_sleeper(_Atomic uint32_t *asleep)
{
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(asleep, memory_order_acquire) != 0;
}

/* True for the one who has to ring. */
static inline bool ring_claim_sleeper(_Atomic uint32_t *asleep)
{
	return atomic_exchange_explicit(asleep, 0, memory_order_acq_rel) != 0;
}

#endif
