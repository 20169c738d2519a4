/* SPDX-License-Identifier: MIT */
/* Hand-off: R121, R199 to R209. */
#include "handoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- connected sockets --------------------------------------------- */

CASE(R202_R203_R206_a_connection_goes_to_another_process)
{
	struct pair p;
	struct child c;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	end_close(&p.server); /* R206 */
	order(c, "ok", "send hello from there", 0);
	expect_text(&p.client, "hello from there");
	send_text(&p.client, "hello to you");
	order(c, "ok", "expect hello to you", 0);
	child_kill(c);
	spi_stop();
}

CASE(R205_the_peer_notices_nothing_of_a_swap)
{
	struct request peer, notified;
	struct pair p;
	struct child c;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	must_receive(&p.client, 0, 64, &peer, POLLED);
	must_receive(&p.client, 1, 64, &notified, NOTIFIED);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	os_sleep(QUIET);
	CHECK(!request_done(p.client.s, &peer));
	order(c, "ok", "take", token);
	CHECK(!request_done(p.client.s, &peer));
	CHECK_EQ(enum_events(p.client.s, NULL).lNetworkEvents, 0);
	CHECK_EQ(up_completed(), 0);
	order(c, "ok", "send hello from there", 0);
	request_expect(p.client.s, &peer, 0, 16);
	order(c, "ok", "send again", 0);
	up_wait_completed(1);
	CHECK_EQ(up_completion(0).bytes, 5);
	child_kill(c);
	spi_stop();
}

CASE(R206_closing_the_old_descriptor_first_does_not_disturb)
{
	struct pair p;
	struct child c;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	end_close(&p.server); /* before anybody has fetched it */
	os_sleep(QUIET);
	order(c, "ok", "take", token);
	order(c, "ok", "send still there", 0);
	expect_text(&p.client, "still there");
	child_kill(c);
	spi_stop();
}

CASE(R202_options_go_along)
{
	int err = 0, on = 1;
	struct pair p;
	struct child c;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	if (spi.t.lpWSPSetSockOpt(p.server.s, SOL_SOCKET, SO_DEBUG,
			(char *)&on, sizeof on, &err))
		case_skip("no SO_DEBUG, and no other option to look at");
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	order(c, "1", "debug", 0);
	child_kill(c);
	spi_stop();
}

CASE(R121_R205_messages_that_wait_go_along)
{
	struct pair p;
	struct child c;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	send_text(&p.client, "before 1");
	send_text(&p.client, "before 2");
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	send_text(&p.client, "between");
	order(c, "ok", "take", token);
	send_text(&p.client, "after");
	order(c, "ok", "expect before 1", 0);
	order(c, "ok", "expect before 2", 0);
	order(c, "ok", "expect between", 0);
	order(c, "ok", "expect after", 0);
	child_kill(c);
	spi_stop();
}

CASE(R126_R199_pending_receives_complete_with_success_and_no_bytes)
{
	struct request r[6];
	struct pair p;
	struct child c;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	for (unsigned i = 0; i < 6; i++)
		must_receive(&p.server, i, 64, &r[i],
			i % 2 ? POLLED : NOTIFIED);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	CHECK_EQ(up_completed(), 3); /* before it returned */
	for (unsigned i = 0; i < 6; i++) {
		CHECK(!is_pending(&r[i]));
		CHECK_CODE(r[i].ov.OffsetHigh, 0);
		CHECK_EQ(r[i].ov.InternalHigh, 0);
		CHECK_EQ(up_completions_of(&r[i].ov), i % 2 ? 0 : 1);
	}
	child_kill(c);
	spi_stop();
	CHECK_EQ(up_completed(), 3);
}

/* Section 6, HANDED_OFF: only WSPCloseSocket may come. */
CASE(R206_the_old_descriptor_takes_nothing_but_a_close)
{
	struct request r;
	struct pair p;
	struct child c;
	DWORD token;
	int code;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	code = post_receive(&p.server, 0, 64, &r, POLLED);
	CHECK(code != 0 && code != WSA_IO_PENDING);
	code = post_send_text(&p.server, 0, "x", &r, POLLED);
	CHECK(code != 0 && code != WSA_IO_PENDING);
	CHECK(hand_off(p.server.s, child_pid(c), &(DWORD){0}) != 0);
	end_close(&p.server);
	order(c, "ok", "take", token);
	child_kill(c);
	spi_stop();
}

