/* SPDX-License-Identifier: MIT */
/* Options and control codes: R38 to R60. */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

static int try_get(SOCKET s, int name, uint32_t *value)
{
	int err = 0, len = sizeof *value;

	*value = 0;
	if (spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, name, (char *)value, &len,
			&err))
		return err;
	CHECK_EQ(len, 4);
	return 0;
}

/* An option that is needed only if the transport has such a limit. */
static uint32_t limit_of(SOCKET s, int name)
{
	uint32_t value;
	int code = try_get(s, name, &value);

	if (code == WSAENOPROTOOPT)
		return UINT32_MAX;
	CHECK_CODE(code, 0);
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
	struct addr a;
	SOCKET all[7];
	struct pair p, lost;

	spi_start();
	pair_open(&p);
	pair_open(&lost);
	a = test_addr();
	all[0] = socket_new();
	all[1] = socket_bound(&a);
	all[2] = p.listener;
	all[3] = p.client.s;
	all[4] = p.server.s;
	all[5] = socket_connecting(&p.at, NULL);
	end_close(&lost.client);
	end_await_loss(&lost.server);
	all[6] = lost.server.s;
	for (int i = 0; i < 7; i++) {
		uint32_t rdma = limit_of(all[i], SO_MAX_RDMA_SIZE);
		uint32_t threshold = limit_of(all[i], SO_RDMA_THRESHOLD_SIZE);

		CHECK(limit_of(all[i], SO_MAX_MSG_SIZE) >= 256);
		CHECK(rdma > 0);
		if (threshold != UINT32_MAX) /* R41: a hint, optional */
			CHECK(threshold <= rdma);
	}
	pair_close(&p);
	spi_stop();
}

CASE(R42_too_little_room_gives_WSAEFAULT_and_the_size)
{
	char room[4];
	int err = 0, len = 3;
	uint32_t value;
	SOCKET s;

	spi_start();
	s = socket_new();
	if (try_get(s, SO_MAX_MSG_SIZE, &value))
		case_skip("no SO_MAX_MSG_SIZE");
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

CASE(R43_an_unknown_option_gives_WSAENOPROTOOPT)
{
	SOCKET s;

	spi_start();
	s = socket_new();
	no_option(s, SOL_SOCKET, 0x7777, WSAENOPROTOOPT);
	no_option(s, SOL_SOCKET, 0x7fffffff, WSAENOPROTOOPT);
	spi_stop();
}

CASE(R44_an_unknown_level_gives_WSAEINVAL)
{
	SOCKET s;

	spi_start();
	s = socket_new();
	no_option(s, 0x1234, SO_DEBUG, WSAEINVAL);
	no_option(s, -5, SO_MAX_MSG_SIZE, WSAEINVAL);
	spi_stop();
}

CASE(R47_group_options_without_quality_of_service_give_WSAENOPROTOOPT)
{
	uint32_t value;
	SOCKET s;

	spi_start();
	s = socket_new();
	if (try_get(s, SO_GROUP_PRIORITY, &value) == 0)
		case_skip("the provider has quality of service");
	no_option(s, SOL_SOCKET, SO_GROUP_ID, WSAENOPROTOOPT);
	no_option(s, SOL_SOCKET, SO_GROUP_PRIORITY, WSAENOPROTOOPT);
	spi_stop();
}

CASE(R45_NULL_values_give_WSAEFAULT)
{
	char room[4];
	int err = 0, len = 4;
	uint32_t value;
	SOCKET s;

	spi_start();
	s = socket_new();
	if (try_get(s, SO_MAX_MSG_SIZE, &value) == 0) {
		FAILS(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE,
				NULL, &len, &err), WSAEFAULT);
		FAILS(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE,
				room, NULL, &err), WSAEFAULT);
	}
	if (try_get(s, SO_DEBUG, &value) == 0) {
		FAILS(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, NULL, 4,
				&err), WSAEFAULT);
		FAILS(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, room, 3,
				&err), WSAEFAULT);
	}
	CHECK_EQ(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, NULL, 4, NULL),
		SOCKET_ERROR);
	spi_stop();
}

static void set_debug(SOCKET s, BOOL value)
{
	int err = 0;

	OK(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, (char *)&value,
		sizeof value, &err));
}

CASE(R46_SO_DEBUG_reads_back_what_was_set)
{
	uint32_t value;
	SOCKET s;

	spi_start();
	s = socket_new();
	if (try_get(s, SO_DEBUG, &value) == WSAENOPROTOOPT)
		case_skip("no SO_DEBUG");
	CHECK_EQ(value, 0);
	set_debug(s, 1);
	CHECK_CODE(try_get(s, SO_DEBUG, &value), 0);
	CHECK(value != 0);
	set_debug(s, 0);
	CHECK_CODE(try_get(s, SO_DEBUG, &value), 0);
	CHECK_EQ(value, 0);
	spi_stop();
}

