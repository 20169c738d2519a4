/* SPDX-License-Identifier: MIT */
/*
 * switch_test.h - small tests of pure code: each is a function, a failed CHECK
 * ends the program.
 */
#ifndef WSD_TESTS_SWITCH_TEST_H
#define WSD_TESTS_SWITCH_TEST_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(cond)                                                           \
	do {                                                                  \
		if (!(cond)) {                                                \
			printf("not ok - %s:%d: %s\n", __FILE__, __LINE__,    \
				#cond);                                       \
			exit(1);                                              \
		}                                                             \
	} while (0)

struct test {
	const char *name;
	void (*fn)(void);
};

extern const struct test avoid_tests[], base_tests[], policy_tests[],
	route_tests[], session_tests[], settings_tests[];

#endif
