/* SPDX-License-Identifier: MIT */
/* send, peek, release. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

static uint8_t buffer[1 << 17];

static void send_pattern(struct transport_conn *c, size_t len, uint32_t seed)
{
	pattern(buffer, len, seed);
	send_waiting(c, buffer, len);
}

static void expect_pattern(struct transport_conn *c, size_t len, uint32_t seed)
{
	const void *data;
	uint32_t got;

	CHECK_OK(next_message(c, &data, &got));
	CHECK_EQ(got, len);
	check_pattern(data, len, seed);
	ops->release(c);
}

CASE(messages_of_any_size_arrive_whole)
{
	static const size_t sizes[] = {0, 1, 7, 8, 9, 63, 64, 65, 4095, 4096,
		32768, 65535};
	struct pair p;

	pair_open(&p);
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		send_pattern(p.client, sizes[i], i);
		expect_pattern(p.server, sizes[i], i);
		send_pattern(p.server, sizes[i], i + 100);
		expect_pattern(p.client, sizes[i], i + 100);
	}
	pair_close(&p);
}

CASE(the_largest_message_passes_and_one_byte_more_gives_MSGSIZE)
{
	uint32_t max = ops->limits.max_message;
	uint8_t *bytes = calloc(1, (size_t)max + 1);
	struct os_span span = {bytes, (size_t)max + 1};
	struct os_span two[2] = {{bytes, max}, {bytes, 1}};
	struct pair p;
	const void *data;
	uint32_t len;

	pair_open(&p);
	CHECK_ST(ops->send(p.client, &span, 1, 0), ST_MSGSIZE);
	CHECK_ST(ops->send(p.client, two, 2, 0), ST_MSGSIZE);
	two[1].len = SIZE_MAX; /* the sum wraps */
	CHECK_ST(ops->send(p.client, two, 2, 0), ST_MSGSIZE);
	CHECK_ST(ops->peek(p.server, &data, &len), ST_AGAIN);
	CHECK_OK(ops->send(p.client, two, 1, 0));
	CHECK_OK(next_message(p.server, &data, &len));
	CHECK_EQ(len, max);
	ops->release(p.server);
	pair_close(&p);
	free(bytes);
}

CASE(gathered_spans_make_one_message)
{
	uint8_t bytes[100];
	struct os_span spans[7] = {{bytes, 1}, {NULL, 0}, {bytes + 1, 7},
		{bytes + 8, 30}, {bytes + 38, 0}, {bytes + 38, 61},
		{bytes + 99, 1}};
	struct pair p;

	pattern(bytes, sizeof bytes, 5);
	pair_open(&p);
	CHECK_OK(ops->send(p.client, spans, 7, 0));
	memset(bytes, 0, sizeof bytes); /* ours again */
	expect_pattern(p.server, 100, 5);
	pair_close(&p);
}

CASE(peeking_again_gives_the_same_message)
{
	const void *a, *b;
	uint32_t len_a, len_b;
	struct pair p;

	pair_open(&p);
	send_text(p.client, "one");
	send_text(p.client, "another");
	CHECK_OK(next_message(p.server, &a, &len_a));
	CHECK_OK(ops->peek(p.server, &b, &len_b));
	CHECK(a == b && len_a == len_b);
	expect_text(p.server, "one");
	expect_text(p.server, "another");
	CHECK_ST(ops->peek(p.server, &a, &len_a), ST_AGAIN);
	pair_close(&p);
}

CASE(arrivals_change_with_every_message_and_with_nothing_else)
{
	uint64_t seen;
	struct pair p;

	pair_open(&p);
	seen = ops->arrivals(p.server);
	for (int i = 0; i < 100; i++) {
		send_text(p.client, "");
		CHECK_SOON(ops->arrivals(p.server) != seen);
		seen = ops->arrivals(p.server);
		expect_text(p.server, "");
		send_text(p.server, "other way");
		expect_text(p.client, "other way");
		CHECK_EQ(ops->arrivals(p.server), seen);
	}
	pair_close(&p);
}

CASE(arrivals_change_while_messages_wait_too)
{
	int many = has_trait(TRAIT_DEEP) ? 100 : 16;
	uint64_t seen;
	struct pair p;

	pair_open(&p);
	seen = ops->arrivals(p.server);
	for (int i = 0; i < many; i++) {
		send_text(p.client, "unread");
		CHECK_SOON(ops->arrivals(p.server) != seen);
		seen = ops->arrivals(p.server);
	}
	for (int i = 0; i < many; i++) {
		expect_text(p.server, "unread");
		CHECK_EQ(ops->arrivals(p.server), seen);
	}
	pair_close(&p);
}