/* ---- extension pointers -------------------------------------------- */

static int ask(SOCKET s, const GUID *id, DWORD in, void **out, DWORD room,
	DWORD *bytes)
{
	GUID copy = *id;
	int err = 0;

	return spi.t.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &copy,
		in, out, room, bytes, NULL, NULL, NULL, &err) ? err : 0;
}

CASE(R48_R49_every_extension_is_there_whatever_the_socket)
{
	static const GUID ids[] = {WSAID_REGISTERMEMORY,
		WSAID_DEREGISTERMEMORY, WSAID_REGISTERRDMAMEMORY,
		WSAID_DEREGISTERRDMAMEMORY, WSAID_RDMAWRITE};
	DWORD bytes = 0;
	void *f[2];

	spi_start();
	for (int i = 0; i < 5; i++) {
		f[0] = f[1] = NULL;
		CHECK_CODE(ask(INVALID_SOCKET, &ids[i], 16, &f[0],
				   sizeof f[0], &bytes), 0);
		CHECK(f[0] != NULL);
		CHECK_EQ(bytes, sizeof f[0]);
		CHECK_CODE(ask(0x1234, &ids[i], 16, &f[1], sizeof f[1],
				   &bytes), 0);
		CHECK(f[0] == f[1]);
	}
	spi_stop();
}

/* The optional ones: a pointer, or this code and nothing else. */
static void optional(const GUID *id, const char *name)
{
	DWORD bytes = 77;
	void *f = NULL;
	int code;

	spi_start();
	code = ask(INVALID_SOCKET, id, 16, &f, sizeof f, &bytes);
	if (code == 0)
		case_skip("the provider has %s", name);
	CHECK_CODE(code, WSAEOPNOTSUPP);
	CHECK(f == NULL);
	spi_stop();
}

CASE(R50_without_WSPRdmaRead_its_id_gives_WSAEOPNOTSUPP)
{
	GUID id = WSAID_RDMAREAD;

	optional(&id, "WSPRdmaRead");
}

CASE(R51_without_the_cache_callback_its_id_gives_WSAEOPNOTSUPP)
{
	GUID id = WSAID_MEMORYREGISTRATIONCACHECALLBACK;

	optional(&id, "WSPMemoryRegistrationCacheCallback");
}

CASE(R52_an_unknown_id_is_refused_and_nothing_is_stored)
{
	GUID id = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
	void *out = &id;
	DWORD bytes = 77;
	int code;

	spi_start();
	code = ask(INVALID_SOCKET, &id, 16, &out, sizeof out, &bytes);
	if (code != WSAEINVAL)
		CHECK_CODE(code, WSAEOPNOTSUPP);
	CHECK(out == &id);
	spi_stop();
}

CASE(R53_too_small_buffers_for_an_extension_give_WSAEFAULT)
{
	GUID id = WSAID_RDMAWRITE;
	DWORD code = SIO_GET_EXTENSION_FUNCTION_POINTER, n = 0;
	void *out = NULL;
	int err = 0;

	spi_start();
	CHECK_CODE(ask(INVALID_SOCKET, &id, 15, &out, sizeof out, &n),
		WSAEFAULT);
	CHECK_CODE(ask(INVALID_SOCKET, &id, 0, &out, sizeof out, &n),
		WSAEFAULT);
	CHECK_CODE(ask(INVALID_SOCKET, &id, 16, &out, sizeof out - 1, &n),
		WSAEFAULT);
	FAILS(spi.t.lpWSPIoctl(INVALID_SOCKET, code, NULL, 16, &out,
			sizeof out, &n, NULL, NULL, NULL, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPIoctl(INVALID_SOCKET, code, &id, 16, NULL,
			sizeof out, &n, NULL, NULL, NULL, &err), WSAEFAULT);
	CHECK(out == NULL);
	spi_stop();
}

/* ---- addresses ----------------------------------------------------- */

static int query_into(SOCKET s, void *room, DWORD len, DWORD *bytes)
{
	int err = 0;

	*bytes = 0;
	return spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, room, len,
		bytes, NULL, NULL, NULL, &err) ? err : 0;
}

static SOCKET_ADDRESS_LIST *query(SOCKET s, DWORD *size)
{
	SOCKET_ADDRESS_LIST *list;
	char *room;
	DWORD n;

	CHECK_CODE(query_into(s, NULL, 0, size), WSAEFAULT); /* R54 */
	CHECK(*size >= sizeof(INT));
	room = test_alloc(*size + 64);
	memset(room + *size, 0x55, 64);
	list = (SOCKET_ADDRESS_LIST *)room;
	CHECK_CODE(query_into(s, list, *size - 1, &n), WSAEFAULT);
	CHECK_EQ(n, *size);
	CHECK_CODE(query_into(s, list, *size, &n), 0); /* R55 */
	for (int i = 0; i < 64; i++)
		CHECK_EQ(room[*size + (DWORD)i], 0x55);
	return list;
}

