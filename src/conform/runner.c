/* SPDX-License-Identifier: MIT */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "os/os_child.h"

/* Here, after everything else has had its chance. */
#define DEADLINE                                                              \
	((case_seconds() + CASE_SECONDS_MORE + 2) * UINT64_C(1000000000))

static const char *const *prefix;

void runner_prefix(const char *const *arguments)
{
	prefix = arguments;
}

void runner_arguments(const char *kind, const char *name,
	const char *out[RUNNER_PREFIX_MAX + 3])
{
	unsigned n = 0;

	for (; prefix && prefix[n] && n < RUNNER_PREFIX_MAX; n++)
		out[n] = prefix[n];
	out[n++] = kind;
	out[n++] = name;
	out[n] = NULL;
}

/* ---- what it says -------------------------------------------------- */

/* Cut to what there is room for. */
static void copy_text(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%.*s", (int)room - 1, from);
}

static void note_broken(struct outcome *out, const char *text)
{
	char *end;
	unsigned rule = (unsigned)strtoul(text, &end, 10);

	if (out->broken_count == OUTCOME_BROKEN_MAX)
		return;
	for (unsigned i = 0; i < out->broken_count; i++)
		if (out->broken[i].rule == rule)
			return; /* the first one is enough */
	out->broken[out->broken_count].rule = rule;
	copy_text(out->broken[out->broken_count].text,
		sizeof out->broken[0].text, *end ? end + 1 : end);
	out->broken_count++;
}

static const char *after(const char *line, const char *kind)
{
	size_t n = strlen(kind);

	return strncmp(line, kind, n) == 0 ? line + n : NULL;
}

static void note(struct outcome *out, const char *line)
{
	const char *text;

	if ((text = after(line, SAY_FAILED)) != NULL) {
		out->verdict = VERDICT_FAILED;
		copy_text(out->text, sizeof out->text, text);
	} else if ((text = after(line, SAY_SKIPPED)) != NULL) {
		out->verdict = VERDICT_SKIPPED;
		copy_text(out->text, sizeof out->text, text);
	} else if ((text = after(line, SAY_BROKEN)) != NULL) {
		note_broken(out, text);
	} else if ((text = after(line, SAY_TRACE)) != NULL &&
		out->trace_count < OUTCOME_TRACE_MAX) {
		copy_text(out->trace[out->trace_count++],
			sizeof out->trace[0], text);
	}
}

/* ---- how it ends --------------------------------------------------- */

static void fail(struct outcome *out, const char *text)
{
	out->verdict = VERDICT_FAILED;
	copy_text(out->text, sizeof out->text, text);
}

static void judge(struct outcome *out, int status)
{
	char fate[128], text[256];

	if (out->verdict != VERDICT_PASSED || status == CASE_PASS)
		return;
	if (status == CASE_FAIL && out->broken_count)
		return; /* nothing but those */
	os_child_fate(status, fate, sizeof fate);
	snprintf(text, sizeof text, "the process ended by itself: %s", fate);
	fail(out, text);
}

static void listen_to(struct os_child *child, struct outcome *out)
{
	uint64_t until = os_now() + DEADLINE, now;
	char line[OS_LINE_MAX];
	int status;

	for (;;) {
		now = os_now();
		if (os_child_hear(child, line, now < until ? until - now : 0) !=
			ST_OK)
			break;
		note(out, line);
	}
	now = os_now();
	if (os_child_wait(child, now < until ? until - now : 0, &status) ==
		ST_OK)
		judge(out, status);
	else if (out->verdict == VERDICT_PASSED)
		fail(out, "the process had to be ended: it hangs");
}

void runner_run(const char *kind, const char *name, struct outcome *out)
{
	const char *arguments[RUNNER_PREFIX_MAX + 3];
	uint64_t start = os_now();
	struct os_child child;
	char text[100];
	enum status st;

	memset(out, 0, sizeof *out);
	runner_arguments(kind, name, arguments);
	st = os_child_start(arguments, case_seconds() + CASE_SECONDS_MORE,
		&child);
	if (st != ST_OK) {
		snprintf(text, sizeof text, "a process for it cannot be "
			"started: %s", status_text(st));
		fail(out, text);
		return;
	}
	listen_to(&child, out);
	os_child_end(&child, true);
	out->ns = os_now() - start;
}

/* ---- test programs ------------------------------------------------- */

static bool tap_line(unsigned number, const struct test_case *c,
	const struct outcome *o)
{
	bool good = o->verdict != VERDICT_FAILED && !o->broken_count;

	printf("%s %u - %s%s\n", good ? "ok" : "not ok", number, c->name,
		o->verdict == VERDICT_SKIPPED ? " # SKIP" : "");
	if (o->text[0])
		printf("# %s\n", o->text);
	for (unsigned i = 0; i < o->broken_count; i++)
		printf("# R%u broken: %s\n", o->broken[i].rule,
			o->broken[i].text);
	for (unsigned i = 0; i < o->trace_count; i++)
		printf("# %s\n", o->trace[i]);
	fflush(stdout);
	return good;
}

static bool is_wanted(const struct test_case *c, const char *part)
{
	return !c->is_role && strstr(c->name, part);
}

static int run_all(const char *part)
{
	static struct outcome outcome;
	unsigned number = 0, good = 0;

	for (struct test_case *c = case_first(); c; c = c->next)
		number += is_wanted(c, part);
	printf("1..%u\n", number);
	number = 0;
	for (struct test_case *c = case_first(); c; c = c->next) {
		if (!is_wanted(c, part))
			continue;
		runner_run("--case", c->name, &outcome);
		good += tap_line(++number, c, &outcome);
	}
	return good == number ? CASE_PASS : CASE_FAIL;
}

int runner_main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--case") == 0)
		return case_run_here(argv[2], false);
	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		return case_run_here(argv[2], true);
	return run_all(argc > 1 ? argv[1] : "");
}
