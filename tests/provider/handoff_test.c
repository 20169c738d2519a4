/* SPDX-License-Identifier: MIT */
/* Hand-off where the rules leave a choice, and who the peer is. */
#include "extensions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hand_off(SOCKET s, uint32_t pid, DWORD *token)
{
	WSAPROTOCOL_INFOW info;
	int err = 0;

	memset(&info, 0, sizeof info);
	if (spi.t.lpWSPDuplicateSocket(s, pid, &info, &err))
		return err;
	CHECK(info.dwProviderReserved != 0); /* R200 */
	CHECK_EQ(info.iSocketType, SOCK_STREAM); /* the whole is filled */
	*token = info.dwProviderReserved;
	return 0;
}

static int take_over(DWORD token, SOCKET *out)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	int err = 0;

	info.dwProviderReserved = token;
	*out = spi.t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &info, 0,
		WSA_FLAG_OVERLAPPED, &err);
	return *out == INVALID_SOCKET ? err : 0;
}

/* Says whether it could take the socket whose token it is told. */
ROLE(taker)
{
	char line[LINE_MAX_LEN];
	SOCKET s;

	spi_start();
	while (parent_hear(line))
		parent_tell("code %d", take_over((DWORD)strtoul(line, NULL,
			10), &s));
	spi_stop();
}

static void must_take(struct child c, DWORD token, int want)
{
	char line[LINE_MAX_LEN];
	int code;

	child_tell(c, "%u", (unsigned)token);
	child_hear(c, line);
	CHECK(sscanf(line, "code %d", &code) == 1);
	CHECK_CODE(code, want);
}

static void need_processes(void)
{
	if (spi_target.one_process)
		case_skip("one process only");
}

CASE(hand_off_with_sends_pending_fails_and_changes_nothing)
{
	static struct request r;
	struct pair p;
	DWORD token;

	spi_start();
	need_processes();
	pair_open(&p);
	do
		must_send(&p.client, 0, SLOT_BYTES, &r, POLLED);
	while (request_done(p.client.s, &r));
	CHECK_CODE(hand_off(p.client.s, os_process_id(), &token), WSAEINVAL);
	CHECK(is_pending(&r));
	send_text(&p.server, "works on");
	expect_text(&p.client, "works on");
	pair_close(&p);
	spi_stop();
}

CASE(R210_a_hand_off_that_nobody_fetches_ends_in_time)
{
	struct request peer;
	struct child c;
	struct pair p;
	DWORD token;

	process_set("WSD_HANDOFF_TIMEOUT_MS", "300");
	spi_start();
	need_processes();
	c = child_start("taker");
	pair_open(&p);
	must_receive(&p.client, 0, 64, &peer, POLLED);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	request_expect(p.client.s, &peer, WSAECONNRESET, 0);
	must_take(c, token, WSAEINVAL);
	child_kill(c);
	spi_stop();
}

CASE(R20_clean_up_ends_hand_offs_that_wait)
{
	struct child c;
	struct pair p;
	DWORD token;
	unsigned before;

	spi_start();
	need_processes();
	c = child_start("taker");
	pair_open(&p); /* a system may keep something from the first use on */
	spi_stop();
	before = os_handle_count();
	spi_start();
	pair_open(&p);
	CHECK_EQ(hand_off(p.server.s, child_pid(c), &token), 0);
	spi_stop();
	CHECK_EQ(os_handle_count(), before);
	must_take(c, token, WSAEINVAL);
	child_kill(c);
}

CASE(a_dead_process_gets_WSAEINVAL)
{
	struct child c;
	struct pair p;
	DWORD token;

	spi_start();
	need_processes();
	c = child_start("taker");
	child_kill(c);
	pair_open(&p);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), WSAEINVAL);
	pair_talk(&p.client, &p.server);
	spi_stop();
}

CASE(the_peer_is_who_the_system_says)
{
	WSDPEER peer = {.cbSize = sizeof peer};
	struct pair p;
	int err = 0;

	ext_start();
	need_processes();
	pair_open(&p);
	FAILS(ext.peer_identity(p.listener, &peer, &err), WSAENOTCONN);
	OK(ext.peer_identity(p.server.s, &peer, &err));
	CHECK(peer.bKnown && peer.bSameUser);
	CHECK_EQ(peer.dwProcessId, os_process_id());
	CHECK_EQ(peer.dwUserId, os_user_id());
	peer.cbSize = 4;
	FAILS(ext.peer_identity(p.server.s, &peer, &err), WSAEFAULT);
	FAILS(ext.peer_identity(p.server.s, NULL, &err), WSAEFAULT);
	pair_close(&p);
	spi_stop();
}
