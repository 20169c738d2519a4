/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "process.h"

static struct test_case *first;
static struct test_case **last = &first;

void case_add(struct test_case *added)
{
	*last = added;
	last = &added->next;
}

/* ---- running ------------------------------------------------------- */

static bool run_one(unsigned number, const struct test_case *c)
{
	int code = process_run_case(c->name, CASE_DEADLINE_SECONDS);
	bool good = code == CASE_PASS || code == CASE_SKIP;

	printf("%s %u - %s%s\n", good ? "ok" : "not ok", number, c->name,
		code == CASE_SKIP ? " # SKIP" : "");
	if (code < 0)
		printf("# killed by signal %d\n", -code);
	fflush(stdout);
	return good;
}

static int run_all(const char *part)
{
	unsigned number = 0, good = 0;

	for (struct test_case *c = first; c; c = c->next)
		number += !c->is_role && strstr(c->name, part);
	printf("1..%u\n", number);
	number = 0;
	for (struct test_case *c = first; c; c = c->next)
		if (!c->is_role && strstr(c->name, part))
			good += run_one(++number, c);
	return good == number ? CASE_PASS : CASE_FAIL;
}

static int run_named(const char *name, bool role)
{
	for (struct test_case *c = first; c; c = c->next) {
		if (c->is_role == role && strcmp(c->name, name) == 0) {
			c->run();
			return CASE_PASS;
		}
	}
	FAIL("no such case or role: %s", name);
}

int cases_main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--case") == 0)
		return run_named(argv[2], false);
	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		return run_named(argv[2], true);
	return run_all(argc > 1 ? argv[1] : "");
}

/* ---- saying what is wrong ------------------------------------------ */

static void say(const char *before, const char *format, va_list arguments)
{
	char line[1024];
	int used = snprintf(line, sizeof line, "# %s", before);

	vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
	os_log_line(line);
}

void case_fail(const char *file, int line, const char *format, ...)
{
	char before[256];
	va_list arguments;

	snprintf(before, sizeof before, "%s:%d: ", file, line);
	va_start(arguments, format);
	say(before, format, arguments);
	va_end(arguments);
	process_exit(CASE_FAIL);
}

void case_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("skipped: ", format, arguments);
	va_end(arguments);
	process_exit(CASE_SKIP);
}

void check_equal(uint64_t got, uint64_t want, const char *got_text,
	const char *want_text, const char *file, int line)
{
	if (got != want)
		case_fail(file, line, "%s: got %lld, expected %s (%lld)",
			got_text, (long long)got, want_text, (long long)want);
}

void check_bytes(const void *got, const void *want, size_t len,
	const char *text, const char *file, int line)
{
	const uint8_t *a = got, *b = want;

	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i])
			case_fail(file, line,
				"%s: byte %u of %u: got 0x%02x, expected "
				"0x%02x",
				text, (unsigned)i, (unsigned)len, a[i], b[i]);
}
