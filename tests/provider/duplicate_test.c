/* SPDX-License-Identifier: MIT */
/* Hand-off: R199 to R210, R121. */
#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- both sides ---------------------------------------------------- */

static int hand_off(SOCKET s, uint32_t pid, DWORD *token)
{
	WSAPROTOCOL_INFOW info;
	int err = 0;

	memset(&info, 0, sizeof info);
	if (spi.t.lpWSPDuplicateSocket(s, pid, &info, &err))
		return err;
	CHECK(info.dwProviderReserved != 0); /* R200 */
	CHECK_EQ(info.iSocketType, SOCK_STREAM); /* the whole is filled */
	*token = info.dwProviderReserved;
	return 0;
}

static int take_over(DWORD token, SOCKET *out)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	int err = 0;

	info.dwProviderReserved = token;
	*out = spi.t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &info, 0,
		WSA_FLAG_OVERLAPPED, &err);
	return *out == INVALID_SOCKET ? err : 0;
}

static void need_hand_off(void)
{
	struct pair p;
	DWORD token;
	int code;

	pair_open(&p);
	code = hand_off(p.server.s, os_process_id(), &token);
	pair_close(&p);
	if (code == WSAEOPNOTSUPP)
		case_skip("no hand-off");
	CHECK_EQ(code, 0);
}

/*
 * A process that does what it is told:
 *
 *   take TOKEN       -> ok | code N
 *   send TEXT        -> ok
 *   expect TEXT      -> ok
 *   accept           -> ok          (from the listener it took)
 *   give PID         -> token N
 *   created          -> N           (switch handles made)
 *   debug            -> N           (SO_DEBUG of the socket)
 *   expose           -> descriptor in hexadecimal
 *   serve            -> ok          (polls until a message has come)
 *   close            -> ok
 */
static struct end held;

static void obey_take(const char *args)
{
	unsigned created = up_created(), closed = up_closed();
	int code = take_over((DWORD)strtoul(args, NULL, 10), &held.s);

	if (code) {
		CHECK_EQ(up_closed() - closed, up_created() - created);
		parent_tell("code %d", code);
		return;
	}
	CHECK_EQ(up_created(), created + 1); /* R203 */
	parent_tell("ok");
}

static void obey_data(bool send, const char *text)
{
	if (!held.sends)
		end_open(&held, held.s);
	if (send)
		send_text(&held, text);
	else
		expect_text(&held, text);
	parent_tell("ok");
}

static void obey_give(const char *args)
{
	DWORD token = 0;

	CHECK_EQ(hand_off(held.s, (uint32_t)strtoul(args, NULL, 10), &token),
		0);
	socket_close(held.s);
	memset(&held, 0, sizeof held);
	parent_tell("token %u", (unsigned)token);
}

static void obey_debug(void)
{
	int value = 0, len = sizeof value, err = 0;

	OK(spi.t.lpWSPGetSockOpt(held.s, SOL_SOCKET, SO_DEBUG, (char *)&value,
		&len, &err));
	parent_tell("%d", value);
}

static char exposed_memory[200000];

static void obey_expose(void)
{
	char text[2 * 64 + 1] = "";
	struct exposed e;

	pattern(exposed_memory, sizeof exposed_memory, 77);
	CHECK_EQ(expose(held.s, exposed_memory, sizeof exposed_memory,
			 MEM_READWRITE, &e), 0);
	for (DWORD i = 0; i < e.len; i++)
		snprintf(text + 2 * i, 3, "%02x", (uint8_t)e.descriptor[i]);
	parent_tell("%s", text);
}

static void obey(const char *line)
{
	SOCKET s;

	if (strncmp(line, "take ", 5) == 0) {
		obey_take(line + 5);
	} else if (strncmp(line, "send ", 5) == 0) {
		obey_data(true, line + 5);
	} else if (strncmp(line, "expect ", 7) == 0) {
		obey_data(false, line + 7);
	} else if (strncmp(line, "give ", 5) == 0) {
		obey_give(line + 5);
	} else if (strcmp(line, "expose") == 0) {
		obey_expose();
	} else if (strcmp(line, "serve") == 0) {
		obey_data(false, "served");
	} else if (strcmp(line, "debug") == 0) {
		obey_debug();
	} else if (strcmp(line, "accept") == 0) {
		s = socket_accept(held.s);
		end_open(&held, s);
		parent_tell("ok");
	} else if (strcmp(line, "close") == 0) {
		socket_close(held.s);
		parent_tell("ok");
	} else {
		FAIL("not understood: %s", line);
	}
}

