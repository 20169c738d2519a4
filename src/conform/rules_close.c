/* SPDX-License-Identifier: MIT */
/* Close and loss: R188 to R198. */
#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CASE(R188_R190_close_succeeds_in_every_state)
{
	SOCKET connecting, failed;
	struct addr at, a, b;
	struct pair p;

	spi_start();
	at = test_addr();
	a = test_addr();
	b = test_addr();
	socket_close(socket_new());          /* CREATED */
	socket_close(socket_bound(&a));      /* BOUND */
	socket_listening(&at, 4);
	connecting = socket_connecting(&at, NULL);
	socket_close(connecting);            /* CONNECTING */
	failed = socket_bound(&a);
	CHECK(socket_connect_outcome(failed, &b) != 0);
	socket_close(failed);                /* BOUND again */
	pair_open(&p);
	socket_close(p.listener);            /* LISTENING */
	end_close(&p.client);                /* CONNECTED */
	end_await_loss(&p.server);
	end_close(&p.server);                /* DISCONNECTED */
	spi_stop();
}

CASE(R191_close_aborts_each_pending_request_once)
{
	enum { N = 12 };
	struct request r[N];
	struct pair p;

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < N; i++)
		must_receive(&p.server, i, 64, &r[i],
			i % 2 ? POLLED : NOTIFIED);
	end_close(&p.server);
	up_wait_completed(N / 2);
	up_wait_closed_by(1);
	for (unsigned i = 0; i < N; i++) {
		CHECK(!is_pending(&r[i]));
		CHECK_CODE(r[i].ov.OffsetHigh, WSA_OPERATION_ABORTED);
		CHECK_EQ(r[i].ov.InternalHigh, 0);
		CHECK_EQ(up_completions_of(&r[i].ov), i % 2 ? 0 : 1);
	}
	spi_stop();
	CHECK_EQ(up_complete_calls(), N / 2);
}

CASE(R193_the_handle_is_closed_once_and_last)
{
	enum { N = 12 };
	struct request r[N];
	struct pair p;

	spi_start(); /* the recorder sees completions that come later */
	for (int round = 0; round < 20; round++) {
		unsigned closed;

		pair_open(&p);
		closed = up_closed();
		for (unsigned i = 0; i < N; i++)
			must_receive(&p.server, i, 64, &r[i], NOTIFIED);
		CHECK_EQ(up_closed(), closed);
		end_close(&p.server);
		end_close(&p.client);
		socket_close(p.listener);
		up_wait_closed();
		CHECK_EQ(up_closed(), closed + 3);
	}
	CHECK_EQ(up_completed(), 20 * N);
	spi_stop();
}

CASE(R194_a_remote_close_ends_pending_receives_with_an_error)
{
	struct request r[3];
	struct pair p;

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < 3; i++)
		must_receive(&p.server, i, 64, &r[i],
			i == 1 ? NOTIFIED : POLLED);
	end_close(&p.client);
	for (unsigned i = 0; i < 3; i++)
		request_expect_loss(p.server.s, &r[i]);
	up_wait_completed(1);
	CHECK_EQ(up_completions_of(&r[1].ov), 1);
	CHECK_EQ(up_completion(0).bytes, 0);
	end_close(&p.server);
	spi_stop();
}

static void must_fail_at_once(const char *what, int code)
{
	if (!code_tells_loss(code))
		FAIL("%s after the loss: got %s (%d), expected an error that "
			"tells of it, at once", what, code_name(code), code);
}

CASE(R196_after_the_loss_data_calls_fail_at_once)
{
	struct request *r;
	struct pair p;

	spi_start();
	pair_open(&p);
	r = test_alloc(sizeof *r);
	end_close(&p.client);
	end_await_loss(&p.server);
	must_fail_at_once("WSPRecv", post_receive(&p.server, 0, 64, r,
		POLLED));
	must_fail_at_once("WSPRecv", post_receive(&p.server, 0, 64, r,
		NOTIFIED));
	must_fail_at_once("WSPSend", post_send_text(&p.server, 0, "x", r,
		POLLED));
	must_fail_at_once("WSPSend", post_send_text(&p.server, 0, "x", r,
		NOTIFIED));
	end_close(&p.server);
	spi_stop();
}

