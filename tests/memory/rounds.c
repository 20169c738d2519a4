/* SPDX-License-Identifier: MIT */
/*
 * R185: data that an adapter stores into memory which comes and goes, seen from
 * a real program. The adapter (adapter.h) has the pages that were there when
 * the memory was registered.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"

#define LEAST ((size_t)128 << 10)
#define MOST ((size_t)1 << 20)
#define LARGEST ((size_t)16 << 20) /* the mock's limit of one transfer */

/* ---- ways to get memory and to lose it ------------------------------- */

struct way {
	void *(*get)(void **state, size_t len);
	void (*lose)(void **state, void *p, size_t len);
};

static void *block_get(void **state, size_t len)
{
	return heap_get(len);
}

static void block_lose(void **state, void *p, size_t len)
{
	heap_give(p);
}

/* Room that lasts, at one address. */
static char *room(void **state)
{
	if (!*state)
		*state = fresh(2 * MOST);
	return *state;
}

static void *map_get(void **state, size_t len)
{
	char *at = room(state);

	CHECK(mmap(at, MOST, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
			at || *at == MARK);
	return at;
}

static void map_lose(void **state, void *p, size_t len)
{
	CHECK(munmap(p, MOST) == 0);
}

static void *room_get(void **state, size_t len)
{
	return room(state);
}

static void over_lose(void **state, void *p, size_t len)
{
	CHECK(mmap(p, MOST, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
}

static void advise_lose(void **state, void *p, size_t len)
{
	CHECK(madvise(p, MOST, MADV_DONTNEED) == 0);
}

/* Other pages move to the place. */
static void move_lose(void **state, void *p, size_t len)
{
	char *other = fresh(MOST);

	CHECK(mremap(other, MOST, MOST, MREMAP_MAYMOVE | MREMAP_FIXED, p) ==
		p);
}

static void *resize_get(void **state, size_t len)
{
	*state = heap_resize(*state, len);
	return *state;
}

static void nothing_lose(void **state, void *p, size_t len)
{
}

static const struct way heap = {block_get, block_lose};
static const struct way mapped = {map_get, map_lose};
static const struct way replaced = {room_get, over_lose};
static const struct way advised = {room_get, advise_lose};
static const struct way moved = {room_get, move_lose};
static const struct way resized = {resize_get, nothing_lose};
static const struct way kept = {room_get, nothing_lose};

/* ---- streams --------------------------------------------------------- */

struct stream {
	const struct way *way;
	unsigned rounds;
	size_t most;
	bool careless; /* wrong data is counted only */
	unsigned wrong;
	int ends[2];
	pthread_t writer, reader;
};

static size_t length(const struct stream *s, unsigned round)
{
	uint32_t x = round * 2654435761u;

	return LEAST + (x >> 4) % ((s->most - LEAST) / 64) * 64;
}

static uint64_t word(unsigned round, size_t i)
{
	return (uint64_t)(round + 1) * 0x9e3779b97f4a7c15u + i;
}

/* A signal ends a call early when some bytes have been moved. */
static void send_all(int fd, const char *from, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, from, len, 0);

		CHECK(n > 0);
		from += n;
		len -= (size_t)n;
	}
}

static void receive_all(int fd, char *to, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, to, len, MSG_WAITALL);

		CHECK(n > 0);
		to += n;
		len -= (size_t)n;
	}
}

static void *write_all(void *arg)
{
	struct stream *s = arg;
	uint64_t *from = (uint64_t *)fresh(s->most);

	for (unsigned r = 0; r < s->rounds; r++) {
		size_t len = length(s, r);
		struct timespec soon = {0, 50000};
		char go;

		for (size_t i = 0; i < len / 8; i++)
			from[i] = word(r, i);
		CHECK(read(s->ends[0], &go, 1) == 1);
		nanosleep(&soon, NULL); /* it blocks by now, and says so */
		CHECK(recv(s->ends[0], &go, 1, MSG_DONTWAIT) == -1);
		send_all(s->ends[0], (char *)from, len);
	}
	munmap(from, s->most);
	return NULL;
}

static bool is_right(const uint64_t *got, size_t len, unsigned round)
{
	for (size_t i = 0; i < len / 8; i++)
		if (got[i] != word(round, i))
			return false;
	return true;
}

static void *read_all(void *arg)
{
	struct stream *s = arg;
	void *state = NULL;

	for (unsigned r = 0; r < s->rounds; r++) {
		size_t len = length(s, r);
		char *p = s->way->get(&state, len);

		memset(p, 0x11, len);
		CHECK(write(s->ends[1], "", 1) == 1);
		receive_all(s->ends[1], p, len);
		if (!is_right((uint64_t *)p, len, r)) {
			CHECK(s->careless);
			s->wrong++;
		}
		s->way->lose(&state, p, len);
	}
	return NULL;
}

static void streams_run(struct stream *all, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		connect_to_self(all[i].ends);
	CHECK(keeper != NULL);
	if (!keeper->use_adapter())
		skip("no io_uring with registered buffers here");
	for (struct stream *s = all; s < all + count; s++) {
		CHECK(pthread_create(&s->writer, NULL, write_all, s) == 0);
		CHECK(pthread_create(&s->reader, NULL, read_all, s) == 0);
	}
	for (struct stream *s = all; s < all + count; s++) {
		CHECK(pthread_join(s->writer, NULL) == 0);
		CHECK(pthread_join(s->reader, NULL) == 0);
		CHECK(close(s->ends[0]) == 0 && close(s->ends[1]) == 0);
	}
}

