/* SPDX-License-Identifier: MIT */
/*
 * perf_measure.c - each figure is taken from batches: a command tells the other
 * side how many transfers follow. Batches grow until one takes as long as was
 * asked for. Every byte that comes back is compared once for each size, outside
 * of what is timed.
 */
#include "perf_measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "os/os.h"

enum {
	SAMPLES = 1 << 17,
	FIRST_BATCH = 16,
	COUNT_MAX = 1 << 24,
};

static void fill(char *to, uint32_t len, uint32_t from)
{
	for (uint32_t i = 0; i < len; i++)
		to[i] = (char)((from + i) * 167 >> 3);
}

static bool is_filled(const char *data, uint32_t len, uint32_t from)
{
	for (uint32_t i = 0; i < len; i++)
		if (data[i] != (char)((from + i) * 167 >> 3))
			return false;
	return true;
}

static int command(struct perf_peer *p, enum perf_operation operation,
	uint32_t bytes, uint32_t count)
{
	struct perf_command c = {.operation = operation, .size = bytes,
		.count = count};

	return perf_peer_command(p, &c);
}

/* ---- round trips ------------------------------------------------------ */

static int send_pieces(struct perf_peer *p, uint32_t bytes, bool filled)
{
	uint32_t pieces = perf_pieces(bytes, p->longest);
	char *slot;
	int code = 0;

	for (uint32_t n = 0; n < pieces && !code; n++) {
		uint32_t len = perf_piece(bytes, p->longest, n);

		code = perf_peer_slot(p, &slot);
		if (!code && filled)
			fill(slot, len, n * p->longest);
		if (!code)
			code = perf_peer_send(p, len);
	}
	return code;
}

static int receive_pieces(struct perf_peer *p, uint32_t bytes, bool filled,
	uint64_t patience)
{
	uint32_t pieces = perf_pieces(bytes, p->longest), len;
	char *data;
	int code = 0;

	for (uint32_t n = 0; n < pieces && !code; n++) {
		code = perf_peer_receive(p, patience, &data, &len);
		if (code)
			break;
		if (len != perf_piece(bytes, p->longest, n) ||
			(filled && !is_filled(data, len, n * p->longest)))
			return WSAEPROTOTYPE;
		code = perf_peer_taken(p);
	}
	return code;
}

int perf_round_trip(struct perf_peer *p, uint32_t bytes, uint64_t patience,
	uint64_t *ns)
{
	uint64_t start = os_now();
	int code = send_pieces(p, bytes, false);

	if (!code)
		code = receive_pieces(p, bytes, false, patience);
	*ns = os_now() - start;
	return code;
}

