/* SPDX-License-Identifier: MIT */
/* WSPConnect: R70 to R89. */
#include "endpoint.h"

#include <string.h>

static int select_event(SOCKET s, WSAEVENT e, long mask)
{
	int err = 0;

	return spi.t.lpWSPEventSelect(s, e, (LONG)mask, &err) ? err : 0;
}

static SOCKET bound_somewhere(void)
{
	struct addr from = test_addr();

	return socket_bound(&from);
}

/* ---- success ------------------------------------------------------- */

CASE(R70_R71_connect_goes_on_without_us_and_the_event_tells)
{
	SOCKET listener, client;
	WSANETWORKEVENTS got;
	struct addr at;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = bound_somewhere();
	CHECK_CODE(select_event(client, e, FD_CONNECT), 0);
	CHECK_CODE(socket_connect_to(client, &at), WSAEWOULDBLOCK);
	CHECK(!event_wait(e, QUIET)); /* nobody has accepted */
	socket_accept(listener);
	CHECK(event_wait(e, PATIENCE)); /* nobody polls the client */
	got = enum_events(client, e);
	CHECK_EQ(got.lNetworkEvents, FD_CONNECT);
	CHECK_CODE(got.iErrorCode[FD_CONNECT_BIT], 0);
	event_free(e);
	spi_stop();
}

CASE(R70_the_outcome_is_found_by_polling_too)
{
	SOCKET listener, client;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	CHECK_CODE(code, WSAEWOULDBLOCK);
	CHECK_EQ(enum_events(client, NULL).lNetworkEvents, 0);
	socket_accept(listener);
	CHECK_CODE(socket_connect_result(client), 0);
	spi_stop();
}

CASE(R71_a_connected_socket_takes_registrations_and_messages)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p); /* registers on both */
	must_receive(&p.client, 0, 64, &r, POLLED);
	send_text(&p.server, "welcome");
	request_expect(p.client.s, &r, 0, 7);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(R72_what_is_known_at_once_is_returned_or_told_by_the_event)
{
	struct addr from, foreign = addr_v4(0, 0, 0, 0, 4711);
	SOCKET s;
	int code;

	spi_start();
	from = test_addr();
	s = socket_bound(&from);
	code = socket_connect_outcome(s, &foreign);
	CHECK_CODE(code, WSAEADDRNOTAVAIL);
	spi_stop();
}

CASE(R71_R195_accepted_sent_and_closed_before_we_looked_is_a_success)
{
	SOCKET listener, client;
	struct end c, s;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	end_open(&s, socket_accept(listener));
	send_text(&s, "last words");
	end_close(&s);
	socket_expect_connected(client, code);
	end_open(&c, client);
	expect_text(&c, "last words");
	end_await_loss(&c);
	spi_stop();
}

/* ---- wrong states, wrong names ------------------------------------- */

CASE(R73_a_second_connect_while_connecting_gives_WSAEALREADY)
{
	SOCKET client;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	CHECK_CODE(code, WSAEWOULDBLOCK);
	CHECK_CODE(socket_connect_to(client, &at), WSAEALREADY);
	CHECK_CODE(socket_connect_to(client, &at), WSAEALREADY);
	spi_stop();
}

CASE(R74_connect_in_a_wrong_state_has_its_code)
{
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK_CODE(socket_connect_to(p.client.s, &p.at), WSAEISCONN);
	CHECK_CODE(socket_connect_to(p.server.s, &p.at), WSAEISCONN);
	CHECK_CODE(socket_connect_to(p.listener, &p.at), WSAEINVAL);
	pair_talk(&p.client, &p.server);
	spi_stop();
}

CASE(R75_connect_of_an_unbound_socket_gives_WSAEINVAL)
{
	struct addr at;

	spi_start();
	at = test_addr();
	socket_listening(&at, 4);
	CHECK_CODE(socket_connect_to(socket_new(), &at), WSAEINVAL);
	spi_stop();
}

CASE(R76_no_address_or_no_port_gives_WSAEADDRNOTAVAIL)
{
	struct addr nowhere = addr_v4(0, 0, 0, 0, 80), no_port;
	SOCKET s;

	spi_start();
	no_port = test_addr();
	no_port.port = 0;
	s = bound_somewhere();
	CHECK_CODE(socket_connect_outcome(s, &nowhere), WSAEADDRNOTAVAIL);
	CHECK_CODE(socket_connect_outcome(s, &no_port), WSAEADDRNOTAVAIL);
	spi_stop();
}

