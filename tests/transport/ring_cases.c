/* SPDX-License-Identifier: MIT */
/* The ring by itself: who sleeps and who wakes, at the same instant. */
#include <stdlib.h>

#include "pair.h"
#include "transport/shm/shm_ring.h"

#define ROUNDS 300000
#define OVER UINT32_MAX
/* Under a sanitizer, on a busy machine, fewer must do. */
#define ENOUGH_TIME (UINT64_C(10) * 1000 * 1000 * 1000)

/* Two threads that do one thing each per round, as nearly at once as can be. */
struct race {
	struct shm_ring ring;
	struct shm_ring_words words;
	_Atomic uint32_t round; /* begun by the first thread, or OVER */
	_Atomic uint32_t done;  /* rounds the second has finished */
	_Atomic uint32_t woken; /* the waker saw a sleeper */
	void (*other)(struct race *r);
};

static struct race *race_new(void (*other)(struct race *r))
{
	struct race *r = os_shared_alloc(sizeof *r); /* aligned */

	r->other = other;
	r->ring.words = &r->words;
	r->ring.size = SHM_RING_SIZE;
	r->ring.data = calloc(1, SHM_RING_SIZE);
	return r;
}

static void race_free(struct race *r)
{
	free(r->ring.data);
	os_shared_free(r, sizeof *r);
}

/* Until it is another; which. */
static uint32_t wait_change(_Atomic uint32_t *word, uint32_t from)
{
	unsigned looks = 0;
	uint32_t now;

	while ((now = atomic_load(word)) == from)
		if (++looks % 1000 == 0)
			os_yield();
	return now;
}

static void run_other(void *arg)
{
	struct race *r = arg;
	uint32_t round = 0;

	while ((round = wait_change(&r->round, round)) != OVER) {
		r->other(r);
		atomic_store(&r->done, round);
	}
}

static void publish_and_look(struct race *r)
{
	struct ring_place place;

	CHECK_OK(ring_reserve(&r->ring, 8, 0, &place));
	ring_publish(&r->ring, &place, SHM_DATA);
	atomic_store(&r->woken, ring_sleeper(&r->words.reader_asleep));
}

static void consume_and_look(struct race *r)
{
	struct ring_record rec;

	CHECK_OK(ring_observe(&r->ring, &rec));
	ring_consume(&r->ring, &rec);
	atomic_store(&r->woken, ring_sleeper(&r->words.writer_asleep));
}

static struct race *race_start(void (*other)(struct race *r),
	struct os_thread *t)
{
	struct race *r = race_new(other);

	CHECK_OK(os_thread_start(t, "waker", run_other, r));
	return r;
}

static void race_end(struct race *r, struct os_thread *t)
{
	atomic_store(&r->round, OVER);
	os_thread_join(t);
	race_free(r);
}

/* Some rounds a little later than others. */
static void begin(struct race *r, uint32_t round, uint32_t *state)
{
	atomic_store_explicit(&r->round, round, memory_order_release);
	for (volatile uint32_t n = random_next(state) % 64; n > 0; n--)
		;
}

CASE(a_reader_going_to_sleep_and_a_message_never_miss_each_other)
{
	uint64_t limit = os_now() + ENOUGH_TIME;
	struct ring_record rec;
	struct os_thread t;
	struct race *r = race_start(publish_and_look, &t);
	uint32_t state = 1;

	for (uint32_t i = 1; i <= ROUNDS && os_now() < limit; i++) {
		bool seen;

		begin(r, i, &state);
		ring_announce_sleep(&r->words.reader_asleep);
		seen = ring_readable(&r->ring);
		wait_change(&r->done, i - 1);
		if (!seen && !atomic_load(&r->woken))
			FAIL("round %u: asleep for ever", i);
		CHECK_OK(ring_observe(&r->ring, &rec));
		ring_consume(&r->ring, &rec);
		atomic_store(&r->words.reader_asleep, 0);
	}
	race_end(r, &t);
}

static void put(struct race *r)
{
	struct ring_place place;

	CHECK_OK(ring_reserve(&r->ring, SHM_MESSAGE_MAX, 0, &place));
	ring_publish(&r->ring, &place, SHM_DATA);
}

/* Two messages: after one has gone there is room for the largest, at once. */
CASE(a_writer_going_to_sleep_and_room_never_miss_each_other)
{
	uint64_t limit = os_now() + ENOUGH_TIME;
	struct ring_record rec;
	struct os_thread t;
	struct race *r = race_start(consume_and_look, &t);
	uint32_t state = 1;

	for (uint32_t i = 1; i <= ROUNDS && os_now() < limit; i++) {
		bool seen;

		while (ring_writable(&r->ring))
			put(r);
		begin(r, i, &state);
		ring_announce_sleep(&r->words.writer_asleep);
		seen = ring_writable(&r->ring);
		wait_change(&r->done, i - 1);
		if (!seen && ring_writable(&r->ring) &&
		    !atomic_load(&r->woken))
			FAIL("round %u: asleep for ever", i);
		while (ring_observe(&r->ring, &rec) == ST_OK)
			ring_consume(&r->ring, &rec);
		atomic_store(&r->words.writer_asleep, 0);
	}
	race_end(r, &t);
}
