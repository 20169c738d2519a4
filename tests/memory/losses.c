/* SPDX-License-Identifier: MIT */
/* R183: mappings that the program itself changes. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define BOTH (PROT_READ | PROT_WRITE)

static void by_munmap(void)
{
	char *p = fresh(4 * PAGE);

	expect(p + PAGE, PAGE);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	check_told();
	CHECK(keeper->told_after() > 0);
	expect(p + 2 * PAGE, PAGE); /* a length that is no whole page */
	CHECK(munmap(p + 2 * PAGE, PAGE - 1) == 0);
	check_told();
}

static void by_mremap_moving(void)
{
	char *p = fresh(4 * PAGE), *to = fresh(4 * PAGE);

	expect(p, 4 * PAGE);
	CHECK(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		to) == to);
	check_told();
}

static void by_mremap_over(void)
{
	char *p = fresh(4 * PAGE), *to = fresh(4 * PAGE);

	expect(to, 4 * PAGE);
	CHECK(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		to) == to);
	check_told();
}

static void by_mremap_growing(void)
{
	char *p = fresh(4 * PAGE);

	expect(p, 4 * PAGE);
	CHECK(mremap(p, 4 * PAGE, 4000 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
	check_told();
}

static void by_mremap_shrinking(void)
{
	char *p = fresh(4 * PAGE);

	expect(p + 3 * PAGE, PAGE);
	CHECK(mremap(p, 4 * PAGE, 3 * PAGE, 0) == p);
	check_told();
}

static void by_mmap_fixed(void)
{
	char *p = fresh(4 * PAGE);

	expect(p + PAGE, 2 * PAGE);
	CHECK(mmap(p + PAGE, 2 * PAGE, BOTH, ANONYMOUS | MAP_FIXED, -1, 0) ==
		p + PAGE);
	check_told();
}

static void by_mmap64_fixed(void)
{
	char *p = fresh(4 * PAGE);

	expect(p, 4 * PAGE);
	CHECK(mmap64(p, 4 * PAGE, PROT_NONE, ANONYMOUS | MAP_FIXED, -1, 0) ==
		p);
	check_told();
}

static void by_madvise(int advice, int kind)
{
	char *p = mmap(NULL, 4 * PAGE, BOTH, kind | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	fill(p, 4 * PAGE);
	expect(p + PAGE, PAGE);
	CHECK(madvise(p + PAGE, PAGE, advice) == 0);
	check_told();
}

static void by_madvise_dontneed(void)
{
	by_madvise(MADV_DONTNEED, MAP_PRIVATE);
}

static void by_madvise_free(void)
{
	by_madvise(MADV_FREE, MAP_PRIVATE);
}

static void by_madvise_remove(void)
{
	by_madvise(MADV_REMOVE, MAP_SHARED);
}

/* What leaves the pages is not told. */
static void not_by_other_advice(void)
{
	char *p = fresh(4 * PAGE);

	expect(p, 4 * PAGE);
	CHECK(madvise(p, 4 * PAGE, MADV_WILLNEED) == 0);
	CHECK(madvise(p, 4 * PAGE, MADV_NORMAL) == 0);
	CHECK(mprotect(p, 4 * PAGE, PROT_READ) == 0);
	CHECK(keeper->told_before() == 0 && keeper->told_after() == 0);
}

/* The call may not be there, or not for this; it is told all the same. */
static void by_process_madvise(void)
{
	char *p = fresh(4 * PAGE);
	struct iovec range = {p, 4 * PAGE};
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	expect(p, 4 * PAGE);
	process_madvise(self, &range, 1, MADV_DONTNEED, 0);
	check_told();
}

static void by_remap_file_pages(void)
{
	char *p = mmap(NULL, 4 * PAGE, BOTH, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);

	CHECK(p != MAP_FAILED);
	fill(p, PAGE);
	expect(p, PAGE);
	if (remap_file_pages(p, PAGE, 0, 2, 0) != 0)
		skip("the system has no remap_file_pages");
	check_told();
}

static void by_brk(void)
{
	char *p;

	expect(NULL, 0); /* what the library itself gets comes first */
	p = sbrk(0);
	p += -(uintptr_t)p % PAGE;
	CHECK(brk(p + 8 * PAGE) == 0);
	fill(p, 8 * PAGE);
	expect(p + 4 * PAGE, 4 * PAGE);
	CHECK(brk(p + 4 * PAGE) == 0);
	check_told();
	expect(p + 2 * PAGE, 2 * PAGE);
	CHECK(sbrk(-2 * (long)PAGE) == p + 4 * PAGE);
	check_told();
}

static char *attach(char *at, int flags)
{
	int id = shmget(IPC_PRIVATE, 4 * PAGE, IPC_CREAT | 0600);
	char *p;

	if (id < 0)
		skip("the system has no shared memory of System V");
	p = shmat(id, at, flags);
	shmctl(id, IPC_RMID, NULL);
	CHECK(p != (char *)-1);
	return p;
}

static void by_shmdt(void)
{
	char *p = fill(attach(NULL, 0), 4 * PAGE);

	expect(p, 4 * PAGE);
	CHECK(shmdt(p) == 0);
	check_told();
}

static void by_shmat_remap(void)
{
	char *p = fresh(4 * PAGE);

	expect(p, 4 * PAGE);
	CHECK(attach(p, SHM_REMAP) == p);
	check_told();
}

static void by_number(void)
{
	char *p = fresh(8 * PAGE), *top;

	expect(p, PAGE);
	CHECK(syscall(SYS_madvise, p, PAGE, MADV_DONTNEED) == 0);
	check_told();
	expect(p + PAGE, PAGE);
	CHECK((char *)syscall(SYS_mmap, p + PAGE, PAGE, BOTH,
		ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE);
	check_told();
	expect(p + 2 * PAGE, PAGE);
	CHECK(syscall(SYS_munmap, p + 2 * PAGE, PAGE) == 0);
	check_told();
	expect(p + 3 * PAGE, PAGE);
	CHECK((char *)syscall(SYS_mremap, p + 3 * PAGE, PAGE, PAGE,
		MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
	check_told();
	expect(NULL, 0);
	top = (char *)syscall(SYS_brk, 0);
	CHECK((char *)syscall(SYS_brk, top + 3 * PAGE) == top + 3 * PAGE);
	fill(top + PAGE, 2 * PAGE);
	expect(top + PAGE, PAGE);
	syscall(SYS_brk, top);
	check_told();
}

static void by_dlclose(void)
{
	void *lib = dlopen(getenv("MEMORY_LIBRARY"), RTLD_NOW);
	char *p = lib ? dlsym(lib, "buffer") : NULL;

	CHECK(p != NULL);
	fill(p, 1 << 20);
	expect(p, 1 << 20);
	CHECK(dlclose(lib) == 0);
	check_told();
}

static void *use_stack(void *arg)
{
	char room[4 * PAGE];

	/* Its upper end is in use until the thread has ended. */
	expect(fill(room, sizeof room), sizeof room / 2);
	return NULL;
}

/* More than the C library keeps for the next thread. */
static void by_end_of_thread(void)
{
	pthread_attr_t attr;
	pthread_t t;

	expect(NULL, 0);
	pthread_attr_init(&attr);
	CHECK(pthread_attr_setstacksize(&attr, 256 << 20) == 0);
	CHECK(pthread_create(&t, &attr, use_stack, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	check_told();
}

/* A page may be copied away from its owner after a fork. */
static void by_fork(void)
{
	char *p = fresh(4 * PAGE);
	int status;
	pid_t child;

	expect(p, 4 * PAGE);
	child = fork();
	if (child == 0) { /* where the calls go on to work */
		CHECK(munmap(p, 4 * PAGE) == 0);
		heap_give(heap_get(1 << 20));
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(status == 0);
	CHECK(keeper->told_before() > 0);
}

const struct memory_case loss_cases[] = {
	{"munmap_is_told", by_munmap},
	{"mremap_that_moves_is_told", by_mremap_moving},
	{"mremap_over_something_is_told", by_mremap_over},
	{"mremap_that_grows_is_told", by_mremap_growing},
	{"mremap_that_shrinks_is_told", by_mremap_shrinking},
	{"mmap_over_something_is_told", by_mmap_fixed},
	{"mmap64_over_something_is_told", by_mmap64_fixed},
	{"madvise_dontneed_is_told", by_madvise_dontneed},
	{"madvise_free_is_told", by_madvise_free},
	{"madvise_remove_is_told", by_madvise_remove},
	{"advice_that_leaves_pages_is_not_told", not_by_other_advice},
	{"process_madvise_is_told", by_process_madvise},
	{"remap_file_pages_is_told", by_remap_file_pages},
	{"brk_and_sbrk_downwards_are_told", by_brk},
	{"shmdt_is_told", by_shmdt},
	{"shmat_over_something_is_told", by_shmat_remap},
	{"calls_by_number_are_told", by_number},
	{"dlclose_is_told", by_dlclose},
	{"the_stack_of_an_ended_thread_is_told", by_end_of_thread},
	{"fork_is_told", by_fork},
	{NULL, NULL},
};
