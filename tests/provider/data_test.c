/* SPDX-License-Identifier: MIT */
/* Messages: R117 to R125, R140 to R152. */
#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CASE(R117_R118_R119_early_messages_are_kept_and_go_one_to_one)
{
	struct pair p;
	struct request r;
	char text[16];

	spi_start();
	pair_open(&p);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "message %d", i);
		send_text(&p.client, text);
	}
	for (int i = 0; i < 20; i++) { /* R119, R120, R141 */
		snprintf(text, sizeof text, "message %d", i);
		expect_text(&p.server, text);
	}
	CHECK_EQ(post_receive(&p.server, 0, 256, &r, POLLED), WSA_IO_PENDING);
	CHECK(!request_done(p.server.s, &r));
	send_text(&p.client, "late");
	request_expect(p.server.s, &r, 0, 4);
	pair_close(&p);
	spi_stop();
}

CASE(R117_an_early_message_of_256_bytes_is_kept)
{
	struct pair p;
	struct request r;

	spi_start();
	pair_open(&p);
	pattern(end_send_slot(&p.client, 0), 256, 1);
	CHECK_EQ(post_send(&p.client, 0, 256, &r, POLLED), WSA_IO_PENDING);
	request_expect(p.client.s, &r, 0, 256);
	CHECK_EQ(post_receive(&p.server, 0, 256, &r, POLLED), WSA_IO_PENDING);
	request_expect(p.server.s, &r, 0, 256);
	check_pattern(end_receive_slot(&p.server, 0), 256, 1);
	pair_close(&p);
	spi_stop();
}

CASE(R123_R125_data_functions_return_pending_and_complete_later)
{
	struct pair p;
	struct request send, receive;
	WSAEVENT e;
	int err = 0;

	spi_start();
	pair_open(&p);
	e = event_new(); /* R125: nonblocking or not makes no difference */
	OK(spi.t.lpWSPEventSelect(p.client.s, e, FD_CONNECT, &err));
	CHECK_EQ(post_receive(&p.client, 0, 64, &receive, POLLED),
		WSA_IO_PENDING);
	CHECK_EQ(receive.ov.Internal, WSS_OPERATION_IN_PROGRESS); /* R129 */
	CHECK_EQ(post_send_text(&p.server, 0, "hello", &send, POLLED),
		WSA_IO_PENDING);
	request_expect(p.server.s, &send, 0, 5);
	request_expect(p.client.s, &receive, 0, 5);
	CHECK_EQ(receive.flags, 0);
	event_free(e);
	pair_close(&p);
	spi_stop();
}

