/* SPDX-License-Identifier: MIT */
/*
 * policy_explain.c - `wsd policy explain`: the switch's own choice, told.
 *
 * What only trying can tell (does the other side offer the SAN, is the port
 * free) is not known here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "command.h"
#include "host.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "policy.h"
#include "switch/policy_file.h"
#include "switch/route.h"
#include "switch/switch.h"

#define WHAT "policy"

/* The question. */
struct question {
	struct addr addr;
	const char *program; /* "": one that no rule names */
	bool listen;
};

/* And all that there is to say. */
struct answer {
	char file[SW_PATH_MAX]; /* "": none */
	bool wrong;
	struct policy policy;
	const struct policy_rule *rule;
	enum sw_reason why; /* SW_SAN, or why it is TCP */
	unsigned count;
	struct sw_candidate providers[SW_PROVIDERS_MAX];
};

/* ---- finding out ------------------------------------------------------ */

static void take_policy(const struct question *q, struct answer *a)
{
	char problem[POLICY_PROBLEM_MAX];

	if (!policy_find(a->file)) {
		a->file[0] = 0;
		return;
	}
	if (!policy_read(a->file, &a->policy, problem)) {
		message("%s", problem);
		a->wrong = true;
		return;
	}
	a->rule = policy_match(&a->policy, q->program,
		q->listen ? POLICY_LISTEN : POLICY_CONNECT, &q->addr);
}

static void find_out(const struct question *q, struct answer *a)
{
	take_policy(q, a);
	builtin_tell_switch();
	a->count = q->listen
		? sw_route_look_listen(&q->addr, a->rule, a->providers, &a->why)
		: sw_route_look(&q->addr, a->rule, a->providers, &a->why);
	/* What the switch looks at first. */
	if (!sw_enabled())
		a->why = SW_DISABLED;
	else if (a->wrong)
		a->why = SW_POLICY_ERROR;
	else if (a->rule && a->rule->route == POLICY_TCP)
		a->why = SW_POLICY;
}

/* ---- telling ---------------------------------------------------------- */

/* "shm", what a listener is on all at once "shm,fabric"; or "tcp". */
static const char *route_of(const struct question *q, const struct answer *a,
	char *out, size_t room)
{
	unsigned most = q->listen ? SW_LISTENER_HANDLES : 1, n = 0;

	out[0] = 0;
	for (unsigned i = 0; i < a->count && n < most; i++) {
		if (a->why != SW_SAN || a->providers[i].fit != ROUTE_FITS)
			continue;
		snprintf(out + strlen(out), room - strlen(out), "%s%s",
			n++ ? "," : "", a->providers[i].provider->name);
	}
	return n ? out : "tcp";
}

static void print_rule(const struct answer *a)
{
	if (a->rule)
		printf("rule      %s:%u: %s\n", a->file, a->rule->line,
			policy_route_name(a->rule));
	else if (a->wrong)
		printf("rule      none: %s is wrong\n", a->file);
	else if (a->file[0])
		printf("rule      none of %s: auto\n", a->file);
	else
		puts("rule      none, there is no policy: auto");
}

static void print_text(const struct question *q, const struct answer *a)
{
	char text[ADDR_TEXT_MAX], route[SW_PROVIDERS_MAX * 33];

	printf("%s %s by %s\n", q->listen ? "listen   " : "connect  ",
		addr_text(&q->addr, text),
		*q->program ? q->program : "a program that no rule names");
	print_rule(a);
	printf("route     %s, %s: %s\n", route_of(q, a, route, sizeof route),
		sw_reason_code(a->why), a->why == SW_SAN
			? "TCP where the other side does not offer it"
			: sw_reason_text(a->why));
	for (unsigned i = 0; i < a->count; i++)
		printf("%-9s %s: %s\n", a->providers[i].provider->name,
			a->providers[i].fit == ROUTE_FITS ? "yes" : "no",
			route_fit_text(a->providers[i].fit));
}

static void print_json_rule(const struct answer *a)
{
	fputs("\"rule\": ", stdout);
	if (!a->rule) {
		fputs("null, ", stdout);
		return;
	}
	printf("{\"line\": %u, ", a->rule->line);
	json_member("route", policy_route_name(a->rule), "}, ");
}

static void print_json(const struct question *q, const struct answer *a)
{
	char text[ADDR_TEXT_MAX], route[SW_PROVIDERS_MAX * 33];

	putchar('{');
	json_member("direction", q->listen ? "listen" : "connect", ", ");
	json_member("address", addr_text(&q->addr, text), ", ");
	json_member("program", q->program, ", ");
	json_member("file", a->file, ", ");
	print_json_rule(a);
	json_member("route", route_of(q, a, route, sizeof route), ", ");
	json_member("code", sw_reason_code(a->why), ", ");
	json_member("reason", sw_reason_text(a->why), ", ");
	fputs("\"providers\": [", stdout);
	for (unsigned i = 0; i < a->count; i++) {
		enum route_fit fit = a->providers[i].fit;

		fputs(i ? ", {" : "{", stdout);
		json_member("name", a->providers[i].provider->name, ", ");
		printf("\"fits\": %s, ", fit == ROUTE_FITS ? "true" : "false");
		json_member("reason", route_fit_text(fit), "}");
	}
	puts("]}");
}

/* ---- the command line ------------------------------------------------- */

/* Nobody is at the wildcard: a connect goes to this host. */
static void complete(struct question *q)
{
	if (q->listen || !addr_is_any(&q->addr))
		return;
	host_parse_ip(q->addr.family == 4 ? "127.0.0.1" : "::1", &q->addr);
}

static bool take_question(const char *const operands[2], const char *program,
	struct question *q)
{
	const char *slash = program ? strrchr(program, '/') : NULL;
	uint64_t port;

	if (!host_parse_ip(operands[0], &q->addr)) {
		usage_error(WHAT, "'%s' is not an IPv4 or IPv6 address",
			operands[0]);
		return false;
	}
	if (!options_number(WHAT, "PORT", operands[1], 1, 65535, &port))
		return false;
	complete(q);
	q->addr.port = (uint16_t)port;
	q->program = slash ? slash + 1 : program ? program : "";
	return true;
}

int policy_explain(int argc, char **argv)
{
	const char *operands[2], *program = NULL;
	struct question q = {.listen = false};
	bool json = false, wrong;
	struct answer *a;
	const struct option_spec specs[] = {
		{"--program", &program, NULL},
		{"--listen", NULL, &q.listen},
		{"--json", NULL, &json},
		{0},
	};
	int n = options_take(&command_policy, WHAT, specs, argc, argv, operands,
		2);

	if (n < 0)
		return options_status(n);
	if (n < 2)
		return usage_error(WHAT, "explain needs ADDRESS and PORT");
	if (!take_question(operands, program, &q))
		return EXIT_USAGE;
	a = calloc(1, sizeof *a);
	if (!a) {
		message("not enough memory");
		return 1;
	}
	find_out(&q, a);
	(json ? print_json : print_text)(&q, a);
	wrong = a->wrong;
	free(a);
	return wrong ? 1 : 0;
}