CASE(messages_keep_their_order_around_the_ring)
{
	uint32_t state = 77, next = 0, done = 0;
	uint32_t sizes[64];
	struct pair p;

	pair_open(&p);
	while (done < network_rounds(20000)) {
		uint32_t burst = random_next(&state) % 64;

		for (uint32_t i = 0; i < burst && next - done < 64; i++) {
			uint32_t len = random_next(&state) % 3000;
			struct os_span span = {buffer, len};

			pattern(buffer, len < 16 ? len : 16, next);
			if (ops->send(p.client, &span, 1, 0) != ST_OK)
				break;
			sizes[next++ % 64] = len;
		}
		burst = random_next(&state) % 64;
		for (uint32_t i = 0; i < burst && done < next; i++) {
			uint32_t len = sizes[done % 64], got;
			const void *data;

			CHECK_OK(next_message(p.server, &data, &got));
			CHECK_EQ(got, len);
			check_pattern(data, len < 16 ? len : 16, done);
			ops->release(p.server);
			done++;
		}
	}
	pair_close(&p);
}

CASE(large_messages_pass_around_the_ring_intact)
{
	uint32_t state = 5;
	struct pair p;

	pair_open(&p);
	for (uint32_t i = 0; i < network_rounds(500); i++) {
		uint32_t len = random_next(&state) %
			(ops->limits.max_message + 1);

		send_pattern(p.client, len, i);
		expect_pattern(p.server, len, i);
	}
	pair_close(&p);
}

CASE_NEEDS(what_is_sent_early_is_delivered_after_accept, TRANSPORT_EARLY_SEND)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *client = connect_to(&at), *server;
	struct transport_request *r;

	send_text(client, "before take");
	r = take_next(l);
	send_text(client, "before accept");
	CHECK_ST(ops->status(client, true), ST_PENDING);
	CHECK_OK(ops->accept(r, &server));
	expect_text(server, "before take");
	expect_text(server, "before accept");
	ops->close(client, false);
	ops->close(server, false);
	ops->close_listener(l);
}

/* ---- room ------------------------------------------------------------ */

CASE(a_full_channel_gives_AGAIN_and_loses_nothing)
{
	unsigned sent;
	struct pair p;

	pair_open(&p);
	sent = fill(p.client, 1000, 0);
	CHECK(sent >= 2);
	for (unsigned i = 0; i < sent; i++) {
		const void *data;
		uint32_t len;

		CHECK_OK(next_message(p.server, &data, &len));
		CHECK_EQ(len, 1000);
		ops->release(p.server);
	}
	send_text(p.client, "room again");
	expect_text(p.server, "room again");
	pair_close(&p);
}

static void reserve_after_filling_with(size_t len)
{
	struct os_span span = {buffer, 256};
	struct pair p;

	pair_open(&p);
	fill(p.client, len, 0);
	fill(p.client, span.len, 0);
	CHECK_OK(ops->send(p.client, &span, 1, TRANSPORT_RESERVE));
	CHECK_ST(ops->send(p.client, &span, 1, 0), ST_AGAIN);
	fill(p.client, 0, TRANSPORT_RESERVE);
	pair_close(&p);
}

CASE(a_full_channel_has_room_for_a_control_message)
{
	reserve_after_filling_with(1000);
	reserve_after_filling_with(1);
	reserve_after_filling_with(257);
	reserve_after_filling_with(ops->limits.max_message);
}

/* To the last byte, at any position. */
CASE(a_channel_that_is_full_to_the_brim_loses_nothing)
{
	struct os_span span = {buffer, 0};
	uint32_t state = 11, sent = 0, got = 0, empty;
	const void *data;
	struct pair p;
	uint32_t len;

	pair_open(&p);
	for (int i = 0; i < 50; i++) {
		do {
			span.len = random_next(&state) % 3000;
			memcpy(buffer, &sent, sizeof sent);
			span.len = span.len < 4 ? 4 : span.len;
		} while (ops->send(p.client, &span, 1, 0) == ST_OK && ++sent);
		span.len = 4;
		while (ops->send(p.client, &span, 1, TRANSPORT_RESERVE) ==
			ST_OK) {
			sent++;
			memcpy(buffer, &sent, sizeof sent);
		}
		empty = fill(p.client, 0, TRANSPORT_RESERVE);
		while (got < sent || empty) {
			CHECK_OK(next_message(p.server, &data, &len));
			if (len) {
				CHECK_BYTES(data, &got, sizeof got);
				got++;
			} else {
				CHECK(empty-- > 0);
			}
			ops->release(p.server);
		}
		CHECK_ST(ops->peek(p.server, &data, &len), ST_AGAIN);
	}
	pair_close(&p);
}

/* Reads what has come until the client could send; it always can when all has
 * been read. */
static void make_room(struct pair *p)
{
	uint64_t limit = 0;
	const void *data;
	uint32_t len;

	while (ops->arm(p->client, TRANSPORT_OUT) != ST_AGAIN) {
		if (ops->peek(p->server, &data, &len) == ST_OK)
			ops->release(p->server);
		else if (!look_again(&limit))
			FAIL("all is read, and there is no room");
	}
}

