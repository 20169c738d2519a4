/* SPDX-License-Identifier: MIT */
/* The frame itself: what is wrong must be seen. */
#include <stdlib.h>

#include "cases.h"
#include "process.h"

ROLE(role_that_fails)
{
	CHECK_EQ(1, 2);
}

ROLE(role_that_crashes)
{
	abort();
}

ROLE(role_that_passes)
{
}

CASE(the_frame_tells_a_failure_and_a_crash_from_success)
{
	CHECK_EQ(child_wait(child_start("role_that_passes")), CASE_PASS);
	CHECK_EQ(child_wait(child_start("role_that_fails")), CASE_FAIL);
	CHECK(child_wait(child_start("role_that_crashes")) != CASE_PASS);
}
