/* SPDX-License-Identifier: MIT */
/* Channels: <openwsd/wsdext.h>. */
#include "extensions.h"

#include <string.h>

static int open_channel(SOCKET s, WSDCHANNEL *c)
{
	int err = 0;

	memset(c, 0, sizeof *c);
	c->cbSize = sizeof *c;
	return ext.open_channel(s, c, &err) ? err : 0;
}

static int channel_send(WSDCHANNEL *c, const char *text)
{
	WSABUF b = {(ULONG)strlen(text), (CHAR *)(uintptr_t)text};

	return c->Send(c->lpContext, &b, 1, 0);
}

static void channel_expect(WSDCHANNEL *c, const char *text)
{
	uint64_t until = os_now() + PATIENCE;
	WSABUF m;
	int code;

	while ((code = c->Peek(c->lpContext, &m)) == WSAEWOULDBLOCK)
		CHECK(os_now() < until);
	CHECK_EQ(code, 0);
	CHECK_EQ(m.len, strlen(text));
	CHECK_BYTES(m.buf, text, m.len);
	c->Release(c->lpContext);
}

struct channels {
	struct pair p;
	WSDCHANNEL client, server;
};

static void channels_open(struct channels *c)
{
	pair_open(&c->p);
	CHECK_EQ(open_channel(c->p.client.s, &c->client), 0);
	CHECK_EQ(open_channel(c->p.server.s, &c->server), 0);
}

CASE(channels_carry_messages_both_ways)
{
	struct channels c;

	ext_start();
	channels_open(&c);
	CHECK(c.client.dwMaxMessage >= 256);
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(channel_send(&c.client, "there"), 0);
		channel_expect(&c.server, "there");
		CHECK_EQ(channel_send(&c.server, "and back"), 0);
		channel_expect(&c.client, "and back");
	}
	CHECK_EQ(spi_threads(), 0);
	pair_close(&c.p);
	spi_stop();
}

CASE(a_channel_and_requests_speak_to_each_other)
{
	WSDCHANNEL c;
	struct pair p;

	ext_start();
	pair_open(&p);
	CHECK_EQ(open_channel(p.client.s, &c), 0);
	send_text(&p.server, "from a request");
	channel_expect(&c, "from a request");
	CHECK_EQ(channel_send(&c, "from a channel"), 0);
	expect_text(&p.server, "from a channel");
	pair_close(&p);
	spi_stop();
}

CASE(a_channel_excludes_send_and_recv_and_opens_once)
{
	struct request r;
	WSDCHANNEL c;
	struct pair p;
	int err = 0;

	ext_start();
	pair_open(&p);
	c.cbSize = sizeof c - 1;
	FAILS(ext.open_channel(p.client.s, &c, &err), WSAEFAULT);
	FAILS(ext.open_channel(p.client.s, NULL, &err), WSAEFAULT);
	must_receive(&p.client, 0, 64, &r, POLLED);
	CHECK_CODE(open_channel(p.client.s, &c), WSAEINVAL);
	send_text(&p.server, "x");
	request_expect(p.client.s, &r, 0, 1);
	CHECK_EQ(open_channel(p.client.s, &c), 0);
	CHECK_CODE(open_channel(p.client.s, &c), WSAEINVAL);
	CHECK_CODE(post_receive(&p.client, 0, 64, &r, POLLED), WSAEINVAL);
	CHECK_CODE(post_send_text(&p.client, 0, "x", &r, POLLED), WSAEINVAL);
	CHECK_CODE(ext_arm(p.client.s, WSD_IN), WSAEINVAL);
	CHECK_CODE(open_channel(p.listener, &c), WSAENOTCONN);
	pair_close(&p);
	spi_stop();
}

CASE(a_channel_gathers_many_buffers_and_checks_its_arguments)
{
	enum { N = 300 };
	static char bytes[N * 5];
	WSABUF b[N + 800];
	struct channels c;
	WSABUF m;

	ext_start();
	channels_open(&c);
	pattern(bytes, sizeof bytes, 9);
	for (int i = 0; i < N; i++)
		b[i] = (WSABUF){5, bytes + 5 * i};
	CHECK_EQ(c.client.Send(c.client.lpContext, b, N, 0), 0);
	while (c.server.Peek(c.server.lpContext, &m) == WSAEWOULDBLOCK)
		continue;
	CHECK_EQ(m.len, sizeof bytes);
	check_pattern(m.buf, m.len, 9);
	c.server.Release(c.server.lpContext);
	CHECK_CODE(c.client.Send(c.client.lpContext, b, N + 800, 0), WSAEINVAL);
	CHECK_CODE(c.client.Send(c.client.lpContext, b, 1, 8), WSAEINVAL);
	b[0].len = c.client.dwMaxMessage + 1;
	CHECK_CODE(c.client.Send(c.client.lpContext, b, 1, 0), WSAEMSGSIZE);
	pair_close(&c.p);
	spi_stop();
}