/* A message gathered from parts and scattered into others. */
CASE(R142_R143_gather_and_scatter_keep_the_order)
{
	enum { PARTS = 40 };
	static const unsigned lens[] = {1, 7, 0, 64, 3, 100};
	WSABUF out[PARTS], in[PARTS];
	struct request s, r;
	DWORD n = 0, flags = 0, total = 0;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	request_init(&s, POLLED);
	request_init(&r, POLLED);
	for (int i = 0; i < PARTS; i++) {
		out[i].len = lens[i % 6];
		out[i].buf = p.client.sends + total;
		total += out[i].len;
	}
	pattern(p.client.sends, total, 3);
	for (int i = 0; i < PARTS; i++) {
		in[i].len = i == PARTS - 1 ? total : lens[(i + 3) % 6];
		in[i].buf = end_receive_slot(&p.server, (unsigned)i);
	}
	FAILS(spi.t.lpWSPRecv(p.server.s, in, PARTS, &n, &flags, &r.ov, NULL,
			NULL, &err), WSA_IO_PENDING);
	FAILS(spi.t.lpWSPSend(p.client.s, out, PARTS, &n, 0, &s.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	memset(out, 0xee, sizeof out);
	request_expect(p.client.s, &s, 0, total);
	request_expect(p.server.s, &r, 0, total);
	for (DWORD i = 0, at = 0; i < PARTS && at < total; i++) {
		DWORD part = in[i].len < total - at ? in[i].len : total - at;

		CHECK_BYTES(in[i].buf, p.client.sends + at, part);
		at += part;
	}
	pair_close(&p);
	spi_stop();
}

CASE(R143_a_queued_send_does_not_need_the_callers_array)
{
	struct pair p;
	struct request *r = test_alloc(64 * sizeof *r);
	char text[64];
	unsigned sent = 0, queued;

	spi_start();
	pair_open(&p);
	memset(p.client.sends, 'x', SLOT_BYTES);
	/* Until the transport has no room and requests stay in the queue. */
	do {
		CHECK_EQ(post_send(&p.client, 0, SLOT_BYTES, &r[0], POLLED),
			WSA_IO_PENDING);
		sent++;
	} while (request_done(p.client.s, &r[0]) && sent < 100000);
	if (sent == 100000)
		case_skip("the transport has room for everything");
	for (queued = 1; queued < 64; queued++) {
		snprintf(text, sizeof text, "queued %u", queued);
		CHECK_EQ(post_send_text(&p.client, queued, text, &r[queued],
				 POLLED), WSA_IO_PENDING);
		CHECK(!request_done(p.client.s, &r[queued]));
	}
	/* R148: 64 are pending. */
	CHECK_EQ(post_send_text(&p.client, 64, "one too many", &r[0], POLLED),
		WSAENOBUFS);
	CHECK(r[0].ov.Internal != WSS_OPERATION_IN_PROGRESS);
	for (unsigned i = 0; i < sent; i++) {
		struct request got;

		CHECK_EQ(post_receive(&p.server, 0, SLOT_BYTES, &got, POLLED),
			WSA_IO_PENDING);
		request_wait(p.server.s, &got);
		CHECK_EQ(got.bytes, SLOT_BYTES);
		if (request_done(p.client.s, &r[63]))
			continue;
	}
	for (queued = 1; queued < 64; queued++) {
		request_expect(p.client.s, &r[queued], 0,
			queued < 10 ? 8 : 9);
		snprintf(text, sizeof text, "queued %u", queued);
		expect_text(&p.server, text);
	}
	pair_close(&p);
	spi_stop();
}

CASE(R144_memory_that_is_not_registered_gives_WSAEFAULT)
{
	struct pair p;
	struct request r;
	char outside[64];
	WSABUF b = {sizeof outside, outside};
	DWORD n = 0, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	request_init(&r, POLLED);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	FAILS(spi.t.lpWSPRecv(p.client.s, &b, 1, &n, &flags, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	CHECK_EQ(r.ov.Internal, 7); /* R124: untouched */
	/* One byte over the end, one before the beginning. */
	b.buf = p.client.sends + POOL_SLOTS * SLOT_BYTES - 63;
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	b.buf = p.client.sends - 1;
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	/* Registered for the other direction (section 11, rule 4). */
	b.buf = p.client.receives;
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	b.buf = p.client.sends;
	FAILS(spi.t.lpWSPRecv(p.client.s, &b, 1, &n, &flags, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

static DWORD option(SOCKET s, int name)
{
	uint32_t value = 0;
	int err = 0, len = sizeof value;

	OK(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, name, (char *)&value, &len,
		&err));
	return value;
}

CASE(R39_R145_the_largest_message_goes_and_a_larger_one_does_not)
{
	struct request s, r;
	struct pair p;
	WSABUF out, in;
	DWORD n = 0, flags = 0, max;
	int err = 0;
	char *a, *b;

	spi_start();
	pair_open(&p);
	max = option(p.client.s, SO_MAX_MSG_SIZE);
	a = test_alloc(max + 1);
	b = test_alloc(max + 1);
	CHECK(a && b);
	CHECK(spi.register_memory(p.client.s, a, max + 1, MEM_READ, &err));
	CHECK(spi.register_memory(p.server.s, b, max + 1, MEM_WRITE, &err));
	pattern(a, max, 5);
	out = (WSABUF){max + 1, a};
	in = (WSABUF){max + 1, b};
	request_init(&s, POLLED);
	request_init(&r, POLLED);
	FAILS(spi.t.lpWSPSend(p.client.s, &out, 1, &n, 0, &s.ov, NULL, NULL,
			&err), WSAEMSGSIZE);
	out.len = max;
	FAILS(spi.t.lpWSPSend(p.client.s, &out, 1, &n, 0, &s.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	FAILS(spi.t.lpWSPRecv(p.server.s, &in, 1, &n, &flags, &r.ov, NULL,
			NULL, &err), WSA_IO_PENDING);
	request_expect(p.client.s, &s, 0, max);
	request_expect(p.server.s, &r, 0, max); /* nothing came before it */
	check_pattern(b, max, 5);
	pair_close(&p);
	test_free(a);
	test_free(b);
	spi_stop();
}

CASE(R146_a_message_too_long_for_its_receive_is_not_cut)
{
	struct request r, next, peer;
	struct pair p;
	char *slot;

	spi_start();
	pair_open(&p);
	slot = end_receive_slot(&p.server, 0);
	memset(slot, 0x55, SLOT_BYTES);
	CHECK_EQ(post_receive(&p.server, 0, 4, &r, POLLED), WSA_IO_PENDING);
	CHECK_EQ(post_receive(&p.server, 1, 64, &next, POLLED),
		WSA_IO_PENDING);
	CHECK_EQ(post_receive(&p.client, 0, 64, &peer, POLLED),
		WSA_IO_PENDING);
	send_text(&p.client, "hello");
	request_expect(p.server.s, &r, WSAEMSGSIZE, 0);
	request_expect(p.server.s, &next, WSAECONNABORTED, 0);
	for (int i = 0; i < SLOT_BYTES; i++)
		CHECK_EQ(slot[i], 0x55);
	/* The connection is broken, and the peer is told. */
	CHECK_EQ(post_send_text(&p.server, 0, "x", &r, POLLED),
		WSAECONNABORTED);
	request_expect(p.client.s, &peer, WSAECONNRESET, 0);
	pair_close(&p);
	spi_stop();
}

CASE(R147_data_calls_before_a_connection_give_WSAENOTCONN)
{
	struct addr a;
	struct end e = {.sends = NULL};
	struct request r;
	SOCKET s[3];
	char pool[64];

	spi_start();
	a = test_addr(AF_INET);
	s[0] = socket_new(AF_INET);
	s[1] = socket_bound(&a);
	s[2] = socket_listening(&a, 1);
	e.sends = e.receives = pool;
	for (int i = 0; i < 3; i++) {
		e.s = s[i];
		CHECK_EQ(post_send(&e, 0, 4, &r, POLLED), WSAENOTCONN);
		CHECK_EQ(post_receive(&e, 0, 4, &r, POLLED), WSAENOTCONN);
	}
	spi_stop();
}

CASE(bad_arguments_of_data_calls_have_their_codes)
{
	struct request r;
	struct pair p;
	WSABUF b = {4, NULL};
	DWORD n = 0, flags = 1;
	int err = 0;

	spi_start();
	pair_open(&p);
	b.buf = p.client.sends;
	request_init(&r, POLLED);
	FAILS(spi.t.lpWSPSend(p.client.s, NULL, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, NULL, NULL, NULL,
			&err), WSAEINVAL);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 0, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEINVAL);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 100000, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEINVAL);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 1, &r.ov, NULL, NULL,
			&err), WSAEOPNOTSUPP);
	FAILS(spi.t.lpWSPRecv(p.client.s, &b, 1, &n, &flags, &r.ov, NULL, NULL,
			&err), WSAEOPNOTSUPP);
	FAILS(spi.t.lpWSPRecv(p.client.s, NULL, 1, &n, NULL, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	CHECK_EQ(spi.t.lpWSPSend(p.client.s, NULL, 1, NULL, 0, NULL, NULL,
			 NULL, NULL), SOCKET_ERROR);
	/* What is optional may be NULL. */
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, NULL, 0, &r.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	request_expect(p.client.s, &r, 0, 4);
	pair_close(&p);
	spi_stop();
}

CASE(an_empty_message_is_a_message)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK_EQ(post_receive(&p.server, 0, 64, &r, POLLED), WSA_IO_PENDING);
	send_text(&p.client, "");
	send_text(&p.client, "after");
	request_expect(p.server.s, &r, 0, 0);
	expect_text(&p.server, "after");
	pair_close(&p);
	spi_stop();
}

CASE(R149_sixty_four_receives_can_be_pending_and_no_more)
{
	static struct request r[65];
	struct pair p;
	char text[16];

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < 64; i++)
		CHECK_EQ(post_receive(&p.server, i, 64, &r[i], POLLED),
			WSA_IO_PENDING);
	CHECK_EQ(post_receive(&p.server, 64, 64, &r[64], POLLED), WSAENOBUFS);
	for (int i = 0; i < 64; i++) {
		snprintf(text, sizeof text, "%d", i);
		send_text(&p.client, text);
	}
	for (unsigned i = 0; i < 64; i++) {
		snprintf(text, sizeof text, "%u", i);
		request_expect(p.server.s, &r[i], 0, (DWORD)strlen(text));
		CHECK_BYTES(end_receive_slot(&p.server, i), text, strlen(text));
	}
	pair_close(&p);
	spi_stop();
}

/* ---- many messages of every size, both ways ------------------------ */

static void stream_out(void *arg)
{
	struct end *e = arg;

	for (uint32_t i = 0; i < 20000; i++) {
		unsigned slot = i % POOL_SLOTS, len = 4 + i * 7 % 1500;
		struct request r;

		pattern(end_send_slot(e, slot), len, i);
		memcpy(end_send_slot(e, slot), &i, 4);
		while (post_send(e, slot, len, &r, POLLED) == WSAENOBUFS)
			os_yield();
		request_expect(e->s, &r, 0, len);
	}
}

static void stream_in(struct end *e)
{
	static struct request r[32];
	char want[SLOT_BYTES];

	for (unsigned i = 0; i < 32; i++)
		CHECK_EQ(post_receive(e, i, SLOT_BYTES, &r[i], POLLED),
			WSA_IO_PENDING);
	for (uint32_t i = 0; i < 20000; i++) {
		unsigned len = 4 + i * 7 % 1500, slot = i % 32;

		request_expect(e->s, &r[slot], 0, len);
		pattern(want, len, i);
		memcpy(want, &i, 4);
		CHECK_BYTES(end_receive_slot(e, slot), want, len);
		CHECK_EQ(post_receive(e, slot, SLOT_BYTES, &r[slot], POLLED),
			WSA_IO_PENDING);
	}
}

CASE(R140_R141_twenty_thousand_messages_in_order_and_whole)
{
	struct os_thread t;
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK(os_thread_start(&t, "out", stream_out, &p.client) == ST_OK);
	stream_in(&p.server);
	os_thread_join(&t);
	CHECK_EQ(spi_threads(), 0);
	pair_close(&p);
	spi_stop();
}
