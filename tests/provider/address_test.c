/* SPDX-License-Identifier: MIT */
/*
 * address_test.c - the address list when addresses come and go: R57, R58, R213.
 *
 * In a network namespace of its own, whose loopback interface is down at first.
 */
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conform/endpoint.h"

/* A root of its own may be needed to have a network of one's own. */
static void leave_the_network(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
		return;
	case_skip("this system gives no network namespace");
}

/* What its adapters are changed with. */
static int own_network(void)
{
	int fd;

	leave_the_network();
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(fd >= 0);
	return fd;
}

static void set_flags(int fd, const char *interface, short flags)
{
	struct ifreq r;

	memset(&r, 0, sizeof r);
	strcpy(r.ifr_name, interface);
	r.ifr_flags = flags;
	CHECK(ioctl(fd, SIOCSIFFLAGS, &r) == 0);
}

static void add_address(int fd, const char *interface, struct addr a)
{
	union sockaddr_any name;
	struct ifreq r;

	memset(&r, 0, sizeof r);
	strcpy(r.ifr_name, interface);
	addr_to_sockaddr(&a, &name);
	memcpy(&r.ifr_addr, &name.sa, sizeof r.ifr_addr);
	CHECK(ioctl(fd, SIOCSIFADDR, &r) == 0);
}

/* What SIO_ADDRESS_LIST_QUERY says now; is `a` among it? */
static bool lists(SOCKET s, const struct addr *a, int count)
{
	char buffer[4096];
	LPSOCKET_ADDRESS_LIST list = (LPSOCKET_ADDRESS_LIST)(void *)buffer;
	struct addr one;
	bool found = false;
	DWORD bytes;
	int err = 0;

	OK(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, buffer,
		sizeof buffer, &bytes, NULL, NULL, NULL, &err));
	CHECK_EQ(list->iAddressCount, count);
	for (int i = 0; i < list->iAddressCount; i++) {
		CHECK(addr_from_sockaddr(list->Address[i].lpSockaddr,
			list->Address[i].iSockaddrLength, &one));
		found |= addr_same_ip(&one, a);
	}
	return found;
}

CASE(R57_R58_the_address_list_follows_the_system)
{
	struct addr loopback = addr_v4(127, 0, 0, 1, 0);
	struct addr more = addr_v4(10, 99, 0, 1, 0);
	SOCKET s;
	int fd;

	fd = own_network();
	spi_start();
	s = socket_new();
	CHECK(!lists(s, &loopback, 0)); /* R58: no adapter */
	set_flags(fd, "lo", IFF_UP);
	CHECK(lists(s, &loopback, 1));
	add_address(fd, "lo:1", more);
	CHECK(lists(s, &more, 2));
	CHECK(lists(s, &loopback, 2));
	set_flags(fd, "lo:1", 0);
	CHECK(!lists(s, &more, 1));
	socket_close(s);
	spi_stop();
	close(fd);
}

CASE(R33_R57_an_address_that_has_gone_cannot_be_bound)
{
	struct addr more = addr_v4(10, 99, 0, 1, 9999);
	SOCKET s;
	int fd;

	fd = own_network();
	set_flags(fd, "lo", IFF_UP);
	spi_start();
	s = socket_new();
	CHECK_CODE(socket_bind(s, &more), WSAEADDRNOTAVAIL);
	add_address(fd, "lo:1", more);
	CHECK_CODE(socket_bind(s, &more), 0);
	socket_close(s);
	set_flags(fd, "lo:1", 0);
	s = socket_new();
	CHECK_CODE(socket_bind(s, &more), WSAEADDRNOTAVAIL);
	socket_close(s);
	spi_stop();
	close(fd);
}

CASE(R213_connections_from_an_address_that_has_gone_end)
{
	struct addr more = addr_v4(10, 99, 0, 1, 9999);
	SOCKET listener, client, server;
	WSAOVERLAPPED o = {.hEvent = (HANDLE)(ULONG_PTR)1};
	WSABUF none = {0, NULL};
	DWORD n, flags = 0;
	int fd, code, err = 0;

	fd = own_network();
	set_flags(fd, "lo", IFF_UP);
	add_address(fd, "lo:1", more);
	spi_start();
	listener = socket_listening(&more, 1);
	CHECK(lists(listener, &more, 2));
	client = socket_connecting(&more, &code);
	server = socket_accept(listener);
	socket_expect_connected(client, code);
	set_flags(fd, "lo:1", 0);
	CHECK(!lists(listener, &more, 1));
	FAILS(spi.t.lpWSPRecv(server, &none, 1, &n, &flags, &o, NULL, NULL,
		&err), WSAECONNABORTED);
	socket_close(server);
	socket_close(client);
	socket_close(listener);
	spi_stop();
	close(fd);
}

/* What the peer sees is a reset; what has nothing to do with it goes on. */
CASE(R213_both_ends_learn_of_it_and_the_others_stay)
{
	struct addr more = addr_v4(10, 99, 0, 1, 9998);
	struct addr home = addr_v4(127, 0, 0, 1, 9997);
	struct pair stays, goes = {.at = more};
	struct request r[2];
	int fd, code;

	fd = own_network();
	set_flags(fd, "lo", IFF_UP);
	add_address(fd, "lo:1", more);
	spi_start();
	pair_open(&stays);
	goes.listener = socket_listening(&goes.at, 1);
	CHECK(lists(goes.listener, &more, 2));
	goes.client.s = socket_bound(&home);
	code = socket_connect_to(goes.client.s, &goes.at);
	end_open(&goes.server, socket_accept(goes.listener));
	socket_expect_connected(goes.client.s, code);
	end_open(&goes.client, goes.client.s);
	must_receive(&goes.server, 0, 64, &r[0], POLLED);
	must_receive(&goes.client, 0, 64, &r[1], NOTIFIED);
	set_flags(fd, "lo:1", 0);
	CHECK(!lists(goes.listener, &more, 1));
	request_expect(goes.server.s, &r[0], WSAECONNABORTED, 0);
	up_wait_completed(1);
	CHECK_CODE(up_completion(0).error, WSAECONNRESET);
	pair_talk(&stays.client, &stays.server);
	pair_close(&goes);
	pair_close(&stays);
	spi_stop();
	close(fd);
}
