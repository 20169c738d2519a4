/* SPDX-License-Identifier: MIT */
/*
 * command.h - what a subcommand of `wsd` is.
 *
 * Each lives in a file of its own, named as it is, and is listed in
 * commands_SYSTEM.c of each system that has it. It gets its own arguments
 * (argv[0] is its name) and returns the exit status of wsd.
 */
#ifndef WSD_CLI_COMMAND_H
#define WSD_CLI_COMMAND_H

#include <stdbool.h>

struct command {
	const char *name;
	const char *summary; /* for the list that `wsd help` prints */
	const char *usage;   /* what `wsd help NAME` prints */
	int (*run)(int argc, char **argv);
};

extern const struct command command_conform;
extern const struct command command_help;
extern const struct command command_info;
extern const struct command command_perf;
extern const struct command command_ping;
extern const struct command command_policy;
extern const struct command command_provider;
extern const struct command command_run;
extern const struct command command_settings;
extern const struct command command_version;

/* What this system's wsd can do, in the order of `wsd help`. */
extern const struct command *const commands[];
extern const unsigned command_count;

enum {
	EXIT_USAGE = 2,
	EXIT_CANNOT_RUN = 126, /* as shells do */
	EXIT_NOT_FOUND = 127,
};

/*
 * Answers --help, -h and --version of a command (prints on standard output).
 * False when arg is none of them.
 */
bool command_answers(const struct command *c, const char *arg);

#endif
