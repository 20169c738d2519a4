/* SPDX-License-Identifier: MIT */
/*
 * conform.c - `wsd conform`: does a provider obey the rules?
 *
 * Each case runs in a process of its own: this program again, with the same
 * provider and address and, hidden, the name of the case.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "conform/cases.h"
#include "conform/kit.h"
#include "conform/spi_driver.h"
#include "conform_print.h"
#include "host.h"
#include "install/guid_text.h"
#include "message.h"
#include "options.h"

#define SECOND UINT64_C(1000000000)

/* So many checks in a row that hang are enough. */
enum { HUNG_ENOUGH = 5 };

static const char usage[] =
	"usage: wsd conform PROVIDER [OPTIONS]\n"
	"       wsd conform --list [--json] [--rule RULE]\n"
	"\n"
	"Loads the SAN service provider of that path, plays the Windows\n"
	"Sockets switch, and checks the rules that can be checked from\n"
	"outside. Prints a line a rule; for one that failed also what was\n"
	"seen and what was expected, and what the provider did before.\n"
	"\n"
	"  --rule RULE       only this one: R93, or R90-R116\n"
	"  --address A       an address of the provider; default: the first\n"
	"                    that it lists\n"
	"  --guid GUID       the provider's own identifier (for R14)\n"
	"  --seconds N       how long a case may take; default: 25\n"
	"  --list            print the rules and stop\n"
	"  --json            results for programs\n"
	"  --quiet           no progress on standard error\n"
	"  --help, --version\n"
	"\n"
	"The exit status is 0 when all passed, 1 when a rule failed, 2 when\n"
	"wsd was used wrongly or the file is no provider.\n";

struct request {
	const char *path, *address, *guid, *rule, *seconds;
	const char *one_case, *one_role; /* hidden: in a process for it */
	bool list, json, quiet;
	struct kit_wanted wanted;
	char address_text[64];
};

/* ---- arguments -------------------------------------------------------- */

static bool take_rules(struct request *q)
{
	if (!q->rule) {
		for (unsigned rule = 1; rule <= RULE_COUNT; rule++)
			q->wanted.rule[rule] = true;
		return true;
	}
	if (kit_want(&q->wanted, q->rule))
		return true;
	usage_error("conform", "no rule %s: they are R1 to R%d", q->rule,
		RULE_COUNT);
	return false;
}

static bool take_seconds(const struct request *q)
{
	uint64_t seconds = CASE_SECONDS;

	if (q->seconds && !options_number("conform", "--seconds", q->seconds,
				  2, 3600, &seconds))
		return false;
	case_seconds_set((unsigned)seconds);
	return true;
}

/* What the cases get to know of the provider. */
static bool take_target(const struct request *q)
{
	static GUID id;

	if (q->address && (!host_parse(q->address, &spi_target.address) ||
				  spi_target.address.family != 4)) {
		usage_error("conform", "--address %s is no IPv4 address",
			q->address);
		return false;
	}
	if (q->guid && !guid_parse(q->guid, &id)) {
		usage_error("conform", "--guid %s is no GUID", q->guid);
		return false;
	}
	if (q->guid)
		spi_target.own_id = &id;
	return true;
}

/* ---- a process for one case ------------------------------------------- */

static int run_one(const struct request *q)
{
	char why[1024];

	if (!kit_load(q->path, why, sizeof(why))) {
		case_say(SAY_FAILED, why);
		return EXIT_USAGE;
	}
	return q->one_case ? case_run_here(q->one_case, false)
			   : case_run_here(q->one_role, true);
}

static void set_prefix(const struct request *q)
{
	static const char *prefix[RUNNER_PREFIX_MAX + 1];
	unsigned n = 0;

	prefix[n++] = "conform";
	if (q->address) {
		prefix[n++] = "--address";
		prefix[n++] = q->address;
	}
	if (q->guid) {
		prefix[n++] = "--guid";
		prefix[n++] = q->guid;
	}
	if (q->seconds) {
		prefix[n++] = "--seconds";
		prefix[n++] = q->seconds;
	}
	prefix[n++] = "--in";
	prefix[n++] = q->path;
	prefix[n] = NULL;
	runner_prefix(prefix);
}

/* ---- the whole -------------------------------------------------------- */

