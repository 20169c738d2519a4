/* SPDX-License-Identifier: MIT */
/* policy.c - `wsd policy`: the file of rules, and what follows from it. */
#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "switch/policy_file.h"

#define WHAT "policy"

static const char usage[] =
	"usage: wsd policy check [FILE] [--json]\n"
	"       wsd policy explain ADDRESS PORT [--program NAME] [--listen]\n"
	"                          [--json]\n"
	"\n"
	"A policy says which connections may use which SAN, in a file with a\n"
	"rule a line, the first that fits decides:\n"
	"\n"
	"  PROGRAM DIRECTION ADDRESS[/PREFIX] PORTS ROUTE\n"
	"  redis*  connect   10.1.0.0/16      6379  fabric\n"
	"\n"
	"It is in the file that the setting 'policy' (WSD_POLICY) names, else\n"
	"in ~/.config/openwsd/policy.conf, else in /etc/openwsd/policy.conf.\n"
	"\n"
	"  check    find mistakes in FILE, or in the policy in force\n"
	"  explain  tell which rule and which route a connect to ADDRESS and\n"
	"           PORT would take, and what each provider makes of it\n"
	"\n"
	"  --program NAME  of that program; default: one that no rule names\n"
	"  --listen        a listener at ADDRESS and PORT instead\n"
	"  --json          for programs\n"
	"  --help, --version\n"
	"\n"
	"The exit status is 0 when all is well, 1 when the policy is wrong or\n"
	"cannot be read, 2 when wsd was used wrongly.\n";

/* ---- check ------------------------------------------------------------ */

static void print_json(const char *file, unsigned rules, const char *problem)
{
	fputs("{\"file\": ", stdout);
	if (file)
		json_string(file);
	else
		fputs("null", stdout);
	printf(", \"rules\": %u, ", rules);
	json_member("problem", problem, "}\n");
}

static void print_text(const char *file, unsigned rules)
{
	if (file)
		printf("%s: %u rule%s, no mistake\n", file, rules,
			rules == 1 ? "" : "s");
	else
		puts("no policy: every route is auto");
}

/* No file is a policy without rules. */
static bool check_file(const char *file, bool json)
{
	struct policy *p = calloc(1, sizeof *p);
	char problem[POLICY_PROBLEM_MAX] = "";
	bool good = p && (!file || policy_read(file, p, problem));

	if (!good)
		message("%s", p ? problem : "not enough memory");
	if (json)
		print_json(file, good ? p->count : 0, problem);
	else if (good)
		print_text(file, p->count);
	free(p);
	return good;
}

int policy_check(int argc, char **argv)
{
	const char *file = NULL;
	char path[SW_PATH_MAX];
	bool json = false;
	const struct option_spec specs[] = {{"--json", NULL, &json}, {0}};
	int n = options_take(&command_policy, WHAT, specs, argc, argv, &file,
		1);

	if (n < 0)
		return options_status(n);
	if (n == 0 && policy_find(path))
		file = path;
	return check_file(file, json) ? 0 : 1;
}

/* ---- the command ------------------------------------------------------ */

static int run(int argc, char **argv)
{
	if (argc < 2)
		return usage_error(WHAT, "check or explain?");
	if (command_answers(&command_policy, argv[1]))
		return 0;
	if (strcmp(argv[1], "check") == 0)
		return policy_check(argc - 1, argv + 1);
	if (strcmp(argv[1], "explain") == 0)
		return policy_explain(argc - 1, argv + 1);
	return usage_error(WHAT, "unknown %s", argv[1]);
}

const struct command command_policy = {
	.name = "policy",
	.summary = "check which SAN connections may use, and explain routes",
	.usage = usage,
	.run = run,
};
