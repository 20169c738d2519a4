/* SPDX-License-Identifier: MIT */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "os/os.h"
#include "rules.h"
#include "spi_driver.h"

/* ---- the provider -------------------------------------------------- */

static bool is_there(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (f)
		fclose(f);
	return f != NULL;
}

/* A loader looks for a bare name elsewhere. */
static const char *as_path(const char *path, char *room, size_t len)
{
	if (strpbrk(path, "/\\"))
		return path;
	snprintf(room, len, "./%s", path);
	return room;
}

bool kit_load(const char *path, char *why, size_t len)
{
	char room[1024], reason[512];
	void *lib;

	if (!is_there(path)) {
		snprintf(why, len, "%s: no such file, or it cannot be read",
			path);
		return false;
	}
	if (os_library_open(as_path(path, room, sizeof room), &lib, reason,
		    sizeof reason) != ST_OK) {
		snprintf(why, len, "%s is no provider: not a library that can "
			"be loaded: %s", path, reason);
		return false;
	}
	spi_target.entry = (LPWSPSTARTUPEX)os_library_symbol(lib,
		"WSPStartupEx");
	if (!spi_target.entry) { /* R1 */
		snprintf(why, len, "%s is no provider: it does not export "
			"WSPStartupEx", path);
		return false;
	}
	return true;
}

/* The first address that it lists. */
ROLE(kit_probe)
{
	static char buffer[8192];
	SOCKET_ADDRESS_LIST *list = (SOCKET_ADDRESS_LIST *)buffer;
	const struct sockaddr_in *in;
	const uint8_t *ip;
	char text[32];
	DWORD bytes = 0;
	int err = 0;

	spi_start();
	if (spi.t.lpWSPIoctl(socket_new(), SIO_ADDRESS_LIST_QUERY, NULL, 0,
			buffer, sizeof buffer, &bytes, NULL, NULL, NULL,
			&err) != 0 || list->iAddressCount < 1)
		return;
	in = (const struct sockaddr_in *)(void *)list->Address[0].lpSockaddr;
	ip = (const uint8_t *)&in->sin_addr;
	snprintf(text, sizeof text, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	case_say(SAY_TRACE, text);
}

/* ---- rules --------------------------------------------------------- */

/* Steps over "R93" or "93"; 0: it is none. */
static unsigned take_number(const char **text)
{
	const char *digits = *text + (**text == 'R' || **text == 'r');
	unsigned long n;
	char *end;

	if (*digits < '0' || *digits > '9')
		return 0;
	n = strtoul(digits, &end, 10);
	*text = end;
	return n <= RULE_COUNT ? (unsigned)n : 0;
}

bool kit_want(struct kit_wanted *w, const char *text)
{
	unsigned first = take_number(&text), last = first;

	if (first && *text == '-') {
		text++;
		last = take_number(&text);
	}
	if (!first || last < first || *text)
		return false;
	for (unsigned rule = first; rule <= last; rule++)
		w->rule[rule] = true;
	return true;
}

/* ---- a run --------------------------------------------------------- */

static unsigned first_rule(const struct test_case *c)
{
	for (unsigned rule = 1; rule <= RULE_COUNT; rule++)
		if (case_checks(c, rule))
			return rule;
	return 0;
}

static bool is_wanted(const struct test_case *c, const struct kit_wanted *w)
{
	if (c->is_role)
		return false;
	for (unsigned rule = 1; rule <= RULE_COUNT; rule++)
		if (w->rule[rule] && case_checks(c, rule))
			return true;
	return false;
}

static int by_rule_and_name(const void *a, const void *b)
{
	const struct test_case *x = ((const struct kit_case *)a)->test;
	const struct test_case *y = ((const struct kit_case *)b)->test;
	unsigned m = first_rule(x), n = first_rule(y);

	return m != n ? (m < n ? -1 : 1) : strcmp(x->name, y->name);
}

bool kit_run_init(struct kit_run *r, const struct kit_wanted *w)
{
	unsigned n = 0;

	for (struct test_case *c = case_first(); c; c = c->next)
		n += is_wanted(c, w);
	r->count = 0;
	r->cases = calloc(n ? n : 1, sizeof *r->cases);
	if (!r->cases)
		return false;
	for (struct test_case *c = case_first(); c; c = c->next)
		if (is_wanted(c, w))
			r->cases[r->count++].test = c;
	qsort(r->cases, r->count, sizeof *r->cases, by_rule_and_name);
	return true;
}

void kit_run_fini(struct kit_run *r)
{
	free(r->cases);
	r->cases = NULL;
	r->count = 0;
}

static bool was_broken(const struct kit_run *r, unsigned rule)
{
	for (unsigned i = 0; i < r->count; i++)
		for (unsigned k = 0; k < r->cases[i].outcome.broken_count; k++)
			if (r->cases[i].outcome.broken[k].rule == rule)
				return true;
	return false;
}

enum kit_result kit_judge(const struct kit_run *r, unsigned rule,
	const char **why)
{
	bool failed = was_broken(r, rule), passed = false;

	*why = rule_elsewhere(rule);
	for (unsigned i = 0; i < r->count; i++) {
		const struct kit_case *c = &r->cases[i];

		if (!case_checks(c->test, rule))
			continue;
		if (!c->was_run) {
			*why = "not run: the provider hangs";
			continue;
		}
		failed |= c->outcome.verdict == VERDICT_FAILED;
		passed |= c->outcome.verdict == VERDICT_PASSED;
		if (c->outcome.verdict == VERDICT_SKIPPED && !*why)
			*why = c->outcome.text;
	}
	if (failed)
		return KIT_FAILED;
	if (passed)
		return KIT_PASSED;
	if (!*why)
		*why = "nothing here checks it";
	return KIT_NOT_APPLICABLE;
}

void kit_want_broken(struct kit_wanted *w, const struct kit_run *r)
{
	for (unsigned rule = 1; rule <= RULE_COUNT; rule++)
		w->rule[rule] |= was_broken(r, rule);
}