CASE(R196_after_the_loss_nothing_is_freed_before_the_close)
{
	struct request r;
	struct pair p;
	DWORD n = 0, flags = 0;
	unsigned closed;
	int err = 0;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, POLLED);
	end_close(&p.client);
	request_expect_loss(p.server.s, &r);
	up_wait_closed_by(1);
	closed = up_closed();
	os_sleep(QUIET);
	CHECK_EQ(up_closed(), closed);
	/* The descriptor and the finished request are still known. */
	CHECK(!spi.t.lpWSPGetOverlappedResult(p.server.s, &r.ov, &n, FALSE,
		&flags, &err));
	CHECK_CODE(err, r.error);
	OK(spi.deregister_memory(p.server.s, p.server.receive_handle, &err));
	end_close(&p.server);
	spi_stop();
}

CASE(R195_messages_sent_before_the_close_come_first)
{
	enum { N = 8 };
	struct request r[N];
	struct pair p;
	char text[16];

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < N; i++)
		must_receive(&p.server, i, 64, &r[i], POLLED);
	for (int i = 0; i < N / 2; i++) {
		snprintf(text, sizeof text, "last %d", i);
		send_text(&p.client, text);
	}
	end_close(&p.client);
	for (unsigned i = 0; i < N / 2; i++)
		request_expect(p.server.s, &r[i], 0, 6);
	for (unsigned i = N / 2; i < N; i++)
		request_expect_loss(p.server.s, &r[i]);
	end_close(&p.server);
	spi_stop();
}

CASE(R195_messages_that_nobody_waited_for_come_before_the_loss)
{
	struct pair p;
	char text[16];

	spi_start();
	pair_open(&p);
	for (int i = 0; i < 8; i++) {
		snprintf(text, sizeof text, "last %d", i);
		send_text(&p.client, text);
	}
	end_close(&p.client);
	os_sleep(QUIET);
	for (int i = 0; i < 8; i++) {
		snprintf(text, sizeof text, "last %d", i);
		expect_text(&p.server, text);
	}
	end_await_loss(&p.server);
	end_close(&p.server);
	spi_stop();
}

static struct pair both;

static void close_client(void *arg)
{
	end_close(&both.client);
}

CASE(R197_simultaneous_close_is_clean_on_both_sides)
{
	struct request *r;
	struct os_thread t;

	spi_start();
	for (int i = 0; i < 100; i++) {
		pair_open(&both);
		r = test_alloc(2 * sizeof *r);
		must_receive(&both.client, 0, 64, &r[0], NOTIFIED);
		must_receive(&both.server, 0, 64, &r[1], POLLED);
		CHECK(os_thread_start(&t, "c", close_client, NULL) == ST_OK);
		end_close(&both.server);
		os_thread_join(&t);
		socket_close(both.listener);
	}
	up_wait_closed();
	CHECK_EQ(up_completed(), 100);
	spi_stop();
}

/* ---- death of a process -------------------------------------------- */

/* Connects to the port it is told, sends, and waits for its end. */
ROLE(peer_that_connects)
{
	char line[LINE_MAX_LEN];
	struct addr to;
	struct end e;
	SOCKET s;
	int code;

	spi_start();
	to = test_addr();
	CHECK(parent_hear(line));
	to.port = (uint16_t)atoi(line);
	s = socket_connecting(&to, &code);
	socket_expect_connected(s, code);
	end_open(&e, s);
	send_text(&e, "I am here");
	parent_tell("sent");
	while (parent_hear(line))
		if (strcmp(line, "close") == 0)
			break;
	end_close(&e);
	spi_stop();
}

static struct child connected_child(struct end *e)
{
	struct addr at = test_addr();
	SOCKET listener = socket_listening(&at, 4);
	char line[LINE_MAX_LEN];
	struct child c;

	if (spi_target.one_process)
		case_skip("one process only");
	c = child_start("peer_that_connects");
	child_tell(c, "%u", at.port);
	end_open(e, socket_accept(listener));
	child_hear(c, line);
	return c;
}

static void death(int how)
{
	struct request r;
	struct child c;
	struct end e;

	spi_start();
	c = connected_child(&e);
	child_kill(c);
	expect_text(&e, "I am here"); /* R195 */
	if (post_receive(&e, 0, 64, &r, how) == WSA_IO_PENDING) {
		if (how == NOTIFIED)
			up_wait_completed(1);
		request_expect_loss(e.s, &r);
	}
	end_await_loss(&e);
	end_close(&e);
	spi_stop();
}

