/* SPDX-License-Identifier: MIT */
/* Options and control codes: R38 to R60. */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

static uint32_t get(SOCKET s, int level, int name)
{
	uint32_t value = 0xdeadbeef;
	int err = 0, len = sizeof value;

	OK(spi.t.lpWSPGetSockOpt(s, level, name, (char *)&value, &len, &err));
	CHECK_EQ(len, 4);
	return value;
}

static void no_option(SOCKET s, int level, int name, int code)
{
	int value = 0, err = 0, len = sizeof value;

	FAILS(spi.t.lpWSPGetSockOpt(s, level, name, (char *)&value, &len,
			&err), code);
	FAILS(spi.t.lpWSPSetSockOpt(s, level, name, (char *)&value, len, &err),
		code);
}

CASE(R38_R39_R40_R41_sizes_can_be_asked_for_in_every_state)
{
	SOCKET all[5];
	struct addr a;
	struct pair p;

	spi_start();
	pair_open(&p);
	a = test_addr(AF_INET);
	all[0] = socket_new(AF_INET);
	all[1] = socket_bound(&a);
	all[2] = p.listener;
	all[3] = p.client.s;
	all[4] = p.server.s;
	for (int i = 0; i < 5; i++) {
		uint32_t rdma = get(all[i], SOL_SOCKET, SO_MAX_RDMA_SIZE);

		CHECK(get(all[i], SOL_SOCKET, SO_MAX_MSG_SIZE) >= 256);
		CHECK(rdma > 0);
		CHECK(get(all[i], SOL_SOCKET, SO_RDMA_THRESHOLD_SIZE) <= rdma);
	}
	pair_close(&p);
	spi_stop();
}

CASE(R42_too_little_room_gives_WSAEFAULT_and_the_size)
{
	char room[4];
	int err = 0, len = 3;
	SOCKET s;

	spi_start();
	s = socket_new(AF_INET);
	memset(room, 0x55, sizeof room);
	FAILS(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE, room, &len,
			&err), WSAEFAULT);
	CHECK_EQ(len, 4);
	CHECK_EQ(room[0], 0x55);
	len = 0;
	FAILS(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE, room, &len,
			&err), WSAEFAULT);
	CHECK_EQ(len, 4);
	OK(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE, room, &len,
		&err));
	spi_stop();
}

CASE(R43_R44_R47_unknown_options_and_levels_have_their_codes)
{
	SOCKET s;

	spi_start();
	s = socket_new(AF_INET);
	no_option(s, SOL_SOCKET, 0x7777, WSAENOPROTOOPT);
	no_option(s, SOL_SOCKET, SO_GROUP_ID, WSAENOPROTOOPT);
	no_option(s, SOL_SOCKET, SO_GROUP_PRIORITY, WSAENOPROTOOPT);
	no_option(s, IPPROTO_TCP, TCP_NODELAY, WSAENOPROTOOPT);
	no_option(s, 0x1234, SO_DEBUG, WSAEINVAL);
	no_option(s, IPPROTO_IPV6, IPV6_V6ONLY, WSAEINVAL);
	spi_stop();
}

CASE(R45_NULL_values_give_WSAEFAULT)
{
	char room[4];
	int err = 0, len = 4;
	SOCKET s;

	spi_start();
	s = socket_new(AF_INET);
	FAILS(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_DEBUG, NULL, &len, &err),
		WSAEFAULT);
	FAILS(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_DEBUG, room, NULL, &err),
		WSAEFAULT);
	FAILS(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, NULL, 4, &err),
		WSAEFAULT);
	FAILS(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, room, 3, &err),
		WSAEFAULT);
	CHECK_EQ(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, NULL, 4, NULL),
		SOCKET_ERROR);
	spi_stop();
}

CASE(R46_SO_DEBUG_reads_back_what_was_set)
{
	int err = 0, on = 1, off = 0;
	SOCKET s;

	spi_start();
	s = socket_new(AF_INET);
	CHECK_EQ(get(s, SOL_SOCKET, SO_DEBUG), 0);
	OK(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, (char *)&on,
		sizeof on, &err));
	CHECK_EQ(get(s, SOL_SOCKET, SO_DEBUG), 1);
	OK(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, (char *)&off,
		sizeof off, &err));
	CHECK_EQ(get(s, SOL_SOCKET, SO_DEBUG), 0);
	spi_stop();
}

