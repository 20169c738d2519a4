/* SPDX-License-Identifier: MIT */
/* expose, conceal, rdma, reap. The client reaches into the server's memory. */
#include <stdlib.h>
#include <string.h>

#include "pair.h"

#define CAN_READ TRANSPORT_RDMA_READ
#define SIZE 100000

enum { READABLE = 1, WRITABLE = 2 };

/* A pair and memory that the server exposes. */
struct reach {
	struct pair p;
	uint8_t *memory;
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
};

static void reach_open(struct reach *r, unsigned rights, uint32_t seed)
{
	pair_open(&r->p);
	r->memory = malloc(SIZE);
	pattern(r->memory, SIZE, seed);
	CHECK_OK(ops->expose(r->p.server, r->memory, SIZE, rights,
		r->descriptor));
}

static void reach_close(struct reach *r)
{
	pair_close(&r->p);
	free(r->memory);
}

static enum status start(struct reach *r, enum transport_op op,
	const struct os_span *spans, unsigned count, uint64_t offset,
	uint64_t cookie)
{
	return ops->rdma(r->p.client, op, spans, count, r->descriptor,
		ops->limits.descriptor_len, offset, cookie);
}

/* No message; where misuse ends the connection, perhaps none for ever. */
static void look_at(struct transport_conn *c)
{
	const void *data;
	enum status st;
	uint32_t len;

	st = ops->peek(c, &data, &len);
	if (st != ST_RESET || has_trait(TRAIT_SURVIVES_MISUSE))
		CHECK_ST(st, ST_AGAIN);
}

/* Both sides do what they have to; is there a result on the client's? */
static bool turn(struct pair *p, uint64_t *cookie, enum status *result)
{
	look_at(p->client);
	look_at(p->server);
	CHECK_ST(ops->reap(p->server, cookie, result), ST_AGAIN);
	return ops->reap(p->client, cookie, result) == ST_OK;
}

static enum status finish(struct pair *p, uint64_t want)
{
	uint64_t cookie, limit = os_now() + PATIENCE;
	enum status result;

	while (!turn(p, &cookie, &result))
		CHECK(os_now() < limit);
	CHECK_EQ(cookie, want);
	return result;
}

/* A whole transfer; its result. */
static enum status move(struct reach *r, enum transport_op op,
	const struct os_span *spans, unsigned count, uint64_t offset)
{
	enum status st = start(r, op, spans, count, offset, 4711);

	return st == ST_PENDING ? finish(&r->p, 4711) : st;
}

/* What a transfer gives that the peer's side must not allow. */
static void check_misuse(enum status st)
{
	if (st == ST_RESET && !has_trait(TRAIT_SURVIVES_MISUSE))
		return;
	CHECK_ST(st, ST_INVAL);
}

static enum status move_flat(struct reach *r, enum transport_op op, void *base,
	size_t len, uint64_t offset)
{
	struct os_span span = {base, len};

	return move(r, op, &span, 1, offset);
}

/* ---- bytes ----------------------------------------------------------- */

CASE_NEEDS(rdma_read_brings_exactly_the_bytes_at_the_offset, CAN_READ)
{
	uint8_t got[1002];
	struct reach r;

	reach_open(&r, READABLE, 1);
	memset(got, 0xee, sizeof got);
	CHECK_OK(move_flat(&r, TRANSPORT_READ, got + 1, 1000, 777));
	CHECK_BYTES(got + 1, r.memory + 777, 1000);
	CHECK_EQ(got[0], 0xee);
	CHECK_EQ(got[1001], 0xee);
	check_pattern(r.memory, SIZE, 1);
	reach_close(&r);
}

