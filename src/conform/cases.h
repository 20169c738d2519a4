/* SPDX-License-Identifier: MIT */
/*
 * cases.h - what a case is, and how it says what it saw.
 *
 * A case is a function that returns when all it checked was right; the first
 * thing that is wrong ends its process. Each runs in a process of its own under
 * a deadline, so that a crash or a hang of the provider is a failure of the
 * case and not of the program (runner.h). Its name is a sentence and begins
 * with the rules that it checks:
 *
 *     CASE(R79_R93_a_full_backlog_refuses_at_once) { ... }
 *
 * Some rules hold all the time (no completion after WPUCloseSocketHandle). One
 * that is broken in the course of another case is a violation: it is reported
 * under its own rule, and the case goes on.
 */
#ifndef WSD_CONFORM_CASES_H
#define WSD_CONFORM_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses of a case's process. */
enum { CASE_PASS = 0, CASE_FAIL = 1, CASE_SKIP = 77 };
/* How long a case has, unless told otherwise; its process, a little longer. */
enum { CASE_SECONDS = 25, CASE_SECONDS_MORE = 5 };
unsigned case_seconds(void);
/* To be set before a case is run, and the same in the processes it starts. */
void case_seconds_set(unsigned seconds);

enum { RULE_COUNT = 215 };

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
/* All of them, roles too, in no particular order. */
struct test_case *case_first(void);
/* Does its name say that it checks this rule? */
bool case_checks(const struct test_case *c, unsigned rule);
/* The sentence in its name, without the rules. Returns text. */
const char *case_title(const struct test_case *c, char *text, size_t len);

/* Runs the case or role of this name in this process; an exit status. */
int case_run_here(const char *name, bool role);

/* ---- saying what is wrong ------------------------------------------ */

/*
 * What a case's process tells its parent: lines that begin with one of these.
 * What a child process of a case says so, the case passes on.
 */
#define SAY_FAILED "!failed "
#define SAY_SKIPPED "!skipped "
#define SAY_TRACE "!trace "
#define SAY_BROKEN "!broken " /* then the rule's number and a blank */

/* To the parent, or if there is none to standard error. */
void case_say(const char *kind, const char *text);
/* True when the line was one of these from a child, and has been passed on. */
bool case_said(const char *line);

__attribute__((format(printf, 3, 4))) _Noreturn void case_fail(
	const char *file, int line, const char *format, ...);
/* Not applicable, and why. */
__attribute__((format(printf, 1, 2))) _Noreturn void case_skip(
	const char *format, ...);
/* This rule is broken; the case goes on. */
__attribute__((format(printf, 2, 3))) void case_violation(unsigned rule,
	const char *format, ...);

#define FAIL(...) case_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition)                                                      \
	((condition) ? (void)0 : FAIL("%s is false", #condition))
#define CHECK_EQ(got, want)                                                   \
	check_equal((uint64_t)(got), (uint64_t)(want), #got, #want, __FILE__, \
		__LINE__)
/* The same for Winsock codes. */
#define CHECK_CODE(got, want)                                                 \
	check_code((int)(got), (int)(want), #got, __FILE__, __LINE__)
#define CHECK_BYTES(got, want, len)                                           \
	check_bytes(got, want, len, #got, __FILE__, __LINE__)

void check_equal(uint64_t got, uint64_t want, const char *got_text,
	const char *want_text, const char *file, int line);
void check_code(int got, int want, const char *text, const char *file,
	int line);
void check_bytes(const void *got, const void *want, size_t len,
	const char *text, const char *file, int line);

#endif
