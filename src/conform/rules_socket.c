/* SPDX-License-Identifier: MIT */
/* WSPSocket, WSPBind and descriptors: R23 to R37, R137, R189. */
#include "endpoint.h"

#include <string.h>

static SOCKET make(int af, int type, int protocol, GROUP g, DWORD flags,
	int *err)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();

	return spi.t.lpWSPSocket(af, type, protocol, &info, g, flags, err);
}

/* `other` may be given as well; 0: there is no other. */
static void refused(int af, int type, int protocol, int code, int other)
{
	DWORD f = WSA_FLAG_OVERLAPPED;
	int err = 0;

	CHECK(make(af, type, protocol, 0, f, &err) == INVALID_SOCKET);
	if (err != other)
		CHECK_CODE(err, code);
	CHECK(make(af, type, protocol, 0, f, NULL) == INVALID_SOCKET);
	CHECK_EQ(up_closed(), up_created());
}

CASE(R23_a_new_socket_makes_one_switch_handle)
{
	int err = 0;
	SOCKET s;

	spi_start();
	s = make(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, WSA_FLAG_OVERLAPPED,
		&err);
	CHECK(s != INVALID_SOCKET);
	CHECK_EQ(up_created(), 1);
	CHECK_EQ(up_closed(), 0);
	socket_close(s);
	up_wait_closed();
	CHECK_EQ(up_closed(), 1);
	spi_stop();
}

CASE(R24_descriptors_of_open_sockets_differ)
{
	enum { N = 300 };
	static SOCKET s[N];

	spi_start();
	for (int i = 0; i < N; i++)
		s[i] = socket_new();
	for (int i = 0; i < N; i++)
		for (int k = 0; k < i; k++)
			CHECK(s[i] != s[k]);
	for (int i = 0; i < N; i++)
		socket_close(s[i]);
	spi_stop();
}

CASE(R25_a_wrong_family_gives_WSAEAFNOSUPPORT)
{
	spi_start();
	refused(0x7123, SOCK_STREAM, IPPROTO_TCP, WSAEAFNOSUPPORT, 0);
	refused(AF_UNIX, SOCK_STREAM, IPPROTO_TCP, WSAEAFNOSUPPORT, 0);
	spi_stop();
}

CASE(R26_a_wrong_type_gives_WSAESOCKTNOSUPPORT_or_WSAEPROTOTYPE)
{
	spi_start();
	refused(AF_INET, SOCK_DGRAM, IPPROTO_TCP, WSAESOCKTNOSUPPORT,
		WSAEPROTOTYPE);
	refused(AF_INET, SOCK_RAW, IPPROTO_TCP, WSAESOCKTNOSUPPORT,
		WSAEPROTOTYPE);
	spi_stop();
}

CASE(R27_a_wrong_protocol_gives_WSAEPROTONOSUPPORT)
{
	spi_start();
	refused(AF_INET, SOCK_STREAM, IPPROTO_UDP, WSAEPROTONOSUPPORT, 0);
	refused(AF_INET, SOCK_STREAM, 0x777, WSAEPROTONOSUPPORT, 0);
	spi_stop();
}

CASE(R28_failing_WPUCreateSocketHandle_is_passed_on_and_leaks_nothing)
{
	unsigned before;
	int err = 0;

	spi_start();
	socket_close(socket_new());
	before = os_handle_count();
	up_fail_create(WSAENOBUFS);
	for (int i = 0; i < 100; i++) {
		CHECK(socket_try_new(&err) == INVALID_SOCKET);
		CHECK_CODE(err, WSAENOBUFS);
	}
	up_fail_create(WSAEMFILE);
	CHECK(socket_try_new(&err) == INVALID_SOCKET);
	CHECK_CODE(err, WSAEMFILE);
	CHECK_EQ(os_handle_count(), before);
	up_fail_create(0);
	socket_close(socket_new());
	CHECK_EQ(up_created(), 2);
	spi_stop();
}

/* Where a new socket takes a handle of the system. */
CASE(R29_lack_of_handles_is_an_error_and_passes)
{
	enum { N = 64 };
	SOCKET s[N];
	int err = 0;
	unsigned n;

	spi_start();
	process_limit_handles(0);
	for (n = 0; n < N; n++) {
		s[n] = socket_try_new(&err);
		if (s[n] == INVALID_SOCKET)
			break;
	}
	process_limit_handles(100);
	if (n == N)
		case_skip("a socket needs no handle of the system");
	CHECK(err == WSAENOBUFS || err == WSAEMFILE);
	while (n > 0)
		socket_close(s[--n]);
	socket_close(socket_new());
	spi_stop();
}

