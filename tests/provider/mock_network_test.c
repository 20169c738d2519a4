/* SPDX-License-Identifier: MIT */
/* A network that is not there, or goes away: R11, R57, R58, R213. */
#include <string.h>

#include "extensions.h"
#include "mock_transport.h"

CASE(R11_a_network_that_is_not_ready_is_told_and_not_counted)
{
	int err = 0;

	atomic_store(&mock_faults.fail_start, true);
	for (int i = 0; i < 3; i++) /* R8 */
		CHECK_CODE(spi_startup(MAKEWORD(2, 2), NULL), WSASYSNOTREADY);
	atomic_store(&mock_faults.fail_start, false);
	spi_start();
	spi_stop();
	FAILS(spi.t.lpWSPCleanup(&err), WSANOTINITIALISED);
}

/* ---- addresses ----------------------------------------------------- */

static int count_addresses(SOCKET s)
{
	_Alignas(SOCKET_ADDRESS_LIST) char room[4096];
	SOCKET_ADDRESS_LIST list;
	DWORD n = 0;
	int err = 0;

	OK(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, room,
		sizeof room, &n, NULL, NULL, NULL, &err));
	memcpy(&list, room, sizeof list);
	return list.iAddressCount;
}

static SOCKET probe_open(void)
{
	SOCKET s;

	ext_start();
	s = socket_new();
	CHECK(count_addresses(s) > 0);
	return s;
}

static void adapter_goes(SOCKET probe)
{
	atomic_store(&mock_faults.lose_addresses, true);
	CHECK_EQ(count_addresses(probe), 0); /* R58 */
}

static void adapter_comes(SOCKET probe)
{
	atomic_store(&mock_faults.lose_addresses, false);
	CHECK(count_addresses(probe) > 0);
}

CASE(R57_R58_the_list_is_what_is_there_now)
{
	SOCKET probe = probe_open();
	int before = count_addresses(probe);

	for (int i = 0; i < 3; i++) {
		adapter_goes(probe);
		adapter_comes(probe);
		CHECK_EQ(count_addresses(probe), before);
	}
	spi_stop();
}

static bool is_loss(int code)
{
	return code == WSAECONNABORTED || code == WSAECONNRESET;
}

/* R196: at once, and as long as it is open. */
static void expect_lost(struct end *e)
{
	struct request r;

	for (int i = 0; i < 3; i++) {
		CHECK(is_loss(post_send_text(e, 0, "x", &r, POLLED)));
		CHECK(is_loss(post_receive(e, 0, 64, &r, POLLED)));
	}
}

CASE(R213_an_adapter_that_goes_takes_its_connections_along)
{
	SOCKET probe = probe_open();
	struct request polled, notified;
	struct pair busy, idle;

	pair_open(&busy);
	pair_open(&idle);
	must_receive(&busy.client, 0, 64, &polled, POLLED);
	must_receive(&busy.server, 0, 64, &notified, NOTIFIED);
	adapter_goes(probe);
	request_wait(busy.client.s, &polled);
	CHECK(is_loss(polled.error));
	up_wait_completed(1);
	CHECK(is_loss((int)up_completion(0).error));
	expect_lost(&busy.client);
	expect_lost(&idle.server);
	expect_lost(&idle.client);
	adapter_comes(probe);
	expect_lost(&idle.client); /* what is over stays over */
	pair_close(&busy);
	pair_close(&idle);
	pair_open(&idle);
	pair_talk(&idle.client, &idle.server);
	pair_close(&idle);
	spi_stop();
}

CASE(R195_R213_what_had_arrived_before_can_still_be_received)
{
	SOCKET probe = probe_open();
	struct request r;
	struct pair p;

	pair_open(&p);
	send_text(&p.client, "in time");
	adapter_goes(probe);
	expect_text(&p.server, "in time");
	CHECK(is_loss(post_receive(&p.server, 0, 64, &r, POLLED)));
	pair_close(&p);
	spi_stop();
}

/* R180: nothing exposed stays within reach. */
CASE(R180_R213_an_adapter_that_goes_takes_all_access_along)
{
	static char memory[100], local[10];
	SOCKET probe = probe_open();
	struct exposed e;
	struct request r;
	struct pair p;
	WSABUFEX b;
	int err = 0;

	pair_open(&p);
	CHECK_EQ(expose(p.server.s, memory, sizeof memory, MEM_READWRITE, &e),
		0);
	b = (WSABUFEX){sizeof local, local, spi.register_memory(p.client.s,
		local, sizeof local, MEM_READWRITE, &err)};
	memset(local, 'x', sizeof local);
	adapter_goes(probe);
	CHECK(is_loss(post_rdma(RDMA_WRITE, p.client.s, &b, 1, &e, 0, &r,
		POLLED)));
	CHECK_EQ(memory[0], 0);
	CHECK_EQ(conceal(p.server.s, &e), 0); /* R196 */
	pair_close(&p);
	spi_stop();
}

CASE(R213_a_channel_says_so_too)
{
	SOCKET probe = probe_open();
	WSDCHANNEL c = {.cbSize = sizeof c};
	struct pair p;
	int err = 0;

	pair_open(&p);
	OK(ext.open_channel(p.client.s, &c, &err));
	CHECK_EQ(c.Status(c.lpContext, TRUE), 0);
	adapter_goes(probe);
	CHECK(is_loss(c.Status(c.lpContext, FALSE)));
	CHECK(is_loss(c.Send(c.lpContext, NULL, 0, 0)));
	pair_close(&p);
	spi_stop();
}

/* A listener may have its address back. */
CASE(R213_a_listener_stays)
{
	SOCKET probe = probe_open();
	struct pair p;
	SOCKET s;

	pair_open(&p);
	adapter_goes(probe);
	adapter_comes(probe);
	socket_close(p.client.s);
	s = socket_connecting(&p.at, NULL);
	socket_accept(p.listener);
	CHECK_EQ(socket_connect_result(s), 0);
	spi_stop();
}