CASE(rdma_write_places_the_bytes_at_the_offset_and_nowhere_else)
{
	uint8_t put[1000], before[SIZE];
	struct reach r;

	reach_open(&r, WRITABLE, 2);
	memcpy(before, r.memory, SIZE);
	pattern(put, sizeof put, 3);
	CHECK_OK(move_flat(&r, TRANSPORT_WRITE, put, sizeof put, 777));
	CHECK_BYTES(r.memory, before, 777);
	CHECK_BYTES(r.memory + 777, put, sizeof put);
	CHECK_BYTES(r.memory + 1777, before + 1777, SIZE - 1777);
	reach_close(&r);
}

static void whole(enum transport_op op, unsigned rights)
{
	uint8_t *mine = malloc(SIZE);
	struct reach r;

	reach_open(&r, rights, 4);
	pattern(mine, SIZE, 5);
	CHECK_OK(move_flat(&r, op, mine, SIZE, 0));
	check_pattern(mine, SIZE, op == TRANSPORT_READ ? 4 : 5);
	check_pattern(r.memory, SIZE, op == TRANSPORT_READ ? 4 : 5);
	CHECK_OK(move_flat(&r, op, mine, 1, SIZE - 1));
	CHECK_OK(move_flat(&r, op, mine, 0, SIZE));
	reach_close(&r);
	free(mine);
}

CASE_NEEDS(rdma_read_of_everything_works, CAN_READ)
{
	whole(TRANSPORT_READ, READABLE);
}

CASE(rdma_write_of_everything_works)
{
	whole(TRANSPORT_WRITE, WRITABLE);
}

/* Cuts len bytes into spans of growing size. */
static unsigned cut(uint8_t *base, size_t len, struct os_span *spans)
{
	unsigned n = 0;
	size_t at = 0;

	while (at < len) {
		size_t part = (size_t)n * n * 3;

		if (part > len - at)
			part = len - at;
		spans[n++] = (struct os_span){base + at, part};
		at += part;
	}
	return n;
}

static void scattered(enum transport_op op, unsigned rights)
{
	uint8_t *mine = malloc(SIZE);
	struct os_span spans[64];
	unsigned count;
	struct reach r;

	reach_open(&r, rights, 6);
	pattern(mine, SIZE, 7);
	count = cut(mine, SIZE, spans);
	CHECK(count > 40);
	CHECK_OK(move(&r, op, spans, count, 0));
	check_pattern(mine, SIZE, op == TRANSPORT_READ ? 6 : 7);
	check_pattern(r.memory, SIZE, op == TRANSPORT_READ ? 6 : 7);
	reach_close(&r);
	free(mine);
}

CASE_NEEDS(rdma_read_scatters_over_many_spans, CAN_READ)
{
	scattered(TRANSPORT_READ, READABLE);
}

CASE(rdma_write_gathers_from_many_spans)
{
	scattered(TRANSPORT_WRITE, WRITABLE);
}

static void large(enum transport_op op, unsigned rights)
{
	size_t len = 5 << 20;
	uint8_t *theirs = malloc(len), *mine = malloc(len);
	struct reach r;

	reach_open(&r, 0, 1);
	pattern(theirs, len, 8);
	pattern(mine, len, 9);
	CHECK_OK(ops->expose(r.p.server, theirs, len, rights, r.descriptor));
	CHECK_OK(move_flat(&r, op, mine, len, 0));
	check_pattern(mine, len, op == TRANSPORT_READ ? 8 : 9);
	check_pattern(theirs, len, op == TRANSPORT_READ ? 8 : 9);
	reach_close(&r);
	free(theirs);
	free(mine);
}

CASE_NEEDS(rdma_read_of_more_than_the_channel_holds_works, CAN_READ)
{
	large(TRANSPORT_READ, READABLE);
}

CASE(rdma_write_of_more_than_the_channel_holds_works)
{
	large(TRANSPORT_WRITE, WRITABLE);
}

