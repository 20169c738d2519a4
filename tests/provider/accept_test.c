/* SPDX-License-Identifier: MIT */
/* WSPListen and WSPAccept: R90 to R116. */
#include "endpoint.h"

#include <string.h>

static int listen_code(SOCKET s, int backlog)
{
	int err = 0;

	return spi.t.lpWSPListen(s, backlog, &err) ? err : 0;
}

static SOCKET connecting(const struct addr *at)
{
	SOCKET s;
	int code = socket_connect(at, &s);

	CHECK(code == 0 || code == WSAEWOULDBLOCK);
	return s;
}

CASE(R90_R91_listen_in_a_wrong_state_has_its_code)
{
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK_EQ(listen_code(socket_new(AF_INET), 5), WSAEINVAL);
	CHECK_EQ(listen_code(p.client.s, 5), WSAEISCONN);
	CHECK_EQ(listen_code(p.server.s, 5), WSAEISCONN);
	spi_stop();
}

CASE(R92_SOMAXCONN_gives_a_backlog)
{
	struct addr at;
	SOCKET l;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, WSD_SOMAXCONN);
	for (int i = 0; i < 100; i++)
		connecting(&at);
	for (int i = 0; i < 100; i++)
		socket_accept(l);
	spi_stop();
}

CASE(R92_a_backlog_below_one_counts_as_one)
{
	struct addr at;
	SOCKET l, extra;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, -5);
	connecting(&at);
	CHECK_EQ(socket_connect(&at, &extra), WSAECONNREFUSED);
	socket_accept(l);
	spi_stop();
}

CASE(R94_a_backlog_refusal_does_not_signal)
{
	struct addr at;
	SOCKET l, extra;
	WSAEVENT e;
	int err = 0;

	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 1);
	OK(spi.t.lpWSPEventSelect(l, e, FD_ACCEPT, &err));
	connecting(&at);
	CHECK(event_wait(e, PATIENCE));
	CHECK_EQ(enum_events(l, e).lNetworkEvents, FD_ACCEPT);
	CHECK_EQ(socket_connect(&at, &extra), WSAECONNREFUSED);
	CHECK(!event_wait(e, 50000000));
	event_free(e);
	spi_stop();
}

CASE(R95_a_second_listen_changes_the_backlog)
{
	struct addr at;
	SOCKET l, extra;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 1);
	connecting(&at);
	CHECK_EQ(socket_connect(&at, &extra), WSAECONNREFUSED);
	CHECK_EQ(listen_code(l, 3), 0);
	connecting(&at);
	connecting(&at);
	CHECK_EQ(socket_connect(&at, &extra), WSAECONNREFUSED);
	for (int i = 0; i < 3; i++)
		socket_accept(l);
	spi_stop();
}

CASE(R96_R107_R108_the_event_is_set_as_long_as_requests_wait)
{
	struct addr at;
	SOCKET l, s;
	WSAEVENT e;
	int err = 0;

	spi_start();
	e = event_new();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	OK(spi.t.lpWSPEventSelect(l, e, FD_ACCEPT, &err));
	connecting(&at);
	connecting(&at);
	CHECK(event_wait(e, PATIENCE));
	CHECK_EQ(enum_events(l, e).lNetworkEvents, FD_ACCEPT);
	CHECK(!event_is_set(e));
	socket_accept(l);
	CHECK(event_is_set(e)); /* R108 */
	socket_accept(l);
	CHECK(!event_is_set(e)); /* R107 */
	CHECK_EQ(enum_events(l, e).lNetworkEvents, 0); /* R69: not doubled */
	CHECK_EQ(socket_try_accept(l, &s), WSAEWOULDBLOCK);
	connecting(&at);
	CHECK(event_wait(e, PATIENCE)); /* R69: not lost */
	event_free(e);
	spi_stop();
}

CASE(R97_accept_with_nothing_queued_gives_WSAEWOULDBLOCK)
{
	struct addr at;
	SOCKET l, s;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	CHECK_EQ(socket_try_accept(l, &s), WSAEWOULDBLOCK);
	CHECK(spi.t.lpWSPAccept(l, NULL, NULL, NULL, 0, NULL) ==
		INVALID_SOCKET);
	spi_stop();
}

