/* SPDX-License-Identifier: MIT */
/* The library, WSPStartupEx and WSPCleanup: R1, R8 to R22, R212. */
#include "endpoint.h"

#include <string.h>

static int start(WORD version)
{
	return spi_startup(version, NULL);
}

CASE(R1_R8_WSPStartupEx_is_there_and_returns_its_code)
{
	int err = 0;

	CHECK(spi_target.entry != NULL);
	CHECK_CODE(start(MAKEWORD(2, 2)), 0);
	OK(spi.t.lpWSPCleanup(&err));
}

CASE(R8_R9_version_below_2_2_is_not_supported)
{
	CHECK_CODE(start(MAKEWORD(2, 1)), WSAVERNOTSUPPORTED);
	CHECK_CODE(start(MAKEWORD(1, 1)), WSAVERNOTSUPPORTED);
	CHECK_CODE(start(MAKEWORD(1, 9)), WSAVERNOTSUPPORTED);
	CHECK_CODE(start(0), WSAVERNOTSUPPORTED);
}

CASE(R9_version_2_2_and_above_is_answered_with_2_2)
{
	static const WORD versions[] = {MAKEWORD(2, 2), MAKEWORD(2, 9),
		MAKEWORD(3, 0), MAKEWORD(255, 255)};
	int err = 0;

	for (unsigned i = 0; i < 4; i++) {
		memset(&spi.data, 0xff, sizeof spi.data);
		CHECK_CODE(start(versions[i]), 0);
		CHECK_EQ(spi.data.wVersion, MAKEWORD(2, 2));
		CHECK_EQ(spi.data.wHighVersion, MAKEWORD(2, 2));
		OK(spi.t.lpWSPCleanup(&err));
	}
}

static int start_with(LPWSPDATA d, LPWSAPROTOCOL_INFOW info,
	LPWSPUPCALLTABLEEX up, LPWSPPROC_TABLE t)
{
	return spi_target.entry(MAKEWORD(2, 2), d, info, up, t);
}

CASE(R10_NULL_data_or_NULL_table_gives_WSAEFAULT)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX up = spi_upcall_table();
	WSPPROC_TABLE t;
	WSPDATA d;

	CHECK_CODE(start_with(NULL, &info, &up, &t), WSAEFAULT);
	CHECK_CODE(start_with(&d, &info, &up, NULL), WSAEFAULT);
	CHECK_CODE(start_with(NULL, NULL, NULL, NULL), WSAEFAULT);
	CHECK_CODE(start(MAKEWORD(2, 2)), 0); /* R22 */
}

static void cannot_work_without(bool info_missing)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX up = spi_upcall_table();
	WSPPROC_TABLE t;
	WSPDATA d;

	CHECK(start_with(&d, info_missing ? NULL : &info,
		info_missing ? &up : NULL, &t) != 0);
}

CASE(R22_a_start_up_without_entry_or_upcalls_fails_and_the_next_one_works)
{
	cannot_work_without(true);
	cannot_work_without(false);
	spi_start();
	socket_close(socket_new());
	spi_stop();
}

CASE(R22_failed_start_ups_leave_nothing_locked_or_counted)
{
	int err = 0;

	for (int i = 0; i < 20; i++)
		CHECK_CODE(start(MAKEWORD(1, 1)), WSAVERNOTSUPPORTED);
	spi_start();
	CHECK_CODE(start(MAKEWORD(1, 1)), WSAVERNOTSUPPORTED);
	socket_close(socket_new());
	spi_stop();
	FAILS(spi.t.lpWSPCleanup(&err), WSANOTINITIALISED);
}

/* The nearest thing to a network that is not ready: nothing can be opened. */
CASE(R11_R22_a_start_up_that_fails_has_its_code_and_counts_nothing)
{
	int code, err = 0;

	process_limit_handles(0);
	code = start(MAKEWORD(2, 2));
	process_limit_handles(100);
	if (code == 0)
		case_skip("nothing was found that makes a start-up fail");
	CHECK(code == WSASYSNOTREADY || code == WSAEPROCLIM ||
		code == WSAEPROVIDERFAILEDINIT);
	spi_start();
	spi_stop();
	FAILS(spi.t.lpWSPCleanup(&err), WSANOTINITIALISED);
}

/* ---- the table ----------------------------------------------------- */

