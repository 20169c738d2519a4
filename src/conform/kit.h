/* SPDX-License-Identifier: MIT */
/*
 * kit.h - the conformance kit as a whole: which cases to run for which rules,
 * and what their outcomes say about each rule.
 */
#ifndef WSD_CONFORM_KIT_H
#define WSD_CONFORM_KIT_H

#include <stdbool.h>
#include <stddef.h>

#include "runner.h"

/* ---- the provider -------------------------------------------------- */

/* Finds WSPStartupEx for the cases of this process. False with one line that
 * tells why the file is no provider. */
bool kit_load(const char *path, char *why, size_t len);

/* A role (cases.h) that starts the provider and tells an address of its own:
 * trace[0] of the outcome, or nothing when there is none. */
#define KIT_PROBE "kit_probe"

/* ---- rules --------------------------------------------------------- */

/* Stored at its number; [0] is not used. */
struct kit_wanted {
	bool rule[RULE_COUNT + 1];
};

/* Adds "R93", "93" or "R90-R116". False: it is none of these. */
bool kit_want(struct kit_wanted *w, const char *text);

/* ---- a run --------------------------------------------------------- */

struct kit_case {
	const struct test_case *test;
	bool was_run;
	struct outcome outcome;
};

struct kit_run {
	unsigned count; /* cases that check a wanted rule, by rule and name */
	struct kit_case *cases;
};

/* False: no memory. kit_run_fini gives back what it holds. */
bool kit_run_init(struct kit_run *r, const struct kit_wanted *w);
void kit_run_fini(struct kit_run *r);

enum kit_result { KIT_PASSED, KIT_FAILED, KIT_NOT_APPLICABLE };

/*
 * What the cases that were run say about a rule: failed when one that checks
 * it failed or any case saw it broken, passed when all that could be run
 * passed. *why is the reason for KIT_NOT_APPLICABLE, and lives as long as r.
 */
enum kit_result kit_judge(const struct kit_run *r, unsigned rule,
	const char **why);

/* Adds the rules that were broken in passing, whether they were asked for or
 * not. */
void kit_want_broken(struct kit_wanted *w, const struct kit_run *r);

#endif
