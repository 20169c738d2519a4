/* SPDX-License-Identifier: MIT */
/*
 * perf_attack.c - a client of `wsd perf --server` that says anything.
 *
 *     perf_attack LIBRARY HOST:PORT SECONDS
 *
 * Prints how many connections it has made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "os/os.h"
#include "perf_peer.h"

#define SECOND UINT64_C(1000000000)
#define SOON (20 * UINT64_C(1000000))

static unsigned chance(unsigned n)
{
	return (unsigned)rand() % n;
}

static void scribble(char *to, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		to[i] = (char)rand();
}

static int say_anything(struct perf_peer *p)
{
	uint32_t len = chance(8) ? chance(300) : chance(p->slot) + 1;
	char *slot;
	int code = perf_peer_slot(p, &slot);

	if (code)
		return code;
	scribble(slot, len);
	return perf_peer_send(p, len);
}

/* A command, good or with some of its bytes changed. */
static int command(struct perf_peer *p)
{
	struct perf_command c = {.operation = (enum perf_operation)chance(6),
		.size = 1u << chance(22), .count = 1 + chance(5),
		.longest = 1u << chance(18)};
	char *slot;
	size_t len;
	int code = perf_peer_slot(p, &slot);

	if (code)
		return code;
	len = perf_encode(&c, slot);
	for (unsigned n = chance(3); n > 0; n--)
		slot[chance((unsigned)len)] = (char)rand();
	return perf_peer_send(p, (uint32_t)len);
}

/* Where it may write, and where it may not. */
static int reach_out(struct perf_peer *p)
{
	struct link_exposed to = p->their_memory;
	struct link_request *r = &p->requests->rdma[chance(PERF_RDMA_DEPTH)];
	int code;

	if (!to.len || r->pending)
		return 0;
	if (chance(2))
		to.descriptor[chance((unsigned)to.len)] = (char)rand();
	code = link_write(&p->link, r, p->handle, p->rdma,
		1 + chance(PERF_SIZE_MAX), &to);
	return code == WSAECONNRESET ? code : 0;
}

static int listen_a_little(struct perf_peer *p)
{
	char *data;
	uint32_t len;
	int code = perf_peer_receive(p, SOON, &data, &len);

	if (code == WSAETIMEDOUT)
		return 0;
	return code ? code : perf_peer_taken(p);
}

static int do_anything(struct perf_peer *p)
{
	switch (chance(5)) {
	case 0:
		return say_anything(p);
	case 1:
	case 2:
		return command(p);
	case 3:
		return reach_out(p);
	}
	return listen_a_little(p);
}

static bool visit(struct spi_client *c, const struct addr *at)
{
	struct perf_peer p;
	struct link l;
	int code;

	if (link_connect(c, at, SECOND, &l))
		return false;
	if (perf_peer_open(&p, &l))
		return false;
	code = chance(4) ? perf_peer_greet(&p) : 0;
	for (unsigned n = chance(12); n > 0 && !code; n--)
		code = do_anything(&p);
	perf_peer_close(&p);
	return true;
}

int main(int argc, char **argv)
{
	char why[SPI_WHY_MAX];
	struct spi_client c;
	unsigned visits = 0;
	struct addr at;
	uint64_t until;

	if (argc != 4 || !host_parse(argv[2], &at))
		return 2;
	if (!spi_client_load(&c, argv[1], why) || !spi_client_start(&c, why)) {
		fprintf(stderr, "%s: %s\n", argv[1], why);
		return 1;
	}
	srand(1);
	until = os_now() + (uint64_t)atoi(argv[3]) * SECOND;
	while (os_now() < until)
		visits += visit(&c, &at);
	spi_client_stop(&c);
	spi_client_unload(&c);
	printf("%u connections\n", visits);
	return 0;
}
