/* SPDX-License-Identifier: MIT */
/* WSPAccept and the condition function: R97 to R116. */
#include "endpoint.h"

#include <string.h>

CASE(R97_accept_with_nothing_queued_gives_WSAEWOULDBLOCK)
{
	struct addr at;
	SOCKET l, s;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	CHECK_CODE(socket_try_accept(l, &s), WSAEWOULDBLOCK);
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
	a = test_addr();
	CHECK_CODE(socket_try_accept(socket_new(), &s), WSAEINVAL);
	CHECK_CODE(socket_try_accept(socket_bound(&a), &s), WSAEINVAL);
	CHECK_CODE(socket_try_accept(p.client.s, &s), WSAEINVAL);
	spi_stop();
}

static int accept_name(SOCKET l, union sockaddr_any *name, int *len,
	SOCKET *out)
{
	return socket_accept_within(PATIENCE, l, name, len, NULL, 0, out);
}

CASE(R99_too_little_room_for_the_address_gives_WSAEFAULT)
{
	union sockaddr_any name;
	struct addr at;
	SOCKET l, c, s;
	int len = 15;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	c = socket_queued(l, &at);
	CHECK_CODE(accept_name(l, &name, &len, &s), WSAEFAULT);
	CHECK_CODE(accept_name(l, &name, NULL, &s), WSAEFAULT);
	socket_accept(l); /* the request is still there */
	CHECK_CODE(socket_connect_result(c), 0);
	spi_stop();
}

CASE(R106_accept_tells_the_peers_address)
{
	union sockaddr_any name;
	struct addr at, from, got;
	int len = sizeof name;
	SOCKET l, c, s;

	spi_start();
	at = test_addr();
	from = test_addr();
	l = socket_listening(&at, 4);
	c = socket_bound(&from);
	request_queued(l, c, &at);
	memset(&name, 0x55, sizeof name);
	CHECK_CODE(accept_name(l, &name, &len, &s), 0);
	CHECK_EQ(len, 16);
	CHECK(addr_from_sockaddr(&name.sa, len, &got));
	CHECK(addr_equal(&got, &from));
	spi_stop();
}

/* ---- events -------------------------------------------------------- */

CASE(R107_R108_the_event_is_set_as_long_as_requests_wait)
{
	struct addr at;
	WSAEVENT e;
	int err = 0;
	SOCKET l;

	spi_start();
	e = event_new();
	at = test_addr();
	l = socket_listening(&at, 4);
	socket_connecting(&at, NULL);
	listener_expect(l, true);
	socket_queued(l, &at);
	OK(spi.t.lpWSPEventSelect(l, e, FD_ACCEPT, &err));
	enum_events(l, e);
	CHECK(!event_is_set(e));
	socket_accept(l);
	CHECK(event_wait(e, ARRIVES)); /* R108 */
	socket_accept(l);
	CHECK(!event_is_set(e)); /* R107 */
	socket_connecting(&at, NULL);
	CHECK(event_wait(e, PATIENCE)); /* not lost */
	event_free(e);
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
	bool returned; /* WSPAccept has */
} seen;

static int CALLBACK condition(LPWSABUF id, LPWSABUF data, LPQOS sqos,
	LPQOS gqos, LPWSABUF callee, LPWSABUF callee_data, GROUP *g,
	DWORD_PTR context)
{
	CHECK(!seen.returned);
	seen.calls++;
	seen.thread = os_thread_id();
	seen.data = context;
	CHECK(id && callee);
	CHECK(addr_from_sockaddr((struct sockaddr *)id->buf, (int)id->len,
		&seen.peer));
	CHECK(addr_from_sockaddr((struct sockaddr *)callee->buf,
		(int)callee->len, &seen.local));
	if (seen.client) {
		os_sleep(QUIET);
		CHECK_EQ(enum_events(seen.client, NULL).lNetworkEvents, 0);
	}
	return seen.answer;
}

static int accept_with(SOCKET l, int answer, SOCKET *out)
{
	int err;

	seen.answer = answer;
	seen.returned = false;
	err = socket_accept_within(ARRIVES, l, NULL, NULL, condition,
		0x12345678, out);
	seen.returned = true;
	return err;
}

