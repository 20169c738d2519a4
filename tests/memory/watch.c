/* SPDX-License-Identifier: MIT */
/* When the C library is changed, and what happens when it cannot be. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cases.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

/* Pages of code that come from no file. */
static unsigned changed_pages(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], rights[8];
	unsigned long inode;
	unsigned n = 0;

	CHECK(maps != NULL);
	while (fgets(line, sizeof line, maps))
		if (sscanf(line, "%*s %7s %*s %*s %lu", rights, &inode) == 2 &&
			strcmp(rights, "r-xp") == 0 && inode == 0 &&
			!strchr(line, '['))
			n++;
	fclose(maps);
	return n;
}

static void check_changed(bool wanted)
{
	int ends[2];

	CHECK(changed_pages() == 0);
	connect_to_self(ends);
	CHECK((changed_pages() > 0) == wanted);
}

static void changed(void)
{
	check_changed(true);
}

static void unchanged(void)
{
	check_changed(false);
}

enum { LEN = 1 << 20, ROUNDS = 50 };

static void *send_rounds(void *arg)
{
	int s = *(int *)arg;
	char *from = fresh(LEN), go;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK(read(s, &go, 1) == 1);
		usleep(200); /* it blocks by now, and says so */
		CHECK(recv(s, &go, 1, MSG_DONTWAIT) == -1);
		CHECK(send(s, memset(from, i, LEN), LEN, 0) == LEN);
	}
	return NULL;
}

/* All of it arrives, and nothing stays registered. */
static void check_not_kept(void)
{
	int ends[2];
	unsigned before;
	pthread_t t;
	char *p;

	connect_to_self(ends);
	CHECK(keeper != NULL && changed_pages() == 0);
	keeper->use_adapter();
	before = keeper->pinned();
	CHECK(pthread_create(&t, NULL, send_rounds, &ends[0]) == 0);
	p = fresh(LEN);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(write(ends[1], "", 1) == 1);
		CHECK(recv(ends[1], p, LEN, MSG_WAITALL) == LEN);
		CHECK(p[0] == (char)i && p[LEN / 2] == (char)i &&
			p[LEN - 1] == (char)i);
		CHECK(mmap(p, LEN, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	}
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(keeper->pulls() > ROUNDS / 2);
	CHECK(keeper->pins_made() >= keeper->pulls());
	CHECK(keeper->pinned() <= before + 1); /* goes with the next */
}

static void refused(void)
{
	if (prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0)
		skip("the system cannot refuse executable memory");
	check_not_kept();
}

static _Atomic bool over;

static void *map_and_unmap(void *arg)
{
	while (!atomic_load(&over)) {
		char *p = fresh(PAGE);

		madvise(p, PAGE, MADV_DONTNEED);
		CHECK(*p == 0);
		CHECK(munmap(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE),
			2 * PAGE) == 0);
		heap_give(fill(heap_get(300 << 10), 300 << 10));
	}
	return NULL;
}

/* What is changed is running. */
static void changed_under_load(void)
{
	pthread_t t[4];
	int ends[2];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, map_and_unmap, NULL) == 0);
	usleep(20000);
	connect_to_self(ends);
	CHECK(changed_pages() > 0);
	usleep(100000);
	atomic_store(&over, true);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(keeper->callbacks() > 100);
}

const struct memory_case watch_cases[] = {
	{"code_is_changed_with_the_provider", changed},
	{"code_is_not_changed_without_need", unchanged},
	{"code_is_changed_while_it_runs", changed_under_load},
	{"nothing_is_kept_where_code_cannot_be_changed", refused},
	{"nothing_is_kept_when_told_so", check_not_kept},
	{NULL, NULL},
};
