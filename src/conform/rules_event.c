/* SPDX-License-Identifier: MIT */
/* WSPEventSelect and WSPEnumNetworkEvents: R61 to R69. */
#include "endpoint.h"

static int select_event(SOCKET s, WSAEVENT e, long mask)
{
	int err = 0;

	return spi.t.lpWSPEventSelect(s, e, (LONG)mask, &err) ? err : 0;
}

CASE(R61_event_select_takes_accept_and_connect_only)
{
	struct addr a;
	WSAEVENT e;
	SOCKET s;

	spi_start();
	e = event_new();
	a = test_addr();
	s = socket_bound(&a);
	CHECK_CODE(select_event(s, e, FD_ACCEPT), 0);
	CHECK_CODE(select_event(s, e, FD_CONNECT), 0);
	CHECK_CODE(select_event(s, e, FD_ACCEPT | FD_CONNECT), 0);
	CHECK_CODE(select_event(s, e, 0), 0);
	for (int bit = 0; bit < 30; bit++)
		if (bit != FD_ACCEPT_BIT && bit != FD_CONNECT_BIT) {
			CHECK_CODE(select_event(s, e, 1L << bit), WSAEINVAL);
			CHECK_CODE(select_event(s, e, FD_CONNECT | 1L << bit),
				WSAEINVAL);
		}
	event_free(e);
	spi_stop();
}

CASE(R62_R63_a_request_before_event_select_signals_at_once)
{
	SOCKET listener;
	struct addr at;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr();
	listener = socket_listening(&at, 4);
	socket_connecting(&at, NULL);
	os_sleep(QUIET); /* it has arrived, most likely */
	CHECK(!event_is_set(e));
	CHECK_CODE(select_event(listener, e, FD_ACCEPT), 0);
	CHECK(event_wait(e, PATIENCE));
	CHECK_EQ(enum_events(listener, e).lNetworkEvents, FD_ACCEPT);
	event_free(e);
	spi_stop();
}

CASE(R62_an_outcome_before_event_select_signals_at_once)
{
	SOCKET listener, client;
	struct addr at;
	WSAEVENT e;
	int code;

	spi_start();
	e = event_new();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	CHECK_CODE(code, WSAEWOULDBLOCK);
	socket_accept(listener);
	os_sleep(QUIET);
	CHECK_CODE(select_event(client, e, FD_CONNECT), 0);
	CHECK(event_wait(e, PATIENCE));
	CHECK_EQ(enum_events(client, e).lNetworkEvents, FD_CONNECT);
	event_free(e);
	spi_stop();
}

CASE(R64_event_select_with_no_event_stops_signalling)
{
	SOCKET listener;
	struct addr at;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr();
	listener = socket_listening(&at, 4);
	CHECK_CODE(select_event(listener, e, FD_ACCEPT), 0);
	CHECK_CODE(select_event(listener, NULL, 0), 0);
	socket_connecting(&at, NULL);
	/* The record is kept, whether or not it is selected. */
	listener_expect(listener, true);
	CHECK(!event_wait(e, QUIET));
	event_free(e);
	spi_stop();
}

CASE(R64_a_second_event_select_replaces_the_first)
{
	WSAEVENT first, second;
	SOCKET listener;
	struct addr at;

	spi_start();
	first = event_new();
	second = event_new();
	at = test_addr();
	listener = socket_listening(&at, 4);
	CHECK_CODE(select_event(listener, first, FD_ACCEPT), 0);
	CHECK_CODE(select_event(listener, second, FD_ACCEPT), 0);
	socket_connecting(&at, NULL);
	CHECK(event_wait(second, PATIENCE));
	CHECK(!event_is_set(first));
	event_free(first);
	event_free(second);
	spi_stop();
}

/* A listener with a request that has been signalled. */
static SOCKET signalled(WSAEVENT e)
{
	struct addr at = test_addr();
	SOCKET listener = socket_listening(&at, 4);

	CHECK_CODE(select_event(listener, e, FD_ACCEPT), 0);
	socket_connecting(&at, NULL);
	CHECK(event_wait(e, PATIENCE)); /* R96 */
	return listener;
}

CASE(R65_enum_network_events_takes_the_record_and_resets_the_event)
{
	SOCKET listener;
	WSAEVENT e;

	spi_start();
	e = event_new();
	listener = signalled(e);
	CHECK_EQ(enum_events(listener, e).lNetworkEvents, FD_ACCEPT);
	CHECK(!event_is_set(e));
	CHECK_EQ(enum_events(listener, e).lNetworkEvents, 0);
	event_free(e);
	spi_stop();
}

CASE(R65_the_event_that_is_passed_is_reset_not_the_selected_one)
{
	SOCKET listener;
	WSAEVENT e, other;

	spi_start();
	e = event_new();
	other = event_new();
	listener = signalled(e);
	CHECK(os_event_set(other) == ST_OK);
	CHECK_EQ(enum_events(listener, other).lNetworkEvents, FD_ACCEPT);
	CHECK(!event_is_set(other));
	CHECK(event_is_set(e));
	event_free(e);
	event_free(other);
	spi_stop();
}

CASE(R66_enum_network_events_without_event_clears_the_record_only)
{
	SOCKET listener;
	WSAEVENT e;

	spi_start();
	e = event_new();
	listener = signalled(e);
	CHECK_EQ(enum_events(listener, NULL).lNetworkEvents, FD_ACCEPT);
	CHECK(event_is_set(e));
	CHECK_EQ(enum_events(listener, NULL).lNetworkEvents, 0);
	event_free(e);
	spi_stop();
}