CASE(a_full_channel_says_so_and_keeps_room_for_control_messages)
{
	static char bulk[1024];
	char control[256] = "control";
	struct channels c;
	WSABUF b = {sizeof bulk, bulk}, m;
	unsigned n = 0;
	int code;

	ext_start();
	channels_open(&c);
	while ((code = c.client.Send(c.client.lpContext, &b, 1, 0)) == 0 &&
		n < 1000000)
		n++;
	CHECK_CODE(code, WSAEWOULDBLOCK);
	CHECK_EQ(c.client.Arm(c.client.lpContext, WSD_OUT), 0);
	b = (WSABUF){sizeof control, control};
	CHECK_EQ(c.client.Send(c.client.lpContext, &b, 1, WSD_SEND_RESERVE),
		0);
	for (unsigned i = 0; i < n; i++) {
		CHECK_EQ(c.server.Peek(c.server.lpContext, &m), 0);
		CHECK_EQ(m.len, sizeof bulk);
		c.server.Release(c.server.lpContext);
	}
	CHECK(ext_rings(c.client.hWait));
	CHECK_EQ(c.server.Peek(c.server.lpContext, &m), 0);
	CHECK_BYTES(m.buf, control, sizeof control);
	pair_close(&c.p);
	spi_stop();
}

CASE(a_channels_sleeper_is_woken_and_drains)
{
	struct channels c;
	ULONG64 before;

	ext_start();
	channels_open(&c);
	for (int i = 0; i < 100; i++) {
		before = c.server.Arrivals(c.server.lpContext);
		while (c.server.Arm(c.server.lpContext, WSD_IN) == WSAEALREADY)
			continue;
		CHECK(!ext_rings(c.server.hWait));
		CHECK_EQ(channel_send(&c.client, "ring"), 0);
		CHECK(os_handle_wait(c.server.hWait, PATIENCE) == ST_OK);
		CHECK(c.server.Arrivals(c.server.lpContext) != before);
		CHECK_CODE(c.server.Arm(c.server.lpContext, WSD_IN),
			WSAEALREADY);
		channel_expect(&c.server, "ring");
		CHECK_EQ(c.server.Drain(c.server.lpContext, TRUE), 0);
		CHECK(ext_rings(c.server.hWait));
		CHECK_EQ(c.server.Drain(c.server.lpContext, FALSE), 0);
		CHECK(!ext_rings(c.server.hWait));
		CHECK_CODE(c.server.Drain(c.server.lpContext, FALSE),
			WSAEWOULDBLOCK);
	}
	CHECK_EQ(spi_threads(), 0);
	pair_close(&c.p);
	spi_stop();
}

CASE(a_channel_tells_the_end_after_the_last_message)
{
	struct channels c;
	WSABUF m;
	int code;

	ext_start();
	channels_open(&c);
	CHECK_EQ(c.server.Status(c.server.lpContext, FALSE), 0);
	CHECK_EQ(channel_send(&c.client, "bye"), 0);
	end_close(&c.p.client);
	CHECK_CODE(c.server.Status(c.server.lpContext, TRUE), WSAECONNRESET);
	CHECK_CODE(channel_send(&c.server, "too late"), WSAECONNRESET);
	channel_expect(&c.server, "bye");
	CHECK_CODE(c.server.Peek(c.server.lpContext, &m), WSAECONNRESET);
	CHECK(ext_rings(c.server.hWait));
	while ((code = c.server.Drain(c.server.lpContext, FALSE)) == 0)
		continue; /* its last doorbell */
	CHECK_CODE(code, WSAECONNRESET);
	end_close(&c.p.server);
	spi_stop();
}

static bool early_send(void)
{
	WSDCAPABILITIES c = {.cbSize = sizeof c};
	int err = 0;

	OK(ext.capabilities(&c, &err));
	return c.dwFlags & WSD_CAP_EARLY_SEND;
}

