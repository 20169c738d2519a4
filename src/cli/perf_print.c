/* SPDX-License-Identifier: MIT */
#include "perf_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "os/os.h"

/* ---- figures ---------------------------------------------------------- */

/* Three digits that mean something. */
static const char *figure(double v, const char *unit, char text[FIGURE_MAX])
{
	snprintf(text, FIGURE_MAX, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0,
		v, unit);
	return text;
}

const char *time_text(uint64_t ns, char text[FIGURE_MAX])
{
	if (ns < 1000)
		snprintf(text, FIGURE_MAX, "%u ns", (unsigned)ns);
	else if (ns < 1000000)
		figure((double)ns / 1e3, "us", text);
	else if (ns < 1000000000)
		figure((double)ns / 1e6, "ms", text);
	else
		figure((double)ns / 1e9, "s", text);
	return text;
}

const char *size_text(uint64_t bytes, char text[FIGURE_MAX])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
	unsigned n = 0;

	while (n < 3 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		n++;
	}
	snprintf(text, FIGURE_MAX, "%" PRIu64 " %s", bytes, units[n]);
	return text;
}

const char *rate_text(double v, char text[FIGURE_MAX])
{
	if (v <= 0)
		snprintf(text, FIGURE_MAX, "-");
	else if (v < 1e6)
		figure(v / 1e3, "kB/s", text);
	else if (v < 1e9)
		figure(v / 1e6, "MB/s", text);
	else
		figure(v / 1e9, "GB/s", text);
	return text;
}

/* ---- the table -------------------------------------------------------- */

static void print_head_text(const struct perf_title *t)
{
	char where[ADDR_TEXT_MAX], each[FIGURE_MAX];

	printf("%s (%s), %s%s, about %s for each figure\n\n", t->provider,
		t->library, t->same_command ? "both ends here, at " : "to ",
		addr_text(&t->peer, where), time_text(t->ns, each));
	printf("%8s  %32s  %34s\n", "", "round trip        ",
		"one way           ");
	printf("%8s  %10s %10s %10s  %10s %11s %11s\n", "size", "min", "median",
		"p99", "messages", "RDMA write", "RDMA read");
}

static void print_head_json(const struct perf_title *t)
{
	char where[ADDR_TEXT_MAX];

	fputs("{", stdout);
	json_member("version", WSD_VERSION, ", ");
	json_member("provider", t->provider, ", ");
	json_member("description", t->description, ", ");
	json_member("library", t->library, ",\n ");
	json_member("peer", addr_text(&t->peer, where), ", ");
	printf("\"same_command\": %s, \"cpus\": %u, ",
		t->same_command ? "true" : "false", os_cpu_count());
	printf("\"seconds_per_figure\": %g,\n \"rows\": [",
		(double)t->ns / 1e9);
}

void perf_print_head(const struct perf_title *t, bool json)
{
	if (json)
		print_head_json(t);
	else
		print_head_text(t);
	fflush(stdout);
}

static void print_row_text(const struct perf_row *r)
{
	char size[FIGURE_MAX], t[3][FIGURE_MAX] = {"-", "-", "-"};
	char rate[3][FIGURE_MAX];

	if (r->round_trips) {
		time_text(r->min_ns, t[0]);
		time_text(r->median_ns, t[1]);
		time_text(r->p99_ns, t[2]);
	}
	printf("%8s  %10s %10s %10s  %10s %11s %11s\n",
		size_text(r->bytes, size), t[0], t[1], t[2],
		rate_text(r->messages, rate[0]),
		rate_text(r->rdma_write, rate[1]),
		rate_text(r->rdma_read, rate[2]));
}

static void print_rate_json(const char *key, double v, const char *after)
{
	if (v > 0)
		printf("\"%s\": %.0f%s", key, v, after);
	else
		printf("\"%s\": null%s", key, after);
}

static void print_row_json(const struct perf_row *r, bool first)
{
	printf("%s\n  {\"bytes\": %" PRIu32 ", \"round_trips\": %" PRIu64 ", ",
		first ? "" : ",", r->bytes, r->round_trips);
	if (r->round_trips)
		printf("\"min_ns\": %" PRIu64 ", \"median_ns\": %" PRIu64
		       ", \"p99_ns\": %" PRIu64 ", ", r->min_ns, r->median_ns,
			r->p99_ns);
	print_rate_json("messages_bytes_per_second", r->messages, ", ");
	print_rate_json("rdma_write_bytes_per_second", r->rdma_write, ", ");
	print_rate_json("rdma_read_bytes_per_second", r->rdma_read, "}");
}

void perf_print_row(const struct perf_row *r, bool json, bool first)
{
	if (json)
		print_row_json(r, first);
	else
		print_row_text(r);
	fflush(stdout);
}

void perf_print_tail(bool json)
{
	if (json)
		puts("\n]}");
}
