/* SPDX-License-Identifier: MIT */
/* Events and WSPConnect: R61 to R89. */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

static int select_event(SOCKET s, WSAEVENT e, long mask)
{
	int err = 0;

	return spi.t.lpWSPEventSelect(s, e, (LONG)mask, &err) ? err : 0;
}

/* ---- WSPEventSelect, WSPEnumNetworkEvents -------------------------- */

CASE(R61_event_select_takes_accept_and_connect_only)
{
	struct addr a;
	WSAEVENT e;
	SOCKET s;

	spi_start();
	e = event_new();
	a = test_addr(AF_INET);
	s = socket_bound(&a);
	CHECK_EQ(select_event(s, e, FD_ACCEPT), 0);
	CHECK_EQ(select_event(s, e, FD_CONNECT), 0);
	CHECK_EQ(select_event(s, e, FD_ACCEPT | FD_CONNECT), 0);
	CHECK_EQ(select_event(s, e, 0), 0);
	CHECK_EQ(select_event(s, e, FD_READ), WSAEINVAL);
	CHECK_EQ(select_event(s, e, FD_CONNECT | FD_CLOSE), WSAEINVAL);
	CHECK_EQ(select_event(s, e, 1 << 20), WSAEINVAL);
	CHECK_EQ(select_event(s, (WSAEVENT)(uintptr_t)0x7ffffff0, FD_ACCEPT),
		WSAEINVAL);
	event_free(e);
	spi_stop();
}

CASE(R62_R63_a_request_before_event_select_signals_at_once)
{
	struct addr at;
	SOCKET listener, client;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK(!event_is_set(e));
	CHECK_EQ(select_event(listener, e, FD_ACCEPT), 0);
	CHECK(event_is_set(e));
	CHECK_EQ(enum_events(listener, e).lNetworkEvents, FD_ACCEPT);
	event_free(e);
	spi_stop();
}

CASE(R62_an_outcome_before_event_select_signals_at_once)
{
	struct addr at;
	SOCKET listener, client;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	socket_accept(listener);
	CHECK_EQ(select_event(client, e, FD_CONNECT), 0);
	CHECK(event_wait(e, PATIENCE));
	CHECK_EQ(enum_events(client, e).lNetworkEvents, FD_CONNECT);
	event_free(e);
	spi_stop();
}

CASE(R64_event_select_with_no_event_stops_signalling)
{
	struct addr at;
	SOCKET listener, client;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(select_event(listener, e, FD_ACCEPT), 0);
	CHECK_EQ(select_event(listener, NULL, 0), 0);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK(!event_wait(e, 50000000));
	/* but the record is kept, whether or not it is selected */
	CHECK_EQ(enum_events(listener, NULL).lNetworkEvents, FD_ACCEPT);
	event_free(e);
	spi_stop();
}

CASE(R65_R66_R67_enum_network_events_takes_the_record_and_resets)
{
	struct addr at;
	SOCKET listener, client;
	WSANETWORKEVENTS got;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(select_event(listener, e, FD_ACCEPT), 0);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK(event_wait(e, PATIENCE)); /* R96 */
	got = enum_events(listener, NULL);
	CHECK_EQ(got.lNetworkEvents, FD_ACCEPT);
	CHECK_EQ(got.iErrorCode[FD_ACCEPT_BIT], 0);
	CHECK(event_is_set(e)); /* R66 */
	CHECK_EQ(enum_events(listener, e).lNetworkEvents, 0); /* R65 */
	CHECK(!event_is_set(e));
	event_free(e);
	spi_stop();
}

CASE(enum_network_events_with_bad_arguments_gives_WSAEINVAL)
{
	WSANETWORKEVENTS events;
	SOCKET s;
	int err = 0;

	spi_start();
	s = socket_new(AF_INET);
	FAILS(spi.t.lpWSPEnumNetworkEvents(s, NULL, NULL, &err), WSAEINVAL);
	FAILS(spi.t.lpWSPEnumNetworkEvents(s, (WSAEVENT)(uintptr_t)0x7ffffff0,
			&events, &err), WSAEINVAL);
	spi_stop();
}

/* ---- WSPConnect ---------------------------------------------------- */

CASE(R70_R71_connect_goes_on_without_us_and_the_event_tells)
{
	struct addr at, from;
	SOCKET listener, client;
	WSANETWORKEVENTS got;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	from = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	client = socket_bound(&from);
	CHECK_EQ(select_event(client, e, FD_CONNECT), 0);
	CHECK_EQ(socket_connect_to(client, &at), WSAEWOULDBLOCK);
	CHECK_EQ(socket_connect_to(client, &at), WSAEALREADY); /* R73 */
	CHECK(!event_wait(e, 20000000));
	socket_accept(listener);
	CHECK(event_wait(e, PATIENCE)); /* nobody polls the client */
	got = enum_events(client, e);
	CHECK_EQ(got.lNetworkEvents, FD_CONNECT); /* R68 */
	CHECK_EQ(got.iErrorCode[FD_CONNECT_BIT], 0);
	CHECK_EQ(socket_connect_to(client, &at), WSAEISCONN); /* R74 */
	event_free(e);
	spi_stop();
}

