/* SPDX-License-Identifier: MIT */
/* report.h - TAP for small test programs: one line for each thing checked. */
#ifndef WSD_TESTS_CLI_REPORT_H
#define WSD_TESTS_CLI_REPORT_H

#include <stdbool.h>
#include <stdio.h>

static int report_count, report_failures;

static void report(bool good, const char *sentence)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++report_count,
		sentence);
	report_failures += !good;
}

/* Prints the plan; the exit status. */
static int report_end(void)
{
	printf("1..%d\n", report_count);
	return report_failures != 0;
}

#endif