CASE(R100_R102_the_condition_function_is_asked_in_the_calling_thread)
{
	struct addr at, from;
	SOCKET l, s, c;

	spi_start();
	at = test_addr();
	from = test_addr();
	l = socket_listening(&at, 4);
	c = socket_bound(&from);
	request_queued(l, c, &at);
	CHECK_CODE(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK_EQ(seen.calls, 1);
	CHECK_EQ(seen.thread, os_thread_id()); /* R100 */
	CHECK_EQ(seen.data, 0x12345678);       /* R102 */
	CHECK(addr_equal(&seen.peer, &from));
	CHECK(addr_equal(&seen.local, &at));
	spi_stop();
}

CASE(R101_the_peer_hears_nothing_before_the_condition_function_returns)
{
	struct addr at;
	SOCKET l, s;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	seen.client = socket_queued(l, &at);
	CHECK_CODE(accept_with(l, CF_REJECT, &s), WSAECONNREFUSED);
	CHECK_CODE(socket_connect_result(seen.client), WSAECONNREFUSED);
	seen.client = socket_queued(l, &at);
	CHECK_CODE(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK_CODE(socket_connect_result(seen.client), 0);
	spi_stop();
}

CASE(R104_CF_REJECT_gives_WSAECONNREFUSED_and_no_handle)
{
	struct addr at;
	unsigned made;
	SOCKET l, s, c;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	c = socket_queued(l, &at);
	made = up_created() - up_closed();
	CHECK_CODE(accept_with(l, CF_REJECT, &s), WSAECONNREFUSED);
	CHECK_EQ(up_created() - up_closed(), made);
	CHECK_CODE(socket_connect_result(c), WSAECONNREFUSED);
	CHECK_CODE(socket_try_accept(l, &s), WSAEWOULDBLOCK);
	spi_stop();
}

CASE(R105_CF_ACCEPT_makes_one_handle_and_a_connected_socket)
{
	struct end a, b;
	struct addr at;
	unsigned made;
	SOCKET l, s, c;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	c = socket_queued(l, &at);
	made = up_created();
	CHECK_CODE(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK_EQ(up_created(), made + 1);
	CHECK_CODE(socket_connect_result(c), 0);
	end_open(&a, c);
	end_open(&b, s);
	pair_talk(&a, &b);
	spi_stop();
}

CASE(R109_nonsense_of_the_condition_function_refuses_the_peer)
{
	static const int answers[] = {99, -1};
	struct addr at;
	unsigned made;
	SOCKET l, s, c;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	for (int i = 0; i < 2; i++) {
		int code;

		c = socket_queued(l, &at);
		made = up_created() - up_closed();
		code = accept_with(l, answers[i], &s);
		if (code != WSAECONNREFUSED) /* counts as a rejection */
			CHECK_CODE(code, WSAEINVAL);
		CHECK_EQ(up_created() - up_closed(), made);
		CHECK(socket_connect_result(c) != 0);
	}
	spi_stop();
}

CASE(R110_a_deferred_request_stays_first)
{
	struct addr at, a, b;
	SOCKET l, s, first, second;

	spi_start();
	at = test_addr();
	a = test_addr();
	b = test_addr();
	l = socket_listening(&at, 4);
	first = socket_bound(&a);
	second = socket_bound(&b);
	request_queued(l, first, &at);
	request_queued(l, second, &at);
	for (int i = 0; i < 3; i++) {
		CHECK_CODE(accept_with(l, CF_DEFER, &s), WSATRY_AGAIN);
		CHECK(addr_equal(&seen.peer, &a));
	}
	CHECK_EQ(enum_events(first, NULL).lNetworkEvents, 0);
	CHECK_CODE(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK(addr_equal(&seen.peer, &a));
	CHECK_CODE(accept_with(l, CF_ACCEPT, &s), 0);
	CHECK(addr_equal(&seen.peer, &b));
	CHECK_CODE(socket_connect_result(first), 0);
	CHECK_CODE(socket_connect_result(second), 0);
	spi_stop();
}

CASE(R116_a_deferred_request_is_refused_when_the_listener_closes)
{
	struct addr at;
	SOCKET l, s, c;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	c = socket_queued(l, &at);
	CHECK_CODE(accept_with(l, CF_DEFER, &s), WSATRY_AGAIN);
	socket_close(l);
	CHECK(socket_connect_result(c) != 0);
	spi_stop();
}

/* ---- what a condition function may do (R103) ----------------------- */

static SOCKET busy_listener;

/* Calls of the switch that may come meanwhile, from whatever thread. */
static void busy_calls(void *arg)
{
	SOCKET other = socket_new(), s;
	WSAEVENT e = event_new();
	uint32_t value = 0;
	int err = 0, len = sizeof value;

	spi.t.lpWSPGetSockOpt(busy_listener, SOL_SOCKET, SO_MAX_MSG_SIZE,
		(char *)&value, &len, &err);
	OK(spi.t.lpWSPEventSelect(busy_listener, e, FD_ACCEPT, &err));
	enum_events(busy_listener, e);
	OK(spi.t.lpWSPListen(busy_listener, 9, &err));
	OK(spi.t.lpWSPEventSelect(busy_listener, NULL, 0, &err));
	CHECK_CODE(socket_try_accept(busy_listener, &s), WSAEWOULDBLOCK);
	socket_close(other);
	event_free(e);
}

enum { SAME_THREAD, OTHER_THREAD, CLOSE_LISTENER };

static int CALLBACK busy_condition(LPWSABUF id, LPWSABUF data, LPQOS sqos,
	LPQOS gqos, LPWSABUF callee, LPWSABUF callee_data, GROUP *g,
	DWORD_PTR how)
{
	if (how == OTHER_THREAD)
		thread_must_finish("calls from another thread while the "
			"condition function runs", busy_calls, NULL);
	else
		busy_calls(NULL);
	if (how == CLOSE_LISTENER)
		socket_close(busy_listener);
	return CF_ACCEPT;
}

static SOCKET accept_busily(DWORD_PTR how, SOCKET *client)
{
	struct addr at;
	int err = 0;

	spi_start();
	at = test_addr();
	busy_listener = socket_listening(&at, 4);
	*client = socket_connecting(&at, NULL);
	listener_expect(busy_listener, true);
	return spi.t.lpWSPAccept(busy_listener, NULL, NULL, busy_condition,
		how, &err);
}

CASE(R103_the_condition_function_may_call_the_provider)
{
	SOCKET c;

	CHECK(accept_busily(SAME_THREAD, &c) != INVALID_SOCKET);
	CHECK_CODE(socket_connect_result(c), 0);
	spi_stop();
}

CASE(R103_other_threads_may_call_while_the_condition_function_runs)
{
	SOCKET c;

	CHECK(accept_busily(OTHER_THREAD, &c) != INVALID_SOCKET);
	CHECK_CODE(socket_connect_result(c), 0);
	spi_stop();
}

CASE(R103_the_condition_function_may_close_the_listener)
{
	SOCKET c, s = accept_busily(CLOSE_LISTENER, &c);

	if (s == INVALID_SOCKET)
		CHECK(socket_connect_result(c) != 0);
	else
		CHECK_CODE(socket_connect_result(c), 0);
	spi_stop();
}

/* ---- resources, withdrawal, addresses ------------------------------ */

CASE(R111_no_descriptors_with_a_request_queued_gives_WSAEMFILE)
{
	struct addr at;
	SOCKET l, s, c;
	int code;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	c = socket_connecting(&at, NULL);
	listener_expect(l, true);
	process_limit_handles(0);
	code = socket_try_accept(l, &s);
	process_limit_handles(100);
	if (code == 0)
		case_skip("accepting needs no handle of the system");
	CHECK_CODE(code, WSAEMFILE);
	CHECK_CODE(socket_try_accept(l, &s), 0); /* it was kept */
	CHECK_CODE(socket_connect_result(c), 0);
	spi_stop();
}

CASE(R112_a_withdrawn_request_is_never_a_live_socket)
{
	struct addr at, a, b, peer;
	union sockaddr_any name;
	SOCKET l, s, gone, c;
	uint64_t until;
	int err, len;

	spi_start();
	at = test_addr();
	a = test_addr();
	b = test_addr();
	l = socket_listening(&at, 4);
	gone = socket_bound(&a);
	request_queued(l, gone, &at);
	c = socket_bound(&b);
	request_queued(l, c, &at);
	socket_close(gone);
	os_sleep(QUIET);
	until = os_now() + PATIENCE;
	do { /* the withdrawn one may be reported, but not as a socket */
		err = 0;
		len = sizeof name;
		s = spi.t.lpWSPAccept(l, &name.sa, &len, NULL, 0, &err);
		if (s == INVALID_SOCKET)
			CHECK(err == WSAECONNRESET || err == WSAEWOULDBLOCK ||
				err == WSAEACCES || err == WSAECONNABORTED);
	} while (s == INVALID_SOCKET && os_now() < until);
	CHECK(s != INVALID_SOCKET);
	CHECK(addr_from_sockaddr(&name.sa, len, &peer));
	CHECK(addr_equal(&peer, &b));
	CHECK_CODE(socket_connect_result(c), 0);
	CHECK_CODE(socket_try_accept(l, &s), WSAEWOULDBLOCK);
	spi_stop();
}

CASE(R113_failure_after_the_condition_function_leaves_no_handle)
{
	struct addr at;
	unsigned open, closes;
	SOCKET l, s;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	socket_queued(l, &at);
	open = up_created() - up_closed();
	closes = up_close_calls();
	up_fail_create(WSAENOBUFS);
	CHECK_CODE(accept_with(l, CF_ACCEPT, &s), WSAENOBUFS);
	up_fail_create(0);
	CHECK_EQ(up_created() - up_closed(), open);
	CHECK_EQ(up_close_calls(), closes); /* none was made */
	CHECK_EQ(up_close_calls(), up_closed()); /* of what was made */
	CHECK_CODE(socket_try_accept(l, &s), WSAEWOULDBLOCK);
	socket_queued(l, &at); /* and the listener works on */
	socket_accept(l);
	spi_stop();
}

/* The addresses that the provider itself lists. */
static unsigned own_addresses(struct addr *list, unsigned room)
{
	static char buffer[8192];
	SOCKET_ADDRESS_LIST *l = (SOCKET_ADDRESS_LIST *)buffer;
	unsigned n = 0;
	DWORD bytes = 0;
	int err = 0;

	OK(spi.t.lpWSPIoctl(socket_new(), SIO_ADDRESS_LIST_QUERY, NULL, 0,
		buffer, sizeof buffer, &bytes, NULL, NULL, NULL, &err));
	for (int i = 0; i < l->iAddressCount && n < room; i++)
		if (addr_from_sockaddr(l->Address[i].lpSockaddr, 16, &list[n]))
			n++;
	return n;
}

CASE(R32_R114_a_wildcard_listener_accepts_on_every_own_address)
{
	struct addr own[8], any, from;
	SOCKET l, s, c;
	unsigned n;

	spi_start();
	n = own_addresses(own, 8);
	if (n == 0)
		own[n++] = test_addr();
	any = addr_any(4, test_addr().port);
	l = socket_listening(&any, 4);
	for (unsigned i = 0; i < n; i++) {
		own[i].port = any.port;
		from = own[i];
		from.port = test_addr().port;
		c = socket_bound(&from);
		request_queued(l, c, &own[i]);
		CHECK_CODE(accept_with(l, CF_ACCEPT, &s), 0);
		CHECK(addr_equal(&seen.local, &own[i]));
		CHECK_CODE(socket_connect_result(c), 0);
	}
	spi_stop();
}

CASE(R114_the_most_specific_listener_gets_the_request)
{
	SOCKET wide, narrow, s;
	struct addr any, to;

	spi_start();
	to = test_addr();
	any = addr_any(4, to.port);
	wide = socket_listening(&any, 4);
	narrow = socket_listening(&to, 4);
	socket_queued(narrow, &to);
	CHECK_CODE(socket_try_accept(wide, &s), WSAEWOULDBLOCK);
	socket_accept(narrow);
	spi_stop();
}

CASE(R115_an_accepted_socket_inherits_the_options)
{
	int err = 0, on = 1, got = 0, len = sizeof got;
	struct addr at;
	SOCKET l, s;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	if (spi.t.lpWSPSetSockOpt(l, SOL_SOCKET, SO_DEBUG, (char *)&on,
			sizeof on, &err)) {
		CHECK_CODE(err, WSAENOPROTOOPT);
		case_skip("no SO_DEBUG, and no other option to inherit");
	}
	socket_connecting(&at, NULL);
	s = socket_accept(l);
	OK(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_DEBUG, (char *)&got, &len,
		&err));
	CHECK(got != 0);
	spi_stop();
}

/* ---- several threads ----------------------------------------------- */

static _Atomic unsigned taken;
static struct addr busy_addr;
enum { CLIENTS = 120 };

static void take_some(void *arg)
{
	SOCKET l = *(SOCKET *)arg, s;

	while (atomic_load(&taken) < CLIENTS) {
		int code = socket_try_accept(l, &s);

		if (code == 0)
			atomic_fetch_add(&taken, 1);
		else
			CHECK_CODE(code, WSAEWOULDBLOCK);
	}
}

static void connect_some(void *arg)
{
	for (int i = 0; i < CLIENTS / 4; i++)
		socket_connecting(&busy_addr, NULL);
}

CASE(R211_several_threads_accept_each_request_once)
{
	struct os_thread t;
	SOCKET l;

	spi_start();
	busy_addr = test_addr();
	l = socket_listening(&busy_addr, CLIENTS);
	CHECK(os_thread_start(&t, "accept", take_some, &l) == ST_OK);
	threads_run(4, connect_some, NULL);
	threads_run(2, take_some, &l);
	os_thread_join(&t);
	CHECK_EQ(taken, CLIENTS);
	spi_stop();
}