CASE(sizes_cannot_be_set)
{
	int err = 0, value = 1;
	SOCKET s;

	spi_start();
	s = socket_new(AF_INET);
	FAILS(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE,
			(char *)&value, sizeof value, &err), WSAENOPROTOOPT);
	spi_stop();
}

/* ---- extension pointers -------------------------------------------- */

CASE(R48_R49_every_extension_is_there_without_a_socket)
{
	WSDCAPABILITIES c = {.cbSize = sizeof c};
	int err = 0;

	spi_start(); /* asks with INVALID_SOCKET, checks the size */
	CHECK(spi.register_memory && spi.deregister_memory);
	CHECK(spi.register_rdma && spi.deregister_rdma && spi.rdma_write);
	CHECK(spi.capabilities && spi.wait_handle && spi.arm);
	CHECK(spi.peer_identity && spi.open_channel);
	OK(spi.capabilities(&c, &err));
	/* R50: the pointer and the capability agree. */
	CHECK_EQ(spi.rdma_read != NULL, (c.dwFlags & WSD_CAP_RDMA_READ) != 0);
	spi_stop();
}

CASE(R52_an_unknown_id_gives_WSAEOPNOTSUPP_and_touches_nothing)
{
	GUID id = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
	void *out = &id;
	DWORD bytes = 77;
	int err = 0;

	spi_start();
	FAILS(spi.t.lpWSPIoctl(0, SIO_GET_EXTENSION_FUNCTION_POINTER, &id,
			sizeof id, &out, sizeof out, &bytes, NULL, NULL, NULL,
			&err), WSAEOPNOTSUPP);
	CHECK(out == &id);
	CHECK_EQ(bytes, 77);
	spi_stop();
}

CASE(R53_too_small_buffers_for_an_extension_give_WSAEFAULT)
{
	GUID id = WSAID_RDMAWRITE;
	DWORD code = SIO_GET_EXTENSION_FUNCTION_POINTER, n = 0;
	void *out = NULL;
	int err = 0;

	spi_start();
	FAILS(spi.t.lpWSPIoctl(0, code, &id, 15, &out, sizeof out, &n, NULL,
			NULL, NULL, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPIoctl(0, code, &id, 16, &out, sizeof out - 1, &n,
			NULL, NULL, NULL, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPIoctl(0, code, NULL, 16, &out, sizeof out, &n, NULL,
			NULL, NULL, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPIoctl(0, code, &id, 16, NULL, sizeof out, &n, NULL,
			NULL, NULL, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPIoctl(0, code, &id, 16, &out, sizeof out, NULL, NULL,
			NULL, NULL, &err), WSAEFAULT);
	CHECK(out == NULL);
	spi_stop();
}

/* ---- addresses ----------------------------------------------------- */

static SOCKET_ADDRESS_LIST *query(SOCKET s, DWORD *size)
{
	SOCKET_ADDRESS_LIST *list;
	DWORD n = 0;
	int err = 0;

	*size = 0;
	FAILS(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, NULL, 0,
			size, NULL, NULL, NULL, &err), WSAEFAULT); /* R54 */
	CHECK(*size >= sizeof(INT));
	list = test_alloc(*size);
	CHECK(list);
	FAILS(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, list,
			*size - 1, &n, NULL, NULL, NULL, &err), WSAEFAULT);
	CHECK_EQ(n, *size);
	OK(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, list, *size,
		&n, NULL, NULL, NULL, &err)); /* R55 */
	CHECK_EQ(n, *size);
	return list;
}

static void check_list(const SOCKET_ADDRESS_LIST *l, DWORD size, int family)
{
	const char *end = (const char *)l + size;
	int len = family == AF_INET ? 16 : 28;

	for (int i = 0; i < l->iAddressCount; i++) {
		const SOCKET_ADDRESS *a = &l->Address[i];
		const char *at = (const char *)a->lpSockaddr;
		struct addr one, other;

		CHECK_EQ(a->iSockaddrLength, len);
		CHECK(at > (const char *)l && at + len <= end);
		CHECK_EQ(a->lpSockaddr->sa_family, family);
		CHECK(addr_from_sockaddr(a->lpSockaddr, len, &one));
		CHECK_EQ(one.port, 0);
		CHECK(os_address_is_local(&one)); /* R56 */
		for (int k = 0; k < i; k++) {
			CHECK(addr_from_sockaddr(l->Address[k].lpSockaddr, len,
				&other));
			CHECK(!addr_same_ip(&one, &other));
		}
	}
}

CASE(R54_R55_R56_R58_the_address_list_is_exact_and_inside_the_buffer)
{
	SOCKET_ADDRESS_LIST *list;
	SOCKET s;
	DWORD size;

	spi_start();
	s = socket_new(AF_INET); /* R58: not bound */
	list = query(s, &size);
	CHECK(list->iAddressCount > 0);
	check_list(list, size, AF_INET);
	test_free(list);
	socket_close(s);
	s = socket_new(AF_INET6);
	list = query(s, &size);
	check_list(list, size, AF_INET6);
	test_free(list);
	spi_stop();
}

CASE(every_listed_address_can_be_bound)
{
	SOCKET_ADDRESS_LIST *list;
	SOCKET s;
	DWORD size;

	spi_start();
	s = socket_new(AF_INET);
	list = query(s, &size);
	for (int i = 0; i < list->iAddressCount; i++) {
		struct addr a;

		CHECK(addr_from_sockaddr(list->Address[i].lpSockaddr,
			list->Address[i].iSockaddrLength, &a));
		a.port = 4711;
		socket_close(socket_bound(&a));
	}
	test_free(list);
	spi_stop();
}

CASE(R58_the_address_list_completes_an_OVERLAPPED_that_is_given)
{
	char room[4096];
	WSAOVERLAPPED ov;
	DWORD n = 0;
	SOCKET s;
	int err = 0;

	spi_start();
	s = socket_new(AF_INET);
	memset(&ov, 0xff, sizeof ov);
	OK(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, room,
		sizeof room, &n, &ov, NULL, NULL, &err));
	CHECK_EQ(ov.InternalHigh, n);
	CHECK_EQ(ov.OffsetHigh, 0);
	CHECK_EQ(up_completed(), 0);
	spi_stop();
}

