/* SPDX-License-Identifier: MIT */
/*
 * test.h - a process per test, with a deadline, and TAP on standard output.
 *
 * A test is a function; it passes when it returns. CHECK ends it (and any
 * process that it forked) with a line that says where. SKIP says why.
 */
#ifndef WSD_TESTS_OS_TEST_H
#define WSD_TESTS_OS_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "os/os.h"

#define MS(n) ((uint64_t)(n) * 1000000u)
#define TEST_SKIPPED 77

#define CHECK(cond)                                                           \
	do {                                                                  \
		if (!(cond))                                                  \
			check_failed(__FILE__, __LINE__, #cond);              \
	} while (0)

/* An enum status, with its name when it is another one. */
#define CHECK_ST(call, want) check_status(__FILE__, __LINE__, #call, call, want)

#define SKIP(why)                                                             \
	do {                                                                  \
		printf("# skipped: %s\n", why);                               \
		fflush(stdout);                                               \
		_exit(TEST_SKIPPED);                                          \
	} while (0)

_Noreturn void check_failed(const char *file, int line, const char *what);
void check_status(const char *file, int line, const char *what,
	enum status got, enum status want);

/* Forks; the child runs fn and ends. */
pid_t spawn(void (*fn)(void *arg), void *arg);
/* Waits for the child; it must have ended well. */
void reap(pid_t pid);
/* Sleeps in the kernel until killed. */
void hang(void *unused);

/* What os_test does when started as "os_test log_lines". */
int log_lines(void);

/* Descriptors this process has open. */
unsigned count_handles(void);

struct test {
	const char *name;
	void (*fn)(void);
};

extern const struct test link_tests[], wait_tests[], process_tests[],
	lock_tests[], memory_tests[], net_tests[], file_tests[];

#endif