/* At any position of the ring. */
CASE(the_room_kept_back_does_not_depend_on_the_position)
{
	struct os_span span = {buffer, 256};
	uint32_t state = 3;
	struct pair p;
	const void *data;
	uint32_t len;

	pair_open(&p);
	for (unsigned i = 0; i < network_rounds(300); i++) {
		fill(p.client, 8 + random_next(&state) % 2000, 0);
		CHECK_OK(ops->send(p.client, &span, 1, TRANSPORT_RESERVE));
		for (uint32_t n = random_next(&state) % 200; n > 0 &&
			ops->peek(p.server, &data, &len) == ST_OK; n--)
			ops->release(p.server);
		make_room(&p);
	}
	pair_close(&p);
}

CASE(room_for_the_largest_message_comes_back_at_any_position)
{
	struct os_span span = {buffer, ops->limits.max_message};
	uint32_t state = 9;
	struct pair p;

	pair_open(&p);
	for (unsigned i = 0; i < network_rounds(500); i++) {
		fill(p.client, 8 + random_next(&state) % 20000, 0);
		CHECK_OK(ops->arm(p.client, TRANSPORT_OUT));
		read_until_it_rings(&p);
		ops->drain(p.client, false);
		CHECK_OK(ops->send(p.client, &span, 1, 0));
	}
	pair_close(&p);
}

/* ---- ends ------------------------------------------------------------ */

CASE(close_delivers_what_was_sent_and_then_RESET)
{
	const void *data;
	uint32_t len;
	struct pair p;

	pair_open(&p);
	send_text(p.client, "last");
	send_text(p.client, "words");
	ops->close(p.client, false);
	expect_text(p.server, "last");
	expect_text(p.server, "words");
	CHECK_ST(next_message(p.server, &data, &len), ST_RESET);
	CHECK_ST(ops->peek(p.server, &data, &len), ST_RESET);
	CHECK_ST(ops->status(p.server, false), ST_RESET);
	ops->close(p.server, false);
	ops->close_listener(p.listener);
}

/* Each takes a connection. */
static unsigned last_words(void)
{
	return has_trait(TRAIT_PROMPT) ? case_rounds(5000) : 50;
}

static void run_last_words(void *arg)
{
	struct transport_conn *_Atomic *given = arg;
	struct transport_conn *c;

	for (unsigned i = 0; i < last_words(); i++) {
		while (!(c = atomic_load(given)))
			os_yield();
		send_text(c, "bye");
		atomic_store(given, NULL);
		ops->close(c, false);
	}
}

/* Peeks without a break, but for those who have one CPU only. */
static enum status look_hard(struct transport_conn *c)
{
	const void *data;
	unsigned looks = 0;
	enum status st;
	uint32_t len;

	while ((st = ops->peek(c, &data, &len)) == ST_AGAIN)
		if (++looks % 1000 == 0)
			os_yield();
	return st;
}

/* Sent and closed while the other side is looking. */
CASE(the_last_message_before_close_is_never_lost)
{
	struct transport_conn *_Atomic given = NULL;
	struct os_thread t;

	CHECK_OK(os_thread_start(&t, "last words", run_last_words, &given));
	for (unsigned i = 0; i < last_words(); i++) {
		struct pair p;

		pair_open(&p);
		atomic_store(&given, p.client);
		CHECK_OK(look_hard(p.server));
		ops->release(p.server);
		CHECK_ST(look_hard(p.server), ST_RESET);
		while (atomic_load(&given))
			os_yield();
		ops->close(p.server, false);
		ops->close_listener(p.listener);
	}
	os_thread_join(&t);
}

CASE(the_status_after_close_does_not_hide_messages)
{
	struct pair p;

	pair_open(&p);
	send_text(p.server, "a");
	ops->close(p.server, false);
	expect_status(p.client, ST_RESET);
	expect_text(p.client, "a");
	ops->close(p.client, false);
	ops->close_listener(p.listener);
}

CASE(sending_after_the_peer_has_closed_gives_RESET_at_once)
{
	struct os_span span = {buffer, 10};
	struct pair p;

	pair_open(&p);
	ops->close(p.server, false);
	CHECK_SOON_ST(ops->send(p.client, &span, 1, 0), ST_RESET);
	CHECK_ST(ops->send(p.client, &span, 1, TRANSPORT_RESERVE), ST_RESET);
	ops->close(p.client, false);
	ops->close_listener(p.listener);
}

CASE(connections_do_not_disturb_each_other)
{
	struct pair p[8];

	for (int i = 0; i < 8; i++)
		pair_open(&p[i]);
	for (uint32_t i = 0; i < 8; i++)
		send_pattern(p[i].client, 100 + i, i);
	ops->close(p[3].client, false);
	for (uint32_t i = 0; i < 8; i++)
		expect_pattern(p[i].server, 100 + i, i);
	p[3].client = connect_to(&p[3].at);
	for (int i = 0; i < 8; i++)
		pair_close(&p[i]);
}
