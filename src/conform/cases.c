/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "os/os.h"
#include "os/os_child.h"
#include "trace.h"

static struct test_case *first;

void case_add(struct test_case *added)
{
	added->next = first;
	first = added;
}

struct test_case *case_first(void)
{
	return first;
}

/* ---- names --------------------------------------------------------- */

/* Steps over one "R93_"; its number, or 0 and *name as it was. */
static unsigned take_rule(const char **name)
{
	unsigned long n;
	char *end;

	if ((*name)[0] != 'R' || !isdigit((unsigned char)(*name)[1]))
		return 0;
	n = strtoul(*name + 1, &end, 10);
	if (*end != '_' || n > RULE_COUNT)
		return 0;
	*name = end + 1;
	return (unsigned)n;
}

bool case_checks(const struct test_case *c, unsigned rule)
{
	const char *name = c->name;
	unsigned n;

	while ((n = take_rule(&name)) != 0)
		if (n == rule)
			return true;
	return false;
}

/* "FD_ACCEPT" keeps its underscore. */
static bool inside_constant(const char *underscore)
{
	return isupper((unsigned char)underscore[-1]) &&
		isupper((unsigned char)underscore[1]);
}

const char *case_title(const struct test_case *c, char *text, size_t len)
{
	const char *name = c->name;
	size_t n = 0;

	while (take_rule(&name))
		continue;
	for (; name[n] && n + 1 < len; n++)
		text[n] = name[n] == '_' && !inside_constant(name + n)
			? ' ' : name[n];
	text[n] = 0;
	return text;
}

/* ---- running one --------------------------------------------------- */

static unsigned seconds_each = CASE_SECONDS;

unsigned case_seconds(void)
{
	return seconds_each;
}

void case_seconds_set(unsigned seconds)
{
	seconds_each = seconds;
}

static _Atomic bool violated;

/* Says where it hangs, while there is still somebody to say it. */
static void watch_the_clock(void *arg)
{
	os_sleep(seconds_each * UINT64_C(1000000000));
	trace_calls();
	FAIL("no end after %u seconds", seconds_each);
}

/* Says what it was about; the process then ends as it would have. */
static void crashed(int number)
{
	trace_calls();
	trace_upcalls();
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_crashes(void)
{
	static const int numbers[] = {SIGSEGV, SIGABRT, SIGFPE, SIGILL};

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		signal(numbers[i], crashed);
}

/* The address sanitizer has more to say. */
#ifdef __SANITIZE_ADDRESS__
#define CATCH_CRASHES 0
#else
#define CATCH_CRASHES 1
#endif

int case_run_here(const char *name, bool role)
{
	static struct os_thread clock;

	for (struct test_case *c = first; c; c = c->next) {
		if (c->is_role != role || strcmp(c->name, name) != 0)
			continue;
		if (CATCH_CRASHES)
			catch_crashes();
		os_thread_start(&clock, "clock", watch_the_clock, NULL);
		c->run();
		return atomic_load(&violated) ? CASE_FAIL : CASE_PASS;
	}
	FAIL("no such case or role: %s", name);
}

/* ---- saying what is wrong ------------------------------------------ */

void case_say(const char *kind, const char *text)
{
	char line[OS_LINE_MAX];

	snprintf(line, sizeof line, "%s%s", kind, text);
	if (os_parent_tell(line) != ST_OK)
		os_log_line(line);
}

bool case_said(const char *line)
{
	if (strncmp(line, SAY_FAILED, strlen(SAY_FAILED)) == 0)
		FAIL("in the other process: %s", line + strlen(SAY_FAILED));
	if (strncmp(line, SAY_SKIPPED, strlen(SAY_SKIPPED)) == 0)
		case_skip("%s", line + strlen(SAY_SKIPPED));
	if (strncmp(line, SAY_BROKEN, strlen(SAY_BROKEN)) == 0)
		atomic_store(&violated, true);
	else if (strncmp(line, SAY_TRACE, strlen(SAY_TRACE)) != 0)
		return false;
	case_say(line, "");
	return true;
}

/* The base name: paths say nothing to those who have no sources. */
static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

void case_fail(const char *file, int line, const char *format, ...)
{
	char text[1600];
	va_list arguments;
	int used;

	va_start(arguments, format);
	used = vsnprintf(text, sizeof text - 100, format, arguments);
	va_end(arguments);
	if (used > (int)sizeof text - 101)
		used = (int)sizeof text - 101;
	snprintf(text + used, sizeof text - (size_t)used, " (%s:%d)",
		base_name(file), line);
	trace_last_call();
	trace_upcalls();
	case_say(SAY_FAILED, text);
	os_exit_now(CASE_FAIL);
}

void case_skip(const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	case_say(SAY_SKIPPED, text);
	os_exit_now(atomic_load(&violated) ? CASE_FAIL : CASE_SKIP);
}

void case_violation(unsigned rule, const char *format, ...)
{
	static _Atomic unsigned said;
	char text[1024];
	va_list arguments;
	int used;

	atomic_store(&violated, true);
	if (atomic_fetch_add(&said, 1) >= 20) /* enough is known */
		return;
	used = snprintf(text, sizeof text, "%u ", rule);
	va_start(arguments, format);
	vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
	va_end(arguments);
	case_say(SAY_BROKEN, text);
}

void check_equal(uint64_t got, uint64_t want, const char *got_text,
	const char *want_text, const char *file, int line)
{
	if (got != want)
		case_fail(file, line, "%s: got %lld, expected %s (%lld)",
			got_text, (long long)got, want_text, (long long)want);
}

void check_code(int got, int want, const char *text, const char *file,
	int line)
{
	if (got != want)
		case_fail(file, line, "%s: got %s (%d), expected %s (%d)",
			text, code_name(got), got, code_name(want), want);
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
