/* SPDX-License-Identifier: MIT */
/* runner.h - runs a case in a process of its own and tells how it went. */
#ifndef WSD_CONFORM_RUNNER_H
#define WSD_CONFORM_RUNNER_H

#include <stdint.h>

#include "cases.h"

enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_SKIPPED };

enum { OUTCOME_BROKEN_MAX = 16, OUTCOME_TRACE_MAX = 40 };

struct outcome {
	enum verdict verdict;
	char text[1700]; /* what was wrong, or why it is not applicable */
	uint64_t ns;     /* how long it took */
	/* Rules that were broken on the way; the case may have passed. */
	unsigned broken_count;
	struct {
		unsigned rule;
		char text[512];
	} broken[OUTCOME_BROKEN_MAX];
	unsigned trace_count; /* what happened before, in order */
	char trace[OUTCOME_TRACE_MAX][180];
};

/*
 * What this program's first arguments must be so that it comes to
 * case_run_here with the two that follow ("--case NAME" or "--role NAME").
 * Ends with NULL, is kept; at most RUNNER_PREFIX_MAX.
 */
enum { RUNNER_PREFIX_MAX = 10 };
void runner_prefix(const char *const *arguments);
/* Stores prefix, kind, name and NULL: what starts such a process. */
void runner_arguments(const char *kind, const char *name,
	const char *out[RUNNER_PREFIX_MAX + 3]);

/* Blocks until it has ended; nothing of it is left. */
void runner_run(const char *kind, const char *name, struct outcome *out);

/*
 * For test programs: runs all cases as TAP, or with an argument those whose
 * name contains it; or, in a child, one case or role. An exit status.
 */
int runner_main(int argc, char **argv);

#endif
