/* SPDX-License-Identifier: MIT */
/* perf.c - `wsd perf`: how fast a provider is. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "choose.h"
#include "command.h"
#include "host.h"
#include "interrupt.h"
#include "message.h"
#include "options.h"
#include "perf_print.h"
#include "perf_server.h"

#define DEFAULT_NS (200 * UINT64_C(1000000))

static const char usage[] =
	"usage: wsd perf [HOST[:PORT]] [OPTIONS]\n"
	"       wsd perf --server [--port PORT] [--provider NAME | PATH]\n"
	"\n"
	"Measures a SAN service provider itself, without a program or a\n"
	"switch on top: the time of a round trip, and the bandwidth one way\n"
	"by messages and by RDMA, for transfers of several sizes. HOST is the\n"
	"address of a machine where `wsd perf --server` runs; without it both\n"
	"ends are here, the other one in a process of its own.\n"
	"\n"
	"  --server         answer those who measure, and `wsd ping`\n"
	"  --port PORT      of the server; default 7470\n"
	"  --provider NAME  from the catalog, or the path of a library;\n"
	"                   default: the first of the catalog that reaches\n"
	"                   HOST\n"
	"  --size BYTES     this size only, 1 to 1M; K and M may follow\n"
	"  --seconds S      how long each figure is measured; default 0.2\n"
	"  --json           for programs\n"
	"  --help, --version\n"
	"\n"
	"Units: ns, us, ms are billionths, millionths and thousandths of a\n"
	"second; MB/s is a million bytes a second, KiB 1024 bytes. Ctrl-C\n"
	"ends it with what there is. The exit status is 0 when everything was\n"
	"measured, 1 when not, 2 when wsd was used wrongly.\n";

struct request {
	const char *host, *provider, *port, *size, *seconds;
	bool server, child, json;
	struct addr to;
	uint64_t bytes; /* 0: several */
	uint64_t ns;
};

/* ---- the command line ------------------------------------------------- */

static bool check_host(struct request *r)
{
	if (!r->host || host_parse(r->host, &r->to))
		return true;
	usage_error("perf", "'%s' is no HOST[:PORT] with a numeric address",
		r->host);
	return false;
}

static bool check_values(struct request *r)
{
	uint64_t port = PERF_PORT;

	if (r->port && !options_number("perf", "--port", r->port, 1, UINT16_MAX,
			&port))
		return false;
	if (r->server)
		r->to = addr_any(4, (uint16_t)port);
	r->ns = DEFAULT_NS;
	return check_host(r) &&
		(!r->size || options_bytes("perf", "--size", r->size, 1,
				PERF_SIZE_MAX, &r->bytes)) &&
		(!r->seconds || options_seconds("perf", "--seconds",
				r->seconds, 0.001, 3600, &r->ns));
}

static bool agree(const struct request *r)
{
	if (r->server && (r->host || r->size || r->seconds || r->json))
		usage_error("perf", "--server takes no HOST, --size, --seconds "
			"or --json");
	else if (!r->server && r->port)
		usage_error("perf", "--port is for --server; a client says "
			"HOST:PORT");
	else if (r->child && !r->server)
		usage_error("perf", "unknown option --child");
	else
		return true;
	return false;
}

/* ---- measuring -------------------------------------------------------- */

static const uint32_t sizes[] = {8, 32, 128, 512, 2048, 8192, 32768, 131072,
	524288, 1048576};

static int failed(const struct request *r, int code)
{
	char text[LINK_TEXT_MAX], where[ADDR_TEXT_MAX];

	if (code == LINK_INTERRUPTED || interrupted())
		return 1;
	message("%s: %s", addr_text(&r->to, where), code == WSAEPROTOTYPE
		? "what comes back is not what a 'wsd perf --server' sends"
		: link_text(code, text));
	return 1;
}

static int measure_all(const struct request *r, struct perf_peer *p)
{
	unsigned count = r->bytes ? 1 : sizeof(sizes) / sizeof(sizes[0]);
	struct perf_row row;
	int code = 0;

	for (unsigned i = 0; i < count && !code; i++) {
		code = perf_measure(p, r->bytes ? (uint32_t)r->bytes : sizes[i],
			r->ns, &row);
		if (!code)
			perf_print_row(&row, r->json, i == 0);
	}
	return code;
}

static int measure(struct request *r, struct spi_client *c, const char *library)
{
	struct perf_title title = {.provider = spi_client_name(c),
		.description = c->description, .library = library,
		.peer = r->to, .same_command = !r->host, .ns = r->ns};
	struct perf_peer p;
	struct link l;
	char text[LINK_TEXT_MAX], where[ADDR_TEXT_MAX], hint[SERVER_HINT_MAX];
	int code = link_connect(c, &r->to, PERF_PATIENCE, &l);

	if (!code)
		code = perf_peer_open(&p, &l);
	if (code && code != LINK_INTERRUPTED)
		message("cannot connect to %s: %s; is 'wsd perf --server%s' "
			"running there?", addr_text(&r->to, where),
			link_text(code, text), server_hint(c, hint));
	if (code)
		return 1;
	code = perf_peer_greet(&p);
	if (!code) {
		perf_print_head(&title, r->json);
		code = measure_all(r, &p);
		perf_print_tail(r->json);
	}
	perf_peer_close(&p);
	return code ? failed(r, code) : 0;
}

static int with_child(struct request *r, struct spi_client *c,
	const char *library)
{
	struct os_child child;
	int status;

	if (!perf_child_start(library, &child, &r->to))
		return 1;
	status = measure(r, c, library);
	os_child_end(&child, true);
	return status;
}

/* ---- the command ------------------------------------------------------ */

static void serving(const struct addr *at)
{
	char where[ADDR_TEXT_MAX];

	printf("serving on %s; Ctrl-C ends it\n", addr_text(at, where));
	fflush(stdout);
}

/* Every address: where there is IPv6, :: serves IPv4 as well. */
static int serve(struct request *r, struct spi_client *c)
{
	if (c->can.dwFlags & WSD_CAP_INET6)
		r->to = addr_any(6, r->to.port);
	return perf_serve(c, &r->to, serving);
}

static int act(struct request *r, struct spi_client *c, const char *library)
{
	/* The parent ends its child; Ctrl-C is not for both. */
	if (r->child)
		signal(SIGINT, SIG_IGN);
	else
		interrupt_catch();
	if (r->child)
		return perf_child_serve(c);
	if (r->server)
		return serve(r, c);
	return r->host ? measure(r, c, library) : with_child(r, c, library);
}

static int run(int argc, char **argv)
{
	struct request r = {0};
	const struct option_spec specs[] = {
		{"--server", NULL, &r.server},
		{"--child", NULL, &r.child}, /* see perf_child_start */
		{"--port", &r.port, NULL},
		{"--provider", &r.provider, NULL},
		{"--size", &r.size, NULL},
		{"--seconds", &r.seconds, NULL},
		{"--json", NULL, &r.json},
		{0},
	};
	int n = options_take(&command_perf, "perf", specs, argc, argv, &r.host,
		1);
	struct install_entry e;
	struct spi_client c;
	int status;

	if (n < 0)
		return options_status(n);
	if (!agree(&r) || !check_values(&r))
		return EXIT_USAGE;
	if (!choose_and_start(r.provider, r.host ? &r.to : NULL, &c, &e))
		return 1;
	status = act(&r, &c, e.library);
	spi_client_stop(&c);
	spi_client_unload(&c);
	return status;
}

const struct command command_perf = {
	.name = "perf",
	.summary = "measure a SAN service provider",
	.usage = usage,
	.run = run,
};