CASE(R59_R60_quality_of_service_gives_WSAEOPNOTSUPP)
{
	static const DWORD codes[] = {SIO_GET_QOS, SIO_SET_QOS,
		SIO_GET_GROUP_QOS, SIO_SET_GROUP_QOS, 0x12345678, SIO_FLUSH};
	char room[256];
	DWORD n = 0;
	int err = 0;
	SOCKET s;

	spi_start();
	s = socket_new(AF_INET);
	for (unsigned i = 0; i < 6; i++)
		FAILS(spi.t.lpWSPIoctl(s, codes[i], room, sizeof room, room,
				sizeof room, &n, NULL, NULL, NULL, &err),
			WSAEOPNOTSUPP);
	CHECK_EQ(spi.t.lpWSPGetQOSByName(s, NULL, NULL, &err), FALSE);
	CHECK_EQ(err, WSAEOPNOTSUPP);
	CHECK_EQ(spi.t.lpWSPGetQOSByName(s, NULL, NULL, NULL), FALSE);
	spi_stop();
}

/* ---- capabilities -------------------------------------------------- */

CASE(capabilities_fill_what_there_is_room_for)
{
	WSDCAPABILITIES c;
	int err = 0;

	spi_start();
	memset(&c, 0x77, sizeof c);
	c.cbSize = sizeof c;
	OK(spi.capabilities(&c, &err));
	CHECK_EQ(c.cbSize, sizeof c);
	CHECK_EQ(c.dwVersion, WSD_EXTENSION_VERSION);
	CHECK(c.dwFlags & WSD_CAP_CHANNEL);
	CHECK(c.dwMaxMessage >= 256);
	CHECK(c.dwMaxPending >= 16); /* R149 */
	CHECK(memchr(c.szName, 0, sizeof c.szName) && c.szName[0]);
	memset(&c, 0x77, sizeof c);
	c.cbSize = 12;
	OK(spi.capabilities(&c, &err));
	CHECK_EQ(c.cbSize, 12);
	CHECK_EQ(c.dwMaxMessage, 0x77777777);
	c.cbSize = 7;
	FAILS(spi.capabilities(&c, &err), WSAEFAULT);
	FAILS(spi.capabilities(NULL, &err), WSAEFAULT);
	spi_stop();
	c.cbSize = sizeof c;
	FAILS(spi.capabilities(&c, &err), WSANOTINITIALISED);
}
