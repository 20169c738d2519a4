/* SPDX-License-Identifier: MIT */
/* WSPStartupEx and WSPCleanup: R8 to R22, R212. */
#include "endpoint.h"

#include <string.h>

static int start(WORD version, const GUID *id)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX upcalls = spi_upcalls();

	if (id)
		info.ProviderId = *id;
	return spi_entry()(version, &spi.data, &info, &upcalls, &spi.t);
}

CASE(R9_version_below_2_2_is_not_supported)
{
	CHECK_EQ(start(MAKEWORD(2, 1), NULL), WSAVERNOTSUPPORTED);
	CHECK_EQ(start(MAKEWORD(1, 1), NULL), WSAVERNOTSUPPORTED);
	CHECK_EQ(start(MAKEWORD(1, 9), NULL), WSAVERNOTSUPPORTED);
	CHECK_EQ(start(0, NULL), WSAVERNOTSUPPORTED);
}

CASE(R9_version_2_2_and_above_is_answered_with_2_2)
{
	static const WORD versions[] = {MAKEWORD(2, 2), MAKEWORD(2, 9),
		MAKEWORD(3, 0), MAKEWORD(255, 255)};
	int err = 0;

	for (unsigned i = 0; i < 4; i++) {
		memset(&spi.data, 0xff, sizeof spi.data);
		CHECK_EQ(start(versions[i], NULL), 0);
		CHECK_EQ(spi.data.wVersion, MAKEWORD(2, 2));
		CHECK_EQ(spi.data.wHighVersion, MAKEWORD(2, 2));
		CHECK(spi.data.szDescription[0] != 0);
		CHECK_EQ(spi.data.szDescription[WSPDESCRIPTION_LEN], 0);
		OK(spi.t.lpWSPCleanup(&err));
	}
}

CASE(R10_NULL_arguments_give_WSAEFAULT)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX up = spi_upcalls(), lacking = up;
	LPWSPSTARTUPEX f = spi_entry();
	WSPPROC_TABLE t;
	WSPDATA d;

	CHECK_EQ(f(MAKEWORD(2, 2), NULL, &info, &up, &t), WSAEFAULT);
	CHECK_EQ(f(MAKEWORD(2, 2), &d, &info, &up, NULL), WSAEFAULT);
	CHECK_EQ(f(MAKEWORD(2, 2), &d, NULL, &up, &t), WSAEFAULT);
	CHECK_EQ(f(MAKEWORD(2, 2), &d, &info, NULL, &t), WSAEFAULT);
	lacking.lpWPUCompleteOverlappedRequest = NULL;
	CHECK_EQ(f(MAKEWORD(2, 2), &d, &info, &lacking, &t), WSAEFAULT);
}

/* The 30 entries as an array. */
typedef void (*entry)(void);

CASE(R12_every_entry_of_the_table_is_there)
{
	entry e[sizeof spi.t / sizeof(entry)];

	memset(&spi.t, 0, sizeof spi.t);
	CHECK_EQ(start(MAKEWORD(2, 2), NULL), 0);
	memcpy(e, &spi.t, sizeof e);
	for (unsigned i = 0; i < sizeof e / sizeof e[0]; i++)
		CHECK(e[i] != NULL);
}

