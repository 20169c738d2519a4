/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

const struct transport_ops *ops = &provider_transport;
int case_variant = -1;
unsigned case_traits = TRAITS_ALL;

static struct transport_case *first;
static struct transport_case **last = &first;

void case_add(struct transport_case *added)
{
	*last = added;
	last = &added->next;
}

/* With the thread sanitizer everything is slower. */
#ifdef __SANITIZE_THREAD__
#define USUAL_SECONDS 100
#else
#define USUAL_SECONDS 30
#endif

unsigned case_seconds(void)
{
	const char *text = getenv("WSD_TEST_SECONDS");
	long seconds = text ? strtol(text, NULL, 10) : 0;

	return seconds > 0 && seconds < 3600 ? (unsigned)seconds :
		USUAL_SECONDS;
}

unsigned case_rounds(unsigned rounds)
{
	return getenv("WSD_TEST_SECONDS") ? rounds / 10 : rounds;
}

unsigned network_rounds(unsigned rounds)
{
	return has_trait(TRAIT_PROMPT) ? rounds : rounds / 20;
}

/* ---- running --------------------------------------------------------- */

/* As numbers: another process has them at other addresses. */
struct chosen {
	unsigned what;
	unsigned how;
};

static const struct variant *all_variants;

static const struct transport_case *case_at(unsigned number)
{
	const struct transport_case *c = first;

	while (number-- > 0)
		c = c->next;
	return c;
}

static void prepare(unsigned how)
{
	if (all_variants[how].prepare)
		all_variants[how].prepare();
}

/* Skips what needs something that the transport lacks. */
static void check_needs(unsigned needs)
{
	static const struct {
		unsigned what;
		const char *text;
	} all[] = {
		{TRANSPORT_RDMA_READ, "RDMA cannot read"},
		{TRANSPORT_EARLY_SEND, "nothing can be sent before accept"},
		{TRANSPORT_FORK_SHARED, "a connection is one process's"},
		{TRANSPORT_HANDOFF, "a connection cannot move"},
		{TRAIT_PROMPT, "effects take time"},
		{TRAIT_PROCESSES, "both sides are in one process"},
		{TRAIT_KNOWS_PEER, "nobody vouches for the peer"},
		{TRAIT_ALL_LOOPBACK, "of 127/8 only 127.0.0.1 is served"},
		{TRAIT_OFFERS_LOOPBACK, "loopback is not offered"},
		{TRAIT_SURVIVES_MISUSE, "misuse ends the connection"},
		{TRAIT_CONCEAL_BUSY, "conceal does not know who is reading"},
		{TRAIT_DEEP, "few messages fit"},
	};
	unsigned lacks = needs & ~(ops->abilities | case_traits);

	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		if (lacks & all[i].what)
			case_skip("%s: %s", ops->name, all[i].text);
}

static void run_in_child(void *arg)
{
	const struct chosen *c = arg;
	const struct transport_case *what = case_at(c->what);

	case_variant = (int)c->how;
	prepare(c->how);
	check_needs(what->needs);
	if (ops->start() != ST_OK)
		FAIL("the transport does not start");
	what->run();
	ops->stop();
}

/* Started by a case, where there is no fork. */
static int run_task(char **argv, int variant)
{
	case_variant = variant;
	if (variant >= 0) {
		prepare((unsigned)variant);
		if (ops->start() != ST_OK)
			FAIL("the transport does not start");
	}
	process_do_task(argv);
	return CASE_PASS;
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

static bool run_one(unsigned number, struct chosen chosen)
{
	char name[256];
	int code;

	case_name(case_at(chosen.what), &all_variants[chosen.how], name,
		sizeof name);
	code = process_run(run_in_child, &chosen, sizeof chosen,
		case_seconds());
	printf("%s %u - %s%s\n",
		code == CASE_PASS || code == CASE_SKIP ? "ok" : "not ok",
		number, name, code == CASE_SKIP ? " # SKIP" : "");
	if (code < 0)
		printf("# ended from outside: %d\n", code);
	fflush(stdout);
	return code == CASE_PASS || code == CASE_SKIP;
}

int cases_main(int argc, char **argv, const struct variant *variants,
	unsigned count)
{
	const char *part = argc > 1 ? argv[1] : "";
	unsigned number = 0, good = 0;
	struct chosen at;
	int variant;

	all_variants = variants;
	if (process_has_task(argc, argv, &variant))
		return run_task(argv, variant);
	for (at.how = 0; at.how < count; at.how++)
		for (at.what = 0; case_at(at.what); at.what++)
			number += is_chosen(case_at(at.what),
				&variants[at.how], part);
	printf("1..%u\n", number);
	number = 0;
	for (at.how = 0; at.how < count; at.how++)
		for (at.what = 0; case_at(at.what); at.what++)
			if (is_chosen(case_at(at.what), &variants[at.how],
				    part))
				good += run_one(++number, at);
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