/* One that counts for nothing but that the bytes come back as they were. */
static int check_round_trip(struct perf_peer *p, uint32_t bytes)
{
	int code = command(p, PERF_ECHO, bytes, 1);

	if (!code)
		code = send_pieces(p, bytes, true);
	return code ? code : receive_pieces(p, bytes, true, PERF_PATIENCE);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void summarise(uint64_t *samples, uint64_t count, struct perf_row *out)
{
	qsort(samples, count, sizeof *samples, by_value);
	out->round_trips = count;
	out->min_ns = samples[0];
	out->median_ns = samples[count / 2];
	out->p99_ns = samples[count - 1 - count / 100];
}

static int measure_latency(struct perf_peer *p, uint64_t ns,
	struct perf_row *out)
{
	uint64_t *samples = malloc(SAMPLES * sizeof *samples);
	uint64_t start = os_now(), n = 0;
	uint32_t batch = FIRST_BATCH;
	int code = samples ? check_round_trip(p, out->bytes) : WSAENOBUFS;

	while (!code && n < SAMPLES && (n == 0 || os_now() - start < ns)) {
		if (batch > SAMPLES - n)
			batch = (uint32_t)(SAMPLES - n);
		code = command(p, PERF_ECHO, out->bytes, batch);
		for (uint32_t i = 0; i < batch && !code; i++)
			code = perf_round_trip(p, out->bytes, PERF_PATIENCE,
				&samples[n++]);
	}
	if (!code)
		summarise(samples, n, out);
	free(samples);
	return code;
}

/* ---- one way ---------------------------------------------------------- */

static int take_ack(struct perf_peer *p, uint64_t *acked)
{
	uint64_t before = *acked;
	uint32_t len;
	char *data;
	int code = perf_peer_receive(p, PERF_PATIENCE, &data, &len);

	if (code)
		return code;
	if (len != PERF_ACK_SIZE)
		return WSAEPROTOTYPE;
	*acked = le_get64(data);
	if (*acked <= before)
		return WSAEPROTOTYPE;
	return perf_peer_taken(p);
}

/* `count` transfers by messages, until the last is acknowledged. */
static int stream(struct perf_peer *p, uint32_t bytes, uint32_t count)
{
	uint32_t pieces = perf_pieces(bytes, p->longest);
	uint64_t all = (uint64_t)count * pieces, sent = 0, acked = 0;
	int code = command(p, PERF_SINK, bytes, count);
	char *slot;

	while (!code && acked < all) {
		if (sent == all || sent - acked == PERF_WINDOW) {
			code = take_ack(p, &acked);
			continue;
		}
		code = perf_peer_slot(p, &slot);
		if (!code)
			code = perf_peer_send(p, perf_piece(bytes, p->longest,
				(uint32_t)(sent % pieces)));
		sent++;
		if (acked > sent)
			code = WSAEPROTOTYPE;
	}
	return code;
}

typedef int (*rdma_post)(struct link *l, struct link_request *r, HANDLE handle,
	void *base, DWORD len, const struct link_exposed *there);

/* The other side answers only after all that was written before is there. */
static int sync_up(struct perf_peer *p)
{
	struct perf_command reply;
	int code = command(p, PERF_SYNC, 0, 0);

	if (!code)
		code = perf_peer_receive_command(p, PERF_PATIENCE, &reply);
	return !code && reply.operation != PERF_SYNC ? WSAEPROTOTYPE : code;
}

static int transfer(struct perf_peer *p, rdma_post post, uint32_t bytes,
	uint32_t count)
{
	struct link_request *r = p->requests->rdma;
	int code = 0;

	for (uint32_t i = 0; i < count + PERF_RDMA_DEPTH && !code; i++) {
		struct link_request *next = &r[i % PERF_RDMA_DEPTH];

		if (next->pending)
			code = link_wait(&p->link, next, PERF_PATIENCE, NULL);
		if (!code && i < count)
			code = post(&p->link, next, p->handle, p->rdma, bytes,
				&p->their_memory);
	}
	return code ? code : sync_up(p);
}

static int write_all(struct perf_peer *p, uint32_t bytes, uint32_t count)
{
	return transfer(p, link_write, bytes, count);
}

static int read_all(struct perf_peer *p, uint32_t bytes, uint32_t count)
{
	return transfer(p, link_read, bytes, count);
}

/* What was written there can be read there. */
static int check_rdma(struct perf_peer *p, uint32_t bytes)
{
	int code;

	fill(p->rdma, bytes, bytes);
	code = write_all(p, bytes, 1);
	if (code || !p->link.c->rdma_read)
		return code;
	memset(p->rdma, 0, bytes);
	code = read_all(p, bytes, 1);
	if (!code && !is_filled(p->rdma, bytes, bytes))
		code = WSAEPROTOTYPE;
	return code;
}

/* Batches that grow until one takes long enough: that one counts. */
static int measure_rate(struct perf_peer *p,
	int (*batch)(struct perf_peer *p, uint32_t bytes, uint32_t count),
	uint32_t bytes, uint64_t ns, double *out)
{
	uint32_t count = FIRST_BATCH;

	for (;;) {
		uint64_t start = os_now(), took;
		int code = batch(p, bytes, count);

		took = os_now() - start;
		if (code)
			return code;
		if (took == 0)
			took = 1;
		*out = (double)bytes * count * 1e9 / (double)took;
		if (took >= ns / 2 || count >= COUNT_MAX)
			return 0;
		count *= took < ns / 16 ? 8 : 2;
	}
}

static int measure_rdma(struct perf_peer *p, uint64_t ns, struct perf_row *out)
{
	int code = check_rdma(p, out->bytes);

	if (!code)
		code = measure_rate(p, write_all, out->bytes, ns,
			&out->rdma_write);
	if (!code && p->link.c->rdma_read)
		code = measure_rate(p, read_all, out->bytes, ns,
			&out->rdma_read);
	return code;
}

/* ---- all of it -------------------------------------------------------- */

int perf_measure(struct perf_peer *p, uint32_t bytes, uint64_t ns,
	struct perf_row *out)
{
	int code = 0;

	memset(out, 0, sizeof *out);
	out->bytes = bytes;
	if (perf_pieces(bytes, p->longest) <= PERF_WINDOW) {
		code = measure_latency(p, ns, out);
		if (!code)
			code = measure_rate(p, stream, bytes, ns,
				&out->messages);
	}
	if (!code && p->their_memory.len && p->link.c->rdma_write &&
		bytes <= p->link.c->max_rdma)
		code = measure_rdma(p, ns, out);
	return code;
}
