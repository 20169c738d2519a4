/* SPDX-License-Identifier: MIT */
/* options.h - the options and operands of a command. */
#ifndef WSD_CLI_OPTIONS_H
#define WSD_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"

/* One of value and flag is set: --name VALUE or --name=VALUE, or --name. */
struct option_spec {
	const char *name; /* with its hyphens; NULL ends the table */
	const char **value;
	bool *flag;
};

enum { OPTIONS_DONE = -1 }; /* --help was answered */
enum { OPTIONS_WRONG = -2 }; /* a usage error was printed */

/*
 * Takes the arguments apart, options and operands in any order, after "--"
 * operands only. At most `max` operands are stored; more are an error, of
 * `what` (as in "wsd perf: ..."). Returns how many, OPTIONS_DONE or
 * OPTIONS_WRONG.
 */
int options_take(const struct command *c, const char *what,
	const struct option_spec *specs, int argc, char **argv,
	const char **operands, int max);

/* The exit status for a negative result of options_take. */
int options_status(int result);

/*
 * A number without sign, between min and max, with K or M for bytes. False
 * after a usage error.
 */
bool options_bytes(const char *what, const char *name, const char *text,
	uint64_t min, uint64_t max, uint64_t *out);
bool options_number(const char *what, const char *name, const char *text,
	uint64_t min, uint64_t max, uint64_t *out);
/* Seconds, perhaps with a fraction; stored as nanoseconds. */
bool options_seconds(const char *what, const char *name, const char *text,
	double min, double max, uint64_t *out);

#endif
