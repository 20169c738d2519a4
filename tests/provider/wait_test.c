/* SPDX-License-Identifier: MIT */
/* Wait handles: <openwsd/wsdext.h>. No thread is ever made. */
#include "extensions.h"

static WSDWAITHANDLE handle_of(SOCKET s)
{
	WSDWAITHANDLE h = WSD_NO_WAIT_HANDLE;
	int err = 0;

	OK(ext.wait_handle(s, &h, &err));
	CHECK(h != WSD_NO_WAIT_HANDLE);
	return h;
}

/* Arms until there is nothing new. */
static void arm_quiet(SOCKET s, DWORD interest)
{
	for (int i = 0; i < 10; i++) {
		int code = ext_arm(s, interest);

		if (code == 0)
			return;
		CHECK_CODE(code, WSAEALREADY);
	}
	FAIL("never quiet");
}

CASE(wait_handle_in_wrong_states_gives_WSAEINVAL)
{
	struct addr a;
	WSDWAITHANDLE h;
	SOCKET s;
	int err = 0;

	ext_start();
	s = socket_new();
	FAILS(ext.wait_handle(s, &h, &err), WSAEINVAL);
	CHECK_CODE(ext_arm(s, WSD_IN), WSAEINVAL);
	a = test_addr();
	CHECK_EQ(socket_bind(s, &a), 0);
	FAILS(ext.wait_handle(s, &h, &err), WSAEINVAL);
	FAILS(ext.wait_handle(s, NULL, &err), WSAEFAULT);
	CHECK_CODE(ext_arm(s, WSD_IN), WSAEINVAL);
	CHECK_CODE(ext_arm(s, 0), WSAEINVAL);
	CHECK_CODE(ext_arm(s, 8), WSAEINVAL);
	spi_stop();
}

CASE(a_listeners_handle_is_readable_while_requests_wait)
{
	struct addr at;
	WSDWAITHANDLE h;
	SOCKET l, c;

	ext_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	h = handle_of(l);
	CHECK(!ext_rings(h));
	socket_connect(&at, &c);
	CHECK(os_handle_wait(h, PATIENCE) == ST_OK);
	socket_accept(l);
	CHECK(!ext_rings(h));
	CHECK_EQ(spi_threads(), 0);
	spi_stop();
}

CASE(a_shadowed_listener_has_no_handle)
{
	struct addr at;
	WSDWAITHANDLE h;
	SOCKET l;
	int err = 0;

	ext_start();
	at = test_addr();
	socket_listening(&at, 4);
	l = socket_bound(&at);
	OK(spi.t.lpWSPListen(l, 4, &err));
	FAILS(ext.wait_handle(l, &h, &err), WSAEOPNOTSUPP);
	spi_stop();
}

CASE(a_connecting_sockets_handle_tells_the_outcome)
{
	struct addr at;
	WSDWAITHANDLE h;
	SOCKET l, c;

	ext_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	CHECK_CODE(socket_connect(&at, &c), WSAEWOULDBLOCK);
	h = handle_of(c);
	arm_quiet(c, WSD_IN);
	CHECK(!ext_rings(h));
	socket_accept(l);
	CHECK(os_handle_wait(h, PATIENCE) == ST_OK);
	CHECK_CODE(ext_arm(c, WSD_IN), WSAEALREADY);
	CHECK_EQ(socket_connect_result(c), 0);
	CHECK_EQ(spi_threads(), 0);
	spi_stop();
}

CASE(the_handle_of_a_failed_connect_stays_valid)
{
	struct addr at;
	WSDWAITHANDLE h;
	SOCKET l, c;

	ext_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	CHECK_CODE(socket_connect(&at, &c), WSAEWOULDBLOCK);
	h = handle_of(c);
	arm_quiet(c, WSD_IN);
	ext_reject_next(l);
	CHECK(os_handle_wait(h, PATIENCE) == ST_OK);
	CHECK_CODE(socket_connect_result(c), WSAECONNREFUSED);
	CHECK(os_handle_wait(h, 0) != ST_INVAL);
	CHECK_CODE(socket_connect_to(c, &at), WSAEWOULDBLOCK);
	socket_accept(l);
	CHECK_EQ(socket_connect_result(c), 0);
	spi_stop();
}

