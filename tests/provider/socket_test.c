/* SPDX-License-Identifier: MIT */
/* WSPSocket, WSPBind and descriptors: R23 to R37, R189. */
#include "endpoint.h"

#include <string.h>

static SOCKET make(int af, int type, int protocol, GROUP g, DWORD flags,
	int *err)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();

	return spi.t.lpWSPSocket(af, type, protocol, &info, g, flags, err);
}

static void refused(int af, int type, int protocol, GROUP g, DWORD flags,
	int code)
{
	int err = 0;

	CHECK(make(af, type, protocol, g, flags, &err) == INVALID_SOCKET);
	CHECK_EQ(err, code);
	CHECK(make(af, type, protocol, g, flags, NULL) == INVALID_SOCKET);
	CHECK_EQ(up_created(), 0);
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
	CHECK_EQ(up_last_context(), s);
	socket_close(s);
	CHECK_EQ(up_closed(), 1);
	spi_stop();
}

CASE(R23_FROM_PROTOCOL_INFO_takes_the_numbers_of_the_entry)
{
	int err = 0;
	SOCKET s;

	spi_start();
	s = make(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, 0,
		WSA_FLAG_OVERLAPPED, &err);
	CHECK(s != INVALID_SOCKET);
	socket_close(s);
	spi_stop();
}

CASE(R24_descriptors_of_open_sockets_differ)
{
	enum { N = 3000 };
	static SOCKET s[N];

	spi_start();
	for (int i = 0; i < N; i++) {
		s[i] = socket_new(AF_INET);
		CHECK(s[i] != INVALID_SOCKET && s[i] != 0);
	}
	for (int i = 0; i < N; i += 17)
		for (int k = 0; k < i; k++)
			CHECK(s[i] != s[k]);
	for (int i = 0; i < N; i++)
		socket_close(s[i]);
	spi_stop();
}

CASE(R25_R26_R27_wrong_family_type_and_protocol_have_their_codes)
{
	DWORD f = WSA_FLAG_OVERLAPPED;

	spi_start();
	refused(AF_UNIX, SOCK_STREAM, IPPROTO_TCP, 0, f, WSAEAFNOSUPPORT);
	refused(AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, 0, f, WSAEAFNOSUPPORT);
	refused(AF_INET, SOCK_DGRAM, IPPROTO_TCP, 0, f, WSAESOCKTNOSUPPORT);
	refused(AF_INET, SOCK_STREAM, IPPROTO_UDP, 0, f, WSAEPROTONOSUPPORT);
	refused(AF_INET, SOCK_STREAM, IPPROTO_TCP, 1, f, WSAEINVAL);
	refused(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, 0, WSAEINVAL);
	refused(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0,
		f | WSA_FLAG_MULTIPOINT_C_ROOT, WSAEINVAL);
	spi_stop();
}

CASE(R28_failing_WPUCreateSocketHandle_is_passed_on_and_leaks_nothing)
{
	int err = 0;

	spi_start();
	up_fail_create(WSAENOBUFS);
	for (int i = 0; i < 100; i++) {
		CHECK(make(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0,
			      WSA_FLAG_OVERLAPPED, &err) == INVALID_SOCKET);
		CHECK_EQ(err, WSAENOBUFS);
	}
	up_fail_create(WSAEMFILE);
	CHECK(make(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, WSA_FLAG_OVERLAPPED,
		      &err) == INVALID_SOCKET);
	CHECK_EQ(err, WSAEMFILE);
	up_fail_create(0);
	socket_close(socket_new(AF_INET));
	CHECK_EQ(up_created(), 1);
	CHECK_EQ(up_closed(), 1);
	spi_stop();
}

CASE(R31_R32_bind_to_own_and_to_wildcard_address)
{
	struct addr a, any;

	spi_start();
	a = test_addr(AF_INET);
	any = addr_any(4, a.port);
	socket_close(socket_bound(&a));
	socket_close(socket_bound(&any));
	a = addr_v4(127, 9, 8, 7, a.port); /* all of 127/8 is ours */
	socket_close(socket_bound(&a));
	spi_stop();
}

