/* SPDX-License-Identifier: MIT */
/* Close, loss, robustness: R188 to R198, R211, R215. */
#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CASE(R188_R190_close_succeeds_in_every_state)
{
	struct addr at, a, b;
	struct pair p;
	SOCKET connecting, failed;

	spi_start();
	at = test_addr(AF_INET);
	a = test_addr(AF_INET);
	b = addr_v4(127, 0, 0, 1, 1);
	socket_close(socket_new(AF_INET));   /* CREATED */
	socket_close(socket_bound(&a));      /* BOUND */
	socket_listening(&at, 4);
	socket_connect(&at, &connecting);
	socket_close(connecting);            /* CONNECTING */
	socket_connect(&b, &failed);
	socket_close(failed);                /* BOUND again */
	pair_open(&p);
	socket_close(p.listener);            /* LISTENING */
	end_close(&p.client);                /* CONNECTED */
	CHECK(spi.t.lpWSPSend != NULL);
	end_close(&p.server);                /* DISCONNECTED */
	spi_stop();
	CHECK_EQ(up_completed(), 0);
}

CASE(R191_R193_close_aborts_each_pending_request_once)
{
	enum { N = 20 };
	struct request r[N];
	struct pair p;

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < N; i++)
		CHECK_EQ(post_receive(&p.server, i, 64, &r[i],
				 i % 2 ? POLLED : NOTIFIED), WSA_IO_PENDING);
	end_close(&p.server);
	up_wait_completed(N / 2);
	for (unsigned i = 0; i < N; i++) {
		CHECK(r[i].ov.Internal != WSS_OPERATION_IN_PROGRESS);
		CHECK_EQ(r[i].ov.OffsetHigh, WSA_OPERATION_ABORTED);
		CHECK_EQ(r[i].ov.InternalHigh, 0);
		CHECK_EQ(up_completions_of(&r[i].ov), i % 2 ? 0 : 1);
	}
	spi_stop();
	CHECK_EQ(up_completed(), N / 2);
}

CASE(R194_R196_remote_close_ends_receives_and_later_calls)
{
	struct request r[3], late;
	struct pair p;

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(post_receive(&p.server, i, 64, &r[i],
				 i == 1 ? NOTIFIED : POLLED), WSA_IO_PENDING);
	end_close(&p.client);
	for (unsigned i = 0; i < 3; i++)
		request_expect(p.server.s, &r[i], WSAECONNRESET, 0);
	CHECK_EQ(up_completions_of(&r[1].ov), 1);
	CHECK_EQ(post_receive(&p.server, 0, 64, &late, POLLED), WSAECONNRESET);
	CHECK_EQ(post_send_text(&p.server, 0, "x", &late, POLLED),
		WSAECONNRESET);
	CHECK_EQ(up_closed(), 1); /* nothing is freed before WSPCloseSocket */
	end_close(&p.server);
	spi_stop();
}

CASE(R196_calls_after_a_remote_close_fail_at_once_also_unannounced)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	end_close(&p.client);
	CHECK_EQ(post_receive(&p.server, 0, 64, &r, POLLED), WSAECONNRESET);
	CHECK_EQ(post_send_text(&p.server, 0, "x", &r, POLLED),
		WSAECONNRESET);
	end_close(&p.server);
	spi_stop();
}

CASE(R195_messages_sent_before_the_close_come_first)
{
	struct request r;
	struct pair p;
	char text[16];

	spi_start();
	pair_open(&p);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof text, "last %d", i);
		send_text(&p.client, text);
	}
	end_close(&p.client);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof text, "last %d", i);
		expect_text(&p.server, text);
	}
	CHECK_EQ(post_receive(&p.server, 0, 64, &r, POLLED), WSAECONNRESET);
	end_close(&p.server);
	spi_stop();
}

CASE(R195_also_after_a_send_has_found_out)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	send_text(&p.client, "first");
	end_close(&p.client);
	CHECK_EQ(post_send_text(&p.server, 0, "x", &r, POLLED),
		WSAECONNRESET);
	expect_text(&p.server, "first");
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
	struct os_thread t;

	spi_start();
	for (int i = 0; i < 200; i++) {
		pair_open(&both);
		CHECK(os_thread_start(&t, "c", close_client, NULL) == ST_OK);
		end_close(&both.server);
		os_thread_join(&t);
		socket_close(both.listener);
	}
	spi_stop();
}