CASE(rdma_and_messages_go_side_by_side)
{
	uint8_t put[5000];
	struct os_span span = {put, sizeof put};
	struct reach r;
	enum status st;

	reach_open(&r, WRITABLE, 1);
	pattern(put, sizeof put, 2);
	send_text(r.p.client, "before");
	st = start(&r, TRANSPORT_WRITE, &span, 1, 0, 5);
	send_text(r.p.client, "after");
	expect_text(r.p.server, "before");
	expect_text(r.p.server, "after");
	if (st == ST_PENDING)
		st = finish(&r.p, 5);
	CHECK_OK(st);
	check_pattern(r.memory, sizeof put, 2);
	reach_close(&r);
}

/* ---- limits ---------------------------------------------------------- */

CASE_NEEDS(rdma_needs_the_right, CAN_READ)
{
	uint8_t bytes[10] = {0};
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	CHECK_ST(move_flat(&r, TRANSPORT_READ, bytes, 10, 0), ST_ACCESS);
	CHECK_OK(ops->expose(r.p.server, r.memory, SIZE, READABLE,
		r.descriptor));
	CHECK_ST(move_flat(&r, TRANSPORT_WRITE, bytes, 10, 0), ST_ACCESS);
	CHECK_OK(move_flat(&r, TRANSPORT_READ, bytes, 10, 0));
	check_pattern(r.memory, SIZE, 1);
	reach_close(&r);
}

CASE(rdma_beyond_the_end_gives_INVAL_and_moves_nothing)
{
	static const uint64_t offsets[] = {SIZE - 9, SIZE, SIZE + 1,
		UINT64_MAX, UINT64_MAX - 9, UINT64_MAX / 2};
	uint8_t bytes[10] = {0};
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++)
		CHECK_ST(move_flat(&r, TRANSPORT_WRITE, bytes, 10, offsets[i]),
			ST_INVAL);
	check_pattern(r.memory, SIZE, 1);
	reach_close(&r);
}

CASE(rdma_of_more_than_the_limit_gives_INVAL)
{
	uint8_t byte = 0;
	struct os_span spans[2] = {{&byte, ops->limits.max_rdma}, {&byte, 1}};
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	CHECK_ST(move(&r, TRANSPORT_WRITE, spans, 2, 0), ST_INVAL);
	spans[0].len = SIZE_MAX;
	CHECK_ST(move(&r, TRANSPORT_WRITE, spans, 2, 0), ST_INVAL);
	check_pattern(r.memory, SIZE, 1);
	reach_close(&r);
}

CASE(rdma_with_a_descriptor_of_nothing_gives_INVAL)
{
	uint8_t bytes[10] = {0};
	struct os_span span = {bytes, 10};
	uint8_t good[TRANSPORT_DESCRIPTOR_MAX];
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	memcpy(good, r.descriptor, sizeof good);
	CHECK_ST(ops->rdma(r.p.client, TRANSPORT_WRITE, &span, 1, good,
		ops->limits.descriptor_len - 1, 0, 1), ST_INVAL);
	for (uint32_t i = 0; i < ops->limits.descriptor_len; i++) {
		enum status st;

		memcpy(r.descriptor, good, sizeof good);
		r.descriptor[i] ^= 0x80;
		st = move_flat(&r, TRANSPORT_WRITE, bytes, 10, 0);
		/* OK: a bit that means nothing, or a longer length. */
		CHECK(st == ST_INVAL || st == ST_ACCESS || st == ST_OK);
	}
	reach_close(&r);
}

/* What a descriptor says of its length is the peer's word. */
CASE(rdma_with_a_forged_length_stays_inside_the_exposure)
{
	uint8_t longer[TRANSPORT_DESCRIPTOR_MAX], bytes[10] = {0};
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	CHECK_OK(ops->expose(r.p.server, r.memory, SIZE / 2, WRITABLE,
		longer));
	for (uint32_t i = 0; i + 8 <= ops->limits.descriptor_len; i++) {
		uint64_t len = SIZE / 2, more = SIZE;

		memcpy(r.descriptor, longer, sizeof longer);
		if (memcmp(r.descriptor + i, &len, 8) == 0)
			memcpy(r.descriptor + i, &more, 8);
		CHECK_ST(move_flat(&r, TRANSPORT_WRITE, bytes, 10, SIZE / 2),
			ST_INVAL);
	}
	check_pattern(r.memory, SIZE, 1);
	reach_close(&r);
}