CASE(R30_upcalls_pass_the_switch_handle_of_their_socket)
{
	struct request r[4];
	struct pair a, b;

	spi_start(); /* the recorder compares */
	pair_open(&a);
	pair_open(&b);
	must_receive(&a.server, 0, 64, &r[0], NOTIFIED);
	must_receive(&b.server, 0, 64, &r[1], NOTIFIED);
	must_send_text(&a.client, 0, "a", &r[2], NOTIFIED);
	must_send_text(&b.client, 0, "b", &r[3], NOTIFIED);
	up_wait_completed(4);
	CHECK(up_completion(0).handle != up_completion(1).handle ||
		up_completion(1).handle != up_completion(2).handle);
	pair_close(&a);
	pair_close(&b);
	spi_stop();
}

CASE(R31_R32_bind_to_own_and_to_wildcard_address)
{
	struct addr a, any;

	spi_start();
	a = test_addr();
	any = addr_any(4, a.port);
	socket_close(socket_bound(&a));
	socket_close(socket_bound(&any));
	spi_stop();
}

CASE(R33_bind_to_a_foreign_address_gives_WSAEADDRNOTAVAIL)
{
	struct addr foreign = addr_v4(192, 0, 2, 1, 4711);
	struct addr own;
	SOCKET s;

	spi_start();
	s = socket_new();
	CHECK_CODE(socket_bind(s, &foreign), WSAEADDRNOTAVAIL);
	own = test_addr(); /* the socket is as before */
	CHECK_CODE(socket_bind(s, &own), 0);
	socket_close(s);
	spi_stop();
}

CASE(R34_second_bind_gives_WSAEINVAL)
{
	struct addr a, other;
	SOCKET s;

	spi_start();
	a = test_addr();
	other = test_addr();
	s = socket_bound(&a);
	CHECK_CODE(socket_bind(s, &a), WSAEINVAL);
	CHECK_CODE(socket_bind(s, &other), WSAEINVAL);
	socket_close(s);
	spi_stop();
}