CASE(R67_the_record_has_the_result_of_the_connect_and_0_for_accept)
{
	WSANETWORKEVENTS got;
	SOCKET listener, client;
	struct addr at;
	WSAEVENT e;
	int code;

	spi_start();
	e = event_new();
	listener = signalled(e);
	got = enum_events(listener, e);
	CHECK_EQ(got.lNetworkEvents, FD_ACCEPT);
	CHECK_CODE(got.iErrorCode[FD_ACCEPT_BIT], 0);
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	CHECK_CODE(code, WSAEWOULDBLOCK);
	CHECK_CODE(select_event(client, e, FD_CONNECT), 0);
	socket_accept(listener);
	CHECK(event_wait(e, PATIENCE));
	got = enum_events(client, e);
	CHECK_EQ(got.lNetworkEvents, FD_CONNECT);
	CHECK_CODE(got.iErrorCode[FD_CONNECT_BIT], 0);
	event_free(e);
	spi_stop();
}

CASE(R61_enum_network_events_without_a_record_to_fill_fails)
{
	SOCKET s;
	int err = 0;

	spi_start();
	s = socket_new();
	CHECK_EQ(spi.t.lpWSPEnumNetworkEvents(s, NULL, NULL, &err),
		SOCKET_ERROR);
	CHECK(err == WSAEINVAL || err == WSAEFAULT);
	spi_stop();
}

/* ---- many at once -------------------------------------------------- */

enum { THREADS = 4, EACH = 40 };

static struct addr busy_at;
static _Atomic unsigned connected;

/* R68: a thread that is woken finds the bit. */
static void connect_by_event(SOCKET s, WSAEVENT e)
{
	WSANETWORKEVENTS got;
	int code;

	CHECK_CODE(select_event(s, e, FD_CONNECT), 0);
	code = socket_connect_to(s, &busy_at);
	if (code == 0) { /* R72: it was that quick */
		CHECK(!event_is_set(e));
		return;
	}
	CHECK_CODE(code, WSAEWOULDBLOCK);
	CHECK(event_wait(e, PATIENCE));
	got = enum_events(s, e);
	CHECK_EQ(got.lNetworkEvents, FD_CONNECT);
	CHECK_CODE(got.iErrorCode[FD_CONNECT_BIT], 0);
}

static void connect_often(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		struct addr from = test_addr();
		SOCKET s = socket_bound(&from);
		WSAEVENT e = event_new();

		connect_by_event(s, e);
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

	CHECK_CODE(select_event(listener, e, FD_ACCEPT), 0);
	while (atomic_load(&connected) < THREADS * EACH) {
		if (!event_wait(e, 10000000))
			continue;
		enum_events(listener, e);
		while (socket_try_accept(listener, &s) == 0)
			continue;
	}
	CHECK_CODE(select_event(listener, NULL, 0), 0);
	event_free(e);
}

CASE(R68_R69_R211_many_connects_by_event_lose_nothing)
{
	struct os_thread t;
	SOCKET listener;

	spi_start();
	busy_at = test_addr();
	listener = socket_listening(&busy_at, 64);
	CHECK(os_thread_start(&t, "accept", accept_all, &listener) == ST_OK);
	threads_run(THREADS, connect_often, NULL);
	os_thread_join(&t);
	CHECK_EQ(connected, THREADS * EACH);
	spi_stop();
}

static void accept_soon(void *arg)
{
	uint8_t n = 0;
	SOCKET s;

	os_random(&n, sizeof n);
	os_sleep(n * UINT64_C(2000)); /* half a millisecond at most */
	s = socket_accept(*(SOCKET *)arg);
	socket_close(s);
}

/* Whatever comes between the look and the reset of the event. */
CASE(R69_an_outcome_during_the_enumeration_is_told)
{
	SOCKET listener, c;
	struct os_thread t;
	WSAEVENT e;

	spi_start();
	busy_at = test_addr();
	listener = socket_listening(&busy_at, 4);
	for (int i = 0; i < 60; i++) {
		struct addr from = test_addr();
		LONG got;

		e = event_new();
		c = socket_bound(&from);
		CHECK_CODE(select_event(c, e, FD_CONNECT), 0);
		CHECK_CODE(socket_connect_to(c, &busy_at), WSAEWOULDBLOCK);
		CHECK(os_thread_start(&t, "accept", accept_soon, &listener) ==
			ST_OK);
		got = enum_events(c, e).lNetworkEvents;
		if (got == 0) {
			CHECK(event_wait(e, PATIENCE)); /* not lost */
			got = enum_events(c, e).lNetworkEvents;
		}
		CHECK_EQ(got, FD_CONNECT);
		os_thread_join(&t);
		socket_close(c);
		event_free(e);
	}
	spi_stop();
}

/* One request after the other; each must be told once, and only once. */
CASE(R69_each_arrival_is_told_once)
{
	SOCKET listener, s;
	struct addr at;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr();
	listener = socket_listening(&at, 4);
	CHECK_CODE(select_event(listener, e, FD_ACCEPT), 0);
	for (int i = 0; i < 50; i++) {
		SOCKET c = socket_connecting(&at, NULL);

		CHECK(event_wait(e, PATIENCE)); /* not lost */
		CHECK_EQ(enum_events(listener, e).lNetworkEvents, FD_ACCEPT);
		s = socket_accept(listener);
		CHECK_EQ(enum_events(listener, e).lNetworkEvents, 0);
		CHECK_CODE(socket_try_accept(listener, &(SOCKET){0}),
			WSAEWOULDBLOCK);
		socket_close(c);
		socket_close(s);
	}
	event_free(e);
	spi_stop();
}
