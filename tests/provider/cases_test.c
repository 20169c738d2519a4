/* SPDX-License-Identifier: MIT */
/* The frame itself: what is wrong must be seen. */
#include <stdlib.h>
#include <string.h>

#include "conform/cases.h"
#include "conform/children.h"
#include "conform/runner.h"

ROLE(role_that_passes)
{
}

ROLE(role_that_fails)
{
	CHECK_EQ(1, 2);
}

ROLE(role_that_skips)
{
	case_skip("nothing to do");
}

ROLE(role_that_crashes)
{
	abort();
}

ROLE(role_that_breaks_another_rule)
{
	case_violation(126, "seen on the way");
}

ROLE(role_whose_child_fails)
{
	child_wait(child_start("role_that_fails"));
}

static struct outcome outcome;

static void run(const char *role)
{
	runner_run("--role", role, &outcome);
}

CASE(the_frame_tells_success)
{
	run("role_that_passes");
	CHECK(outcome.verdict == VERDICT_PASSED && !outcome.broken_count);
}

CASE(the_frame_tells_a_failure_and_its_text)
{
	run("role_that_fails");
	CHECK(outcome.verdict == VERDICT_FAILED);
	CHECK(strstr(outcome.text, "got 1, expected 2") != NULL);
}

CASE(the_frame_tells_why_something_is_not_applicable)
{
	run("role_that_skips");
	CHECK(outcome.verdict == VERDICT_SKIPPED);
	CHECK(strcmp(outcome.text, "nothing to do") == 0);
}

CASE(the_frame_tells_a_crash)
{
	run("role_that_crashes");
	CHECK(outcome.verdict == VERDICT_FAILED);
	CHECK(strstr(outcome.text, "ended") != NULL);
}

CASE(the_frame_tells_which_other_rule_was_broken)
{
	run("role_that_breaks_another_rule");
	CHECK(outcome.verdict == VERDICT_PASSED);
	CHECK_EQ(outcome.broken_count, 1);
	CHECK_EQ(outcome.broken[0].rule, 126);
	CHECK(strcmp(outcome.broken[0].text, "seen on the way") == 0);
}

CASE(the_frame_passes_on_what_a_child_process_says)
{
	run("role_whose_child_fails");
	CHECK(outcome.verdict == VERDICT_FAILED);
	CHECK(strstr(outcome.text, "got 1, expected 2") != NULL);
}