CASE(R77_a_short_name_gives_WSAEFAULT)
{
	union sockaddr_any name;
	struct addr at;
	SOCKET s;
	int err = 0, len;

	spi_start();
	at = test_addr();
	s = bound_somewhere();
	len = addr_to_sockaddr(&at, &name);
	FAILS(spi.t.lpWSPConnect(s, NULL, len, NULL, NULL, NULL, NULL, &err),
		WSAEFAULT);
	FAILS(spi.t.lpWSPConnect(s, &name.sa, len - 1, NULL, NULL, NULL, NULL,
			&err), WSAEFAULT);
	FAILS(spi.t.lpWSPConnect(s, &name.sa, 1, NULL, NULL, NULL, NULL, &err),
		WSAEFAULT);
	FAILS(spi.t.lpWSPConnect(s, &name.sa, -1, NULL, NULL, NULL, NULL,
			&err), WSAEFAULT);
	spi_stop();
}

CASE(R77_a_name_of_another_family_is_refused)
{
	union sockaddr_any name;
	struct addr at;
	SOCKET s;
	int err = 0, len;

	spi_start();
	at = test_addr();
	s = bound_somewhere();
	len = addr_to_sockaddr(&at, &name);
	name.sa.sa_family = 0x7123;
	CHECK_EQ(spi.t.lpWSPConnect(s, &name.sa, len, NULL, NULL, NULL, NULL,
			 &err), SOCKET_ERROR);
	CHECK(err == WSAEAFNOSUPPORT || err == WSAEFAULT);
	spi_stop();
}

static const char *arriving;

static int CALLBACK sees_data(LPWSABUF id, LPWSABUF data, LPQOS sqos,
	LPQOS gqos, LPWSABUF callee, LPWSABUF callee_data, GROUP *g,
	DWORD_PTR context)
{
	if (!data || data->len != strlen(arriving))
		FAIL("the condition function gets %u bytes of connect data, "
			"expected %u", data ? (unsigned)data->len : 0,
			(unsigned)strlen(arriving));
	CHECK_BYTES(data->buf, arriving, data->len);
	return CF_ACCEPT;
}

static void must_arrive(SOCKET listener, const char *text)
{
	int err = 0;

	arriving = text;
	listener_expect(listener, true);
	CHECK(spi.t.lpWSPAccept(listener, NULL, NULL, sees_data, 0, &err) !=
		INVALID_SOCKET);
}

CASE(R89_connect_data_is_refused_or_sent)
{
	char text[] = "data";
	WSABUF data = {4, text};
	union sockaddr_any name;
	SOCKET s, listener;
	struct addr at;
	int err = 0, len;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	s = bound_somewhere();
	len = addr_to_sockaddr(&at, &name);
	if (spi.t.lpWSPConnect(s, &name.sa, len, &data, NULL, NULL, NULL,
			&err) == 0 || err == WSAEWOULDBLOCK) {
		must_arrive(listener, text);
	} else {
		CHECK(err == WSAEINVAL || err == WSAEPROTONOSUPPORT ||
			err == WSAEOPNOTSUPP);
		CHECK_CODE(socket_try_accept(listener, &s), WSAEWOULDBLOCK);
	}
	spi_stop();
}

/* ---- refusal ------------------------------------------------------- */

static int CALLBACK reject(LPWSABUF id, LPWSABUF data, LPQOS sqos, LPQOS gqos,
	LPWSABUF callee, LPWSABUF callee_data, GROUP *g, DWORD_PTR context)
{
	return CF_REJECT;
}

/* Rejects the request that is on its way. */
static void reject_one(SOCKET listener)
{
	SOCKET none;

	CHECK_CODE(socket_accept_within(PATIENCE, listener, NULL, NULL, reject,
		0, &none), WSAECONNREFUSED); /* R104 */
}

CASE(R78_a_rejected_connect_gives_WSAECONNREFUSED)
{
	SOCKET listener, client;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	CHECK_CODE(code, WSAEWOULDBLOCK);
	reject_one(listener);
	CHECK_CODE(socket_connect_result(client), WSAECONNREFUSED);
	spi_stop();
}

/* BOUND again, section 6. */
CASE(R67_the_outcome_of_a_refused_connect_is_in_its_place)
{
	uint64_t until = os_now() + PATIENCE;
	SOCKET listener, client;
	WSANETWORKEVENTS got;
	struct addr at;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = bound_somewhere();
	if (socket_connect_to(client, &at) != WSAEWOULDBLOCK)
		case_skip("the outcome is known before anybody has accepted");
	reject_one(listener);
	do {
		CHECK(os_now() < until);
		got = enum_events(client, NULL);
	} while (!(got.lNetworkEvents & FD_CONNECT));
	CHECK_CODE(got.iErrorCode[FD_CONNECT_BIT], WSAECONNREFUSED);
	spi_stop();
}