/*
 * Is it a provider, and what is its address? One that cannot be started is
 * tried all the same: that is for the rules to tell.
 */
static bool probe(struct request *q)
{
	static struct outcome o;

	set_prefix(q);
	runner_run("--load", KIT_PROBE, &o);
	if (o.verdict == VERDICT_FAILED) {
		message("%s", o.text);
		return false;
	}
	if (q->address)
		return true;
	runner_run("--role", KIT_PROBE, &o);
	if (o.trace_count && o.verdict == VERDICT_PASSED) {
		snprintf(q->address_text, sizeof(q->address_text), "%.60s",
			o.trace[0]);
	} else {
		snprintf(q->address_text, sizeof(q->address_text),
			"127.0.0.1");
		message("the provider tells no address; trying %s (see "
			"--address)", q->address_text);
	}
	q->address = q->address_text;
	set_prefix(q);
	return take_target(q);
}

/* Stops when nothing is to be expected any more. */
static void run_cases(const struct request *q, struct kit_run *run)
{
	unsigned hung = 0;
	char title[256];

	for (unsigned i = 0; i < run->count && hung < HUNG_ENOUGH; i++) {
		struct kit_case *c = &run->cases[i];

		if (!q->quiet)
			fprintf(stderr, "[%u/%u] %s\n", i + 1, run->count,
				case_title(c->test, title, sizeof(title)));
		runner_run("--case", c->test->name, &c->outcome);
		c->was_run = true;
		hung = c->outcome.ns < case_seconds() * SECOND ? 0 : hung + 1;
	}
	if (hung == HUNG_ENOUGH)
		message("stopped: %u checks in a row have hung", hung);
}

static int check(struct request *q)
{
	struct conform_report report = {.provider = q->path,
		.wanted = &q->wanted};
	struct kit_run run;
	bool failed;

	if (!probe(q))
		return EXIT_USAGE;
	if (!kit_run_init(&run, &q->wanted)) {
		message("out of memory");
		return 1;
	}
	run_cases(q, &run);
	kit_want_broken(&q->wanted, &run);
	report.run = &run;
	report.address = q->address;
	if (q->json)
		conform_print_json(&report);
	else
		conform_print_text(&report);
	failed = conform_count(&report).failed != 0;
	kit_run_fini(&run);
	return failed ? 1 : 0;
}

static int list(const struct request *q)
{
	if (q->json)
		conform_list_json(&q->wanted);
	else
		conform_list_text(&q->wanted);
	return 0;
}

/* In the process that finds out whether the file is a provider at all. */
static int load_only(const struct request *q)
{
	char why[1024];

	if (kit_load(q->path, why, sizeof(why)))
		return 0;
	case_say(SAY_FAILED, why);
	return EXIT_USAGE;
}

static int conform(int argc, char **argv)
{
	struct request q = {.path = NULL};
	const char *operand = NULL, *load = NULL;
	const struct option_spec specs[] = {
		{"--rule", &q.rule, NULL},
		{"--address", &q.address, NULL},
		{"--guid", &q.guid, NULL},
		{"--seconds", &q.seconds, NULL},
		{"--list", NULL, &q.list},
		{"--json", NULL, &q.json},
		{"--quiet", NULL, &q.quiet},
		/* For the processes that this one starts: */
		{"--in", &q.path, NULL},
		{"--load", &load, NULL},
		{"--case", &q.one_case, NULL},
		{"--role", &q.one_role, NULL},
		{NULL, NULL, NULL},
	};
	int n = options_take(&command_conform, "conform", specs, argc, argv,
		&operand, 1);

	if (n < 0)
		return options_status(n);
	if (!take_rules(&q) || !take_seconds(&q) || !take_target(&q))
		return EXIT_USAGE;
	if (q.path)
		set_prefix(&q);
	if (q.path && load)
		return load_only(&q);
	if (q.path && (q.one_case || q.one_role))
		return run_one(&q);
	if (q.list)
		return list(&q);
	if (n < 1)
		return usage_error("conform", "which PROVIDER? The path of a "
			"library");
	q.path = operand;
	return check(&q);
}

const struct command command_conform = {
	.name = "conform",
	.summary = "check a provider against the rules",
	.usage = usage,
	.run = conform,
};