CASE(R12_the_17_entries_that_a_SAN_needs_are_there)
{
	const WSPPROC_TABLE *t = &spi.raw;

	memset(&spi.raw, 0, sizeof spi.raw);
	CHECK_CODE(start(MAKEWORD(2, 2)), 0);
	CHECK(t->lpWSPAccept && t->lpWSPBind && t->lpWSPCleanup);
	CHECK(t->lpWSPCloseSocket && t->lpWSPConnect);
	CHECK(t->lpWSPDuplicateSocket && t->lpWSPEnumNetworkEvents);
	CHECK(t->lpWSPEventSelect && t->lpWSPGetOverlappedResult);
	CHECK(t->lpWSPGetQOSByName && t->lpWSPGetSockOpt && t->lpWSPIoctl);
	CHECK(t->lpWSPListen && t->lpWSPRecv && t->lpWSPSend);
	CHECK(t->lpWSPSetSockOpt && t->lpWSPSocket);
}

/* Where there is an entry at all. */
#define UNSUPPORTED(entry, ...)                                               \
	do {                                                                  \
		if (t->entry)                                                 \
			FAILS(t->entry(__VA_ARGS__), WSAEOPNOTSUPP);          \
	} while (0)

CASE(R12_entries_that_a_SAN_does_not_need_give_WSAEOPNOTSUPP_or_are_NULL)
{
	const WSPPROC_TABLE *t = &spi.raw;
	int err = 0;

	memset(&spi.raw, 0, sizeof spi.raw);
	spi_start();
	UNSUPPORTED(lpWSPAddressToString, NULL, 0, NULL, NULL, NULL, &err);
	UNSUPPORTED(lpWSPAsyncSelect, 0, NULL, 0, 0, &err);
	UNSUPPORTED(lpWSPCancelBlockingCall, &err);
	UNSUPPORTED(lpWSPGetPeerName, 0, NULL, NULL, &err);
	UNSUPPORTED(lpWSPGetSockName, 0, NULL, NULL, &err);
	if (t->lpWSPJoinLeaf) {
		CHECK(t->lpWSPJoinLeaf(0, NULL, 0, NULL, NULL, NULL, NULL, 0,
			&err) == INVALID_SOCKET);
		CHECK_CODE(err, WSAEOPNOTSUPP);
	}
	UNSUPPORTED(lpWSPRecvDisconnect, 0, NULL, &err);
	UNSUPPORTED(lpWSPRecvFrom, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL,
		NULL, NULL, &err);
	UNSUPPORTED(lpWSPSelect, 0, NULL, NULL, NULL, NULL, &err);
	UNSUPPORTED(lpWSPSendDisconnect, 0, NULL, &err);
	UNSUPPORTED(lpWSPSendTo, 0, NULL, 0, NULL, 0, NULL, 0, NULL, NULL,
		NULL, &err);
	UNSUPPORTED(lpWSPShutdown, 0, 0, &err);
	UNSUPPORTED(lpWSPStringToAddress, NULL, 0, NULL, NULL, NULL, &err);
	spi_stop();
}

/* ---- who calls ----------------------------------------------------- */

CASE(R13_a_caller_with_another_providers_id_is_the_switch)
{
	GUID some = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
	struct pair p;
	int err = 0;

	CHECK_CODE(spi_startup(MAKEWORD(2, 2), &some), 0);
	OK(spi.t.lpWSPCleanup(&err));
	spi_start();
	pair_open(&p);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(R14_the_providers_own_id_is_a_direct_caller_not_the_switch)
{
	int code, err = 0;
	SOCKET s;

	if (!spi_target.own_id)
		case_skip("the provider's own GUID is not known; name it with "
			"--guid");
	code = spi_startup(MAKEWORD(2, 2), spi_target.own_id);
	if (code == 0) { /* R14: another table, and no upcalls */
		s = socket_try_new(&err);
		CHECK_EQ(up_created(), 0);
		if (s != INVALID_SOCKET)
			socket_close(s);
		OK(spi.t.lpWSPCleanup(&err));
	}
	spi_start(); /* R22 */
	spi_stop();
}

/* ---- upcalls ------------------------------------------------------- */

CASE(R15_R16_the_upcall_table_is_copied)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX up;
	struct request r;
	struct pair p;
	int err = 0;

	spi_start(); /* finds the extension functions */
	spi_stop();
	up = spi_upcall_table();
	CHECK_CODE(start_with(&spi.data, &info, &up, &spi.raw), 0);
	memset(&up, 0, sizeof up);
	memset(&info, 0xff, sizeof info);
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, NOTIFIED);
	send_text(&p.client, "x");
	up_wait_completed(1); /* R16 */
	pair_close(&p);
	OK(spi.t.lpWSPCleanup(&err));
}