CASE(R78_a_rejected_connect_may_be_tried_again)
{
	SOCKET listener, client;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	reject_one(listener);
	CHECK_CODE(socket_connect_result(client), WSAECONNREFUSED);
	code = socket_connect_to(client, &at);
	socket_accept(listener);
	socket_expect_connected(client, code);
	spi_stop();
}

CASE(R79_a_full_backlog_gives_WSAECONNREFUSED)
{
	SOCKET listener, kept;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 1);
	kept = socket_connecting(&at, &code);
	listener_expect(listener, true);
	CHECK_CODE(socket_connect_outcome(bound_somewhere(), &at),
		WSAECONNREFUSED);
	socket_accept(listener);
	socket_expect_connected(kept, code);
	spi_stop();
}

/* ---- what TCP could still do --------------------------------------- */

CASE(R80_nobody_there_gives_WSAECONNRESET_or_allows_TCP)
{
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	code = socket_connect_outcome(bound_somewhere(), &at);
	if (code != WSAECONNRESET && !code_allows_tcp(code))
		FAIL("WSPConnect to a port where nobody listens: got %s (%d), "
			"expected WSAECONNRESET or a code that allows TCP",
			code_name(code), code);
	spi_stop();
}

static void must_allow_tcp(int code)
{
	if (!code_allows_tcp(code))
		FAIL("WSPConnect: got %s (%d), expected a code that allows "
			"TCP", code_name(code), code);
}

CASE(R81_an_address_that_nobody_has_proven_absent_allows_TCP)
{
	struct addr at = addr_v4(192, 0, 2, 7, 80);
	int code;

	spi_start();
	code = socket_connect_outcome(bound_somewhere(), &at);
	if (code == WSAEHOSTUNREACH)
		FAIL("WSPConnect to 192.0.2.7: got WSAEHOSTUNREACH, which "
			"needs a proof that there is no such host");
	CHECK(code != 0 && code != WSAECONNREFUSED && code != WSAECONNRESET);
	spi_stop();
}

/* A port may be somebody's, who does not listen there. */
static enum status tcp_listening(struct addr *at, intptr_t *out)
{
	enum status st = ST_EXISTS;

	for (int i = 0; i < 100 && st == ST_EXISTS; i++) {
		*at = test_addr();
		st = os_tcp_listen(at, out);
	}
	return st;
}

CASE(R82_R85_a_listener_that_knows_TCP_only_allows_TCP)
{
	intptr_t tcp;
	struct addr at;

	spi_start();
	if (tcp_listening(&at, &tcp) != ST_OK)
		case_skip("TCP cannot listen on the provider's address");
	must_allow_tcp(socket_connect_outcome(bound_somewhere(), &at));
	os_tcp_unlisten(tcp);
	spi_stop();
}

CASE(R83_lack_of_handles_here_allows_TCP)
{
	SOCKET listener, s;
	struct addr at;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 100);
	for (unsigned room = 0; room < 4; room++) {
		int code;

		s = bound_somewhere();
		process_limit_handles(room);
		code = socket_connect_to(s, &at);
		process_limit_handles(1000);
		if (code != 0 && code != WSAEWOULDBLOCK)
			must_allow_tcp(code);
		socket_close(s);
	}
	socket_close(listener);
	spi_stop();
}

CASE(R84_R113_lack_of_resources_there_allows_TCP)
{
	SOCKET listener, client, s;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	listener_expect(listener, true);
	up_fail_create(WSAENOBUFS);
	CHECK_CODE(socket_try_accept(listener, &s), WSAENOBUFS);
	up_fail_create(0);
	must_allow_tcp(socket_connect_result(client));
	spi_stop();
}

