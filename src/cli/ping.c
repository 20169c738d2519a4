/* SPDX-License-Identifier: MIT */
/* ping.c - `wsd ping`: does the SAN reach there, and how fast? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "choose.h"
#include "command.h"
#include "host.h"
#include "interrupt.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "os/os.h"
#include "perf_print.h"
#include "perf_server.h"

#define SECOND UINT64_C(1000000000)
#define STEP (50 * UINT64_C(1000000))

enum { DEFAULT_SIZE = 56 };

static const char usage[] =
	"usage: wsd ping [HOST[:PORT]] [OPTIONS]\n"
	"\n"
	"Sends a message over the SAN each second and waits for its answer.\n"
	"HOST is the address of a machine where `wsd perf --server` runs;\n"
	"without it both ends are here, the other one in a process of its\n"
	"own.\n"
	"\n"
	"  --count N        stop after N messages; default: at Ctrl-C\n"
	"  --interval S     seconds between messages; default 1\n"
	"  --size BYTES     of a message, 1 to 1M; default 56\n"
	"  --provider NAME  from the catalog, or the path of a library;\n"
	"                   default: the first of the catalog that reaches\n"
	"                   HOST\n"
	"  --json           the summary, for programs\n"
	"  --help, --version\n"
	"\n"
	"The exit status is 0 when every message was answered, 1 when not, 2\n"
	"when wsd was used wrongly.\n";

struct request {
	const char *host, *provider, *count_text, *interval_text, *size_text;
	bool json;
	struct addr to;
	uint64_t count, interval, size;
};

struct tally {
	uint64_t sent, answered;
	uint64_t min, max, sum; /* nanoseconds */
};

/* ---- messages --------------------------------------------------------- */

static void count_answer(struct tally *t, uint64_t ns)
{
	if (t->answered == 0 || ns < t->min)
		t->min = ns;
	if (ns > t->max)
		t->max = ns;
	t->sum += ns;
	t->answered++;
}

static void print_answer(const struct request *r, uint64_t seq, uint64_t ns)
{
	char where[ADDR_TEXT_MAX], time[FIGURE_MAX];

	if (r->json)
		return;
	printf("%" PRIu64 " bytes from %s: seq=%" PRIu64 " time=%s\n", r->size,
		addr_text(&r->to, where), seq, time_text(ns, time));
	fflush(stdout);
}

/* Until it is time for the next one, or the user has had enough. */
static void pause_until(uint64_t when)
{
	uint64_t now;

	while (!interrupted() && (now = os_now()) < when)
		os_sleep(when - now < STEP ? when - now : STEP);
}

static int send_all(const struct request *r, struct perf_peer *p,
	struct tally *t)
{
	struct perf_command echo = {.operation = PERF_ECHO,
		.size = (uint32_t)r->size, .count = UINT32_MAX};
	int code = perf_peer_command(p, &echo);
	uint64_t next = os_now(), ns;

	while (!code && !interrupted() && t->sent < r->count) {
		pause_until(next);
		if (interrupted())
			break;
		t->sent++;
		code = perf_round_trip(p, (uint32_t)r->size, PERF_PATIENCE,
			&ns);
		if (code)
			break;
		count_answer(t, ns);
		print_answer(r, t->sent, ns);
		next += r->interval;
	}
	return code == LINK_INTERRUPTED ? 0 : code;
}

/* ---- the summary ------------------------------------------------------ */

static void print_summary(const struct request *r, const struct tally *t)
{
	char where[ADDR_TEXT_MAX], min[FIGURE_MAX], avg[FIGURE_MAX],
		max[FIGURE_MAX];

	printf("\n--- %s: %" PRIu64 " sent, %" PRIu64 " answered\n",
		addr_text(&r->to, where), t->sent, t->answered);
	if (t->answered)
		printf("round trip min/avg/max: %s / %s / %s\n",
			time_text(t->min, min),
			time_text(t->sum / t->answered, avg),
			time_text(t->max, max));
}

