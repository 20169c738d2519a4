/* SPDX-License-Identifier: MIT */
/* What our provider does where the rules leave a choice: sockets, options. */
#include "extensions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int socket_code(int af, int type, int protocol, GROUP g, DWORD flags)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	int err = 0;
	SOCKET s = spi.t.lpWSPSocket(af, type, protocol, &info, g, flags,
		&err);

	if (s != INVALID_SOCKET)
		socket_close(s);
	return err;
}

CASE(bad_arguments_of_WSPSocket_have_their_codes)
{
	DWORD f = WSA_FLAG_OVERLAPPED;

	spi_start();
	CHECK_CODE(socket_code(AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, 0, f),
		WSAEAFNOSUPPORT);
	CHECK_CODE(socket_code(AF_INET, SOCK_DGRAM, IPPROTO_TCP, 0, f),
		WSAESOCKTNOSUPPORT);
	CHECK_CODE(socket_code(AF_INET, SOCK_STREAM, IPPROTO_TCP, 1, f),
		WSAEINVAL);
	CHECK_CODE(socket_code(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, 0),
		WSAEINVAL);
	CHECK_CODE(socket_code(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0,
			   f | WSA_FLAG_MULTIPOINT_C_ROOT), WSAEINVAL);
	CHECK_CODE(socket_code(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
			   FROM_PROTOCOL_INFO, 0, f), 0);
	CHECK_EQ(up_created(), 1);
	spi_stop();
}

CASE(all_of_127_can_be_bound)
{
	struct addr a = addr_v4(127, 9, 8, 7, 4711);

	spi_start();
	socket_close(socket_bound(&a));
	spi_stop();
}

CASE(our_own_id_is_refused_with_WSAEPROVIDERFAILEDINIT)
{
	CHECK_CODE(spi_startup(MAKEWORD(2, 2), spi_target.own_id),
		WSAEPROVIDERFAILEDINIT);
	spi_start();
	CHECK(spi.data.szDescription[0] != 0);
	CHECK_EQ(spi.data.szDescription[WSPDESCRIPTION_LEN], 0);
	spi_stop();
}

CASE(start_up_without_entry_or_upcalls_gives_WSAEFAULT)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX up = spi_upcall_table();
	LPWSPSTARTUPEX f = spi_target.entry;
	WSPPROC_TABLE t;
	WSPDATA d;

	CHECK_CODE(f(MAKEWORD(2, 2), &d, NULL, &up, &t), WSAEFAULT);
	CHECK_CODE(f(MAKEWORD(2, 2), &d, &info, NULL, &t), WSAEFAULT);
	up.lpWPUCompleteOverlappedRequest = NULL;
	CHECK_CODE(f(MAKEWORD(2, 2), &d, &info, &up, &t), WSAEFAULT);
}

CASE(our_extensions_want_a_socket)
{
	WSDCHANNEL channel = {.cbSize = sizeof channel};
	WSDPEER peer = {.cbSize = sizeof peer};
	SOCKET s = INVALID_SOCKET;
	WSDWAITHANDLE h;
	int err = 0;

	ext_start();
	FAILS(ext.wait_handle(s, &h, &err), WSAENOTSOCK);
	FAILS(ext.arm(s, WSD_IN, &err), WSAENOTSOCK);
	FAILS(ext.peer_identity(s, &peer, &err), WSAENOTSOCK);
	FAILS(ext.open_channel(s, &channel, &err), WSAENOTSOCK);
	FAILS(ext.stop_listening(s, &err), WSAENOTSOCK);
	spi_stop();
}

CASE(sizes_cannot_be_set)
{
	int err = 0, value = 1;
	SOCKET s;

	spi_start();
	s = socket_new();
	FAILS(spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE,
			(char *)&value, sizeof value, &err), WSAENOPROTOOPT);
	spi_stop();
}