CASE(sleeping_for_a_receive)
{
	struct request r;
	struct pair p;
	WSDWAITHANDLE h;

	ext_start();
	pair_open(&p);
	h = handle_of(p.server.s);
	for (int i = 0; i < 100; i++) {
		must_receive(&p.server, 0, 64, &r, POLLED);
		arm_quiet(p.server.s, WSD_IN);
		CHECK(!request_done(p.server.s, &r));
		CHECK(!ext_rings(h));
		send_text(&p.client, "wake up");
		CHECK(os_handle_wait(h, PATIENCE) == ST_OK);
		CHECK_CODE(ext_arm(p.server.s, WSD_IN), WSAEALREADY);
		CHECK(request_done(p.server.s, &r));
	}
	CHECK_EQ(spi_threads(), 0);
	pair_close(&p);
	spi_stop();
}

static void send_slowly(void *arg)
{
	for (int i = 0; i < 500; i++) {
		send_text(arg, "tick");
		if (i % 3 == 0)
			os_sleep(200000);
	}
}

CASE(no_wake_up_is_lost)
{
	struct os_thread t;
	struct request r;
	struct pair p;
	WSDWAITHANDLE h;

	ext_start();
	pair_open(&p);
	h = handle_of(p.server.s);
	CHECK(os_thread_start(&t, "send", send_slowly, &p.client) == ST_OK);
	for (int i = 0; i < 500; i++) {
		must_receive(&p.server, 0, 64, &r, POLLED);
		while (!request_done(p.server.s, &r)) {
			if (ext_arm(p.server.s, WSD_IN) == 0)
				CHECK(os_handle_wait(h, PATIENCE) == ST_OK);
		}
		CHECK_EQ(r.bytes, 4);
	}
	os_thread_join(&t);
	CHECK_EQ(spi_threads(), 0);
	pair_close(&p);
	spi_stop();
}

CASE(sleeping_for_room)
{
	static struct request r[8], got;
	struct pair p;
	WSDWAITHANDLE h;
	unsigned n = 0, sent = 0;

	ext_start();
	pair_open(&p);
	h = handle_of(p.client.s);
	while (n < 8) {
		must_send(&p.client, 0, SLOT_BYTES, &r[n], POLLED);
		sent++;
		if (!request_done(p.client.s, &r[n]))
			n++;
	}
	arm_quiet(p.client.s, WSD_OUT);
	CHECK(!ext_rings(h));
	for (unsigned i = 0; i < sent; i++) {
		must_receive(&p.server, 0, SLOT_BYTES, &got, POLLED);
		while (!request_done(p.server.s, &got)) {
			CHECK(os_handle_wait(h, PATIENCE) == ST_OK);
			ext_arm(p.client.s, WSD_OUT);
		}
	}
	for (unsigned i = 0; i < 8; i++)
		request_expect(p.client.s, &r[i], 0, SLOT_BYTES);
	CHECK_EQ(spi_threads(), 0);
	pair_close(&p);
	spi_stop();
}

CASE(a_handle_is_readable_when_the_peer_has_gone)
{
	struct request r;
	struct pair p;
	WSDWAITHANDLE h;

	ext_start();
	pair_open(&p);
	h = handle_of(p.server.s);
	must_receive(&p.server, 0, 64, &r, POLLED);
	arm_quiet(p.server.s, WSD_IN);
	end_close(&p.client);
	CHECK(os_handle_wait(h, PATIENCE) == ST_OK);
	CHECK_CODE(ext_arm(p.server.s, WSD_IN), WSAEALREADY);
	request_expect(p.server.s, &r, WSAECONNRESET, 0);
	CHECK(ext_rings(h));
	CHECK_CODE(ext_arm(p.server.s, WSD_IN), WSAEALREADY);
	end_close(&p.server);
	spi_stop();
}
