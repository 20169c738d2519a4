/* SPDX-License-Identifier: MIT */
/* WSPListen, the backlog and the queue: R90 to R97, R116. */
#include "endpoint.h"

static int listen_code(SOCKET s, int backlog)
{
	int err = 0;

	return spi.t.lpWSPListen(s, backlog, &err) ? err : 0;
}

static void must_be_refused(const struct addr *at)
{
	struct addr from = test_addr();
	uint64_t before = os_now();

	CHECK_CODE(socket_connect_outcome(socket_bound(&from), at),
		WSAECONNREFUSED);
	CHECK(os_now() - before < PATIENCE / 4); /* no time-out */
}

static int outcome(SOCKET s)
{
	return socket_connect_result(s);
}

CASE(R90_listen_on_an_unbound_socket_gives_WSAEINVAL)
{
	spi_start();
	CHECK_CODE(listen_code(socket_new(), 5), WSAEINVAL);
	spi_stop();
}

CASE(R91_listen_on_a_connected_socket_gives_WSAEISCONN)
{
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK_CODE(listen_code(p.client.s, 5), WSAEISCONN);
	CHECK_CODE(listen_code(p.server.s, 5), WSAEISCONN);
	pair_talk(&p.client, &p.server);
	spi_stop();
}

CASE(R92_SOMAXCONN_gives_a_backlog_that_is_not_small)
{
	enum { N = 20 };
	struct addr at;
	SOCKET l, c[N];

	spi_start();
	at = test_addr();
	l = socket_listening(&at, WSD_SOMAXCONN);
	for (int i = 0; i < N; i++)
		c[i] = socket_connecting(&at, NULL);
	for (int i = 0; i < N; i++)
		socket_accept(l);
	for (int i = 0; i < N; i++)
		CHECK_CODE(outcome(c[i]), 0);
	spi_stop();
}

/* Thousands of connects that nobody accepts: the queue must have an end. */
CASE(R92_SOMAXCONN_gives_a_backlog_that_is_bounded)
{
	enum { MANY = 6000 };
	struct addr at, from;
	int code, n;
	SOCKET s;

	spi_start();
	at = test_addr();
	socket_listening(&at, WSD_SOMAXCONN);
	for (n = 0; n < MANY; n++) {
		from = at;
		from.port = (uint16_t)(1024 + n);
		s = socket_bound(&from);
		code = socket_connect_to(s, &at);
		if (code != 0 && code != WSAEWOULDBLOCK)
			break;
	}
	if (n < MANY && code != WSAECONNREFUSED)
		case_skip("%s after %d connects", code_name(code), n);
	CHECK(n < MANY);
	spi_stop();
}

CASE(R92_R93_a_backlog_below_one_counts_as_one)
{
	static const int backlogs[] = {0, -5};
	struct addr at;
	SOCKET l, c;

	spi_start();
	for (int i = 0; i < 2; i++) {
		at = test_addr();
		l = socket_listening(&at, backlogs[i]);
		c = socket_queued(l, &at);
		must_be_refused(&at);
		socket_accept(l);
		CHECK_CODE(outcome(c), 0);
	}
	spi_stop();
}

CASE(R93_a_backlog_of_n_keeps_n_requests_and_refuses_the_next_at_once)
{
	enum { N = 3 };
	struct addr at;
	SOCKET l, kept[N];

	spi_start();
	at = test_addr();
	l = socket_listening(&at, N);
	for (int i = 0; i < N; i++)
		kept[i] = socket_queued(l, &at);
	must_be_refused(&at);
	must_be_refused(&at);
	for (int i = 0; i < N; i++)
		socket_accept(l);
	for (int i = 0; i < N; i++)
		CHECK_CODE(outcome(kept[i]), 0);
	socket_queued(l, &at); /* there is room again */
	socket_accept(l);
	spi_stop();
}

CASE(R94_a_backlog_refusal_does_not_signal)
{
	struct addr at;
	WSAEVENT e;
	int err = 0;
	SOCKET l;

	spi_start();
	e = event_new();
	at = test_addr();
	l = socket_listening(&at, 1);
	OK(spi.t.lpWSPEventSelect(l, e, FD_ACCEPT, &err));
	socket_connecting(&at, NULL);
	CHECK(event_wait(e, PATIENCE));
	CHECK_EQ(enum_events(l, e).lNetworkEvents, FD_ACCEPT);
	must_be_refused(&at);
	CHECK(!event_wait(e, QUIET));
	listener_expect(l, false);
	event_free(e);
	spi_stop();
}

CASE(R95_a_second_listen_raises_the_backlog)
{
	struct addr at;
	SOCKET l;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 1);
	socket_queued(l, &at);
	must_be_refused(&at);
	CHECK_CODE(listen_code(l, 3), 0);
	socket_queued(l, &at);
	socket_queued(l, &at);
	must_be_refused(&at);
	for (int i = 0; i < 3; i++)
		socket_accept(l);
	spi_stop();
}

/* Which of the two stays is the provider's choice. */
CASE(R95_a_second_listen_lowers_the_backlog_and_refuses_the_surplus)
{
	struct addr at;
	SOCKET l, c[2], s;
	int refused = 0;

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 2);
	for (int i = 0; i < 2; i++)
		c[i] = socket_queued(l, &at);
	CHECK_CODE(listen_code(l, 1), 0);
	must_be_refused(&at);
	s = socket_accept(l);
	CHECK_CODE(socket_try_accept(l, &(SOCKET){0}), WSAEWOULDBLOCK);
	for (int i = 0; i < 2; i++)
		refused += outcome(c[i]) == WSAECONNREFUSED;
	CHECK_EQ(refused, 1);
	socket_close(s);
	spi_stop();
}

CASE(R96_an_arriving_request_signals_FD_ACCEPT)
{
	struct addr at;
	WSAEVENT e;
	int err = 0;
	SOCKET l;

	spi_start();
	e = event_new();
	at = test_addr();
	l = socket_listening(&at, 4);
	OK(spi.t.lpWSPEventSelect(l, e, FD_ACCEPT, &err));
	CHECK(!event_wait(e, QUIET));
	socket_connecting(&at, NULL);
	CHECK(event_wait(e, PATIENCE)); /* nobody polls the listener */
	CHECK_EQ(enum_events(l, e).lNetworkEvents, FD_ACCEPT);
	event_free(e);
	spi_stop();
}

CASE(R116_closing_a_listener_refuses_what_is_queued)
{
	struct addr at;
	SOCKET l, c[3];

	spi_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	for (int i = 0; i < 3; i++)
		c[i] = socket_queued(l, &at);
	socket_close(l);
	for (int i = 0; i < 3; i++)
		CHECK(outcome(c[i]) != 0);
	CHECK(socket_connect_outcome(c[0], &at) != 0);
	spi_stop();
}