CASE(R200_tokens_are_not_0_and_differ)
{
	enum { N = 20 };
	struct pair p[N];
	DWORD token[N];

	spi_start();
	need_hand_off();
	for (int i = 0; i < N; i++) {
		pair_open(&p[i]);
		CHECK_CODE(hand_off(p[i].server.s, os_process_id(), &token[i]),
			0);
		CHECK(token[i] != 0);
		for (int k = 0; k < i; k++)
			CHECK(token[i] != token[k]);
	}
	spi_stop();
}

CASE(R201_a_token_works_in_its_process_only_and_once)
{
	struct pair p;
	struct child right, wrong;
	DWORD token;
	SOCKET s;

	spi_start();
	need_hand_off();
	right = child_start("servant");
	wrong = child_start("servant");
	pair_open(&p);
	CHECK_CODE(hand_off(p.server.s, child_pid(right), &token), 0);
	order(wrong, "refused", "take", token);
	CHECK(take_over(token, &s) != 0);
	order(right, "ok", "take", token);
	order(right, "refused", "take", token);
	order(wrong, "refused", "take", token);
	send_text(&p.client, "still good");
	child_kill(wrong);
	child_kill(right);
	spi_stop();
}

CASE(R204_a_bad_token_fails_at_once)
{
	uint64_t before;
	SOCKET s;

	spi_start();
	before = os_now();
	for (DWORD i = 1; i < 50; i++)
		CHECK(take_over(i * 0x01234567, &s) != 0);
	CHECK(os_now() - before < PATIENCE / 4);
	up_wait_closed();
	spi_stop();
}

CASE(R207_there_and_back_again_with_data_each_time)
{
	struct child c;
	struct pair p;
	DWORD token;
	char text[64];

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	for (int i = 0; i < 10; i++) {
		pair_talk(&p.client, &p.server);
		CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
		order(c, "ok", "take", token);
		end_close(&p.server);
		snprintf(text, sizeof text, "send round %d", i);
		order(c, "ok", text, 0);
		expect_text(&p.client, text + 5);
		send_text(&p.client, "answer");
		order(c, "ok", "expect answer", 0);
		token = take_back(c);
		CHECK_EQ(take_over(token, &p.server.s), 0);
		end_open(&p.server, p.server.s);
	}
	pair_talk(&p.client, &p.server);
	child_kill(c);
	spi_stop();
}