CASE(R15_a_nested_start_up_does_not_change_the_upcalls)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	WSPUPCALLTABLEEX junk;
	WSPPROC_TABLE t;
	WSPDATA d;
	int err = 0;

	spi_start();
	memset(&junk, 0x11, sizeof junk);
	CHECK_CODE(start_with(&d, &info, &junk, &t), 0);
	socket_close(socket_new());
	OK(spi.t.lpWSPCleanup(&err));
	spi_stop();
}

/* ---- counting ------------------------------------------------------ */

CASE(R17_two_start_ups_need_two_clean_ups)
{
	struct request r;
	struct pair p;
	int err = 0;

	spi_start();
	CHECK_CODE(start(MAKEWORD(2, 2)), 0);
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, POLLED);
	OK(spi.t.lpWSPCleanup(&err));
	CHECK(is_pending(&r));
	send_text(&p.client, "still here");
	request_expect(p.server.s, &r, 0, 10);
	pair_close(&p);
	socket_close(socket_new());
	spi_stop();
	FAILS(spi.t.lpWSPCleanup(&err), WSANOTINITIALISED);
}

CASE(R18_clean_up_without_start_up_gives_WSANOTINITIALISED)
{
	int err = 0;

	spi_start();
	spi_stop();
	FAILS(spi.t.lpWSPCleanup(&err), WSANOTINITIALISED);
	FAILS(spi.t.lpWSPCleanup(&err), WSANOTINITIALISED);
	CHECK_EQ(spi.t.lpWSPCleanup(NULL), SOCKET_ERROR);
	CHECK(socket_try_new(&err) == INVALID_SOCKET);
	CHECK(err != 0);
}

CASE(R19_the_last_clean_up_aborts_each_pending_request_once)
{
	struct request polled, notified;
	struct pair p;

	spi_start();
	pair_open(&p);
	must_receive(&p.client, 0, 64, &polled, POLLED);
	must_receive(&p.client, 1, 64, &notified, NOTIFIED);
	spi_stop();
	CHECK(!is_pending(&polled));
	CHECK_CODE(polled.ov.OffsetHigh, WSA_OPERATION_ABORTED);
	CHECK_EQ(polled.ov.InternalHigh, 0);
	CHECK_EQ(up_completions_of(&notified.ov), 1);
	CHECK_CODE(up_completion(0).error, WSA_OPERATION_ABORTED);
	CHECK_EQ(up_completion(0).bytes, 0);
}

CASE(R20_the_last_clean_up_leaves_no_handles_open)
{
	unsigned before;
	WSAEVENT e;
	struct pair p;
	int err = 0;

	spi_start(); /* whatever the system's libraries open once */
	pair_open(&p);
	spi_stop();
	before = os_handle_count();
	spi_start();
	pair_open(&p);
	e = event_new();
	OK(spi.t.lpWSPEventSelect(p.listener, e, FD_ACCEPT, &err));
	spi_stop();
	event_free(e);
	CHECK_EQ(os_handle_count(), before);
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
	s = socket_new();
	spi_stop();
	CHECK_EQ(spi.t.lpWSPCloseSocket(s, &err), SOCKET_ERROR);
	CHECK(err == WSAENOTSOCK || err == WSANOTINITIALISED);
	spi_start();
	socket_new();
	FAILS(spi.t.lpWSPCloseSocket(s, &err), WSAENOTSOCK);
	spi_stop();
}

/* The switch starts a provider that appears, and listens on the wildcard. */
CASE(R212_a_late_start_up_with_a_wildcard_listener_works)
{
	struct addr any, to;
	SOCKET listener, client, server;
	int code;

	os_sleep(QUIET);
	spi_start();
	to = test_addr();
	any = addr_any(4, to.port);
	listener = socket_listening(&any, 4);
	client = socket_connecting(&to, &code);
	server = socket_accept(listener);
	socket_expect_connected(client, code);
	socket_close(server);
	spi_stop();
}

static void start_and_stop(void *arg)
{
	int err = 0;

	for (int i = 0; i < 100; i++) {
		WSAPROTOCOL_INFOW info = spi_tcpip_info();
		WSPUPCALLTABLEEX up = spi_upcall_table();
		WSPPROC_TABLE t;
		WSPDATA d;
		int code = start_with(&d, &info, &up, &t);

		if (code == WSASYSNOTREADY) /* a clean-up was running */
			continue;
		CHECK_CODE(code, 0);
		OK(t.lpWSPCleanup(&err));
	}
}

CASE(R17_R211_start_ups_and_clean_ups_of_several_threads_are_counted)
{
	spi_start();
	spi_stop();
	threads_run(4, start_and_stop, NULL);
	spi_start();
	socket_close(socket_new());
	spi_stop();
}