ROLE(servant)
{
	char line[LINE_MAX_LEN];

	spi_start();
	while (parent_hear(line))
		obey(line);
	spi_stop();
}

static void order(struct child c, const char *want, const char *format,
	unsigned number)
{
	char line[LINE_MAX_LEN], text[LINE_MAX_LEN];

	snprintf(text, sizeof text, "%s %u", format, number);
	child_tell(c, "%s", number ? text : format);
	child_hear(c, line);
	if (strcmp(line, want) != 0)
		FAIL("%s: answer %s, expected %s", format, line, want);
}

static DWORD take_back(struct child c)
{
	char line[LINE_MAX_LEN];
	unsigned token;

	child_tell(c, "give %u", (unsigned)os_process_id());
	child_hear(c, line);
	CHECK(sscanf(line, "token %u", &token) == 1);
	return token;
}

/* ---- connected sockets --------------------------------------------- */

CASE(R202_R203_R205_R206_a_connection_goes_to_another_process)
{
	struct pair p;
	struct child c;
	struct request peer;
	DWORD token;
	int err = 0, on = 1;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	OK(spi.t.lpWSPSetSockOpt(p.server.s, SOL_SOCKET, SO_DEBUG, (char *)&on,
		sizeof on, &err));
	CHECK_EQ(post_receive(&p.client, 0, 64, &peer, POLLED),
		WSA_IO_PENDING);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	end_close(&p.server); /* R206: before it has been fetched */
	CHECK(!request_done(p.client.s, &peer)); /* R205 */
	order(c, "ok", "take", token);
	order(c, "1", "debug", 0); /* R202 */
	CHECK(!request_done(p.client.s, &peer));
	order(c, "ok", "send hello from there", 0);
	request_expect(p.client.s, &peer, 0, 16);
	send_text(&p.client, "hello to you");
	order(c, "ok", "expect hello to you", 0);
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
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
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

CASE(R199_pending_receives_complete_with_success_and_no_bytes)
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
		CHECK_EQ(post_receive(&p.server, i, 64, &r[i],
				 i % 2 ? POLLED : NOTIFIED), WSA_IO_PENDING);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	CHECK_EQ(up_completed(), 3); /* before it returned */
	for (unsigned i = 0; i < 6; i++) {
		CHECK(!is_pending(&r[i]));
		CHECK_EQ(r[i].ov.OffsetHigh, 0);
		CHECK_EQ(r[i].ov.InternalHigh, 0);
		CHECK_EQ(up_completions_of(&r[i].ov), i % 2 ? 0 : 1);
	}
	/* Only close works on the old descriptor. */
	CHECK_EQ(post_receive(&p.server, 0, 64, &r[0], POLLED), WSAENOTCONN);
	CHECK_EQ(post_send_text(&p.server, 0, "x", &r[0], POLLED),
		WSAENOTCONN);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), WSAEINVAL);
	end_close(&p.server);
	child_kill(c);
	spi_stop();
	CHECK_EQ(up_completed(), 3);
}