CASE(the_capabilities_agree_with_the_pointers)
{
	WSDCAPABILITIES c = {.cbSize = sizeof c};
	int err = 0;

	ext_start();
	OK(ext.capabilities(&c, &err));
	CHECK_EQ(spi.rdma_read != NULL, (c.dwFlags & WSD_CAP_RDMA_READ) != 0);
	spi_stop();
}

CASE(the_address_list_completes_an_OVERLAPPED_that_is_given)
{
	char room[4096];
	WSAOVERLAPPED ov;
	DWORD n = 0;
	SOCKET s;
	int err = 0;

	spi_start();
	s = socket_new();
	memset(&ov, 0xff, sizeof ov);
	OK(spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, room,
		sizeof room, &n, &ov, NULL, NULL, &err));
	CHECK_EQ(ov.InternalHigh, n);
	CHECK_EQ(ov.OffsetHigh, 0);
	CHECK_EQ(up_completed(), 0);
	spi_stop();
}

CASE(capabilities_fill_what_there_is_room_for)
{
	WSDCAPABILITIES c;
	int err = 0;

	ext_start();
	memset(&c, 0x77, sizeof c);
	c.cbSize = sizeof c;
	OK(ext.capabilities(&c, &err));
	CHECK_EQ(c.cbSize, sizeof c);
	CHECK_EQ(c.dwVersion, WSD_EXTENSION_VERSION);
	CHECK(c.dwFlags & WSD_CAP_CHANNEL);
	CHECK(c.dwMaxMessage >= 256);
	CHECK(c.dwMaxPending >= 16); /* R149 */
	CHECK(memchr(c.szName, 0, sizeof c.szName) && c.szName[0]);
	memset(&c, 0x77, sizeof c);
	c.cbSize = 12;
	OK(ext.capabilities(&c, &err));
	CHECK_EQ(c.cbSize, 12);
	CHECK_EQ(c.dwMaxMessage, 0x77777777);
	c.cbSize = 7;
	FAILS(ext.capabilities(&c, &err), WSAEFAULT);
	FAILS(ext.capabilities(NULL, &err), WSAEFAULT);
	spi_stop();
	c.cbSize = sizeof c;
	FAILS(ext.capabilities(&c, &err), WSANOTINITIALISED);
}

CASE(enum_network_events_with_bad_arguments_gives_WSAEINVAL)
{
	WSANETWORKEVENTS events;
	SOCKET s;
	int err = 0;

	spi_start();
	s = socket_new();
	FAILS(spi.t.lpWSPEnumNetworkEvents(s, NULL, NULL, &err), WSAEINVAL);
	FAILS(spi.t.lpWSPEnumNetworkEvents(s, (WSAEVENT)(uintptr_t)0x7ffffff0,
			&events, &err), WSAEINVAL);
	spi_stop();
}

/* ---- connect ------------------------------------------------------- */

CASE(connect_from_a_wildcard_bound_socket_fails_cleanly)
{
	struct addr at, any;
	SOCKET s;

	spi_start();
	at = test_addr();
	any = addr_any(4, 40000);
	socket_listening(&at, 4);
	s = socket_bound(&any);
	CHECK_CODE(socket_connect_to(s, &at), WSAEADDRNOTAVAIL);
	spi_stop();
}