CASE(R54_R55_the_address_list_is_exact_and_inside_the_buffer)
{
	SOCKET_ADDRESS_LIST *l;
	const char *end;
	DWORD size;

	spi_start();
	l = query(socket_new(), &size);
	end = (const char *)l + size;
	for (int i = 0; i < l->iAddressCount; i++) {
		const char *at = (const char *)l->Address[i].lpSockaddr;

		CHECK((const char *)&l->Address[i + 1] <= end);
		CHECK(at > (const char *)l && at + 16 <= end);
	}
	spi_stop();
}

CASE(R56_the_list_has_each_own_address_once)
{
	SOCKET_ADDRESS_LIST *l;
	struct addr one, other;
	DWORD size;

	spi_start();
	l = query(socket_new(), &size);
	for (int i = 0; i < l->iAddressCount; i++) {
		const SOCKET_ADDRESS *a = &l->Address[i];

		CHECK_EQ(a->iSockaddrLength, 16);
		CHECK_EQ(a->lpSockaddr->sa_family, AF_INET);
		CHECK(addr_from_sockaddr(a->lpSockaddr, 16, &one));
		CHECK_EQ(one.port, 0);
		CHECK(os_address_is_local(&one));
		for (int k = 0; k < i; k++) {
			CHECK(addr_from_sockaddr(l->Address[k].lpSockaddr, 16,
				&other));
			CHECK(!addr_same_ip(&one, &other));
		}
	}
	spi_stop();
}

CASE(R31_R56_every_listed_address_can_be_bound)
{
	SOCKET_ADDRESS_LIST *l;
	struct addr a;
	DWORD size;

	spi_start();
	l = query(socket_new(), &size);
	for (int i = 0; i < l->iAddressCount; i++) {
		CHECK(addr_from_sockaddr(l->Address[i].lpSockaddr, 16, &a));
		a.port = test_addr().port;
		socket_close(socket_bound(&a));
	}
	spi_stop();
}

CASE(R58_the_address_list_can_be_asked_for_on_an_unbound_socket)
{
	SOCKET_ADDRESS_LIST *l;
	struct addr a;
	DWORD size;
	SOCKET s;

	spi_start();
	s = socket_new();
	l = query(s, &size);
	CHECK(l->iAddressCount >= 0);
	a = test_addr(); /* and it can still be bound */
	CHECK_CODE(socket_bind(s, &a), 0);
	l = query(s, &size);
	CHECK(l->iAddressCount >= 0);
	spi_stop();
}

/* ---- quality of service -------------------------------------------- */

CASE(R59_control_codes_of_QoS_give_WSAEOPNOTSUPP)
{
	static const DWORD codes[] = {SIO_GET_QOS, SIO_SET_QOS,
		SIO_GET_GROUP_QOS, SIO_SET_GROUP_QOS};
	char room[256] = "";
	DWORD n = 0;
	int err = 0;
	SOCKET s;

	spi_start();
	s = socket_new();
	if (spi.t.lpWSPIoctl(s, SIO_GET_QOS, NULL, 0, room, sizeof room, &n,
			NULL, NULL, NULL, &err) == 0)
		case_skip("the provider has quality of service");
	err = 0;
	for (unsigned i = 0; i < 4; i++)
		FAILS(spi.t.lpWSPIoctl(s, codes[i], room, sizeof room, room,
				sizeof room, &n, NULL, NULL, NULL, &err),
			WSAEOPNOTSUPP);
	spi_stop();
}

CASE(R59_an_unknown_control_code_is_refused)
{
	char room[256] = "";
	DWORD n = 0;
	int err = 0;
	SOCKET s;

	spi_start();
	s = socket_new();
	CHECK_EQ(spi.t.lpWSPIoctl(s, 0x12345678, room, sizeof room, room,
			 sizeof room, &n, NULL, NULL, NULL, &err),
		SOCKET_ERROR);
	if (err != WSAEINVAL)
		CHECK_CODE(err, WSAEOPNOTSUPP);
	spi_stop();
}

CASE(R60_WSPGetQOSByName_says_FALSE_and_WSAEOPNOTSUPP)
{
	WSABUF name = {0, NULL};
	int err = 0;
	SOCKET s;

	spi_start();
	s = socket_new();
	CHECK_EQ(spi.t.lpWSPGetQOSByName(s, &name, NULL, &err), FALSE);
	CHECK_CODE(err, WSAEOPNOTSUPP);
	CHECK_EQ(spi.t.lpWSPGetQOSByName(s, NULL, NULL, NULL), FALSE);
	spi_stop();
}
