/* SPDX-License-Identifier: MIT */
/*
 * The frame of the socket cases.  A case is a function that returns when all
 * it checked was right; the first thing that is wrong ends the process.
 *
 * The same binary runs over kernel TCP and under `wsd run`, so a case may
 * assert only what TCP promises: nothing about buffer sizes, segment
 * boundaries or how soon something that was sent can be seen.
 */
#ifndef SOCKET_CASES_H
#define SOCKET_CASES_H

#include <errno.h>
#include <stddef.h>

enum { CASE_PASS = 0, CASE_FAIL = 1, CASE_SKIP = 77 };
enum { CASE_DEADLINE_SECONDS = 20 };

struct socket_case {
	const char *name;
	void (*run)(void);
	struct socket_case *next;
};

/* CASE(name) { body } defines and registers a case. */
#define CASE(title)                                                            \
	static void title(void);                                               \
	CASE_ADD(title, title)                                                 \
	static void title(void)

/* CASE_CALL(name, call(1, 2)); registers a call as a case. */
#define CASE_CALL(title, call)                                                 \
	static void run_##title(void)                                          \
	{                                                                      \
		call;                                                          \
	}                                                                      \
	CASE_ADD(title, run_##title)                                           \
	struct socket_case

#define CASE_ADD(title, function)                                              \
	__attribute__((constructor)) static void add_##title(void)             \
	{                                                                      \
		static struct socket_case self = {#title, function, NULL};     \
		case_add(&self);                                               \
	}

void case_add(struct socket_case *added);
const struct socket_case *case_first(void);
const struct socket_case *case_find(const char *name);

/* Runs one case in this process; does not return. */
_Noreturn void case_run(const struct socket_case *chosen);
/* Runs all whose name contains `part` as TAP; returns an exit status. */
int tap_run(const char *part);
/* What exec.c does in a program that it executes; does not return. */
_Noreturn void exec_main(const char *what, const char *descriptor);

/*
 * Checks inside a helper are reported at the line of the case that called the
 * helper: helper headers wrap their functions with CASE_HERE, and the sources
 * of helpers define CASE_HELPER before they include anything.
 */
struct case_place {
	const char *file;
	int line;
};
extern _Thread_local struct case_place case_place;

#define CASE_HERE case_here(__FILE__, __LINE__)

void case_here(const char *file, int line);

#ifdef CASE_HELPER
#define CASE_PLACE case_place
#else
#define CASE_PLACE ((struct case_place){__FILE__, __LINE__})
#endif

__attribute__((format(printf, 2, 3))) _Noreturn void case_fail(
        struct case_place place, const char *format, ...);
__attribute__((format(printf, 1, 2))) _Noreturn void case_skip(
        const char *format, ...);

#define FAIL(...) case_fail(CASE_PLACE, __VA_ARGS__)

#define CHECK(condition)                                                       \
	((condition) ? (void)0 : FAIL("%s is false", #condition))

#define CHECK_EQ(got, want)                                                    \
	check_equal(                                                           \
	        (long long)(got), (long long)(want), #got, #want, CASE_PLACE)
#define CHECK_GE(got, least)                                                   \
	check_least((long long)(got), (long long)(least), #got, #least,        \
	        CASE_PLACE)
#define CHECK_BYTES(got, want, length)                                         \
	check_bytes(got, want, length, #got, CASE_PLACE)

/* The call must not give -1; its value is the value of the check. */
#define CHECK_OK(call) check_ok((errno = 0, (call)), #call, CASE_PLACE)
/* The call must give -1 with this error, or with one of two. */
#define CHECK_ERRNO(call, error)                                               \
	check_errno(                                                           \
	        (errno = 0, (call)), error, error, #call, #error, CASE_PLACE)
#define CHECK_ERRNO2(call, error, other)                                       \
	check_errno((errno = 0, (call)), error, other, #call,                  \
	        #error " or " #other, CASE_PLACE)

void check_equal(long long got, long long want, const char *got_text,
        const char *want_text, struct case_place place);
void check_least(long long got, long long least, const char *got_text,
        const char *least_text, struct case_place place);
void check_bytes(const void *got, const void *want, size_t length,
        const char *text, struct case_place place);
long check_ok(long value, const char *text, struct case_place place);
void check_errno(long value, int error, int other, const char *text,
        const char *errors, struct case_place place);

#endif