CASE(R12_entries_that_a_SAN_does_not_need_give_WSAEOPNOTSUPP)
{
	const WSPPROC_TABLE *t = &spi.t;
	int err = 0;

	spi_start();
	FAILS(t->lpWSPAddressToString(NULL, 0, NULL, NULL, NULL, &err),
		WSAEOPNOTSUPP);
	FAILS(t->lpWSPAsyncSelect(0, NULL, 0, 0, &err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPCancelBlockingCall(&err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPGetPeerName(0, NULL, NULL, &err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPGetSockName(0, NULL, NULL, &err), WSAEOPNOTSUPP);
	CHECK(t->lpWSPJoinLeaf(0, NULL, 0, NULL, NULL, NULL, NULL, 0, &err) ==
		INVALID_SOCKET);
	CHECK_EQ(err, WSAEOPNOTSUPP);
	FAILS(t->lpWSPRecvDisconnect(0, NULL, &err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPRecvFrom(0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL,
			NULL, &err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPSelect(0, NULL, NULL, NULL, NULL, &err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPSendDisconnect(0, NULL, &err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPSendTo(0, NULL, 0, NULL, 0, NULL, 0, NULL, NULL, NULL,
			&err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPShutdown(0, 0, &err), WSAEOPNOTSUPP);
	FAILS(t->lpWSPStringToAddress(NULL, 0, NULL, NULL, NULL, &err),
		WSAEOPNOTSUPP);
	spi_stop();
}

CASE(R13_R14_the_providers_own_id_is_a_direct_caller_and_is_refused)
{
	GUID own = spi_own_id(), other = own;
	int err = 0;

	CHECK_EQ(start(MAKEWORD(2, 2), &own), WSAEPROVIDERFAILEDINIT);
	/* R22: the next attempt works. R13: any other id is the switch's. */
	other.Data1 ^= 1;
	CHECK_EQ(start(MAKEWORD(2, 2), &other), 0);
	OK(spi.t.lpWSPCleanup(&err));
}

CASE(R15_R16_the_upcall_table_is_copied)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX up = spi_upcalls();

	CHECK_EQ(spi_entry()(MAKEWORD(2, 2), &spi.data, &info, &up, &spi.t), 0);
	memset(&up, 0, sizeof up);
	memset(&info, 0xff, sizeof info);
	socket_close(socket_new(AF_INET));
	CHECK_EQ(up_created(), 1);
}

CASE(R15_a_nested_start_up_does_not_change_the_upcalls)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX junk;
	int err = 0;

	spi_start();
	memset(&junk, 0x11, sizeof junk);
	CHECK_EQ(spi_entry()(MAKEWORD(2, 2), &spi.data, &info, &junk, &spi.t),
		0);
	socket_close(socket_new(AF_INET));
	OK(spi.t.lpWSPCleanup(&err));
	spi_stop();
}

CASE(R17_two_start_ups_need_two_clean_ups)
{
	SOCKET s;
	int err = 0;

	spi_start();
	CHECK_EQ(start(MAKEWORD(2, 2), NULL), 0);
	s = socket_new(AF_INET);
	OK(spi.t.lpWSPCleanup(&err));
	socket_close(s);
	socket_close(socket_new(AF_INET));
	spi_stop();
	FAILS(spi.t.lpWSPCleanup(&err), WSANOTINITIALISED);
}

CASE(R18_clean_up_without_start_up_gives_WSANOTINITIALISED)
{
	int err = 0;

	spi_start();
	spi_stop();
	FAILS(spi.t.lpWSPCleanup(&err), WSANOTINITIALISED);
	CHECK_EQ(spi.t.lpWSPCleanup(NULL), SOCKET_ERROR);
	CHECK(spi.t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
		      WSA_FLAG_OVERLAPPED, &err) == INVALID_SOCKET);
	CHECK_EQ(err, WSANOTINITIALISED);
}

CASE(R19_the_last_clean_up_aborts_each_pending_request_once)
{
	struct request polled, notified;
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK_EQ(post_receive(&p.client, 0, 64, &polled, POLLED),
		WSA_IO_PENDING);
	CHECK_EQ(post_receive(&p.client, 1, 64, &notified, NOTIFIED),
		WSA_IO_PENDING);
	spi_stop();
	CHECK_EQ(polled.ov.OffsetHigh, WSA_OPERATION_ABORTED);
	CHECK_EQ(polled.ov.InternalHigh, 0);
	CHECK(polled.ov.Internal != WSS_OPERATION_IN_PROGRESS);
	CHECK_EQ(up_completions_of(&notified.ov), 1);
	CHECK_EQ(up_completion(0).error, WSA_OPERATION_ABORTED);
	CHECK_EQ(up_completion(0).bytes, 0);
}

CASE(R20_the_last_clean_up_leaves_no_handles_open)
{
	unsigned before;
	WSAEVENT e;
	struct pair p;
	int err = 0;

	spi_start(); /* whatever the system's libraries open once */
	spi_stop();
	before = process_handles();
	spi_start();
	pair_open(&p);
	e = event_new();
	OK(spi.t.lpWSPEventSelect(p.listener, e, FD_ACCEPT, &err));
	spi_stop();
	event_free(e);
	CHECK_EQ(process_handles(), before);
}

CASE(R21_the_provider_can_be_started_again)
{
	struct pair p;

	for (int i = 0; i < 3; i++) {
		spi_start();
		pair_open(&p);
		pair_talk(&p.client, &p.server);
		pair_close(&p);
		spi_stop();
	}
}

CASE(R189_a_descriptor_of_before_the_clean_up_stays_invalid)
{
	SOCKET s;
	int err = 0;

	spi_start();
	s = socket_new(AF_INET);
	spi_stop();
	FAILS(spi.t.lpWSPCloseSocket(s, &err), WSAENOTSOCK);
	spi_start();
	socket_new(AF_INET);
	FAILS(spi.t.lpWSPCloseSocket(s, &err), WSAENOTSOCK);
	spi_stop();
}

/* The switch starts a provider that appears, and listens on the wildcard. */
CASE(R212_a_late_start_up_with_a_wildcard_listener_works)
{
	struct addr any = addr_any(4, 0), to;
	SOCKET listener, client, server;

	spi_start();
	to = test_addr(AF_INET);
	any.port = to.port;
	listener = socket_listening(&any, 4);
	to.port = any.port;
	CHECK_EQ(socket_connect(&to, &client), WSAEWOULDBLOCK);
	server = socket_accept(listener);
	CHECK_EQ(socket_connect_result(client), 0);
	socket_close(server);
	spi_stop();
}

static void start_and_stop(void *arg)
{
	int err = 0;

	for (int i = 0; i < 200; i++) {
		WSAPROTOCOL_INFOW info = spi_tcpip_info();
		WSPUPCALLTABLEEX up = spi_upcalls();
		WSPPROC_TABLE t;
		WSPDATA d;
		int code = spi_entry()(MAKEWORD(2, 2), &d, &info, &up, &t);

		if (code == WSASYSNOTREADY) /* a clean-up was running */
			continue;
		CHECK_EQ(code, 0);
		OK(t.lpWSPCleanup(&err));
	}
}

CASE(R17_start_ups_and_clean_ups_of_several_threads_are_counted)
{
	spi_start();
	spi_stop();
	threads_run(4, start_and_stop, NULL);
	spi_start();
	socket_close(socket_new(AF_INET));
	spi_stop();
}