CASE(R198_death_of_the_peer_ends_a_later_polled_receive)
{
	death(POLLED);
}

CASE(R198_death_of_the_peer_ends_a_later_notified_receive)
{
	death(NOTIFIED);
}

static void death_while_pending(int how)
{
	struct request r[3];
	struct child c;
	struct end e;

	spi_start();
	c = connected_child(&e);
	expect_text(&e, "I am here");
	for (unsigned i = 0; i < 3; i++)
		must_receive(&e, i, 64, &r[i], how);
	CHECK(!request_done(e.s, &r[0]));
	child_kill(c);
	if (how == NOTIFIED) /* nobody polls */
		up_wait_completed(3);
	for (unsigned i = 0; i < 3; i++)
		request_expect_loss(e.s, &r[i]);
	end_close(&e);
	spi_stop();
}

CASE(R198_death_of_the_peer_during_a_polled_receive)
{
	death_while_pending(POLLED);
}

CASE(R198_death_of_the_peer_during_a_notified_receive)
{
	death_while_pending(NOTIFIED);
}

CASE(R198_death_of_the_peer_ends_queued_sends)
{
	enum { MANY = 30000 };
	struct request *r;
	struct child c;
	struct end e;
	unsigned n = 0, waiting = 0;
	int code = WSA_IO_PENDING;

	spi_start();
	r = test_alloc(MANY * sizeof *r);
	c = connected_child(&e);
	while (n < MANY && waiting < 12) {
		code = post_send(&e, 0, message_limit(e.s, SLOT_BYTES), &r[n],
			POLLED);
		if (code != WSA_IO_PENDING)
			break;
		waiting = request_done(e.s, &r[n]) ? 0 : waiting + 1;
		n++;
	}
	if (code != WSA_IO_PENDING)
		CHECK_CODE(code, WSAENOBUFS);
	child_kill(c);
	for (unsigned i = 0; i < n; i++)
		request_wait(e.s, &r[i]);
	if (n && waiting)
		CHECK(code_tells_loss(r[n - 1].error));
	end_await_loss(&e);
	end_close(&e);
	spi_stop();
}

/* Connects, exposes memory, tells the descriptor, and waits for its end. */
ROLE(peer_with_memory)
{
	static char memory[100000];
	char line[LINE_MAX_LEN];
	struct exposed d;
	struct addr to;
	SOCKET s;
	int code;

	spi_start();
	to = test_addr();
	CHECK(parent_hear(line));
	to.port = (uint16_t)atoi(line);
	s = socket_connecting(&to, &code);
	socket_expect_connected(s, code);
	CHECK_CODE(expose(s, memory, sizeof memory, MEM_WRITE, &d), 0);
	parent_tell_descriptor(&d);
	parent_hear(line);
}

CASE(R198_death_of_the_peer_ends_transfers)
{
	enum { N = 8 };
	struct request *r;
	struct exposed d;
	struct child c;
	struct addr at;
	struct end e;
	WSABUFEX b;
	SOCKET l;
	int err = 0;

	if (spi_target.one_process)
		case_skip("one process only");
	spi_start();
	r = test_alloc(2 * N * sizeof *r);
	at = test_addr();
	l = socket_listening(&at, 4);
	c = child_start("peer_with_memory");
	child_tell(c, "%u", at.port);
	end_open(&e, socket_accept(l));
	child_hear_descriptor(c, &d);
	b = (WSABUFEX){rdma_limit(e.s, 100000), test_alloc(100000), NULL};
	b.handle = spi.register_memory(e.s, b.buf, 100000, MEM_READ, &err);
	for (int i = 0; i < 2 * N; i++) {
		int code = post_rdma(RDMA_WRITE, e.s, &b, 1, &d, 0, &r[i],
			POLLED);

		if (i == N)
			child_kill(c);
		if (code == WSA_IO_PENDING)
			continue;
		CHECK(code == WSAENOBUFS || code_tells_loss(code));
		r[i].error = code;
	}
	for (int i = 0; i < 2 * N; i++)
		if (r[i].error == 0)
			request_wait(e.s, &r[i]);
	end_await_loss(&e);
	end_close(&e);
	spi_stop();
}

