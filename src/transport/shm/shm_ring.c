/* SPDX-License-Identifier: MIT */
#include "transport/shm/shm_ring.h"

/* Records that one killed process can have left: a skip and a message. */
#define LEFT_BEHIND_MAX 2
/* A consumer in another thread may be faster than we, but not so often. */
#define WALK_TRIES 16

/* Behind the records that are out already; ST_PROTOCOL. */
static enum status step_over(const struct shm_ring *r, uint64_t *tail)
{
	for (int i = 0; i <= LEFT_BEHIND_MAX; i++) {
		uint64_t word, need;

		if (*tail & 7)
			return ST_PROTOCOL;
		word = atomic_load_explicit(ring_word(r, *tail),
			memory_order_relaxed);
		if (word == 0)
			return ST_OK;
		need = ring_record_size((uint32_t)word);
		if (need > r->size - (*tail & (r->size - 1)))
			return ST_PROTOCOL;
		*tail += need;
	}
	return ST_PROTOCOL;
}

static enum status find_tail(const struct shm_ring *r, uint64_t *out)
{
	struct shm_ring_words *w = r->words;
	uint64_t tail = atomic_load_explicit(&w->tail, memory_order_relaxed);

	if (tail != atomic_load_explicit(&w->intent, memory_order_relaxed)) {
		enum status st = step_over(r, &tail);

		if (st != ST_OK)
			return st;
		atomic_store_explicit(&w->intent, tail, memory_order_relaxed);
		atomic_store_explicit(&w->tail, tail, memory_order_release);
	}
	*out = tail;
	return ST_OK;
}

/*
 * Bytes to leave unused before the record: up to the end of the ring when it
 * does not fit there, or when the ring is empty and has wandered off.
 */
static uint64_t bytes_to_skip(const struct shm_ring *r, uint64_t tail,
	uint64_t head, uint64_t need)
{
	uint64_t at = tail & (r->size - 1), rest = r->size - at;
	bool wandered = tail == head && at >= SHM_REWIND;

	if (rest < need ||
	    (wandered && need + SHM_END_MARK + SHM_RESERVE <= at))
		return rest;
	return 0;
}

enum status ring_reserve_far(const struct shm_ring *r, uint32_t len,
	uint32_t keep, struct ring_place *out)
{
	struct shm_ring_words *w = r->words;
	/* Pairs with ring_consume: what is released is not read any more. */
	uint64_t head = atomic_load_explicit(&w->head, memory_order_acquire);
	uint64_t need = ring_record_size(len), tail, skip;

	if (find_tail(r, &tail) != ST_OK || !ring_sane(r, tail, head))
		return ST_PROTOCOL;
	atomic_store_explicit(&w->head_cache, head, memory_order_relaxed);
	skip = bytes_to_skip(r, tail, head, need);
	if (r->size - (tail - head) < skip + need + SHM_END_MARK + keep)
		return ST_AGAIN;
	ring_place_at(r, tail + skip, skip, len, out);
	return ST_OK;
}

bool ring_writable(const struct shm_ring *r)
{
	struct shm_ring_words *w = r->words;
	uint64_t tail = atomic_load_explicit(&w->tail, memory_order_acquire);
	uint64_t head = atomic_load_explicit(&w->head, memory_order_acquire);
	uint64_t rest = r->size - (tail & (r->size - 1));
	uint64_t need = ring_record_size(SHM_MESSAGE_MAX);

	if (!ring_sane(r, tail, head))
		return true;
	if (rest < need)
		need += rest;
	return r->size - (tail - head) >= need + SHM_END_MARK + SHM_RESERVE;
}

/* From record to record to the end mark. */
static uint64_t walk(const struct shm_ring *r, uint64_t from)
{
	uint64_t at = from;

	while ((at & 7) == 0 && at - from < r->size) {
		uint64_t word = atomic_load_explicit(ring_word(r, at),
			memory_order_acquire);
		uint64_t need = ring_record_size((uint32_t)word);

		if (word == 0 || need > r->size - (at & (r->size - 1)))
			break;
		at += need;
	}
	return at;
}

/*
 * The tail would tell, but in a line of its own. What lies before the head may
 * be overwritten: so if the head has passed the place where we began, what we
 * have seen is worth nothing.
 */
uint64_t ring_end(const struct shm_ring *r, uint64_t known)
{
	_Atomic uint64_t *place = &r->words->head;
	uint64_t head = atomic_load_explicit(place, memory_order_acquire);

	for (int tries = 0; tries < WALK_TRIES; tries++) {
		uint64_t from = (int64_t)(known - head) < 0 ? head : known;

		uint64_t end = walk(r, from);

		head = atomic_load_explicit(place, memory_order_acquire);
		if ((int64_t)(from - head) >= 0)
			return end;
	}
	return head;
}