CASE(R98_accept_on_what_does_not_listen_gives_WSAEINVAL)
{
	struct addr a;
	struct pair p;
	SOCKET s;

	spi_start();
	pair_open(&p);
	a = test_addr(AF_INET);
	CHECK_EQ(socket_try_accept(socket_new(AF_INET), &s), WSAEINVAL);
	CHECK_EQ(socket_try_accept(socket_bound(&a), &s), WSAEINVAL);
	CHECK_EQ(socket_try_accept(p.client.s, &s), WSAEINVAL);
	spi_stop();
}

CASE(R99_R106_the_peers_address_needs_room)
{
	union sockaddr_any name;
	struct addr at, got;
	int err = 0, len = 15;
	SOCKET l, s;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	connecting(&at);
	CHECK(spi.t.lpWSPAccept(l, &name.sa, &len, NULL, 0, &err) ==
		INVALID_SOCKET);
	CHECK_EQ(err, WSAEFAULT);
	CHECK(spi.t.lpWSPAccept(l, &name.sa, NULL, NULL, 0, &err) ==
		INVALID_SOCKET);
	CHECK_EQ(err, WSAEFAULT);
	len = sizeof name; /* the request is still there */
	s = spi.t.lpWSPAccept(l, &name.sa, &len, NULL, 0, &err);
	CHECK(s != INVALID_SOCKET);
	CHECK_EQ(len, 16); /* R106 */
	CHECK(addr_from_sockaddr(&name.sa, len, &got));
	CHECK(addr_is_loopback(&got) && got.port != 0);
	spi_stop();
}

/* ---- condition function -------------------------------------------- */

static struct {
	int answer;
	unsigned calls;
	uint32_t thread;
	struct addr peer, local;
	DWORD_PTR data;
	SOCKET client; /* R101: must still be connecting */
} seen;

static int CALLBACK condition(LPWSABUF id, LPWSABUF data, LPQOS sqos,
	LPQOS gqos, LPWSABUF callee, LPWSABUF callee_data, GROUP *g,
	DWORD_PTR context)
{
	seen.calls++;
	seen.thread = os_thread_id();
	seen.data = context;
	CHECK(!data && !sqos && !gqos && !callee_data && !g);
	CHECK(addr_from_sockaddr((struct sockaddr *)id->buf, (int)id->len,
		&seen.peer));
	CHECK(addr_from_sockaddr((struct sockaddr *)callee->buf,
		(int)callee->len, &seen.local));
	if (seen.client)
		CHECK_EQ(enum_events(seen.client, NULL).lNetworkEvents, 0);
	return seen.answer;
}

static int accept_with(SOCKET l, int answer, SOCKET *out)
{
	int err = 0;

	seen.answer = answer;
	*out = spi.t.lpWSPAccept(l, NULL, NULL, condition, 0x12345678, &err);
	return *out == INVALID_SOCKET ? err : 0;
}