CASE(a_channel_may_be_opened_and_used_while_connecting)
{
	WSDCHANNEL c, s;
	struct addr at;
	SOCKET l, client;

	ext_start();
	if (!early_send())
		case_skip("no early send");
	at = test_addr();
	l = socket_listening(&at, 4);
	CHECK_CODE(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK_EQ(open_channel(client, &c), 0);
	CHECK_CODE(c.Status(c.lpContext, FALSE), WSAEWOULDBLOCK);
	CHECK_EQ(channel_send(&c, "early"), 0);
	CHECK_EQ(open_channel(socket_accept(l), &s), 0);
	channel_expect(&s, "early");
	CHECK_EQ(c.Status(c.lpContext, FALSE), 0);
	CHECK_EQ(channel_send(&s, "hello"), 0);
	channel_expect(&c, "hello");
	CHECK_EQ(spi_threads(), 0);
	spi_stop();
}

CASE(a_channel_of_a_refused_connect_says_so_and_stays_usable)
{
	struct addr at;
	WSDCHANNEL c;
	SOCKET l, client;
	WSABUF m;

	ext_start();
	if (!early_send())
		case_skip("no early send");
	at = test_addr();
	l = socket_listening(&at, 4);
	CHECK_CODE(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK_EQ(open_channel(client, &c), 0);
	ext_reject_next(l);
	CHECK_CODE(socket_connect_result(client), WSAECONNREFUSED);
	CHECK_CODE(c.Status(c.lpContext, TRUE), WSAECONNREFUSED);
	CHECK_CODE(channel_send(&c, "x"), WSAECONNREFUSED);
	CHECK_CODE(c.Peek(c.lpContext, &m), WSAECONNREFUSED);
	CHECK_CODE(socket_connect_to(client, &at), WSAEINVAL);
	socket_close(client);
	spi_stop();
}

CASE(R86_a_channels_status_times_out_too)
{
	struct addr at;
	WSDCHANNEL c;
	SOCKET client;

	process_set("WSD_CONNECT_TIMEOUT_MS", "100");
	ext_start();
	if (!early_send())
		case_skip("no early send");
	at = test_addr();
	socket_listening(&at, 4);
	CHECK_CODE(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK_EQ(open_channel(client, &c), 0);
	CHECK_CODE(c.Status(c.lpContext, FALSE), WSAEWOULDBLOCK);
	os_sleep(150000000);
	CHECK_CODE(c.Status(c.lpContext, FALSE), WSAETIMEDOUT);
	spi_stop();
}

CASE(a_channel_works_on_with_a_handle_of_the_caller)
{
	struct channels c;
	os_handle h, again;

	ext_start();
	channels_open(&c);
	CHECK(os_handle_duplicate(c.server.hWait, &h) == ST_OK);
	c.server.SetWaitHandle(c.server.lpContext, h);
	while (c.server.Arm(c.server.lpContext, WSD_IN) == WSAEALREADY)
		continue;
	CHECK_EQ(channel_send(&c.client, "one"), 0);
	CHECK(os_handle_wait(h, PATIENCE) == ST_OK);
	channel_expect(&c.server, "one");
	CHECK(os_handle_duplicate(h, &again) == ST_OK);
	c.server.SetWaitHandle(c.server.lpContext, again);
	os_handle_close(h);
	CHECK_EQ(channel_send(&c.server, "two"), 0);
	channel_expect(&c.client, "two");
	end_close(&c.p.server);
	CHECK(os_handle_wait(again, 0) != ST_INVAL); /* still the caller's */
	os_handle_close(again);
	CHECK_CODE(c.client.Status(c.client.lpContext, TRUE), WSAECONNRESET);
	end_close(&c.p.client);
	spi_stop();
}

CASE(RDMA_beside_a_channel)
{
	static char local[70000], remote[70000];
	struct channels c;
	struct exposed e;
	struct request r;
	WSABUFEX b;
	WSABUF m;
	int err = 0;

	ext_start();
	if (!spi.rdma_read)
		case_skip("no RDMA read");
	channels_open(&c);
	pattern(remote, sizeof remote, 8);
	b = (WSABUFEX){sizeof local, local,
		spi.register_memory(c.p.client.s, local, sizeof local,
			MEM_WRITE, &err)};
	CHECK_EQ(expose(c.p.server.s, remote, sizeof remote, MEM_READ, &e), 0);
	CHECK_CODE(
		post_rdma(RDMA_READ, c.p.client.s, &b, 1, &e, 0, &r, NOTIFIED),
		WSAEINVAL);
	CHECK_CODE(post_rdma(RDMA_READ, c.p.client.s, &b, 1, &e, 0, &r, POLLED),
		WSA_IO_PENDING);
	while (!request_done(c.p.client.s, &r))
		c.server.Peek(c.server.lpContext, &m); /* serves */
	CHECK_EQ(r.error, 0);
	check_pattern(local, sizeof local, 8);
	CHECK_EQ(channel_send(&c.client, "done"), 0);
	channel_expect(&c.server, "done");
	CHECK_EQ(conceal(c.p.server.s, &e), 0);
	pair_close(&c.p);
	spi_stop();
}

CASE(after_a_fork_both_processes_use_the_channel_and_close_alone)
{
	WSDCAPABILITIES can = {.cbSize = sizeof can};
	struct channels c;
	intptr_t child;
	int err = 0;

	ext_start();
	OK(ext.capabilities(&can, &err));
	if (!(can.dwFlags & WSD_CAP_FORK_SHARED))
		case_skip("not shared by a fork");
	channels_open(&c);
	CHECK_EQ(channel_send(&c.client, "for the child"), 0);
	child = os_fork(case_seconds());
	if (child < 0)
		case_skip("no fork");
	if (child == 0) {
		channel_expect(&c.server, "for the child");
		CHECK_EQ(channel_send(&c.server, "from the child"), 0);
		OK(ext.abandon(c.p.server.s, &err));
		OK(ext.abandon(c.p.client.s, &err));
		pair_close(&c.p);
		os_exit_now(0);
	}
	channel_expect(&c.client, "from the child");
	CHECK_EQ(os_fork_wait(child), 0);
	CHECK_EQ(c.client.Status(c.client.lpContext, TRUE), 0);
	CHECK_EQ(channel_send(&c.client, "still here"), 0);
	channel_expect(&c.server, "still here");
	end_close(&c.p.server);
	CHECK_CODE(c.client.Status(c.client.lpContext, TRUE), WSAECONNRESET);
	spi_stop();
}
