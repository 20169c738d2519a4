/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

const struct transport_ops *ops = &provider_transport;

static struct transport_case *first;
static struct transport_case **last = &first;

void case_add(struct transport_case *added)
{
	*last = added;
	last = &added->next;
}

/* ---- running --------------------------------------------------------- */

struct chosen {
	const struct transport_case *what;
	const struct variant *how;
};

static void run_in_child(void *arg)
{
	const struct chosen *c = arg;
	unsigned lacks = c->what->needs & ~ops->abilities;

	if (c->how->prepare)
		c->how->prepare();
	lacks = c->what->needs & ~ops->abilities;
	if (lacks)
		case_skip("%s lacks ability 0x%x", ops->name, lacks);
	if (ops->start() != ST_OK)
		FAIL("the transport does not start");
	c->what->run();
	ops->stop();
}

static void case_name(const struct transport_case *what,
	const struct variant *how, char *text, size_t room)
{
	if (how->name[0])
		snprintf(text, room, "%s (%s)", what->name, how->name);
	else
		snprintf(text, room, "%s", what->name);
}

static bool is_chosen(const struct transport_case *what,
	const struct variant *how, const char *part)
{
	char name[256];

	case_name(what, how, name, sizeof name);
	return strstr(what->name, how->only) && strstr(name, part);
}

static bool run_one(unsigned number, const struct transport_case *what,
	const struct variant *how)
{
	struct chosen chosen = {what, how};
	char name[256];
	int code;

	case_name(what, how, name, sizeof name);
	code = process_run(run_in_child, &chosen, CASE_DEADLINE_SECONDS);
	printf("%s %u - %s%s\n",
		code == CASE_PASS || code == CASE_SKIP ? "ok" : "not ok",
		number, name, code == CASE_SKIP ? " # SKIP" : "");
	if (code < 0)
		printf("# killed by signal %d\n", -code);
	fflush(stdout);
	return code == CASE_PASS || code == CASE_SKIP;
}

int cases_main(int argc, char **argv, const struct variant *variants,
	unsigned count)
{
	const char *part = argc > 1 ? argv[1] : "";
	unsigned number = 0, good = 0;

	for (unsigned v = 0; v < count; v++)
		for (struct transport_case *c = first; c; c = c->next)
			number += is_chosen(c, &variants[v], part);
	printf("1..%u\n", number);
	number = 0;
	for (unsigned v = 0; v < count; v++)
		for (struct transport_case *c = first; c; c = c->next)
			if (is_chosen(c, &variants[v], part))
				good += run_one(++number, c, &variants[v]);
	return good == number ? CASE_PASS : CASE_FAIL;
}

/* ---- saying what is wrong -------------------------------------------- */

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
		case_fail(file, line, "%s: got %llu, expected %s (%llu)",
			got_text, (unsigned long long)got, want_text,
			(unsigned long long)want);
}

void check_status(enum status got, enum status want, const char *text,
	const char *file, int line)
{
	if (got != want)
		case_fail(file, line, "%s: got %s, expected %s", text,
			status_name(got), status_name(want));
}

void check_bytes(const void *got, const void *want, size_t len,
	const char *text, const char *file, int line)
{
	const uint8_t *a = got, *b = want;

	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i])
			case_fail(file, line, "%s: byte %zu of %zu: got "
				"0x%02x, expected 0x%02x", text, i, len, a[i],
				b[i]);
}