CASE(R70_polling_alone_finds_the_outcome_without_a_thread)
{
	struct addr at;
	SOCKET listener, client;

	spi_start();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK_EQ(enum_events(client, NULL).lNetworkEvents, 0);
	socket_accept(listener);
	CHECK_EQ(socket_connect_result(client), 0);
	CHECK_EQ(spi_threads(), 0);
	spi_stop();
}

CASE(R74_connect_in_a_wrong_state_has_its_code)
{
	struct addr at;
	struct pair p;

	spi_start();
	pair_open(&p);
	at = p.at;
	CHECK_EQ(socket_connect_to(p.client.s, &at), WSAEISCONN);
	CHECK_EQ(socket_connect_to(p.server.s, &at), WSAEISCONN);
	CHECK_EQ(socket_connect_to(p.listener, &at), WSAEINVAL);
	CHECK_EQ(socket_connect_to(socket_new(AF_INET), &at),
		WSAEINVAL); /* R75 */
	spi_stop();
}

CASE(R76_no_address_or_no_port_gives_WSAEADDRNOTAVAIL)
{
	struct addr a = addr_v4(0, 0, 0, 0, 80);
	struct addr b = addr_v4(127, 0, 0, 1, 0), from;
	SOCKET s;

	spi_start();
	from = test_addr(AF_INET);
	s = socket_bound(&from);
	CHECK_EQ(socket_connect_to(s, &a), WSAEADDRNOTAVAIL);
	CHECK_EQ(socket_connect_to(s, &b), WSAEADDRNOTAVAIL);
	spi_stop();
}

CASE(R77_short_and_wrong_names_have_their_codes)
{
	struct addr at, from, six;
	union sockaddr_any name;
	SOCKET s;
	int err = 0, len;

	spi_start();
	at = test_addr(AF_INET);
	from = test_addr(AF_INET);
	six = test_addr(AF_INET6);
	s = socket_bound(&from);
	len = addr_to_sockaddr(&at, &name);
	FAILS(spi.t.lpWSPConnect(s, NULL, len, NULL, NULL, NULL, NULL, &err),
		WSAEFAULT);
	FAILS(spi.t.lpWSPConnect(s, &name.sa, len - 1, NULL, NULL, NULL, NULL,
			&err), WSAEFAULT);
	FAILS(spi.t.lpWSPConnect(s, &name.sa, 1, NULL, NULL, NULL, NULL, &err),
		WSAEFAULT);
	CHECK_EQ(socket_connect_to(s, &six), WSAEAFNOSUPPORT);
	spi_stop();
}

static int CALLBACK reject(LPWSABUF id, LPWSABUF data, LPQOS sqos, LPQOS gqos,
	LPWSABUF callee, LPWSABUF callee_data, GROUP *g, DWORD_PTR context)
{
	return CF_REJECT;
}

CASE(R78_a_rejected_connect_gives_WSAECONNREFUSED)
{
	struct addr at;
	SOCKET listener, client;
	int err = 0;

	spi_start();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK(spi.t.lpWSPAccept(listener, NULL, NULL, reject, 0, &err) ==
		INVALID_SOCKET);
	CHECK_EQ(err, WSAECONNREFUSED); /* R104 */
	CHECK_EQ(socket_connect_result(client), WSAECONNREFUSED);
	/* A failed connect may be tried again. */
	CHECK_EQ(socket_connect_to(client, &at), WSAEWOULDBLOCK);
	socket_accept(listener);
	CHECK_EQ(socket_connect_result(client), 0);
	spi_stop();
}

CASE(R79_R93_a_full_backlog_refuses_at_once_and_keeps_the_others)
{
	enum { N = 3 };
	struct addr at;
	SOCKET listener, kept[N], extra;

	spi_start();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, N);
	for (int i = 0; i < N; i++)
		CHECK_EQ(socket_connect(&at, &kept[i]), WSAEWOULDBLOCK);
	CHECK_EQ(socket_connect(&at, &extra), WSAECONNREFUSED);
	for (int i = 0; i < N; i++)
		socket_accept(listener);
	for (int i = 0; i < N; i++)
		CHECK_EQ(socket_connect_result(kept[i]), 0);
	CHECK_EQ(socket_connect_to(extra, &at), WSAEWOULDBLOCK);
	spi_stop();
}

