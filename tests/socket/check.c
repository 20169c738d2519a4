/* SPDX-License-Identifier: MIT */
/* The checks, and the ways in which a case can end other than by returning. */
#include "cases.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Thread_local struct case_place case_place = {"?", 0};

void case_here(const char *file, int line)
{
	case_place = (struct case_place){file, line};
}

/* One write for the whole line: threads and children fail at the same time. */
static void say(const char *before, const char *format, va_list arguments)
{
	char line[1024];
	int used = snprintf(line, sizeof(line), "%s", before);

	vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
	strcat(line, "\n");
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		_exit(CASE_FAIL);
}

void case_fail(struct case_place place, const char *format, ...)
{
	char before[256];
	va_list arguments;

	snprintf(before, sizeof(before), "%s:%d: ", place.file, place.line);
	va_start(arguments, format);
	say(before, format, arguments);
	va_end(arguments);
	_exit(CASE_FAIL);
}

void case_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("skipped: ", format, arguments);
	va_end(arguments);
	_exit(CASE_SKIP);
}

void check_equal(long long got, long long want, const char *got_text,
        const char *want_text, struct case_place place)
{
	if (got != want)
		case_fail(place, "%s: got %lld, expected %s (%lld)", got_text,
		        got, want_text, want);
}

void check_least(long long got, long long least, const char *got_text,
        const char *least_text, struct case_place place)
{
	if (got < least)
		case_fail(place, "%s: got %lld, expected at least %s (%lld)",
		        got_text, got, least_text, least);
}

void check_bytes(const void *got, const void *want, size_t length,
        const char *text, struct case_place place)
{
	const unsigned char *a = got, *b = want;

	for (size_t i = 0; i < length; i++)
		if (a[i] != b[i])
			case_fail(place,
			        "%s: byte %zu of %zu: got 0x%02x, expected "
			        "0x%02x",
			        text, i, length, a[i], b[i]);
}

long check_ok(long value, const char *text, struct case_place place)
{
	if (value == -1)
		case_fail(place, "%s: got -1 (%s), expected success", text,
		        strerror(errno));
	return value;
}

void check_errno(long value, int error, int other, const char *text,
        const char *errors, struct case_place place)
{
	if (value != -1)
		case_fail(place, "%s: got %ld, expected -1 with %s", text,
		        value, errors);
	if (errno != error && errno != other)
		case_fail(place, "%s: got -1 (%s), expected %s", text,
		        strerror(errno), errors);
}