CASE(rdma_with_a_concealed_descriptor_gives_INVAL)
{
	uint8_t bytes[10] = {0};
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	CHECK_OK(move_flat(&r, TRANSPORT_WRITE, bytes, 0, 0));
	CHECK_OK(ops->conceal(r.p.server, r.descriptor));
	check_misuse(move_flat(&r, TRANSPORT_WRITE, bytes, 10, 0));
	check_pattern(r.memory, SIZE, 1);
	reach_close(&r);
}

CASE(rdma_with_a_stale_key_does_not_reach_the_next_exposure)
{
	uint8_t bytes[10] = {0}, next[TRANSPORT_DESCRIPTOR_MAX];
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	CHECK_OK(ops->conceal(r.p.server, r.descriptor));
	CHECK_OK(ops->expose(r.p.server, r.memory, SIZE, WRITABLE, next));
	CHECK(memcmp(next, r.descriptor, ops->limits.descriptor_len) != 0);
	check_misuse(move_flat(&r, TRANSPORT_WRITE, bytes, 10, 0));
	CHECK_ST(ops->conceal(r.p.server, r.descriptor), ST_INVAL);
	CHECK_OK(ops->conceal(r.p.server, next));
	check_pattern(r.memory, SIZE, 1);
	reach_close(&r);
}

CASE(rdma_of_one_connection_does_not_reach_anothers_memory)
{
	uint8_t bytes[10] = {0};
	struct os_span span = {bytes, 10};
	struct reach r;
	struct pair other;
	enum status st;

	reach_open(&r, WRITABLE, 1);
	pair_open(&other);
	st = ops->rdma(other.client, TRANSPORT_WRITE, &span, 1, r.descriptor,
		ops->limits.descriptor_len, 0, 1);
	check_misuse(st == ST_PENDING ? finish(&other, 1) : st);
	CHECK_OK(ops->status(r.p.client, true));
	check_pattern(r.memory, SIZE, 1);
	pair_close(&other);
	reach_close(&r);
}

CASE(rdma_conceal_of_the_unknown_gives_INVAL)
{
	uint8_t zeros[TRANSPORT_DESCRIPTOR_MAX] = {0};
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	CHECK_ST(ops->conceal(r.p.server, zeros), ST_INVAL);
	CHECK_ST(ops->conceal(r.p.client, r.descriptor), ST_INVAL);
	CHECK_OK(ops->conceal(r.p.server, r.descriptor));
	CHECK_ST(ops->conceal(r.p.server, r.descriptor), ST_INVAL);
	reach_close(&r);
}

CASE(rdma_exposures_run_out_and_come_back)
{
	static uint8_t descriptors[10000][TRANSPORT_DESCRIPTOR_MAX];
	unsigned n = 0;
	struct reach r;
	enum status st;

	reach_open(&r, WRITABLE, 1);
	while (n < 10000 && (st = ops->expose(r.p.server, r.memory, SIZE,
			WRITABLE, descriptors[n])) == ST_OK)
		n++;
	CHECK(n >= 16);
	if (n < 10000)
		CHECK_ST(st, ST_NOMEM);
	for (unsigned i = 0; i < n; i++)
		CHECK_OK(ops->conceal(r.p.server, descriptors[i]));
	CHECK_OK(ops->expose(r.p.server, r.memory, SIZE, WRITABLE,
		descriptors[0]));
	reach_close(&r);
}

CASE(rdma_before_the_answer_gives_NOTCONN)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *c = connect_to(&at);
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX] = {0};
	struct os_span span = {descriptor, 1};

	CHECK_ST(ops->rdma(c, TRANSPORT_WRITE, &span, 1, descriptor,
		ops->limits.descriptor_len, 0, 0), ST_NOTCONN);
	ops->close(c, false);
	ops->close_listener(l);
}