CASE(R203_a_process_may_take_its_own_socket_back)
{
	struct pair p;
	DWORD token;
	SOCKET s;

	spi_start();
	need_hand_off();
	pair_open(&p);
	CHECK_CODE(hand_off(p.server.s, os_process_id(), &token), 0);
	CHECK_EQ(take_over(token, &s), 0);
	end_close(&p.server);
	end_open(&p.server, s);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(R205_both_ends_can_be_handed_off)
{
	struct child a, b;
	struct pair p;
	DWORD token;

	spi_start();
	need_hand_off();
	a = child_start("servant");
	b = child_start("servant");
	pair_open(&p);
	CHECK_CODE(hand_off(p.client.s, child_pid(a), &token), 0);
	order(a, "ok", "take", token);
	CHECK_CODE(hand_off(p.server.s, child_pid(b), &token), 0);
	order(b, "ok", "take", token);
	end_close(&p.client);
	end_close(&p.server);
	order(a, "ok", "send far away", 0);
	order(b, "ok", "expect far away", 0);
	order(b, "ok", "send and back", 0);
	order(a, "ok", "expect and back", 0);
	child_kill(a);
	child_kill(b);
	spi_stop();
}

/* A transport may have to ask the other process to do it. */
static void rdma_after_hand_off(int how)
{
	static char local[EXPOSED_BYTES], want[EXPOSED_BYTES];
	char line[LINE_MAX_LEN];
	struct request r[3];
	struct exposed e;
	DWORD token, whole, half;
	struct child c;
	struct pair p;
	WSABUFEX b;
	int err = 0;

	spi_start();
	need_hand_off();
	if (!spi.rdma_read)
		case_skip("no WSPRdmaRead");
	c = child_start("servant");
	pair_open(&p);
	whole = rdma_limit(p.client.s, sizeof local);
	half = whole / 2;
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	child_tell(c, "expose");
	child_hear_descriptor(c, &e);
	b = (WSABUFEX){whole, local, spi.register_memory(p.client.s, local,
		sizeof local, MEM_READWRITE, &err)};
	child_tell(c, "serve");
	CHECK_CODE(post_rdma(RDMA_READ, p.client.s, &b, 1, &e, 0, &r[0], how),
		WSA_IO_PENDING);
	if (how == NOTIFIED)
		up_wait_completed(1);
	request_expect(p.client.s, &r[0], 0, whole);
	check_pattern(local, whole, 77);
	pattern(local, whole, 78);
	pattern(want, whole, 78);
	CHECK_CODE(post_rdma(RDMA_WRITE, p.client.s, &b, 1, &e, 0, &r[1], how),
		WSA_IO_PENDING);
	b.buf += 500;
	b.len = half;
	CHECK_CODE(post_rdma(RDMA_READ, p.client.s, &b, 1, &e, half, &r[2],
			   how), WSA_IO_PENDING);
	if (how == NOTIFIED)
		up_wait_completed(3);
	request_expect(p.client.s, &r[1], 0, whole);
	request_expect(p.client.s, &r[2], 0, half);
	CHECK_BYTES(local + 500, want + half, half);
	send_text(&p.client, "served");
	child_hear(c, line);
	CHECK(strcmp(line, "ok") == 0);
	child_kill(c);
	spi_stop();
}

CASE(R154_RDMA_with_a_process_that_took_the_socket_over_polled)
{
	rdma_after_hand_off(POLLED);
}

CASE(R154_RDMA_with_a_process_that_took_the_socket_over_notified)
{
	rdma_after_hand_off(NOTIFIED);
}

/* ---- listeners (R208) ---------------------------------------------- */

CASE(R208_a_listener_goes_with_its_queue_and_gets_new_requests)
{
	struct end e[2];
	struct addr at;
	struct child c;
	SOCKET l, queued, later;
	DWORD token;
	int code;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	at = test_addr();
	l = socket_listening(&at, 4);
	queued = socket_connecting(&at, NULL);
	listener_expect(l, true);
	CHECK_CODE(hand_off(l, child_pid(c), &token), 0);
	CHECK(socket_try_accept(l, &later) != 0);
	socket_close(l);
	order(c, "ok", "take", token);
	later = socket_connecting(&at, &code);
	CHECK_CODE(code, WSAEWOULDBLOCK);
	order(c, "ok", "accept", 0);
	CHECK_CODE(socket_connect_result(queued), 0);
	end_open(&e[0], queued);
	send_text(&e[0], "I waited");
	order(c, "ok", "expect I waited", 0);
	child_kill(c);
	spi_stop();
}

CASE(R208_new_requests_reach_the_process_that_took_the_listener)
{
	struct addr at;
	struct child c;
	struct end e;
	SOCKET l, client;
	DWORD token;
	int code;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	at = test_addr();
	l = socket_listening(&at, 4);
	CHECK_CODE(hand_off(l, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	socket_close(l);
	client = socket_connecting(&at, &code);
	order(c, "ok", "accept", 0);
	socket_expect_connected(client, code);
	end_open(&e, client);
	send_text(&e, "to the new one");
	order(c, "ok", "expect to the new one", 0);
	child_kill(c);
	spi_stop();
}

CASE(R207_R208_a_listener_comes_back_and_signals_again)
{
	struct addr at;
	struct child c;
	SOCKET l, back, client;
	WSAEVENT e;
	DWORD token;
	int err = 0, code;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	e = event_new();
	at = test_addr();
	l = socket_listening(&at, 4);
	OK(spi.t.lpWSPEventSelect(l, e, FD_ACCEPT, &err));
	CHECK_CODE(hand_off(l, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	CHECK_CODE(take_over(take_back(c), &back), 0);
	OK(spi.t.lpWSPEventSelect(back, e, FD_ACCEPT, &err));
	client = socket_connecting(&at, &code);
	CHECK(event_wait(e, PATIENCE));
	socket_accept(back);
	socket_expect_connected(client, code);
	child_kill(c);
	event_free(e);
	spi_stop();
}

/* ---- errors -------------------------------------------------------- */

static void must_not_go(SOCKET s)
{
	DWORD token;
	int code = hand_off(s, os_process_id(), &token);

	if (code != WSAEINVAL)
		CHECK_CODE(code, WSAENOTCONN);
}

CASE(R209_hand_off_without_connection_fails)
{
	struct addr a;
	struct pair p;

	spi_start();
	need_hand_off();
	a = test_addr();
	must_not_go(socket_new());
	must_not_go(socket_bound(&a));
	pair_open(&p);
	end_close(&p.client);
	end_await_loss(&p.server);
	must_not_go(p.server.s);
	spi_stop();
}

CASE(R209_hand_off_without_a_place_for_the_token_fails)
{
	struct pair p;
	int err = 0;

	spi_start();
	need_hand_off();
	pair_open(&p);
	FAILS(spi.t.lpWSPDuplicateSocket(p.server.s, os_process_id(), NULL,
			&err), WSAEINVAL);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}