/* ---- death of a process -------------------------------------------- */

ROLE(peer_that_connects)
{
	struct addr to = addr_v4(127, 0, 0, 1, 0);
	char line[LINE_MAX_LEN];
	struct end e;
	SOCKET s;
	int code;

	spi_start();
	CHECK(parent_hear(line));
	to.port = (uint16_t)atoi(line);
	code = socket_connect(&to, &s);
	CHECK(code == 0 || code == WSAEWOULDBLOCK);
	if (code)
		CHECK_EQ(socket_connect_result(s), 0);
	end_open(&e, s);
	send_text(&e, "I am here");
	parent_tell("sent");
	while (parent_hear(line))
		if (strcmp(line, "close") == 0)
			break;
	end_close(&e);
	spi_stop();
}

static struct child connected_child(SOCKET listener, const struct addr *at,
	struct end *e)
{
	struct child c;
	char line[LINE_MAX_LEN];

	if (!spi_crosses_processes())
		case_skip("one process only");
	c = child_start("peer_that_connects");
	child_tell(c, "%u", at->port);
	end_open(e, socket_accept(listener));
	child_hear(c, line);
	return c;
}

static void death(int how)
{
	struct request r[2];
	struct child c;
	struct end e;
	struct addr at;
	SOCKET l;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	c = connected_child(l, &at, &e);
	child_kill(c);
	expect_text(&e, "I am here"); /* R195 */
	if (post_receive(&e, 0, 64, &r[0], how) == WSA_IO_PENDING) {
		if (how == NOTIFIED)
			up_wait_completed(1);
		request_expect(e.s, &r[0], WSAECONNRESET, 0);
	}
	CHECK_EQ(post_receive(&e, 0, 64, &r[0], how), WSAECONNRESET);
	CHECK_EQ(post_send_text(&e, 0, "x", &r[0], how), WSAECONNRESET);
	end_close(&e);
	spi_stop();
}

CASE(R198_death_of_the_peer_ends_a_polled_receive)
{
	death(POLLED);
}

CASE(R198_death_of_the_peer_ends_a_notified_receive)
{
	death(NOTIFIED);
}

static void death_while_pending(int how)
{
	struct request r;
	struct child c;
	struct addr at;
	struct end e;
	SOCKET l;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	c = connected_child(l, &at, &e);
	expect_text(&e, "I am here");
	CHECK_EQ(post_receive(&e, 0, 64, &r, how), WSA_IO_PENDING);
	CHECK(!request_done(e.s, &r));
	child_kill(c);
	if (how == NOTIFIED)
		up_wait_completed(1);
	request_expect(e.s, &r, WSAECONNRESET, 0);
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
	static struct request r[64];
	struct child c;
	struct addr at;
	struct end e;
	SOCKET l;
	unsigned n = 0;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	c = connected_child(l, &at, &e);
	for (unsigned i = 0; i < 100000 && n < 20; i++) {
		CHECK_EQ(post_send(&e, 0, SLOT_BYTES, &r[n], POLLED),
			WSA_IO_PENDING);
		if (!request_done(e.s, &r[n]))
			n++;
	}
	CHECK_EQ(n, 20);
	child_kill(c);
	for (unsigned i = 0; i < n; i++)
		request_expect(e.s, &r[i], WSAECONNRESET, 0);
	end_close(&e);
	spi_stop();
}

ROLE(listener_that_dies)
{
	struct addr at;
	char line[LINE_MAX_LEN];

	spi_start();
	at = test_addr(AF_INET);
	socket_listening(&at, 4);
	parent_tell("%u", at.port);
	parent_hear(line);
}

CASE(R85_death_of_the_listener_while_connecting_allows_TCP)
{
	struct child c;
	char line[LINE_MAX_LEN];
	struct addr to = addr_v4(127, 0, 0, 1, 0);
	SOCKET s;

	if (!spi_crosses_processes())
		case_skip("one process only");
	spi_start();
	c = child_start("listener_that_dies");
	child_hear(c, line);
	to.port = (uint16_t)atoi(line);
	CHECK_EQ(socket_connect(&to, &s), WSAEWOULDBLOCK);
	child_kill(c);
	CHECK_EQ(socket_connect_result(s), WSAETIMEDOUT);
	spi_stop();
}