CASE(R200_tokens_differ)
{
	enum { N = 50 };
	struct pair p[N];
	DWORD token[N];

	spi_start();
	need_hand_off();
	for (int i = 0; i < N; i++) {
		pair_open(&p[i]);
		CHECK_EQ(hand_off(p[i].server.s, os_process_id(), &token[i]),
			0);
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
	CHECK_EQ(hand_off(p.server.s, child_pid(right), &token), 0);
	order(wrong, "code 10022", "take", token);
	CHECK_EQ(take_over(token, &s), WSAEINVAL);
	order(right, "ok", "take", token);
	order(right, "code 10022", "take", token);
	order(wrong, "code 10022", "take", token);
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
		CHECK_EQ(take_over(i * 0x01234567, &s), WSAEINVAL);
	CHECK(os_now() - before < 2000000000);
	CHECK_EQ(up_closed(), up_created());
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
		CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
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
	CHECK_EQ(hand_off(p.server.s, os_process_id(), &token), 0);
	CHECK_EQ(take_over(token, &s), 0);
	end_close(&p.server);
	end_open(&p.server, s);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(both_ends_can_be_handed_off)
{
	struct child a, b;
	struct pair p;
	DWORD token;

	spi_start();
	need_hand_off();
	a = child_start("servant");
	b = child_start("servant");
	pair_open(&p);
	CHECK_EQ(hand_off(p.client.s, child_pid(a), &token), 0);
	order(a, "ok", "take", token);
	CHECK_EQ(hand_off(p.server.s, child_pid(b), &token), 0);
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

static void read_descriptor(struct child c, struct exposed *e)
{
	char line[LINE_MAX_LEN];
	unsigned byte;

	child_tell(c, "expose");
	child_hear(c, line);
	e->len = (DWORD)strlen(line) / 2;
	for (DWORD i = 0; i < e->len; i++) {
		CHECK(sscanf(line + 2 * i, "%2x", &byte) == 1);
		e->descriptor[i] = (char)byte;
	}
}

/* A transport may have to ask the other process to do it. */
static void rdma_after_hand_off(int how)
{
	static char local[200000];
	char line[LINE_MAX_LEN];
	struct request r[3];
	struct exposed e;
	struct child c;
	struct pair p;
	WSABUFEX b;
	DWORD token;
	int err = 0;

	spi_start();
	need_hand_off();
	if (!spi.rdma_read)
		case_skip("no RDMA read");
	c = child_start("servant");
	pair_open(&p);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	read_descriptor(c, &e);
	b = (WSABUFEX){sizeof local, local,
		spi.register_memory(p.client.s, local, sizeof local,
			MEM_READWRITE, &err)};
	child_tell(c, "serve");
	CHECK_EQ(post_rdma(RDMA_READ, p.client.s, &b, 1, &e, 0, &r[0], how),
		WSA_IO_PENDING);
	if (how == NOTIFIED)
		up_wait_completed(1);
	request_expect(p.client.s, &r[0], 0, sizeof local);
	check_pattern(local, sizeof local, 77);
	pattern(local, sizeof local, 78);
	CHECK_EQ(post_rdma(RDMA_WRITE, p.client.s, &b, 1, &e, 0, &r[1], how),
		WSA_IO_PENDING);
	b.buf += 5000;
	b.len = 100000;
	CHECK_EQ(post_rdma(RDMA_READ, p.client.s, &b, 1, &e, 100000, &r[2],
			 how), WSA_IO_PENDING);
	if (how == NOTIFIED)
		up_wait_completed(3);
	request_expect(p.client.s, &r[1], 0, sizeof local);
	request_expect(p.client.s, &r[2], 0, 100000);
	pattern(exposed_memory, sizeof exposed_memory, 78);
	CHECK_BYTES(local + 5000, exposed_memory + 100000, 100000);
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

CASE(R198_death_of_a_process_that_should_serve_a_transfer)
{
	static char local[200000];
	struct exposed e;
	struct request r;
	struct child c;
	struct pair p;
	WSABUFEX b;
	DWORD token;
	int err = 0;

	spi_start();
	need_hand_off();
	if (!spi.rdma_read)
		case_skip("no RDMA read");
	c = child_start("servant");
	pair_open(&p);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	read_descriptor(c, &e);
	b = (WSABUFEX){sizeof local, local,
		spi.register_memory(p.client.s, local, sizeof local,
			MEM_READWRITE, &err)};
	CHECK_EQ(post_rdma(RDMA_READ, p.client.s, &b, 1, &e, 0, &r, POLLED),
		WSA_IO_PENDING);
	request_done(p.client.s, &r);
	child_kill(c);
	request_wait(p.client.s, &r);
	spi_stop();
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
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &queued), WSAEWOULDBLOCK);
	CHECK_EQ(hand_off(l, child_pid(c), &token), 0);
	CHECK_EQ(socket_try_accept(l, &later), WSAEINVAL);
	socket_close(l);
	order(c, "ok", "take", token);
	code = socket_connect(&at, &later);
	CHECK_EQ(code, WSAEWOULDBLOCK);
	order(c, "ok", "accept", 0);
	CHECK_EQ(socket_connect_result(queued), 0);
	end_open(&e[0], queued);
	send_text(&e[0], "I waited");
	order(c, "ok", "expect I waited", 0);
	child_kill(c);
	spi_stop();
}

CASE(R208_a_listener_comes_back_and_signals_again)
{
	struct addr at;
	struct child c;
	SOCKET l, back, client;
	WSAEVENT e;
	DWORD token;
	int err = 0;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	e = event_new();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	OK(spi.t.lpWSPEventSelect(l, e, FD_ACCEPT, &err));
	CHECK_EQ(hand_off(l, child_pid(c), &token), 0);
	CHECK_EQ(spi.t.lpWSPEventSelect(l, e, FD_ACCEPT, &err), SOCKET_ERROR);
	order(c, "ok", "take", token);
	CHECK_EQ(take_over(take_back(c), &back), 0);
	OK(spi.t.lpWSPEventSelect(back, e, FD_ACCEPT, &err));
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK(event_wait(e, PATIENCE));
	socket_accept(back);
	CHECK_EQ(socket_connect_result(client), 0);
	child_kill(c);
	event_free(e);
	spi_stop();
}

/* ---- errors -------------------------------------------------------- */

CASE(R209_hand_off_without_connection_fails)
{
	struct addr a;
	struct pair p;
	struct request r;
	DWORD token;
	SOCKET s;
	int err = 0;

	spi_start();
	need_hand_off();
	a = test_addr(AF_INET);
	s = socket_new(AF_INET);
	CHECK_EQ(hand_off(s, os_process_id(), &token), WSAENOTCONN);
	CHECK_EQ(socket_bind(s, &a), 0);
	CHECK_EQ(hand_off(s, os_process_id(), &token), WSAENOTCONN);
	pair_open(&p);
	FAILS(spi.t.lpWSPDuplicateSocket(p.server.s, os_process_id(), NULL,
			&err), WSAEINVAL);
	CHECK_EQ(post_receive(&p.server, 0, 64, &r, POLLED), WSA_IO_PENDING);
	end_close(&p.client);
	request_expect(p.server.s, &r, WSAECONNRESET, 0);
	CHECK_EQ(hand_off(p.server.s, os_process_id(), &token), WSAENOTCONN);
	spi_stop();
}

CASE(R209_hand_off_with_sends_pending_fails_and_changes_nothing)
{
	static struct request r;
	struct pair p;
	DWORD token;

	spi_start();
	need_hand_off();
	pair_open(&p);
	do
		CHECK_EQ(post_send(&p.client, 0, SLOT_BYTES, &r, POLLED),
			WSA_IO_PENDING);
	while (request_done(p.client.s, &r));
	CHECK_EQ(hand_off(p.client.s, os_process_id(), &token), WSAEINVAL);
	CHECK(is_pending(&r));
	send_text(&p.server, "works on");
	expect_text(&p.client, "works on");
	pair_close(&p);
	spi_stop();
}

CASE(R210_a_dead_process_gets_nothing_and_the_socket_lives_on)
{
	struct child c;
	struct pair p;
	uint32_t pid;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pid = child_pid(c);
	child_kill(c);
	pair_open(&p);
	CHECK_EQ(hand_off(p.server.s, pid, &token), WSAEINVAL);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(R210_death_of_the_target_ends_the_connection_in_time)
{
	struct request peer;
	struct child c;
	struct pair p;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	CHECK_EQ(post_receive(&p.client, 0, 64, &peer, POLLED),
		WSA_IO_PENDING);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	child_kill(c);
	request_expect(p.client.s, &peer, WSAECONNRESET, 0);
	spi_stop();
}

CASE(R210_a_hand_off_that_nobody_fetches_ends_in_time)
{
	struct request peer;
	struct child c;
	struct pair p;
	DWORD token;

	process_set("WSD_HANDOFF_TIMEOUT_MS", "300");
	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	CHECK_EQ(post_receive(&p.client, 0, 64, &peer, POLLED),
		WSA_IO_PENDING);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	request_expect(p.client.s, &peer, WSAECONNRESET, 0);
	order(c, "code 10022", "take", token);
	child_kill(c);
	spi_stop();
}

CASE(R20_clean_up_ends_hand_offs_that_wait)
{
	struct child c;
	struct pair p;
	DWORD token;
	unsigned before;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	spi_stop();
	before = process_handles();
	spi_start();
	pair_open(&p);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	spi_stop();
	CHECK_EQ(process_handles(), before);
	order(c, "code 10022", "take", token);
	child_kill(c);
}
