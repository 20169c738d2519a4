/* SPDX-License-Identifier: MIT */
#include "handoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hand_off(SOCKET s, uint32_t pid, DWORD *token)
{
	WSAPROTOCOL_INFOW info;
	int err = 0;

	memset(&info, 0, sizeof info);
	if (spi.t.lpWSPDuplicateSocket(s, pid, &info, &err))
		return err;
	if (info.dwProviderReserved == 0)
		case_violation(200, "WSPDuplicateSocket stores 0 in "
			"dwProviderReserved");
	*token = info.dwProviderReserved;
	return 0;
}

int take_over(DWORD token, SOCKET *out)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	int err = 0;

	info.dwProviderReserved = token;
	*out = spi.t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &info, 0,
		WSA_FLAG_OVERLAPPED, &err);
	return *out == INVALID_SOCKET ? err : 0;
}

void need_hand_off(void)
{
	struct pair p;
	DWORD token;
	int code;

	pair_open(&p);
	code = hand_off(p.server.s, os_process_id(), &token);
	pair_close(&p);
	if (code == WSAEOPNOTSUPP || spi_target.one_process)
		case_skip("no hand-off");
	CHECK_CODE(code, 0);
}

struct end held;

static void obey_take(const char *args)
{
	unsigned created = up_created(), closed = up_closed();
	SOCKET former = held.s;
	int code = take_over((DWORD)strtoul(args, NULL, 10), &held.s);

	if (code) {
		held.s = former;
		CHECK_EQ(up_closed() - closed, up_created() - created);
		parent_tell("refused");
		return;
	}
	if (held.s != former && up_created() != created + 1) /* R203 */
		case_violation(203, "a socket that is taken over called "
			"WPUCreateSocketHandle %u times, expected 1",
			up_created() - created);
	held.sends = NULL;
	parent_tell("ok");
}

static void obey_data(bool send, const char *text)
{
	if (!held.sends)
		end_open(&held, held.s);
	if (send)
		send_text(&held, text);
	else
		expect_text(&held, text);
	parent_tell("ok");
}

static void obey_give(const char *args)
{
	DWORD token = 0;

	CHECK_EQ(hand_off(held.s, (uint32_t)strtoul(args, NULL, 10), &token),
		0);
	socket_close(held.s);
	memset(&held, 0, sizeof held);
	parent_tell("token %u", (unsigned)token);
}

static void obey_debug(void)
{
	int value = 0, len = sizeof value, err = 0;

	OK(spi.t.lpWSPGetSockOpt(held.s, SOL_SOCKET, SO_DEBUG, (char *)&value,
		&len, &err));
	parent_tell("%d", value != 0);
}

static char exposed_memory[EXPOSED_BYTES];

static void obey_expose(void)
{
	struct exposed e;

	pattern(exposed_memory, sizeof exposed_memory, 77);
	CHECK_CODE(expose(held.s, exposed_memory, sizeof exposed_memory,
			   MEM_READWRITE, &e), 0);
	parent_tell_descriptor(&e);
}

static void obey(const char *line)
{
	SOCKET s;

	if (strncmp(line, "take ", 5) == 0) {
		obey_take(line + 5);
	} else if (strncmp(line, "send ", 5) == 0) {
		obey_data(true, line + 5);
	} else if (strncmp(line, "expect ", 7) == 0) {
		obey_data(false, line + 7);
	} else if (strncmp(line, "give ", 5) == 0) {
		obey_give(line + 5);
	} else if (strcmp(line, "expose") == 0) {
		obey_expose();
	} else if (strcmp(line, "serve") == 0) {
		obey_data(false, "served");
	} else if (strcmp(line, "debug") == 0) {
		obey_debug();
	} else if (strcmp(line, "accept") == 0) {
		s = socket_accept(held.s);
		end_open(&held, s);
		parent_tell("ok");
	} else if (strcmp(line, "lost") == 0) {
		end_open(&held, held.s);
		end_await_loss(&held);
		parent_tell("ok");
	} else if (strcmp(line, "close") == 0) {
		socket_close(held.s);
		parent_tell("ok");
	} else {
		FAIL("not understood: %s", line);
	}
}

ROLE(servant)
{
	char line[LINE_MAX_LEN];

	spi_start();
	while (parent_hear(line))
		obey(line);
	spi_stop();
}

void order(struct child c, const char *want, const char *format,
	unsigned number)
{
	char line[LINE_MAX_LEN], text[LINE_MAX_LEN];

	snprintf(text, sizeof text, "%s %u", format, number);
	child_tell(c, "%s", number ? text : format);
	child_hear(c, line);
	if (strcmp(line, want) != 0)
		FAIL("%s: answer %s, expected %s", format, line, want);
}

DWORD take_back(struct child c)
{
	char line[LINE_MAX_LEN];
	unsigned token;

	child_tell(c, "give %u", (unsigned)os_process_id());
	child_hear(c, line);
	CHECK(sscanf(line, "token %u", &token) == 1);
	return token;
}