CASE(R86_no_answer_gives_WSAETIMEDOUT_in_time)
{
	uint64_t limit = case_seconds() * UINT64_C(800000000), until;
	WSANETWORKEVENTS got;
	SOCKET polled, selected;
	struct addr at;
	WSAEVENT e;
	int code;

	spi_start();
	e = event_new();
	at = test_addr();
	socket_listening(&at, 4);
	polled = socket_connecting(&at, &code);
	CHECK_CODE(code, WSAEWOULDBLOCK);
	selected = bound_somewhere();
	CHECK_CODE(select_event(selected, e, FD_CONNECT), 0);
	CHECK_CODE(socket_connect_to(selected, &at), WSAEWOULDBLOCK);
	if (!event_wait(e, limit))
		case_skip("no outcome in %u s; the provider's time for "
			"connects must be set shorter than that",
			(unsigned)(limit / 1000000000));
	got = enum_events(selected, e);
	CHECK_EQ(got.lNetworkEvents, FD_CONNECT);
	CHECK_CODE(got.iErrorCode[FD_CONNECT_BIT], WSAETIMEDOUT);
	until = os_now() + PATIENCE / 5;
	do
		got = enum_events(polled, NULL);
	while (!got.lNetworkEvents && os_now() < until);
	CHECK_CODE(got.iErrorCode[FD_CONNECT_BIT], WSAETIMEDOUT);
	event_free(e);
	spi_stop();
}

/* ---- the end of an attempt ----------------------------------------- */

CASE(R87_after_a_failed_connect_the_socket_closes_quietly)
{
	struct addr at;
	SOCKET s;

	spi_start();
	at = test_addr();
	s = bound_somewhere();
	CHECK(socket_connect_outcome(s, &at) != 0);
	socket_close(s);
	up_wait_closed();
	CHECK_EQ(up_complete_calls(), 0);
	CHECK_EQ(up_closed(), 1);
	spi_stop();
}

CASE(R88_close_while_connecting_is_prompt_and_never_signals)
{
	SOCKET client, listener;
	uint64_t before;
	struct addr at;
	WSAEVENT e;

	spi_start();
	e = event_new();
	at = test_addr();
	listener = socket_listening(&at, 100);
	for (int i = 0; i < 50; i++) {
		client = bound_somewhere();
		CHECK_CODE(select_event(client, e, FD_CONNECT), 0);
		CHECK_CODE(socket_connect_to(client, &at), WSAEWOULDBLOCK);
		before = os_now();
		socket_close(client);
		CHECK(os_now() - before < PATIENCE / 4);
	}
	socket_close(listener);
	CHECK(!event_wait(e, QUIET));
	event_free(e);
	spi_stop();
}

/* ---- receives before the end of the handshake ---------------------- */

/* False: registering has to wait for the connection (R163). */
static bool early_end(struct end *e, SOCKET s)
{
	static char probe[64];
	int err = 0;

	if (!spi.register_memory(s, probe, sizeof probe, MEM_WRITE, &err)) {
		CHECK_CODE(err, WSAENOTCONN);
		return false;
	}
	end_open(e, s);
	return true;
}

CASE(R122_receives_posted_while_connecting_get_the_first_messages)
{
	SOCKET listener, client;
	struct request r[2];
	struct end c, s;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	if (!early_end(&c, client))
		case_skip("memory can be registered only when connected");
	must_receive(&c, 0, 64, &r[0], POLLED);
	must_receive(&c, 1, 64, &r[1], NOTIFIED);
	end_open(&s, socket_accept(listener));
	send_text(&s, "early");
	send_text(&s, "bird");
	request_expect(client, &r[0], 0, 5);
	up_wait_completed(1);
	CHECK_EQ(up_completion(0).bytes, 4);
	spi_stop();
}

CASE(R122_receives_posted_right_after_accept_get_the_first_messages)
{
	SOCKET listener, client;
	struct request r[2];
	struct end c, s;
	struct addr at;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	end_open(&s, socket_accept(listener));
	must_receive(&s, 0, 64, &r[0], POLLED);
	must_receive(&s, 1, 64, &r[1], POLLED);
	socket_expect_connected(client, code);
	end_open(&c, client);
	send_text(&c, "early");
	send_text(&c, "bird");
	request_expect(s.s, &r[0], 0, 5);
	request_expect(s.s, &r[1], 0, 4);
	spi_stop();
}

CASE(R87_receives_posted_while_connecting_fail_with_the_connect)
{
	SOCKET listener, client;
	struct request r;
	struct addr at;
	struct end c;
	int code;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	client = socket_connecting(&at, &code);
	if (!early_end(&c, client))
		case_skip("memory can be registered only when connected");
	must_receive(&c, 0, 64, &r, POLLED);
	reject_one(listener);
	CHECK_CODE(socket_connect_result(client), WSAECONNREFUSED);
	request_wait(client, &r);
	CHECK(r.error != 0);
	socket_close(client);
	spi_stop();
}
