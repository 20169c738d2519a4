/* SPDX-License-Identifier: MIT */
#include "transport/shm/shm_ring.h"

/*
 * Bytes to leave unused before the record: up to the end of the ring when it
 * does not fit there, or when the ring is empty and has wandered off.
 */
static uint64_t bytes_to_skip(const struct shm_ring *r, uint64_t tail,
	uint64_t head, uint64_t need)
{
	uint64_t at = tail & (r->size - 1), rest = r->size - at;
	bool wandered = tail == head && at >= SHM_REWIND;

	if (rest < need || (wandered && need + SHM_RESERVE <= at))
		return rest;
	return 0;
}

enum status ring_reserve_far(const struct shm_ring *r, uint32_t len,
	uint32_t keep, struct ring_place *out)
{
	struct shm_ring_words *w = r->words;
	uint64_t tail = atomic_load_explicit(&w->tail, memory_order_relaxed);
	/* Pairs with ring_consume: what is released is not read any more. */
	uint64_t head = atomic_load_explicit(&w->head, memory_order_acquire);
	uint64_t need = ring_record_size(len), skip;

	if (!ring_sane(r, tail, head))
		return ST_PROTOCOL;
	atomic_store_explicit(&w->head_cache, head, memory_order_relaxed);
	skip = bytes_to_skip(r, tail, head, need);
	if (r->size - (tail - head) < skip + need + keep)
		return ST_AGAIN;
	if (skip)
		ring_mark(r->data + (tail & (r->size - 1)),
			(uint32_t)(skip - SHM_RECORD_HEADER), SHM_SKIP);
	ring_place_at(r, tail + skip, len, out);
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
	return r->size - (tail - head) >= need + SHM_RESERVE;
}
