/* SPDX-License-Identifier: MIT */
/*
 * shm_pingpong.c - the shm transport alone, between two processes that look at
 * their rings without sleeping: round trip, and cost of one message in a
 * one-way stream. Usage: shm_pingpong [SIZE...]
 *
 * Each figure is the median (and best, and 99th percentile) of 1000 samples of
 * 1000 messages; one line of JSON per size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transport/transport.h"

#define PORT 47321
#define SAMPLES 1000
#define BATCH 1000

static const struct transport_ops *const shm = &provider_transport;

static void die(const char *what, enum status st)
{
	fprintf(stderr, "%s: %s\n", what, status_text(st));
	exit(1);
}

static const void *wait_message(struct transport_conn *c, uint32_t *len)
{
	const void *data;
	enum status st;

	while ((st = shm->peek(c, &data, len)) == ST_AGAIN)
		os_spin_hint();
	if (st != ST_OK)
		die("peek", st);
	return data;
}

static void send_message(struct transport_conn *c, void *data, size_t len)
{
	struct os_span span = {data, len};
	enum status st;

	while ((st = shm->send(c, &span, 1, 0)) == ST_AGAIN)
		os_spin_hint();
	if (st != ST_OK)
		die("send", st);
}

/* Answers what begins with 1, swallows what begins with 0, ends at 2. */
static void echo(struct transport_conn *c)
{
	static uint8_t copy[65536];

	for (;;) {
		uint32_t len;
		const void *data = wait_message(c, &len);

		memcpy(copy, data, len);
		shm->release(c);
		if (copy[0] == 2)
			return;
		if (copy[0] == 1)
			send_message(c, copy, len);
	}
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void report(const char *what, size_t len, double *ns)
{
	qsort(ns, SAMPLES, sizeof *ns, by_value);
	printf("{\"what\": \"%s\", \"bytes\": %zu, \"min_ns\": %.1f, "
		"\"median_ns\": %.1f, \"p99_ns\": %.1f}\n", what, len, ns[0],
		ns[SAMPLES / 2], ns[SAMPLES * 99 / 100]);
}

static void round_trip(struct transport_conn *c, uint8_t *data, size_t len)
{
	static double ns[SAMPLES];
	uint32_t got;

	data[0] = 1;
	for (int s = -10; s < SAMPLES; s++) {
		uint64_t start = os_now();

		for (int i = 0; i < BATCH; i++) {
			send_message(c, data, len);
			wait_message(c, &got);
			shm->release(c);
		}
		if (s >= 0)
			ns[s] = (double)(os_now() - start) / BATCH;
	}
	report("round trip", len, ns);
}

static void stream(struct transport_conn *c, uint8_t *data, size_t len)
{
	static double ns[SAMPLES];

	data[0] = 0;
	for (int s = -10; s < SAMPLES; s++) {
		uint64_t start = os_now();

		for (int i = 0; i < BATCH; i++)
			send_message(c, data, len);
		if (s >= 0)
			ns[s] = (double)(os_now() - start) / BATCH;
	}
	report("stream, per message", len, ns);
}

static void measure(struct transport_conn *c, int argc, char **argv)
{
	static uint8_t data[65536];

	for (int i = 0; i < argc; i++) {
		size_t len = (size_t)atoi(argv[i]);

		if (len < 1 || len > sizeof data)
			die(argv[i], ST_INVAL);
		round_trip(c, data, len);
		stream(c, data, len);
	}
	data[0] = 2;
	send_message(c, data, 1);
}

static void serve(void)
{
	struct addr at = addr_v4(127, 0, 0, 1, PORT);
	struct transport_listener *l;
	struct transport_request *r;
	struct transport_conn *c;
	enum status st = shm->listen(&at, false, 1, &l);

	if (st != ST_OK)
		die("listen", st);
	while ((st = shm->take(l, &r)) == ST_AGAIN)
		os_yield();
	if (st != ST_OK)
		die("take", st);
	st = shm->accept(r, &c);
	if (st != ST_OK)
		die("accept", st);
	echo(c);
	shm->close(c, false);
	shm->close_listener(l);
}

int main(int argc, char **argv)
{
	static char eight[] = "8", sixty_four[] = "64";
	static char *sizes[] = {eight, sixty_four};
	struct addr to = addr_v4(127, 0, 0, 1, PORT);
	struct addr from = addr_v4(127, 0, 0, 1, PORT + 1);
	struct transport_conn *c;
	pid_t child = fork();
	enum status st;

	if (child == 0) {
		serve();
		return 0;
	}
	while ((st = shm->connect(&from, &to, "", 0, &c)) == ST_NOTFOUND)
		os_yield();
	if (st != ST_OK)
		die("connect", st);
	if (argc > 1)
		measure(c, argc - 1, argv + 1);
	else
		measure(c, 2, sizes);
	shm->close(c, false);
	return waitpid(child, NULL, 0) == child ? 0 : 1;
}