static void print_json(const struct request *r, const struct tally *t)
{
	char where[ADDR_TEXT_MAX];

	fputs("{", stdout);
	json_member("peer", addr_text(&r->to, where), ", ");
	printf("\"bytes\": %" PRIu64 ", \"sent\": %" PRIu64
	       ", \"answered\": %" PRIu64, r->size, t->sent, t->answered);
	if (t->answered)
		printf(", \"min_ns\": %" PRIu64 ", \"avg_ns\": %" PRIu64
		       ", \"max_ns\": %" PRIu64, t->min, t->sum / t->answered,
			t->max);
	puts("}");
}

/* ---- one connection --------------------------------------------------- */

static int open_peer(const struct request *r, struct spi_client *c,
	struct perf_peer *p)
{
	struct link l;
	int code = link_connect(c, &r->to, PERF_PATIENCE, &l);

	if (!code)
		code = perf_peer_open(p, &l);
	if (code)
		return code;
	code = perf_peer_greet(p);
	if (!code && perf_pieces((uint32_t)r->size, p->longest) > PERF_WINDOW)
		code = WSAEMSGSIZE;
	if (code)
		perf_peer_close(p);
	return code;
}

static int ping(const struct request *r, struct spi_client *c)
{
	char where[ADDR_TEXT_MAX], text[LINK_TEXT_MAX], hint[SERVER_HINT_MAX];
	struct tally t = {0};
	struct perf_peer p;
	int code = open_peer(r, c, &p);

	if (code) {
		if (code != LINK_INTERRUPTED)
			message("%s does not answer over %s: %s; is 'wsd perf "
				"--server%s' running there?",
				addr_text(&r->to, where), spi_client_name(c),
				link_text(code, text), server_hint(c, hint));
		return 1;
	}
	if (!r->json)
		printf("wsd ping %s over %s: %" PRIu64 " bytes\n",
			addr_text(&r->to, where), spi_client_name(c), r->size);
	code = send_all(r, &p, &t);
	perf_peer_close(&p);
	if (code && !interrupted())
		message("%s: %s", addr_text(&r->to, where),
			link_text(code, text));
	if (r->json)
		print_json(r, &t);
	else
		print_summary(r, &t);
	return t.answered == 0 || (code && !interrupted()) ? 1 : 0;
}

static int ping_child(struct request *r, struct spi_client *c,
	const char *library)
{
	struct os_child child;
	int status;

	if (!perf_child_start(library, &child, &r->to))
		return 1;
	status = ping(r, c);
	os_child_end(&child, true);
	return status;
}

/* ---- the command ------------------------------------------------------ */

static bool check_values(struct request *r)
{
	r->count = UINT64_MAX;
	r->interval = SECOND;
	r->size = DEFAULT_SIZE;
	if (r->host && !host_parse(r->host, &r->to)) {
		usage_error("ping", "'%s' is no HOST[:PORT] with a numeric "
			"address", r->host);
		return false;
	}
	return (!r->count_text || options_number("ping", "--count",
			r->count_text, 1, UINT32_MAX, &r->count)) &&
		(!r->interval_text || options_seconds("ping", "--interval",
			r->interval_text, 0.001, 30, &r->interval)) &&
		(!r->size_text || options_bytes("ping", "--size", r->size_text,
			1, PERF_SIZE_MAX, &r->size));
}

static int run(int argc, char **argv)
{
	struct request r = {0};
	const struct option_spec specs[] = {
		{"--count", &r.count_text, NULL},
		{"--interval", &r.interval_text, NULL},
		{"--size", &r.size_text, NULL},
		{"--provider", &r.provider, NULL},
		{"--json", NULL, &r.json},
		{0},
	};
	int n = options_take(&command_ping, "ping", specs, argc, argv, &r.host,
		1);
	struct install_entry e;
	struct spi_client c;
	int status;

	if (n < 0)
		return options_status(n);
	if (!check_values(&r))
		return EXIT_USAGE;
	if (!choose_and_start(r.provider, r.host ? &r.to : NULL, &c, &e))
		return 1;
	interrupt_catch();
	status = r.host ? ping(&r, &c) : ping_child(&r, &c, e.library);
	spi_client_stop(&c);
	spi_client_unload(&c);
	return status;
}

const struct command command_ping = {
	.name = "ping",
	.summary = "send messages over the SAN and time the answers",
	.usage = usage,
	.run = run,
};