CASE(polling_alone_finds_the_outcome_without_a_thread)
{
	struct addr at;
	SOCKET listener, client;

	spi_start();
	at = test_addr();
	listener = socket_listening(&at, 4);
	CHECK_CODE(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK_EQ(enum_events(client, NULL).lNetworkEvents, 0);
	socket_accept(listener);
	CHECK_EQ(socket_connect_result(client), 0);
	CHECK_EQ(spi_threads(), 0);
	spi_stop();
}

CASE(nobody_there_gives_WSAETIMEDOUT_at_once)
{
	struct addr at;
	SOCKET s;

	spi_start();
	at = test_addr();
	CHECK_CODE(socket_connect(&at, &s), WSAETIMEDOUT);
	spi_stop();
}

CASE(R86_the_time_for_connects_is_a_setting)
{
	struct addr at;
	SOCKET client;
	uint64_t before;

	process_set("WSD_CONNECT_TIMEOUT_MS", "200");
	spi_start();
	at = test_addr();
	socket_listening(&at, 4);
	before = os_now();
	CHECK_CODE(socket_connect(&at, &client), WSAEWOULDBLOCK);
	CHECK_CODE(socket_connect_result(client), WSAETIMEDOUT);
	CHECK(os_now() - before >= 200000000);
	CHECK_EQ(spi_threads(), 0);
	spi_stop();
}

CASE(a_listener_that_stops_keeps_what_is_queued_and_takes_no_more)
{
	SOCKET listener, early, late, unused;
	struct addr at, from;
	int err = 0;

	ext_start();
	FAILS(ext.stop_listening(socket_new(), &err), WSAEINVAL);
	at = test_addr();
	listener = socket_listening(&at, 4);
	early = socket_queued(listener, &at);
	if (ext.stop_listening(listener, &err)) {
		CHECK_CODE(err, WSAEOPNOTSUPP);
		case_skip("the transport cannot");
	}
	from = test_addr();
	late = socket_bound(&from);
	CHECK_CODE(socket_connect_outcome(late, &at), WSAETIMEDOUT);
	socket_accept(listener);
	CHECK_EQ(socket_connect_result(early), 0);
	CHECK_CODE(socket_try_accept(listener, &unused), WSAEWOULDBLOCK);
	spi_stop();
}

/* ---- IPv6 ---------------------------------------------------------- */

/* ::1, with a port that is hard to guess. */
static struct addr six_addr(void)
{
	struct addr a = {.family = 6};

	a.ip[15] = 1;
	a.port = test_addr().port;
	return a;
}

static SOCKET six_bound(const struct addr *a)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	int err = 0;
	SOCKET s = spi.t.lpWSPSocket(AF_INET6, SOCK_STREAM, IPPROTO_TCP, &info,
		0, WSA_FLAG_OVERLAPPED, &err);

	CHECK(s != INVALID_SOCKET);
	CHECK_CODE(socket_bind(s, a), 0);
	return s;
}

CASE(inet6_sockets_bind_and_talk)
{
	struct addr at, from;
	struct end a, b;
	SOCKET l, c;
	int err = 0;

	spi_start();
	at = six_addr();
	from = six_addr();
	l = six_bound(&at);
	OK(spi.t.lpWSPListen(l, 4, &err));
	c = six_bound(&from);
	CHECK_CODE(socket_connect_to(c, &at), WSAEWOULDBLOCK);
	end_open(&b, socket_accept(l));
	CHECK_CODE(socket_connect_result(c), 0);
	end_open(&a, c);
	pair_talk(&a, &b);
	spi_stop();
}

CASE(families_do_not_mix)
{
	struct addr six, four;
	SOCKET s;

	spi_start();
	six = six_addr();
	four = test_addr();
	CHECK_CODE(socket_bind(socket_new(), &six), WSAEFAULT);
	s = socket_bound(&four);
	CHECK_CODE(socket_connect_to(s, &six), WSAEAFNOSUPPORT);
	spi_stop();
}

CASE(inet6_wildcard_serves_inet_unless_only_v6)
{
	struct addr any, four;
	SOCKET both, six, c;
	int on = 1, err = 0;

	spi_start();
	four = test_addr();
	any = addr_any(6, four.port);
	both = six_bound(&any);
	OK(spi.t.lpWSPListen(both, 4, &err));
	CHECK_CODE(socket_connect(&four, &c), WSAEWOULDBLOCK);
	socket_close(c);
	socket_close(both);

	four = test_addr();
	any.port = four.port;
	six = six_bound(&any);
	OK(spi.t.lpWSPSetSockOpt(six, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&on,
		sizeof on, &err));
	OK(spi.t.lpWSPListen(six, 4, &err));
	CHECK_CODE(socket_connect(&four, &c), WSAETIMEDOUT);
	socket_close(c);
	socket_close(six);
	spi_stop();
}