CASE(R100_R101_R102_R105_the_condition_function_decides_first)
{
	struct addr at, from;
	SOCKET l, s;
	unsigned made;

	spi_start();
	at = test_addr(AF_INET);
	from = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	seen.client = socket_bound(&from);
	CHECK_EQ(socket_connect_to(seen.client, &at), WSAEWOULDBLOCK);
	made = up_created();
	CHECK_EQ(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK_EQ(up_created(), made + 1);
	CHECK_EQ(seen.calls, 1);
	CHECK_EQ(seen.thread, os_thread_id());
	CHECK_EQ(seen.data, 0x12345678);
	CHECK(addr_equal(&seen.peer, &from));
	CHECK(addr_equal(&seen.local, &at));
	CHECK_EQ(socket_connect_result(seen.client), 0);
	spi_stop();
}

CASE(R104_R109_reject_and_nonsense_refuse_the_peer)
{
	static const int answers[] = {CF_REJECT, 99, -1};
	struct addr at;
	SOCKET l, s, c;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	for (int i = 0; i < 3; i++) {
		unsigned made;

		c = connecting(&at);
		made = up_created();
		CHECK_EQ(accept_with(l, answers[i], &s),
			i == 0 ? WSAECONNREFUSED : WSAEINVAL);
		CHECK_EQ(up_created(), made);
		CHECK_EQ(socket_connect_result(c), WSAECONNREFUSED);
	}
	spi_stop();
}

CASE(R110_a_deferred_request_stays_first)
{
	struct addr at, a, b;
	SOCKET l, s, first, second;

	spi_start();
	at = test_addr(AF_INET);
	a = test_addr(AF_INET);
	b = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	first = socket_bound(&a);
	second = socket_bound(&b);
	CHECK_EQ(socket_connect_to(first, &at), WSAEWOULDBLOCK);
	CHECK_EQ(socket_connect_to(second, &at), WSAEWOULDBLOCK);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(accept_with(l, CF_DEFER, &s), WSATRY_AGAIN);
		CHECK(addr_equal(&seen.peer, &a));
	}
	CHECK_EQ(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK(addr_equal(&seen.peer, &a));
	CHECK_EQ(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK(addr_equal(&seen.peer, &b));
	CHECK_EQ(socket_connect_result(first), 0);
	CHECK_EQ(socket_connect_result(second), 0);
	spi_stop();
}

CASE(R116_a_deferred_request_is_refused_when_the_listener_closes)
{
	struct addr at;
	SOCKET l, s, c;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	c = connecting(&at);
	CHECK_EQ(accept_with(l, CF_DEFER, &s), WSATRY_AGAIN);
	socket_close(l);
	CHECK_EQ(socket_connect_result(c), WSAETIMEDOUT);
	spi_stop();
}

/* ---- what a condition function may do (R103) ----------------------- */

static SOCKET busy_listener;
static struct addr busy_addr;

static int CALLBACK busy_condition(LPWSABUF id, LPWSABUF data, LPQOS sqos,
	LPQOS gqos, LPWSABUF callee, LPWSABUF callee_data, GROUP *g,
	DWORD_PTR context)
{
	int err = 0, value = 0, len = sizeof value;
	SOCKET other = socket_new(AF_INET), s;
	WSAEVENT e = event_new();

	OK(spi.t.lpWSPGetSockOpt(busy_listener, SOL_SOCKET, SO_DEBUG,
		(char *)&value, &len, &err));
	OK(spi.t.lpWSPEventSelect(busy_listener, e, FD_ACCEPT, &err));
	enum_events(busy_listener, e);
	OK(spi.t.lpWSPListen(busy_listener, 9, &err));
	OK(spi.t.lpWSPEventSelect(busy_listener, NULL, 0, &err));
	CHECK_EQ(socket_try_accept(busy_listener, &s), WSAEWOULDBLOCK);
	socket_close(other);
	event_free(e);
	if (context)
		socket_close(busy_listener);
	return CF_ACCEPT;
}

CASE(R103_the_condition_function_may_call_the_provider)
{
	SOCKET s, c;
	int err = 0;

	spi_start();
	busy_addr = test_addr(AF_INET);
	busy_listener = socket_listening(&busy_addr, 4);
	c = connecting(&busy_addr);
	s = spi.t.lpWSPAccept(busy_listener, NULL, NULL, busy_condition, 0,
		&err);
	CHECK(s != INVALID_SOCKET);
	CHECK_EQ(socket_connect_result(c), 0);
	spi_stop();
}

CASE(R103_the_condition_function_may_close_the_listener)
{
	SOCKET s, c;
	int err = 0;

	spi_start();
	busy_addr = test_addr(AF_INET);
	busy_listener = socket_listening(&busy_addr, 4);
	c = connecting(&busy_addr);
	s = spi.t.lpWSPAccept(busy_listener, NULL, NULL, busy_condition, 1,
		&err);
	CHECK(s == INVALID_SOCKET);
	CHECK_EQ(socket_connect_result(c), WSAETIMEDOUT);
	spi_stop();
	CHECK_EQ(up_closed(), up_created()); /* R113 */
}

/* ---- resources, withdrawal, addresses ------------------------------ */

CASE(R111_no_descriptors_with_a_request_queued_gives_WSAEMFILE)
{
	struct addr at;
	SOCKET l, s, c;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	c = connecting(&at);
	process_limit_handles(0);
	if (!spi_crosses_processes())
		case_skip("needs no descriptors");
	CHECK_EQ(socket_try_accept(l, &s), WSAEMFILE);
	process_limit_handles(100);
	CHECK_EQ(socket_try_accept(l, &s), 0); /* it was kept */
	CHECK_EQ(socket_connect_result(c), 0);
	spi_stop();
}

CASE(R112_a_withdrawn_request_is_never_a_live_socket)
{
	struct addr at;
	SOCKET l, s, gone, c;
	int code;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	gone = connecting(&at);
	c = connecting(&at);
	socket_close(gone);
	code = socket_try_accept(l, &s);
	if (code) { /* the withdrawn one, if it is reported at all */
		CHECK(code == WSAECONNRESET || code == WSAEWOULDBLOCK);
		s = socket_accept(l);
	}
	CHECK_EQ(socket_connect_result(c), 0);
	CHECK_EQ(socket_try_accept(l, &s), WSAEWOULDBLOCK);
	spi_stop();
}

CASE(R113_failure_after_the_condition_function_leaves_no_handle)
{
	struct addr at;
	SOCKET l, s;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	connecting(&at);
	up_fail_create(WSAEMFILE);
	CHECK_EQ(accept_with(l, CF_ACCEPT, &s), WSAEMFILE);
	up_fail_create(0);
	CHECK_EQ(socket_try_accept(l, &s), WSAEWOULDBLOCK);
	spi_stop();
}

CASE(R114_a_wildcard_listener_tells_the_real_address)
{
	struct addr any = addr_any(4, 0), to;
	SOCKET l, s, c;

	spi_start();
	to = test_addr(AF_INET);
	any.port = to.port;
	l = socket_listening(&any, 4);
	to = addr_v4(127, 0, 0, 3, any.port);
	c = connecting(&to);
	CHECK_EQ(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK(addr_equal(&seen.local, &to));
	CHECK_EQ(socket_connect_result(c), 0);
	spi_stop();
}

CASE(the_most_specific_listener_gets_the_request)
{
	struct addr any = addr_any(4, 0), to;
	SOCKET wide, narrow, s;

	spi_start();
	to = test_addr(AF_INET);
	any.port = to.port;
	wide = socket_listening(&any, 4);
	to.port = any.port;
	narrow = socket_listening(&to, 4);
	connecting(&to);
	CHECK_EQ(socket_try_accept(wide, &s), WSAEWOULDBLOCK);
	CHECK_EQ(socket_try_accept(narrow, &s), 0);
	spi_stop();
}

CASE(R115_an_accepted_socket_inherits_the_options)
{
	struct addr at;
	SOCKET l, s;
	int err = 0, on = 1, got = 0, len = sizeof got;

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	OK(spi.t.lpWSPSetSockOpt(l, SOL_SOCKET, SO_DEBUG, (char *)&on,
		sizeof on, &err));
	connecting(&at);
	s = socket_accept(l);
	OK(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_DEBUG, (char *)&got, &len,
		&err));
	CHECK_EQ(got, 1);
	spi_stop();
}

CASE(R116_closing_a_listener_refuses_what_is_queued_and_allows_TCP)
{
	struct addr at;
	SOCKET l, c[3];

	spi_start();
	at = test_addr(AF_INET);
	l = socket_listening(&at, 4);
	for (int i = 0; i < 3; i++)
		c[i] = connecting(&at);
	socket_close(l);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(socket_connect_result(c[i]), WSAETIMEDOUT);
	CHECK_EQ(socket_connect_to(c[0], &at), WSAETIMEDOUT);
	spi_stop();
}

/* ---- several threads ----------------------------------------------- */

static _Atomic unsigned taken;
enum { CLIENTS = 200 };

static void take_some(void *arg)
{
	SOCKET l = *(SOCKET *)arg, s;

	while (atomic_load(&taken) < CLIENTS) {
		int code = socket_try_accept(l, &s);

		if (code == 0)
			atomic_fetch_add(&taken, 1);
		else
			CHECK_EQ(code, WSAEWOULDBLOCK);
	}
}

static void connect_some(void *arg)
{
	for (int i = 0; i < CLIENTS / 4; i++)
		connecting(&busy_addr);
}

CASE(R211_several_threads_accept_each_request_once)
{
	struct os_thread t;
	SOCKET l;

	spi_start();
	busy_addr = test_addr(AF_INET);
	l = socket_listening(&busy_addr, CLIENTS);
	CHECK(os_thread_start(&t, "accept", take_some, &l) == ST_OK);
	threads_run(4, connect_some, NULL);
	threads_run(2, take_some, &l);
	os_thread_join(&t);
	CHECK_EQ(taken, CLIENTS);
	spi_stop();
}