CASE(the_peer_is_who_the_system_says)
{
	WSDPEER peer = {.cbSize = sizeof peer};
	struct child c;
	struct addr at;
	struct end e;
	SOCKET l;
	int err = 0;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	FAILS(spi.peer_identity(l, &peer, &err), WSAENOTCONN);
	c = connected_child(l, &at, &e);
	OK(spi.peer_identity(e.s, &peer, &err));
	CHECK(peer.bKnown && peer.bSameUser);
	CHECK_EQ(peer.dwProcessId, child_pid(c));
	CHECK_EQ(peer.dwUserId, os_user_id());
	peer.cbSize = 4;
	FAILS(spi.peer_identity(e.s, &peer, &err), WSAEFAULT);
	FAILS(spi.peer_identity(e.s, NULL, &err), WSAEFAULT);
	child_kill(c);
	spi_stop();
}

/* ---- many at once (R211), for long (R215) -------------------------- */

static struct pair storm;
static _Atomic bool storm_over;
static uint32_t seed_of(void *arg)
{
	return (uint32_t)(uintptr_t)arg * 2654435761u + os_thread_id();
}

static uint32_t next(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Any call may find the socket closed; none may crash, hang or lie. */
static void storm_calls(void *arg)
{
	struct request *r = test_alloc(40 * sizeof *r);
	uint32_t x = seed_of(arg) | 1;
	WSANETWORKEVENTS events;
	WSDWAITHANDLE h;
	int err = 0;

	for (int i = 0; i < 40; i++)
		request_init(&r[i], POLLED);
	while (!atomic_load(&storm_over)) {
		struct end *e = next(&x) & 1 ? &storm.client : &storm.server;
		unsigned k = next(&x) % 40;

		switch (next(&x) % 8) {
		case 0:
			if (!is_pending(&r[k]))
				post_send(e, k, 1 + k, &r[k], POLLED);
			break;
		case 1:
		case 2:
			if (!is_pending(&r[k]))
				post_receive(e, k, 512, &r[k], POLLED);
			break;
		case 3:
			spi.t.lpWSPEnumNetworkEvents(e->s, NULL, &events,
				&err);
			break;
		case 4:
			spi.wait_handle(e->s, &h, &err);
			break;
		case 5:
			spi.arm(e->s, WSD_IN, &err);
			break;
		default:
			request_done(e->s, &r[k]);
			break;
		}
	}
	for (int i = 0; i < 40; i++)
		CHECK(!is_pending(&r[i])); /* R191: closed by now */
	test_free(r);
}

static void storm_close(void *arg)
{
	os_sleep(30000000);
	socket_close(storm.client.s);
	os_sleep(1000000);
	socket_close(storm.server.s);
	os_sleep(5000000);
	atomic_store(&storm_over, true);
}

CASE(R211_random_calls_of_several_threads_while_the_socket_closes)
{
	struct os_thread t;

	spi_start();
	for (int round = 0; round < 20; round++) {
		atomic_store(&storm_over, false);
		pair_open(&storm);
		CHECK(os_thread_start(&t, "close", storm_close, NULL) ==
			ST_OK);
		threads_run(4, storm_calls, NULL);
		os_thread_join(&t);
		socket_close(storm.listener);
		test_free(storm.client.sends);
		test_free(storm.client.receives);
		test_free(storm.server.sends);
		test_free(storm.server.receives);
	}
	CHECK_EQ(up_closed(), up_created());
	spi_stop();
}

CASE(R215_thousands_of_rounds_leave_the_counts_constant)
{
	struct request r;
	struct pair p;
	unsigned handles = 0, threads = 0;

	spi_start();
	for (int i = 0; i < 3000; i++) {
		pair_open(&p);
		CHECK_EQ(post_receive(&p.server, 0, 64, &r,
				 i % 2 ? POLLED : NOTIFIED), WSA_IO_PENDING);
		send_text(&p.client, "round");
		request_wait(p.server.s, &r);
		CHECK_EQ(post_receive(&p.server, 0, 64, &r, POLLED),
			WSA_IO_PENDING);
		pair_close(&p);
		if (i == 100) {
			handles = process_handles();
			threads = process_threads();
		}
	}
	CHECK_EQ(process_handles(), handles);
	CHECK_EQ(process_threads(), threads);
	while (up_closed() < up_created())
		os_sleep(1000000); /* the engine may have the last reference */
	spi_stop();
}