/* Enough went the way that is of interest here. */
static void way_run(const struct way *way, unsigned rounds, size_t most)
{
	struct stream s = {.way = way, .rounds = rounds, .most = most};

	streams_run(&s, 1);
	CHECK(keeper->pulls() > rounds / 2);
}

#ifdef __SANITIZE_THREAD__
enum { ROUNDS = 200 };
#else
enum { ROUNDS = 1000 };
#endif

/* Each block is mapped, and unmapped when it is freed. */
static void heap_rounds(void)
{
	heap_tune(M_MMAP_THRESHOLD, 64 << 10);
	way_run(&heap, ROUNDS, MOST);
	CHECK(keeper->pins_made() > ROUNDS / 2);
}

/* Blocks lie in the heap, which gives its top back each time. */
static void top_rounds(void)
{
	heap_tune(M_MMAP_THRESHOLD, 1 << 30);
	heap_tune(M_TRIM_THRESHOLD, 0);
	heap_tune(M_TOP_PAD, 0);
	way_run(&heap, ROUNDS, MOST);
	CHECK(keeper->pins_made() > ROUNDS / 2);
}

static void large_rounds(void)
{
	heap_tune(M_MMAP_THRESHOLD, 64 << 10);
	way_run(&heap, 30, LARGEST);
}

/* What one transfer cannot move several do, as long as the connection lasts. */
static void beyond_rounds(void)
{
	enum { BEYOND = 12 };

	heap_tune(M_MMAP_THRESHOLD, 64 << 10);
	way_run(&heap, BEYOND, 3 * LARGEST);
	CHECK(keeper->pulls() > BEYOND);
}

static void mapped_rounds(void)
{
	way_run(&mapped, ROUNDS, MOST);
}

static void replaced_rounds(void)
{
	way_run(&replaced, ROUNDS, MOST);
}

static void advised_rounds(void)
{
	way_run(&advised, ROUNDS, MOST);
}

static void moved_rounds(void)
{
	way_run(&moved, ROUNDS, MOST);
}

static void resized_rounds(void)
{
	way_run(&resized, ROUNDS, 4 * MOST);
}

/* R181: what is not lost is not registered anew. */
static void kept_rounds(void)
{
	way_run(&kept, 300, MOST);
	CHECK(keeper->pins_made() < 30);
}

static void rounds_at_once(void)
{
	struct stream all[] = {
		{.way = &heap, .rounds = ROUNDS / 3, .most = MOST},
		{.way = &advised, .rounds = ROUNDS / 3, .most = MOST},
		{.way = &heap, .rounds = ROUNDS / 3, .most = MOST},
		{.way = &moved, .rounds = ROUNDS / 3, .most = MOST},
	};

	heap_tune(M_TRIM_THRESHOLD, 0);
	streams_run(all, 4);
	CHECK(keeper->pulls() > ROUNDS / 3);
}

static void map_in_handler(int number)
{
	munmap(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		PAGE);
}

/* Wherever the program is: in the heap, in the switch, in the provider. */
static void rounds_with_signals(void)
{
	struct sigaction act = {.sa_handler = map_in_handler,
		.sa_flags = SA_RESTART};
	struct itimerval often = {{0, 300}, {0, 300}};
	struct stream s = {.way = &heap, .rounds = ROUNDS / 3, .most = MOST};

	CHECK(sigaction(SIGPROF, &act, NULL) == 0);
	CHECK(setitimer(ITIMER_PROF, &often, NULL) == 0);
	heap_tune(M_MMAP_THRESHOLD, 64 << 10);
	streams_run(&s, 1); /* a pull that a signal ends may be the last */
	CHECK(keeper->pulls() > 0);
}

/* This test can fail: without the callback, old pages are used. */
static void deaf_rounds(void)
{
	struct stream s = {.way = &mapped, .rounds = 100, .most = MOST,
		.careless = true};
	int ends[2];

	connect_to_self(ends);
	keeper->be_deaf();
	streams_run(&s, 1);
	CHECK(s.wrong > 10);
}

const struct memory_case round_cases[] = {
	{"blocks_of_the_heap_get_new_data", heap_rounds},
	{"blocks_at_the_top_of_the_heap_get_new_data", top_rounds},
	{"large_blocks_of_the_heap_get_new_data", large_rounds},
	{"blocks_beyond_the_limit_of_a_transfer_get_new_data", beyond_rounds},
	{"memory_mapped_again_gets_new_data", mapped_rounds},
	{"memory_mapped_over_gets_new_data", replaced_rounds},
	{"memory_not_needed_for_a_while_gets_new_data", advised_rounds},
	{"memory_moved_to_gets_new_data", moved_rounds},
	{"blocks_that_change_their_size_get_new_data", resized_rounds},
	{"memory_that_stays_is_registered_once", kept_rounds},
	{"several_threads_get_new_data", rounds_at_once},
	{"signal_handlers_may_unmap_anywhere", rounds_with_signals},
	{"without_the_callback_old_pages_are_used", deaf_rounds},
	{NULL, NULL},
};
