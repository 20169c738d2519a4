/* SPDX-License-Identifier: MIT */
/*
 * stream_pingpong - round trips and one-way throughput through the switch
 * alone, between two processes, without a front end.
 *
 *   stream_pingpong [BYTES [ROUNDS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "switch/switch.h"

static void die(const char *what)
{
	fprintf(stderr, "stream_pingpong: %s failed\n", what);
	_exit(1);
}

static void put(struct sw_conn *c, void *buf, size_t len)
{
	struct os_span s = {buf, len};
	size_t done;

	if (sw_send(c, &s, 1, 0, &done) != ST_OK || done != len)
		die("send");
}

static void get(struct sw_conn *c, void *buf, size_t len)
{
	struct os_span s = {buf, len};
	size_t done;

	if (sw_receive(c, &s, 1, SW_WAITALL, &done) != ST_OK || done != len)
		die("receive");
}

static void serve(struct sw_listener *l, size_t len, unsigned rounds,
	size_t bulk)
{
	char *buf = malloc(bulk > len ? bulk : len);
	struct sw_conn *c;

	while (sw_accept(l, &c) != ST_OK)
		;
	for (unsigned i = 0; i < rounds; i++) {
		get(c, buf, len);
		put(c, buf, len);
	}
	for (unsigned i = 0; i < 1000; i++)
		get(c, buf, bulk);
	put(c, buf, 1);
	sw_close(c);
	_exit(0);
}

int main(int argc, char **argv)
{
	size_t len = argc > 1 ? strtoul(argv[1], NULL, 0) : 64;
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0)
				   : 200000;
	size_t bulk = 1u << 18;
	struct addr at = addr_v4(127, 0, 0, 1, 47811), none = {.family = 0};
	struct sw_listener *l;
	struct sw_conn *c;
	enum sw_reason why;
	char *buf = calloc(1, bulk > len ? bulk : len);
	uint64_t t;
	pid_t child;

	if (!buf || !sw_listen(&at, false, &l, &why))
		die("listen");
	sw_fork_prepare();
	child = fork();
	if (child == 0) {
		sw_fork_child();
		serve(l, len, rounds, bulk);
	}
	sw_fork_parent(true);
	if (!sw_connect(&none, &at, 1000000000u, &c, &why)) {
		fprintf(stderr, "%s\n", sw_reason_text(why));
		die("connect");
	}
	t = os_now();
	for (unsigned i = 0; i < rounds; i++) {
		put(c, buf, len);
		get(c, buf, len);
	}
	t = os_now() - t;
	printf("round trip %zu B: %.0f ns\n", len, (double)t / rounds);
	t = os_now();
	for (unsigned i = 0; i < 1000; i++)
		put(c, buf, bulk);
	get(c, buf, 1);
	t = os_now() - t;
	printf("throughput %zu B sends: %.2f GB/s\n", bulk,
		1000.0 * (double)bulk / (double)t);
	sw_close(c);
	sw_listener_close(l);
	waitpid(child, NULL, 0);
	return 0;
}