CASE(R80_R85_nobody_there_allows_TCP)
{
	struct addr at = addr_v4(127, 0, 0, 1, 1);
	SOCKET s;
	int code;

	spi_start();
	code = socket_connect(&at, &s);
	CHECK(code != WSAECONNREFUSED && code != WSAECONNRESET &&
		code != WSAEHOSTUNREACH);
	CHECK_EQ(code, WSAETIMEDOUT);
	spi_stop();
}

CASE(R81_R82_a_foreign_address_allows_TCP)
{
	struct addr at = addr_v4(192, 0, 2, 7, 80);
	SOCKET s;
	int code;

	spi_start();
	code = socket_connect(&at, &s);
	CHECK(code != WSAECONNREFUSED && code != WSAECONNRESET &&
		code != WSAEHOSTUNREACH && code != WSAEWOULDBLOCK);
	spi_stop();
}

CASE(R83_lack_of_handles_here_allows_TCP)
{
	struct addr at, from;
	SOCKET listener, s;

	spi_start();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 100);
	for (unsigned room = 0; room < 4; room++) {
		int code;

		from = test_addr(AF_INET);
		s = socket_bound(&from);
		process_limit_handles(room);
		code = socket_connect_to(s, &at);
		process_limit_handles(1000);
		CHECK(code != WSAECONNREFUSED && code != WSAECONNRESET &&
			code != WSAEHOSTUNREACH);
		socket_close(s);
	}
	socket_close(listener);
	spi_stop();
}

CASE(R84_R113_lack_of_resources_there_allows_TCP)
{
	struct addr at;
	SOCKET listener, client, s;
	unsigned closed;
	int code;

	spi_start();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	closed = up_closed();
	up_fail_create(WSAENOBUFS);
	CHECK_EQ(socket_try_accept(listener, &s), WSAENOBUFS);
	up_fail_create(0);
	CHECK_EQ(up_closed(), closed);
	code = socket_connect_result(client);
	CHECK_EQ(code, WSAETIMEDOUT);
	spi_stop();
}

/* The setting is read at the first start-up. */
static void set_connect_timeout(const char *ms)
{
	process_set("WSD_CONNECT_TIMEOUT_MS", ms);
}

CASE(R86_no_answer_gives_WSAETIMEDOUT_by_polling)
{
	struct addr at;
	SOCKET client;
	uint64_t before;

	set_connect_timeout("200");
	spi_start();
	at = test_addr(AF_INET);
	socket_listening(&at, 4);
	before = os_now();
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK_EQ(socket_connect_result(client), WSAETIMEDOUT);
	CHECK(os_now() - before >= 200000000);
	CHECK_EQ(spi_threads(), 0);
	spi_stop();
}

CASE(R86_no_answer_gives_WSAETIMEDOUT_by_event)
{
	struct addr at, from;
	WSANETWORKEVENTS got;
	SOCKET client;
	WSAEVENT e;

	set_connect_timeout("200");
	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	from = test_addr(AF_INET);
	socket_listening(&at, 4);
	client = socket_bound(&from);
	CHECK_EQ(select_event(client, e, FD_CONNECT), 0);
	CHECK_EQ(socket_connect_to(client, &at), WSAEWOULDBLOCK);
	CHECK(event_wait(e, PATIENCE));
	got = enum_events(client, e);
	CHECK_EQ(got.iErrorCode[FD_CONNECT_BIT], WSAETIMEDOUT);
	event_free(e);
	spi_stop();
}

CASE(R87_after_a_failed_connect_the_socket_closes_quietly)
{
	struct addr at = addr_v4(127, 0, 0, 1, 1);
	SOCKET s;

	spi_start();
	socket_connect(&at, &s);
	socket_close(s);
	CHECK_EQ(up_completed(), 0);
	CHECK_EQ(up_closed(), 1);
	spi_stop();
}

CASE(R88_close_while_connecting_is_prompt_and_never_signals)
{
	struct addr at, from;
	SOCKET client, listener;
	uint64_t before;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 100);
	for (int i = 0; i < 50; i++) {
		from = test_addr(AF_INET);
		client = socket_bound(&from);
		CHECK_EQ(select_event(client, e, FD_CONNECT), 0);
		CHECK_EQ(socket_connect_to(client, &at), WSAEWOULDBLOCK);
		before = os_now();
		socket_close(client);
		CHECK(os_now() - before < 1000000000);
	}
	socket_close(listener);
	CHECK(!event_wait(e, 20000000));
	event_free(e);
	spi_stop();
}

CASE(R89_connect_data_is_refused)
{
	struct addr at, from;
	union sockaddr_any name;
	WSABUF data = {1, (CHAR *)&at};
	SOCKET s;
	int err = 0, len;

	spi_start();
	at = test_addr(AF_INET);
	from = test_addr(AF_INET);
	s = socket_bound(&from);
	len = addr_to_sockaddr(&at, &name);
	FAILS(spi.t.lpWSPConnect(s, &name.sa, len, &data, NULL, NULL, NULL,
			&err), WSAEPROTONOSUPPORT);
	spi_stop();
}