CASE(rdma_after_the_end_gives_RESET)
{
	uint8_t bytes[10] = {0};
	struct os_span span = {bytes, 10};
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	ops->close(r.p.server, false);
	if (!has_trait(TRAIT_PROMPT))
		expect_status(r.p.client, ST_RESET);
	CHECK_ST(start(&r, TRANSPORT_WRITE, &span, 1, 0, 1), ST_RESET);
	CHECK_ST(ops->expose(r.p.client, bytes, 10, WRITABLE, r.descriptor),
		ST_NOTCONN);
	ops->close(r.p.client, false);
	ops->close_listener(r.p.listener);
	free(r.memory);
}

/* ---- transfers that take time ---------------------------------------- */

CASE(rdma_that_is_never_answered_ends_with_the_connection)
{
	uint8_t bytes[100] = {0};
	struct os_span span = {bytes, 100};
	enum status result;
	uint64_t cookie;
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	if (start(&r, TRANSPORT_WRITE, &span, 1, 0, 99) != ST_PENDING)
		case_skip("this transport finishes at once");
	ops->close(r.p.server, false);
	expect_status(r.p.client, ST_RESET);
	CHECK_OK(ops->reap(r.p.client, &cookie, &result));
	CHECK_EQ(cookie, 99);
	/* An adapter may have answered by itself. */
	if (result != ST_OK || has_trait(TRAIT_PROMPT))
		CHECK_ST(result, ST_RESET);
	CHECK_ST(ops->reap(r.p.client, &cookie, &result), ST_AGAIN);
	ops->close(r.p.client, false);
	ops->close_listener(r.p.listener);
	free(r.memory);
}

CASE(rdma_beyond_what_can_be_outstanding_gives_AGAIN)
{
	static uint8_t bytes[1000][16];
	unsigned started = 0, ended = 0;
	enum status st = ST_OK;
	struct reach r;

	reach_open(&r, WRITABLE, 1);
	while (started < 1000) {
		struct os_span span = {bytes[started], 16};

		st = start(&r, TRANSPORT_WRITE, &span, 1, 16 * started,
			started);
		if (st != ST_PENDING)
			break;
		started++;
	}
	if (started == 0)
		case_skip("this transport finishes at once");
	CHECK(st == ST_AGAIN || started == 1000);
	while (ended < started) {
		enum status result;
		uint64_t cookie;

		if (!turn(&r.p, &cookie, &result))
			continue;
		CHECK_OK(result);
		CHECK(cookie < started);
		ended++;
	}
	CHECK_OK(move_flat(&r, TRANSPORT_WRITE, bytes[0], 16, 0));
	reach_close(&r);
}

/* Zeros that were to overwrite the first 100 bytes have, or not one has. */
static void check_done_or_refused(struct reach *r, enum status result)
{
	static const uint8_t zeros[100];

	if (result == ST_OK) {
		CHECK_BYTES(r->memory, zeros, sizeof zeros);
		return;
	}
	check_misuse(result);
	check_pattern(r->memory, SIZE, 1);
}

CASE(rdma_to_memory_concealed_meanwhile_is_BUSY_or_ends_with_INVAL)
{
	uint8_t bytes[100] = {0};
	struct os_span span = {bytes, 100};
	struct reach r;
	enum status st;

	reach_open(&r, WRITABLE, 1);
	if (start(&r, TRANSPORT_WRITE, &span, 1, 0, 3) != ST_PENDING)
		case_skip("this transport finishes at once");
	st = ops->conceal(r.p.server, r.descriptor);
	if (!has_trait(TRAIT_CONCEAL_BUSY)) {
		CHECK_OK(st);
		check_done_or_refused(&r, finish(&r.p, 3));
		reach_close(&r);
		return;
	}
	if (st == ST_BUSY) {
		CHECK_OK(finish(&r.p, 3));
		CHECK_OK(ops->conceal(r.p.server, r.descriptor));
	} else {
		CHECK_OK(st);
		CHECK_ST(finish(&r.p, 3), ST_INVAL);
		check_pattern(r.memory, SIZE, 1);
	}
	CHECK_OK(ops->arm(r.p.server, TRANSPORT_IN));
	reach_close(&r);
}

