/* SPDX-License-Identifier: MIT */
/* R183: mappings that the C library's heap changes, out of anybody's sight. */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>

#include "cases.h"

/* The pages that lie wholly in a block: what is left of it may share a page
 * with another. */
static void expect_block(char *p, size_t len)
{
	size_t skipped = 2 * PAGE - (uintptr_t)p % PAGE;

	fill(p, len);
	expect(p + skipped, (len - skipped) / PAGE * PAGE - PAGE);
}

static void by_free(void)
{
	expect(NULL, 0);
	for (size_t len = 256 << 10; len <= 64 << 20; len *= 2) {
		char *p = heap_get(len + 4 * PAGE);

		expect_block(p, len + 4 * PAGE);
		heap_give(p);
		/* The first was mapped; then the heap may have got larger
		 * blocks, and keeps a few at its top. */
		if (len == 256 << 10 || len >= 32 << 20)
			check_told();
	}
}

static void by_realloc(void)
{
	char *p;

	expect(NULL, 0);
	p = heap_get(33 << 20);
	expect_block(p, 33 << 20);
	p = heap_resize(p, (size_t)400 << 20); /* moves as a whole */
	check_told();
	expect(p + (64 << 20), 64 << 20);
	fill(p + (64 << 20), 64 << 20);
	heap_resize(p, 40 << 20);
	check_told();
}

enum { BLOCKS = 100, BLOCK = 100 << 10 }; /* below what is mapped */

static char *blocks[BLOCKS];

static void take_blocks(void)
{
	expect(NULL, 0);
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = fill(heap_get(BLOCK), BLOCK);
}

static void give_blocks(int from)
{
	char *middle = blocks[BLOCKS / 2];

	/* One small page, far from what the heap notes at a block's ends. */
	middle += BLOCK / 2;
	expect(middle - (uintptr_t)middle % 4096, 4096);
	for (int i = BLOCKS - 1; i >= from; i--)
		heap_give(blocks[i]);
}

static void by_top_of_heap(void)
{
	take_blocks();
	give_blocks(0);
	check_told();
}

static void by_malloc_trim(void)
{
	void *above;

	take_blocks();
	above = heap_get(1000);
	give_blocks(1);
	CHECK(malloc_trim(0) == 1);
	check_told();
	heap_give(above);
}

static void *use_heap(void *arg)
{
	take_blocks();
	give_blocks(0);
	return NULL;
}

/* Threads have heaps of their own, which shrink in another way. */
static void by_top_of_another_heap(void)
{
	pthread_t t;

	expect(NULL, 0);
	CHECK(pthread_create(&t, NULL, use_heap, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	check_told();
}

const struct memory_case heap_cases[] = {
	{"free_of_large_blocks_is_told", by_free},
	{"realloc_of_large_blocks_is_told", by_realloc},
	{"free_at_the_top_of_the_heap_is_told", by_top_of_heap},
	{"malloc_trim_is_told", by_malloc_trim},
	{"free_at_the_top_of_a_thread's_heap_is_told", by_top_of_another_heap},
	{NULL, NULL},
};