CASE(R71_R122_receives_posted_while_connecting_get_the_first_messages)
{
	struct addr at;
	SOCKET listener, client;
	struct end c, s;
	struct request r[2];

	spi_start();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	end_open(&c, client);
	CHECK_EQ(post_receive(&c, 0, 64, &r[0], POLLED), WSA_IO_PENDING);
	CHECK_EQ(post_receive(&c, 1, 64, &r[1], NOTIFIED), WSA_IO_PENDING);
	end_open(&s, socket_accept(listener));
	send_text(&s, "early");
	send_text(&s, "bird");
	request_expect(client, &r[0], 0, 5);
	up_wait_completed(1);
	CHECK_EQ(up_completion(0).bytes, 4);
	spi_stop();
}

CASE(R71_R195_accepted_sent_and_closed_before_we_looked_is_a_success)
{
	struct addr at;
	SOCKET listener, client;
	struct end c, s;
	struct request r;

	spi_start();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	end_open(&s, socket_accept(listener));
	send_text(&s, "last words");
	end_close(&s);
	CHECK_EQ(socket_connect_result(client), 0);
	end_open(&c, client);
	expect_text(&c, "last words");
	CHECK_EQ(post_receive(&c, 0, 64, &r, POLLED), WSAECONNRESET);
	spi_stop();
}

CASE(R87_receives_posted_while_connecting_fail_with_the_connect)
{
	struct addr at;
	SOCKET listener, client;
	struct end c;
	struct request r;
	int err = 0;

	spi_start();
	at = test_addr(AF_INET);
	listener = socket_listening(&at, 4);
	CHECK_EQ(socket_connect(&at, &client), WSAEWOULDBLOCK);
	end_open(&c, client);
	CHECK_EQ(post_receive(&c, 0, 64, &r, POLLED), WSA_IO_PENDING);
	spi.t.lpWSPAccept(listener, NULL, NULL, reject, 0, &err);
	CHECK_EQ(socket_connect_result(client), WSAECONNREFUSED);
	request_expect(client, &r, WSAECONNREFUSED, 0);
	socket_close(client);
	spi_stop();
}

CASE(connect_from_a_wildcard_bound_socket_fails_cleanly)
{
	struct addr at, any;
	SOCKET s;

	spi_start();
	at = test_addr(AF_INET);
	any = addr_any(4, 40000);
	socket_listening(&at, 4);
	s = socket_bound(&any);
	CHECK_EQ(socket_connect_to(s, &at), WSAEADDRNOTAVAIL);
	spi_stop();
}

static struct addr busy_at;
static _Atomic unsigned connected;

static void connect_often(void *arg)
{
	for (int i = 0; i < 40; i++) {
		struct addr from = test_addr(AF_INET);
		SOCKET s = socket_bound(&from);
		WSAEVENT e = event_new();
		WSANETWORKEVENTS got;
		int code;

		CHECK_EQ(select_event(s, e, FD_CONNECT), 0);
		code = socket_connect_to(s, &busy_at);
		if (code == 0) { /* R72: it was that quick */
			CHECK(!event_is_set(e));
		} else {
			CHECK_EQ(code, WSAEWOULDBLOCK);
			CHECK(event_wait(e, PATIENCE));
			got = enum_events(s, e);
			CHECK_EQ(got.lNetworkEvents, FD_CONNECT);
			CHECK_EQ(got.iErrorCode[FD_CONNECT_BIT], 0);
		}
		socket_close(s);
		event_free(e);
		atomic_fetch_add(&connected, 1);
	}
}

/* Accepts only when it was told to. */
static void accept_all(void *arg)
{
	SOCKET listener = *(SOCKET *)arg, s;
	WSAEVENT e = event_new();

	CHECK_EQ(select_event(listener, e, FD_ACCEPT), 0);
	while (atomic_load(&connected) < 160) {
		if (!event_wait(e, 10000000))
			continue;
		enum_events(listener, e);
		while (socket_try_accept(listener, &s) == 0)
			continue;
	}
	CHECK_EQ(select_event(listener, NULL, 0), 0);
	event_free(e);
}

CASE(R69_R211_many_connects_by_event_lose_nothing)
{
	struct os_thread t;
	SOCKET listener;

	spi_start();
	busy_at = test_addr(AF_INET);
	listener = socket_listening(&busy_at, 64);
	CHECK(os_thread_start(&t, "accept", accept_all, &listener) == ST_OK);
	threads_run(4, connect_often, NULL);
	os_thread_join(&t);
	CHECK_EQ(connected, 160);
	spi_stop();
}