CASE_NEEDS(rdma_in_progress_makes_conceal_BUSY,
	CAN_READ | TRAIT_CONCEAL_BUSY)
{
	uint8_t *mine = malloc(4 << 20), *theirs = calloc(1, 4 << 20);
	struct os_span span = {mine, 4 << 20};
	enum status result;
	const void *data;
	uint64_t cookie;
	struct reach r;
	uint32_t len;

	reach_open(&r, READABLE, 1);
	CHECK_OK(ops->expose(r.p.server, theirs, 4 << 20, READABLE,
		r.descriptor));
	if (start(&r, TRANSPORT_READ, &span, 1, 0, 7) != ST_PENDING)
		case_skip("this transport finishes at once");
	CHECK_ST(ops->peek(r.p.server, &data, &len), ST_AGAIN);
	CHECK_ST(ops->reap(r.p.server, &cookie, &result), ST_AGAIN);
	CHECK_ST(ops->conceal(r.p.server, r.descriptor), ST_BUSY);
	CHECK_OK(finish(&r.p, 7));
	CHECK_OK(ops->conceal(r.p.server, r.descriptor));
	reach_close(&r);
	free(mine);
	free(theirs);
}

/* ---- both sides asleep ----------------------------------------------- */

static void run_owner(void *arg)
{
	struct transport_conn *c = arg;
	const void *data;
	uint32_t len;

	CHECK_ST(next_message(c, &data, &len), ST_RESET);
}

/* As a program would that has nothing else to do. */
static enum status wait_result(struct transport_conn *c, uint64_t *cookie)
{
	enum status result;
	const void *data;
	uint32_t len;

	for (;;) {
		CHECK_ST(ops->peek(c, &data, &len), ST_AGAIN);
		if (ops->reap(c, cookie, &result) == ST_OK)
			return result;
		if (ops->arm(c, TRANSPORT_IN) == ST_OK)
			sleep_on(c);
	}
}

static void transfer_asleep(struct reach *r, enum transport_op op,
	uint8_t *mine, uint64_t number)
{
	struct os_span span = {mine, SIZE};
	uint64_t cookie;
	enum status st;

	st = start(r, op, &span, 1, 0, number);
	if (st == ST_PENDING) {
		st = wait_result(r->p.client, &cookie);
		CHECK_EQ(cookie, number);
	}
	CHECK_OK(st);
}

CASE_NEEDS(rdma_between_sleepers_always_ends, CAN_READ)
{
	uint8_t *mine = malloc(SIZE);
	struct os_thread t;
	struct reach r;

	reach_open(&r, READABLE | WRITABLE, 1);
	CHECK_OK(os_thread_start(&t, "owner", run_owner, r.p.server));
	for (uint32_t i = 0; i < 300; i++) {
		pattern(mine, 1000, i);
		transfer_asleep(&r, TRANSPORT_WRITE, mine, i);
		memset(mine, 0, 1000);
		transfer_asleep(&r, TRANSPORT_READ, mine, i);
		check_pattern(mine, 1000, i);
	}
	ops->close(r.p.client, false);
	os_thread_join(&t);
	ops->close(r.p.server, false);
	ops->close_listener(r.p.listener);
	free(r.memory);
	free(mine);
}

CASE(local_memory_can_be_pinned)
{
	uint8_t bytes[100];
	void *registration;
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->pin(p.client, bytes, sizeof bytes, 3, &registration));
	ops->unpin(p.client, registration);
	pair_close(&p);
}
