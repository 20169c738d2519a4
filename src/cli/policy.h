/* SPDX-License-Identifier: MIT */
/* policy.h - the verbs of `wsd policy`, in files of their own. */
#ifndef WSD_CLI_POLICY_H
#define WSD_CLI_POLICY_H

int policy_check(int argc, char **argv);
int policy_explain(int argc, char **argv);

#endif
