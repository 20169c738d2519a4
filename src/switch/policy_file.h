/* SPDX-License-Identifier: MIT */
/*
 * policy_file.h - the policy that is in force for this program.
 *
 * It is in the file that the setting "policy" names, else in the user's
 * ~/.config/openwsd/policy.conf, else in /etc/openwsd/policy.conf; only the
 * first that is there counts, and none is fine. A policy that cannot be read or
 * understood is worse than none: nobody knows what it was to forbid. Then the
 * program stays with TCP, after one line on standard error.
 */
#ifndef WSD_SWITCH_POLICY_FILE_H
#define WSD_SWITCH_POLICY_FILE_H

#include <stdbool.h>

#include "switch/catalog.h"
#include "switch/policy.h"
#include "switch/reason.h"

#define POLICY_SYSTEM_FILE "/etc/openwsd/policy.conf"
#define POLICY_PROBLEM_MAX (SW_PATH_MAX + 200)

/*
 * Which file it is, whether it can be read or not; false: there is none. Not
 * cached.
 */
bool policy_find(char path[SW_PATH_MAX]);

/* Reads a file. False: problem says why, "FILE:LINE: expected ...". */
bool policy_read(const char *path, struct policy *out,
	char problem[POLICY_PROBLEM_MAX]);

/*
 * May this program use a SAN for that? False: the policy says TCP or is wrong,
 * *why says which. Else *rule is the rule that fits, NULL: none. The file is
 * read at the first call.
 */
bool policy_permits(unsigned direction, const struct addr *a,
	const struct policy_rule **rule, enum sw_reason *why);

#endif
