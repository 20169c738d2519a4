/* SPDX-License-Identifier: MIT */
/* Hand-off, beyond what the kit checks of any provider: R201 to R209. */
#include <string.h>

#include "extensions.h"

static int hand_off(SOCKET s, WSAPROTOCOL_INFOW *info)
{
	int err = 0;

	return spi.t.lpWSPDuplicateSocket(s, os_process_id(), info, &err)
		? err : 0;
}

static int take_over(WSAPROTOCOL_INFOW *info, SOCKET *out)
{
	int err = 0;

	*out = spi.t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, info, 0,
		WSA_FLAG_OVERLAPPED, &err);
	return *out == INVALID_SOCKET ? err : 0;
}

/* From hand to hand inside this process; the pools stay where they are. */
static void move(struct end *e)
{
	WSAPROTOCOL_INFOW info;
	struct end old = *e;
	SOCKET s;

	CHECK_EQ(hand_off(e->s, &info), 0);
	CHECK_EQ(take_over(&info, &s), 0);
	end_open(e, s);
	end_close(&old);
}

/* ---- while messages are on their way ------------------------------- */

enum { MESSAGES = 20000, MOVES_EVERY = 97 };

static uint32_t *number_in(char *slot)
{
	return (uint32_t *)(void *)slot;
}

/* It notices nothing (R205): as fast as there is room, in order. */
static void stream_out(void *arg)
{
	struct end *e = arg;

	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct request r;

		*number_in(end_send_slot(e, 0)) = i;
		must_send(e, 0, 4 + i % 1000, &r, POLLED);
		request_expect(e->s, &r, 0, 4 + i % 1000);
	}
}

static void stream_in(struct end *e, bool move_now_and_then)
{
	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct request r;

		must_receive(e, 0, SLOT_BYTES, &r, POLLED);
		request_expect(e->s, &r, 0, 4 + i % 1000);
		CHECK_EQ(*number_in(end_receive_slot(e, 0)), i);
		if (move_now_and_then && i % MOVES_EVERY == 0)
			move(e);
	}
}

CASE(R205_R207_a_stream_goes_on_while_its_receiver_moves)
{
	struct os_thread t;
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK(os_thread_start(&t, "peer", stream_out, &p.client) == ST_OK);
	stream_in(&p.server, true);
	os_thread_join(&t);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

static void stream_in_all(void *arg)
{
	stream_in(arg, false);
}

CASE(R205_R207_a_stream_goes_on_while_its_sender_moves)
{
	struct os_thread t;
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK(os_thread_start(&t, "peer", stream_in_all, &p.client) == ST_OK);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct request r;

		*number_in(end_send_slot(&p.server, 0)) = i;
		must_send(&p.server, 0, 4 + i % 1000, &r, POLLED);
		request_expect(p.server.s, &r, 0, 4 + i % 1000);
		if (i % MOVES_EVERY == 0)
			move(&p.server);
	}
	os_thread_join(&t);
	pair_close(&p);
	spi_stop();
}

/* ---- what cannot be handed off, and goes on ------------------------ */

CASE(R209_a_socket_with_a_channel_is_not_handed_off)
{
	WSDCHANNEL c = {.cbSize = sizeof c};
	WSAPROTOCOL_INFOW info;
	WSABUF b = {1, (CHAR *)"x"};
	struct pair p;
	int err = 0;

	ext_start();
	pair_open(&p);
	OK(ext.open_channel(p.client.s, &c, &err));
	CHECK_CODE(hand_off(p.client.s, &info), WSAEINVAL);
	CHECK_EQ(c.Send(c.lpContext, &b, 1, 0), 0);
	expect_text(&p.server, "x");
	pair_close(&p);
	spi_stop();
}

static int WSPAPI later(LPWSABUF caller, LPWSABUF data, LPQOS s, LPQOS g,
	LPWSABUF callee, LPWSABUF callee_data, GROUP *group,
	DWORD_PTR callback_data)
{
	return CF_DEFER;
}

CASE(R208_R110_a_listener_with_a_request_put_back_is_not_handed_off)
{
	WSAPROTOCOL_INFOW info;
	struct addr at;
	SOCKET l, client;
	int err = 0;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	client = socket_connecting(&at, NULL);
	CHECK(spi.t.lpWSPAccept(l, NULL, NULL, later, 0, &err) ==
		INVALID_SOCKET);
	CHECK_CODE(err, WSATRY_AGAIN);
	CHECK_CODE(hand_off(l, &info), WSAEINVAL);
	socket_accept(l);
	CHECK_EQ(socket_connect_result(client), 0);
	CHECK_EQ(hand_off(l, &info), 0);
	spi_stop();
}

/* ---- a taker that is short of something ---------------------------- */

CASE(R201_a_taker_without_room_does_not_use_the_token_up)
{
	WSAPROTOCOL_INFOW info;
	unsigned failures = 0;
	struct pair p;
	SOCKET s;
	int code;

	spi_start();
	pair_open(&p);
	CHECK_EQ(hand_off(p.server.s, &info), 0);
	/* The engine, which accepts the taker's link, is in this process too. */
	for (unsigned more = 0; more < 4; more++) {
		process_limit_handles(more);
		code = take_over(&info, &s);
		CHECK_CODE(code, WSAEMFILE);
		failures++;
	}
	process_limit_handles(20);
	CHECK_EQ(take_over(&info, &s), 0);
	CHECK_EQ(failures, 4);
	end_close(&p.server);
	end_open(&p.server, s);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}