ROLE(listener_that_dies)
{
	char line[LINE_MAX_LEN];
	struct addr at;

	spi_start();
	at = test_addr();
	socket_listening(&at, 4);
	parent_tell("%u", at.port);
	parent_hear(line);
}

CASE(R85_R198_death_of_the_listener_while_connecting_allows_TCP)
{
	char line[LINE_MAX_LEN];
	struct addr to;
	struct child c;
	int code;
	SOCKET s;

	if (spi_target.one_process)
		case_skip("one process only");
	spi_start();
	to = test_addr();
	c = child_start("listener_that_dies");
	child_hear(c, line);
	to.port = (uint16_t)atoi(line);
	s = socket_connecting(&to, &code);
	CHECK_CODE(code, WSAEWOULDBLOCK);
	child_kill(c);
	code = socket_connect_result(s);
	if (code != WSAECONNRESET && !code_allows_tcp(code))
		FAIL("the listener died: got %s (%d), expected a code that "
			"allows TCP, or WSAECONNRESET", code_name(code), code);
	spi_stop();
}

ROLE(client_that_dies)
{
	char line[LINE_MAX_LEN];
	struct addr to;

	spi_start();
	to = test_addr();
	CHECK(parent_hear(line));
	to.port = (uint16_t)atoi(line);
	socket_connecting(&to, NULL);
	parent_tell("connecting");
	parent_hear(line);
}

CASE(R112_R198_death_of_a_client_in_the_queue)
{
	char line[LINE_MAX_LEN];
	SOCKET l, alive, s;
	struct child c;
	struct addr at;
	struct end e;

	if (spi_target.one_process)
		case_skip("one process only");
	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	c = child_start("client_that_dies");
	child_tell(c, "%u", at.port);
	child_hear(c, line);
	listener_expect(l, true);
	child_kill(c);
	os_sleep(QUIET);
	if (socket_try_accept(l, &s) == 0) { /* its death was not yet known */
		end_open(&e, s);
		end_await_loss(&e);
		end_close(&e);
	}
	alive = socket_connecting(&at, NULL);
	socket_accept(l);
	CHECK_CODE(socket_connect_result(alive), 0);
	spi_stop();
}

/* ---- for long (R215) ----------------------------------------------- */

static void one_round(int i)
{
	struct request r[2];
	struct pair p;

	pair_open(&p);
	must_receive(&p.server, 0, 64, &r[0], i % 2 ? POLLED : NOTIFIED);
	send_text(&p.client, "round");
	request_wait(p.server.s, &r[0]);
	must_receive(&p.server, 0, 64, &r[1], POLLED);
	pair_close(&p);
	up_wait_closed();
}

/* What has been closed may take its time where the other side has to let go of
 * it, too: the least that is seen until that stays. */
static unsigned settled(unsigned (*count)(void))
{
	const uint64_t stays = 10 * QUIET;
	uint64_t until = os_now() + stays;
	unsigned least = count();

	while (os_now() < until) {
		unsigned seen = count();

		if (seen < least) {
			least = seen;
			until = os_now() + stays;
		}
		os_sleep(1000 * 1000);
	}
	return least;
}

/* As many as fit into the case's time; the first ones fill what is kept. */
enum { ROUNDS = 1200, ROUNDS_BEFORE = 400, ROUNDS_MIN = 60 };

CASE(R215_many_rounds_leave_the_counts_constant)
{
	uint64_t limit = case_seconds() * UINT64_C(600000000), began;
	uint64_t memory = 0, now;
	unsigned handles = 0, threads = 0;
	int before = 0, i = 0;

	spi_start();
	began = os_now();
	for (; i < ROUNDS && (i < before + ROUNDS_MIN ||
		       os_now() - began < limit); i++) {
		if (!before && (i == ROUNDS_BEFORE ||
			    os_now() - began > limit / 3)) {
			before = i;
			handles = settled(os_handle_count);
			threads = settled(os_thread_count);
			memory = os_memory_used();
		}
		one_round(i);
	}
	CHECK_EQ(settled(os_handle_count), handles);
	CHECK_EQ(settled(os_thread_count), threads);
	now = os_memory_used();
	if (memory && now > memory + (16u << 20))
		FAIL("memory has grown by %u KiB in %d rounds",
			(unsigned)((now - memory) / 1024), i - before);
	spi_stop();
}
