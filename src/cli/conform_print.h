/* SPDX-License-Identifier: MIT */
/* conform_print.h - the results of `wsd conform` on standard output. */
#ifndef WSD_CLI_CONFORM_PRINT_H
#define WSD_CLI_CONFORM_PRINT_H

#include "conform/kit.h"

struct conform_totals {
	unsigned passed, failed, not_applicable;
};

/* What is printed, and counted. */
struct conform_report {
	const char *provider, *address;
	const struct kit_wanted *wanted;
	const struct kit_run *run;
};

struct conform_totals conform_count(const struct conform_report *r);
/* A line a rule, more where one failed, and the totals. */
void conform_print_text(const struct conform_report *r);
void conform_print_json(const struct conform_report *r);

/* The rules and what checks them. */
void conform_list_text(const struct kit_wanted *w);
void conform_list_json(const struct kit_wanted *w);

#endif