CASE(R35_bind_with_a_bad_name_gives_WSAEFAULT)
{
	union sockaddr_any name;
	struct addr a;
	SOCKET s;
	int err = 0, len;

	spi_start();
	a = test_addr();
	s = socket_new();
	len = addr_to_sockaddr(&a, &name);
	FAILS(spi.t.lpWSPBind(s, NULL, len, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPBind(s, &name.sa, len - 1, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPBind(s, &name.sa, 0, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPBind(s, &name.sa, -1, &err), WSAEFAULT);
	name.sa.sa_family = AF_INET6;
	FAILS(spi.t.lpWSPBind(s, &name.sa, len, &err), WSAEFAULT);
	name.sa.sa_family = 0x7123;
	FAILS(spi.t.lpWSPBind(s, &name.sa, len, &err), WSAEFAULT);
	CHECK_EQ(spi.t.lpWSPBind(s, NULL, 0, NULL), SOCKET_ERROR);
	CHECK_CODE(socket_bind(s, &a), 0);
	socket_close(s);
	spi_stop();
}

CASE(R36_the_same_address_can_be_bound_and_offered_again)
{
	struct addr a;
	SOCKET s[4];
	int err = 0;

	spi_start();
	a = test_addr();
	for (int i = 0; i < 4; i++)
		s[i] = socket_bound(&a);
	for (int i = 0; i < 3; i++)
		OK(spi.t.lpWSPListen(s[i], 5, &err));
	for (int i = 0; i < 4; i++)
		socket_close(s[i]);
	spi_stop();
}

/* ---- bad descriptors ----------------------------------------------- */

static void calls_with_socket(SOCKET s)
{
	WSANETWORKEVENTS events;
	WSAPROTOCOL_INFOW info;
	union sockaddr_any name;
	struct addr a = test_addr();
	int err = 0, value = 0, len = sizeof value;
	int size = addr_to_sockaddr(&a, &name);
	char room[256];
	DWORD n = 0;

	FAILS(spi.t.lpWSPBind(s, &name.sa, size, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPListen(s, 1, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPConnect(s, &name.sa, size, NULL, NULL, NULL, NULL,
			&err), WSAENOTSOCK);
	CHECK(spi.t.lpWSPAccept(s, NULL, NULL, NULL, 0, &err) ==
		INVALID_SOCKET);
	CHECK_CODE(err, WSAENOTSOCK);
	err = 0;
	FAILS(spi.t.lpWSPCloseSocket(s, &err), WSAENOTSOCK);
	CHECK_EQ(spi.t.lpWSPCloseSocket(s, NULL), SOCKET_ERROR);
	FAILS(spi.t.lpWSPEventSelect(s, NULL, 0, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPEnumNetworkEvents(s, NULL, &events, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE,
			(char *)&value, &len, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, (char *)&value,
			len, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, room,
			sizeof room, &n, NULL, NULL, NULL, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPDuplicateSocket(s, 1, &info, &err), WSAENOTSOCK);
	/* R137: BOOL functions say FALSE. */
	CHECK_EQ(spi.t.lpWSPGetQOSByName(s, NULL, NULL, &err), FALSE);
}

static void data_calls(SOCKET s)
{
	char memory[64];
	WSABUF b = {sizeof memory, memory};
	WSABUFEX bx = {sizeof memory, memory, NULL};
	DWORD n = 0, flags = 0, len = sizeof memory;
	struct request r;
	int err = 0;

	request_init(&r, POLLED);
	FAILS(spi.t.lpWSPSend(s, &b, 1, &n, 0, &r.ov, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPRecv(s, &b, 1, &n, &flags, &r.ov, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.rdma_write(s, &bx, 1, memory, 24, 0, &n, 0, &r.ov, NULL,
			NULL, &err), WSAENOTSOCK);
	if (spi.rdma_read)
		FAILS(spi.rdma_read(s, &bx, 1, memory, 24, 0, &n, 0, &r.ov,
				NULL, NULL, &err), WSAENOTSOCK);
	CHECK(spi.register_memory(s, memory, 4, MEM_READ, &err) == NULL);
	CHECK_CODE(err, WSAENOTSOCK);
	err = 0;
	FAILS(spi.register_rdma(s, memory, 4, MEM_READ, memory, &len, &err),
		WSAENOTSOCK);
	/* Pages that name WSAEINVAL only; WinOFED gave WSAENOTSOCK. */
	CHECK_EQ(spi.deregister_memory(s, memory, &err), SOCKET_ERROR);
	CHECK(err == WSAENOTSOCK || err == WSAEINVAL);
	CHECK_EQ(spi.deregister_rdma(s, memory, 24, &err), SOCKET_ERROR);
	CHECK(err == WSAENOTSOCK || err == WSAEINVAL);
}

static void no_result(SOCKET s)
{
	struct request r;
	DWORD n = 0x77, flags = 0;
	int err = 0;

	request_init(&r, POLLED);
	r.ov.Internal = 0;
	CHECK_EQ(spi.t.lpWSPGetOverlappedResult(s, &r.ov, &n, FALSE, &flags,
			 &err), FALSE);
	CHECK_CODE(err, WSAENOTSOCK);
	CHECK_EQ(spi.t.lpWSPGetOverlappedResult(s, &r.ov, &n, FALSE, &flags,
			 NULL), FALSE);
	CHECK_EQ(n, 0x77);
}

CASE(R137_no_result_of_what_is_no_socket)
{
	SOCKET closed;

	spi_start();
	closed = socket_new();
	socket_close(closed);
	no_result(INVALID_SOCKET);
	no_result(closed);
	no_result(0x12345);
	spi_stop();
}

CASE(R189_calls_on_what_is_no_socket_give_WSAENOTSOCK)
{
	SOCKET closed, open;

	spi_start();
	open = socket_new();
	closed = socket_new();
	socket_close(closed);
	calls_with_socket(INVALID_SOCKET);
	calls_with_socket(closed);
	calls_with_socket(open ^ (SOCKET)1 << 30);
	data_calls(INVALID_SOCKET);
	data_calls(closed);
	data_calls(open ^ (SOCKET)1 << 30);
	socket_close(open);
	spi_stop();
}

/* Which error wins when the arguments are bad as well. */
CASE(R189_a_bad_socket_wins_over_bad_arguments)
{
	WSANETWORKEVENTS events;
	int err = 0, len = 0;
	DWORD n = 0;
	SOCKET s;

	spi_start();
	s = socket_new();
	socket_close(s);
	FAILS(spi.t.lpWSPBind(s, NULL, 0, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPConnect(s, NULL, 0, NULL, NULL, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPEventSelect(s, NULL, FD_READ, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPEnumNetworkEvents(s, (WSAEVENT)&events, &events,
			&err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPGetSockOpt(s, 0x1234, 0x7777, NULL, &len, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPSetSockOpt(s, 0x1234, 0x7777, NULL, 0, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, NULL, 0,
			&n, NULL, NULL, NULL, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPIoctl(s, 0x12345678, NULL, 0, NULL, 0, &n, NULL,
			NULL, NULL, &err), WSAENOTSOCK);
	CHECK(spi.register_memory(s, NULL, 0, 99, &err) == NULL);
	CHECK_CODE(err, WSAENOTSOCK);
	spi_stop();
}

/* Which socket comes before everything else. */
static void calls_with_NULL(SOCKET s)
{
	DWORD n = 0;
	int err = 0;

	FAILS(spi.t.lpWSPBind(s, NULL, 0, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPConnect(s, NULL, 0, NULL, NULL, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPEnumNetworkEvents(s, NULL, NULL, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPGetSockOpt(s, 0, 0, NULL, NULL, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPSetSockOpt(s, 0, 0, NULL, 0, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, NULL, 0, &n,
			NULL, NULL, NULL, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPSend(s, NULL, 0, NULL, 0, NULL, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPRecv(s, NULL, 0, NULL, NULL, NULL, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPDuplicateSocket(s, 0, NULL, &err), WSAENOTSOCK);
	FAILS(spi.rdma_write(s, NULL, 0, NULL, 0, 0, NULL, 0, NULL, NULL, NULL,
			&err), WSAENOTSOCK);
	FAILS(spi.register_rdma(s, NULL, 0, 0, NULL, NULL, &err), WSAENOTSOCK);
	CHECK(!spi.register_memory(s, NULL, 0, 0, &err));
	CHECK_CODE(err, WSAENOTSOCK);
}

CASE(R189_bad_arguments_do_not_hide_that_there_is_no_socket)
{
	SOCKET closed;

	spi_start();
	closed = socket_new();
	socket_close(closed);
	calls_with_NULL(INVALID_SOCKET);
	calls_with_NULL(closed);
	spi_stop();
}

CASE(R189_calls_on_a_closed_connection_give_WSAENOTSOCK)
{
	struct pair p;

	spi_start();
	pair_open(&p);
	pair_close(&p);
	calls_with_socket(p.listener);
	calls_with_socket(p.client.s);
	data_calls(p.client.s);
	data_calls(p.server.s);
	spi_stop();
}

CASE(R189_random_values_and_slots_used_again_are_no_sockets)
{
	SOCKET s, old[64];
	int err = 0;

	spi_start();
	for (int i = 0; i < 64; i++) {
		old[i] = socket_new();
		socket_close(old[i]);
	}
	s = socket_new();
	for (int i = 0; i < 64; i++)
		if (old[i] != s)
			FAILS(spi.t.lpWSPCloseSocket(old[i], &err),
				WSAENOTSOCK);
	for (int i = 0; i < 20000; i++) {
		SOCKET r;

		CHECK(os_random(&r, sizeof r) == ST_OK);
		if (r != s)
			FAILS(spi.t.lpWSPCloseSocket(r, &err), WSAENOTSOCK);
	}
	socket_close(s);
	spi_stop();
}

/* ---- several threads ----------------------------------------------- */

static void open_and_close(void *arg)
{
	for (int i = 0; i < 300; i++)
		socket_close(socket_new());
}

CASE(R211_sockets_opened_and_closed_by_several_threads)
{
	spi_start();
	threads_run(8, open_and_close, NULL);
	spi_stop();
}

static SOCKET contested;
static _Atomic unsigned closers;

static void close_it(void *arg)
{
	int err = 0;

	if (spi.t.lpWSPCloseSocket(contested, &err) == 0)
		atomic_fetch_add(&closers, 1);
	else
		CHECK_CODE(err, WSAENOTSOCK);
}

CASE(R193_R211_of_several_closing_threads_one_succeeds)
{
	spi_start();
	for (unsigned i = 1; i <= 200; i++) {
		contested = socket_new();
		threads_run(4, close_it, NULL);
		CHECK_EQ(closers, i);
	}
	spi_stop();
}
