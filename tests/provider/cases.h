/* SPDX-License-Identifier: MIT */
/*
 * cases.h - the frame of the provider's cases.
 *
 * A case is a function that returns when all it checked was right; the first
 * thing that is wrong ends its process. Each runs in a process of its own under
 * a deadline. Names are sentences and begin with the requirement they check.
 * The same cases run over a provider library (provider_test) and over the core
 * linked with a mock transport (provider_mock_test).
 */
#ifndef PROVIDER_TEST_CASES_H
#define PROVIDER_TEST_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CASE_PASS = 0, CASE_FAIL = 1, CASE_SKIP = 77 };
enum { CASE_DEADLINE_SECONDS = 30 };

struct test_case {
	const char *name;
	void (*run)(void);
	bool is_role; /* what a child process does */
	struct test_case *next;
};

/* CASE(name) { body } defines and registers a case, ROLE(name) a role. */
#define CASE(title) CASE_DEFINE(title, false)
#define ROLE(title) CASE_DEFINE(title, true)
#define CASE_DEFINE(title, role)                                              \
	static void title(void);                                              \
	__attribute__((constructor)) static void add_##title(void)            \
	{                                                                     \
		static struct test_case self = {#title, title, role, NULL};   \
		case_add(&self);                                              \
	}                                                                     \
	static void title(void)

void case_add(struct test_case *added);

/* Runs all cases as TAP, or with an argument those whose name contains it;
 * or, for a child, one case or one role. Returns an exit status. */
int cases_main(int argc, char **argv);

__attribute__((format(printf, 3, 4))) _Noreturn void case_fail(
	const char *file, int line, const char *format, ...);
__attribute__((format(printf, 1, 2))) _Noreturn void case_skip(
	const char *format, ...);

#define FAIL(...) case_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition)                                                      \
	((condition) ? (void)0 : FAIL("%s is false", #condition))
#define CHECK_EQ(got, want)                                                   \
	check_equal((uint64_t)(got), (uint64_t)(want), #got, #want, __FILE__, \
		__LINE__)
#define CHECK_BYTES(got, want, len)                                           \
	check_bytes(got, want, len, #got, __FILE__, __LINE__)

void check_equal(uint64_t got, uint64_t want, const char *got_text,
	const char *want_text, const char *file, int line);
void check_bytes(const void *got, const void *want, size_t len,
	const char *text, const char *file, int line);

#endif