CASE(R33_bind_to_a_foreign_address_gives_WSAEADDRNOTAVAIL)
{
	struct addr foreign = addr_v4(192, 0, 2, 1, 4711);
	struct addr own;
	SOCKET s;

	spi_start();
	s = socket_new(AF_INET);
	CHECK_EQ(socket_bind(s, &foreign), WSAEADDRNOTAVAIL);
	own = test_addr(AF_INET); /* the socket is as before */
	CHECK_EQ(socket_bind(s, &own), 0);
	socket_close(s);
	spi_stop();
}

CASE(R34_second_bind_gives_WSAEINVAL)
{
	struct addr a;
	SOCKET s;

	spi_start();
	a = test_addr(AF_INET);
	s = socket_bound(&a);
	CHECK_EQ(socket_bind(s, &a), WSAEINVAL);
	socket_close(s);
	spi_stop();
}

CASE(R35_bind_with_a_bad_name_gives_WSAEFAULT)
{
	union sockaddr_any name;
	struct addr a, six;
	SOCKET s;
	int err = 0, len;

	spi_start();
	a = test_addr(AF_INET);
	six = test_addr(AF_INET6);
	s = socket_new(AF_INET);
	len = addr_to_sockaddr(&a, &name);
	FAILS(spi.t.lpWSPBind(s, NULL, len, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPBind(s, &name.sa, len - 1, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPBind(s, &name.sa, 0, &err), WSAEFAULT);
	FAILS(spi.t.lpWSPBind(s, &name.sa, -1, &err), WSAEFAULT);
	name.sa.sa_family = AF_INET6;
	FAILS(spi.t.lpWSPBind(s, &name.sa, len, &err), WSAEFAULT);
	CHECK_EQ(socket_bind(s, &six), WSAEFAULT);
	CHECK_EQ(spi.t.lpWSPBind(s, NULL, 0, NULL), SOCKET_ERROR);
	CHECK_EQ(socket_bind(s, &a), 0);
	socket_close(s);
	spi_stop();
}

CASE(R36_the_same_address_can_be_bound_and_offered_again)
{
	struct addr a;
	SOCKET s[4];
	int err = 0;

	spi_start();
	a = test_addr(AF_INET);
	for (int i = 0; i < 4; i++)
		s[i] = socket_bound(&a);
	for (int i = 0; i < 3; i++)
		OK(spi.t.lpWSPListen(s[i], 5, &err));
	for (int i = 0; i < 4; i++)
		socket_close(s[i]);
	spi_stop();
}

CASE(inet6_sockets_bind_and_talk)
{
	struct pair p;

	spi_start();
	pair_open_family(&p, AF_INET6);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(inet6_wildcard_serves_inet_unless_only_v6)
{
	struct addr any, four;
	SOCKET both, six, c;
	int on = 1, err = 0;

	spi_start();
	four = test_addr(AF_INET);
	any = addr_any(6, four.port);
	both = socket_listening(&any, 4);
	four.port = any.port;
	CHECK_EQ(socket_connect(&four, &c), WSAEWOULDBLOCK);
	socket_close(c);
	socket_close(both);

	four = test_addr(AF_INET);
	any.port = four.port;
	six = socket_bound(&any);
	OK(spi.t.lpWSPSetSockOpt(six, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&on,
		sizeof on, &err));
	OK(spi.t.lpWSPListen(six, 4, &err));
	CHECK_EQ(socket_connect(&four, &c), WSAETIMEDOUT);
	socket_close(c);
	socket_close(six);
	spi_stop();
}

/* ---- bad descriptors ----------------------------------------------- */

static void is_no_socket(SOCKET s)
{
	WSANETWORKEVENTS events;
	WSDWAITHANDLE h;
	WSDCHANNEL channel = {.cbSize = sizeof channel};
	WSDPEER peer = {.cbSize = sizeof peer};
	WSAPROTOCOL_INFOW info;
	WSAOVERLAPPED ov;
	WSABUF b = {0, NULL};
	WSABUFEX bx = {0, NULL, NULL};
	DWORD n = 0;
	int err = 0, value = 0, len = sizeof value;

	memset(&ov, 0, sizeof ov);
	FAILS(spi.t.lpWSPBind(s, NULL, 0, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPListen(s, 1, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPConnect(s, NULL, 0, NULL, NULL, NULL, NULL, &err),
		WSAENOTSOCK);
	CHECK(spi.t.lpWSPAccept(s, NULL, NULL, NULL, 0, &err) ==
		INVALID_SOCKET);
	CHECK_EQ(err, WSAENOTSOCK);
	err = 0;
	FAILS(spi.t.lpWSPCloseSocket(s, &err), WSAENOTSOCK);
	CHECK_EQ(spi.t.lpWSPCloseSocket(s, NULL), SOCKET_ERROR);
	FAILS(spi.t.lpWSPEventSelect(s, NULL, 0, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPEnumNetworkEvents(s, NULL, &events, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_DEBUG, (char *)&value,
			&len, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, (char *)&value,
			len, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, NULL, 0, &n,
			NULL, NULL, NULL, &err), WSAENOTSOCK);
	FAILS(spi.t.lpWSPSend(s, &b, 1, &n, 0, &ov, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPRecv(s, &b, 1, &n, &n, &ov, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.t.lpWSPDuplicateSocket(s, 1, &info, &err), WSAENOTSOCK);
	/* R137: BOOL functions say FALSE. */
	CHECK_EQ(spi.t.lpWSPGetOverlappedResult(s, &ov, &n, FALSE, &n, &err),
		FALSE);
	CHECK_EQ(err, WSAENOTSOCK);
	err = 0;
	CHECK_EQ(spi.t.lpWSPGetQOSByName(s, NULL, NULL, &err), FALSE);
	CHECK_EQ(err, WSAENOTSOCK);
	err = 0;
	CHECK(spi.register_memory(s, &n, 4, MEM_READ, &err) == NULL);
	CHECK_EQ(err, WSAENOTSOCK);
	err = 0;
	FAILS(spi.deregister_memory(s, &n, &err), WSAENOTSOCK);
	FAILS(spi.register_rdma(s, &n, 4, MEM_READ, &n, &n, &err), WSAENOTSOCK);
	FAILS(spi.deregister_rdma(s, &n, 4, &err), WSAENOTSOCK);
	FAILS(spi.rdma_write(s, &bx, 1, &n, 4, 0, &n, 0, &ov, NULL, NULL, &err),
		WSAENOTSOCK);
	FAILS(spi.wait_handle(s, &h, &err), WSAENOTSOCK);
	FAILS(spi.arm(s, WSD_IN, &err), WSAENOTSOCK);
	FAILS(spi.peer_identity(s, &peer, &err), WSAENOTSOCK);
	FAILS(spi.open_channel(s, &channel, &err), WSAENOTSOCK);
}

CASE(R189_calls_on_what_is_no_socket_give_WSAENOTSOCK)
{
	SOCKET closed, open;

	spi_start();
	open = socket_new(AF_INET);
	closed = socket_new(AF_INET);
	socket_close(closed);
	is_no_socket(INVALID_SOCKET);
	is_no_socket(0);
	is_no_socket(3);
	is_no_socket(closed);
	is_no_socket(open + 1);
	is_no_socket(open ^ (SOCKET)1 << 30);
	socket_close(open);
	spi_stop();
}

CASE(R189_random_values_and_slots_used_again_are_no_sockets)
{
	SOCKET s, old[64];
	int err = 0;

	spi_start();
	for (int i = 0; i < 64; i++) {
		old[i] = socket_new(AF_INET);
		socket_close(old[i]);
	}
	s = socket_new(AF_INET);
	for (int i = 0; i < 64; i++)
		FAILS(spi.t.lpWSPCloseSocket(old[i], &err), WSAENOTSOCK);
	for (int i = 0; i < 100000; i++) {
		SOCKET r;

		CHECK(os_random(&r, sizeof r) == ST_OK);
		if (r != s)
			FAILS(spi.t.lpWSPCloseSocket(r, &err), WSAENOTSOCK);
	}
	socket_close(s);
	spi_stop();
}

static void open_and_close(void *arg)
{
	int err = 0;

	for (int i = 0; i < 2000; i++) {
		SOCKET s = socket_new(AF_INET);

		OK(spi.t.lpWSPCloseSocket(s, &err));
		FAILS(spi.t.lpWSPCloseSocket(s, &err), WSAENOTSOCK);
	}
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
		CHECK_EQ(err, WSAENOTSOCK);
}

CASE(R193_of_several_closing_threads_one_succeeds)
{
	spi_start();
	for (unsigned i = 1; i <= 200; i++) {
		contested = socket_new(AF_INET);
		threads_run(4, close_it, NULL);
		CHECK_EQ(closers, i);
	}
	spi_stop();
}
