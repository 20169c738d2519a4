/* SPDX-License-Identifier: MIT */
/* perf_print.h - figures with their units, and the table of `wsd perf`. */
#ifndef WSD_CLI_PERF_PRINT_H
#define WSD_CLI_PERF_PRINT_H

#include "perf_measure.h"

#define FIGURE_MAX 24

/* "740 ns", "1.31 us", "12.5 ms", "1.02 s" */
const char *time_text(uint64_t ns, char text[FIGURE_MAX]);
/* "8 B", "64 KiB", "1 MiB" */
const char *size_text(uint64_t bytes, char text[FIGURE_MAX]);
/* "21.4 MB/s"; "-" for 0 */
const char *rate_text(double bytes_per_second, char text[FIGURE_MAX]);

/* Who is measured, for the head of both. */
struct perf_title {
	const char *provider, *description, *library;
	struct addr peer;
	bool same_command; /* the other end is a child of this one */
	uint64_t ns;       /* that each figure takes */
};

void perf_print_head(const struct perf_title *t, bool json);
void perf_print_row(const struct perf_row *r, bool json, bool first);
void perf_print_tail(bool json);

#endif
