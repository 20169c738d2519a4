/* SPDX-License-Identifier: MIT */
/*
 * test.h - a process per test, with a deadline, and TAP on standard output.
 *
 * A test is a function; it passes when it returns. CHECK ends it (and any
 * process that it started) with a line that says where. SKIP says why. Each
 * runs in this program started again, so nothing is left of the one before.
 *
 * Files called NAME_test.c hold for every system, NAME_linux_test.c and
 * NAME_windows_test.c for one; groups_SYSTEM.c lists what a system has.
 */
#ifndef WSD_TESTS_OS_TEST_H
#define WSD_TESTS_OS_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/os.h"
#include "os/os_child.h"

#define MS(n) ((uint64_t)(n) * 1000000u)
#define TEST_SKIPPED 77
#define TEST_SECONDS 60

#define CHECK(cond)                                                           \
	do {                                                                  \
		if (!(cond))                                                  \
			check_failed(__FILE__, __LINE__, #cond);              \
	} while (0)

/* An enum status, with its name when it is another one. */
#define CHECK_ST(call, want) check_status(__FILE__, __LINE__, #call, call, want)

#define SKIP(why) test_skip(why)

_Noreturn void check_failed(const char *file, int line, const char *what);
void check_status(const char *file, int line, const char *what,
	enum status got, enum status want);
_Noreturn void test_skip(const char *why);

/* Starts this program as one of test_roles. */
struct os_child role_start(const char *name);

struct test {
	const char *name;
	void (*fn)(void);
};

extern const struct test address_tests[], file_tests[], peer_tests[],
	peer_roles[], rendezvous_tests[], segment_tests[], thread_tests[],
	wait_tests[];

/* What this system has, and what this program does as a child; NULL last. */
extern const struct test *const test_groups[];
extern const struct test *const test_roles[];

#endif
