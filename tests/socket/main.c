/* SPDX-License-Identifier: MIT */
/* socket_cases: lists the cases, runs one here, or runs all as TAP. */
#include "cases.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct socket_case *first;
static struct socket_case **last = &first;
static const char *running;

void case_add(struct socket_case *added)
{
	*last = added;
	last = &added->next;
}

const struct socket_case *case_first(void)
{
	return first;
}

const struct socket_case *case_find(const char *name)
{
	const struct socket_case *c = first;

	while (c && strcmp(c->name, name) != 0)
		c = c->next;
	return c;
}

/* Children keep this handler, so each process says where it was stuck. */
static void on_deadline(int signal)
{
	case_fail(case_place, "%s is not done after %d s; last helper was here",
	        running, CASE_DEADLINE_SECONDS);
}

_Noreturn void case_run(const struct socket_case *chosen)
{
	struct sigaction action = {.sa_handler = on_deadline,
		.sa_flags = SA_RESTART};

	running = chosen->name;
	sigaction(SIGALRM, &action, NULL);
	alarm(CASE_DEADLINE_SECONDS);
	chosen->run();
	_exit(CASE_PASS);
}

static int list(void)
{
	for (const struct socket_case *c = first; c; c = c->next)
		puts(c->name);
	return CASE_PASS;
}

static int usage(void)
{
	fputs("usage: socket_cases --list\n"
	      "       socket_cases --all [PART_OF_NAME]\n"
	      "       socket_cases NAME\n",
	        stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const struct socket_case *chosen;

	if (argc < 2)
		return usage();
	if (strcmp(argv[1], "--list") == 0)
		return list();
	if (strcmp(argv[1], "--all") == 0)
		return tap_run(argc > 2 ? argv[2] : "");
	if (strncmp(argv[1], "--exec-", 7) == 0 && argc == 3)
		exec_main(argv[1], argv[2]);
	chosen = case_find(argv[1]);
	if (!chosen) {
		fprintf(stderr, "socket_cases: no case %s\n", argv[1]);
		return usage();
	}
	case_run(chosen);
}
