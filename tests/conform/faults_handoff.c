/* SPDX-License-Identifier: MIT */
/* Hand-off: R121, R199 to R210. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

/* ---- WSPDuplicateSocket -------------------------------------------- */

/* What waits is received, and forgotten. */
static intptr_t duplicate_and_drop(struct call *c)
{
	char *sink = for_ever(4096);
	WSAOVERLAPPED *ov = for_ever(sizeof *ov);
	DWORD moved = 0, flags = 0;
	WSABUF b = {4096, sink};
	struct call reg = {.s = c->s, .base = sink, .len = 4096,
		.flags = MEM_WRITE};
	struct call receive = {.s = c->s, .buffers = &b, .count = 1,
		.moved = &moved, .flags_out = &flags, .ov = ov};

	ov->hEvent = (HANDLE)(uintptr_t)1;
	if (real[REGISTER](&reg))
		real[RECV](&receive);
	return real[DUPLICATE](c);
}

static void waiting_dropped(void)
{
	entry[DUPLICATE] = duplicate_and_drop;
}

static _Thread_local bool duplicating;
enum { HELD = 64 };
static struct {
	SOCKET h;
	LPWSAOVERLAPPED ov;
	DWORD error, bytes;
} held[HELD];
static unsigned held_count;

static intptr_t duplicate_noted(struct call *c)
{
	intptr_t result;

	duplicating = true;
	result = real[DUPLICATE](c);
	duplicating = false;
	return result;
}

static int WSPAPI complete_later(SOCKET h, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT e)
{
	if (!duplicating || held_count == HELD)
		return up->lpWPUCompleteOverlappedRequest(h, ov, error, bytes,
			e);
	held[held_count].h = h;
	held[held_count].ov = ov;
	held[held_count].error = error;
	held[held_count++].bytes = bytes;
	return 0;
}

static intptr_t close_completing(struct call *c)
{
	int ignored;

	for (unsigned i = 0; i < held_count; i++)
		up->lpWPUCompleteOverlappedRequest(held[i].h, held[i].ov,
			held[i].error, held[i].bytes, &ignored);
	held_count = 0;
	return real[CLOSE](c);
}

static void receives_late(void)
{
	ours.lpWPUCompleteOverlappedRequest = complete_later;
	entry[DUPLICATE] = duplicate_noted;
	entry[CLOSE] = close_completing;
}

static intptr_t duplicate_zero(struct call *c)
{
	intptr_t result = real[DUPLICATE](c);

	if (result == 0)
		c->info->dwProviderReserved = 0;
	return result;
}

static void token_zero(void)
{
	entry[DUPLICATE] = duplicate_zero;
}

/* Every hand-off has the token 4711, which stands for the last one. */
static DWORD last_token;

static intptr_t duplicate_4711(struct call *c)
{
	intptr_t result = real[DUPLICATE](c);

	if (result == 0) {
		last_token = c->info->dwProviderReserved;
		c->info->dwProviderReserved = 4711;
	}
	return result;
}

static intptr_t socket_4711(struct call *c)
{
	WSAPROTOCOL_INFOW info;

	if (c->info && c->info->dwProviderReserved == 4711) {
		info = *c->info;
		info.dwProviderReserved = last_token;
		c->info = &info;
		return real[SOCKET_](c);
	}
	return real[SOCKET_](c);
}

static void token_same(void)
{
	entry[DUPLICATE] = duplicate_4711;
	entry[SOCKET_] = socket_4711;
}

static intptr_t duplicate_and_wake(struct call *c)
{
	static WSAOVERLAPPED ov;
	static char byte;
	DWORD moved, flags;
	WSABUF nothing = {0, &byte};
	struct call send = {.s = c->s, .buffers = &nothing, .count = 1,
		.ov = &ov};
	struct call look = {.s = c->s, .ov = &ov, .moved = &moved,
		.flags_out = &flags};

	ov.hEvent = (HANDLE)(uintptr_t)1;
	real[SEND](&send);
	if (send.error == WSA_IO_PENDING)
		real[RESULT](&look);
	return real[DUPLICATE](c);
}

static void peer_notices(void)
{
	entry[DUPLICATE] = duplicate_and_wake;
}

/* ---- what was handed off ------------------------------------------- */

static struct {
	SOCKET s;
	DWORD token;
} mine = {.s = INVALID_SOCKET};

/* The connection stays with this process for as long as its socket. */
static intptr_t duplicate_to_us(struct call *c)
{
	intptr_t result;

	if (c->process == os_process_id())
		return real[DUPLICATE](c);
	c->process = os_process_id();
	result = real[DUPLICATE](c);
	if (result == 0) {
		mine.s = c->s;
		mine.token = c->info->dwProviderReserved;
	}
	return result;
}

static intptr_t close_for_good(struct call *c)
{
	WSAPROTOCOL_INFOW info = {.iAddressFamily = AF_INET};
	struct call take = {.af = AF_INET, .type = SOCK_STREAM,
		.protocol = IPPROTO_TCP, .info = &info,
		.flags = WSA_FLAG_OVERLAPPED};
	struct call end = {.error = 0};

	if (c->s != mine.s)
		return real[CLOSE](c);
	info.dwProviderReserved = mine.token;
	mine.s = INVALID_SOCKET;
	end.s = (SOCKET)real[SOCKET_](&take);
	if (end.s != INVALID_SOCKET && end.s != c->s)
		real[CLOSE](&end);
	return real[CLOSE](c);
}

static void close_ends_it(void)
{
	entry[DUPLICATE] = duplicate_to_us;
	entry[CLOSE] = close_for_good;
}

static SOCKET taken = INVALID_SOCKET;

static intptr_t note_taken(struct call *c)
{
	intptr_t s = real[SOCKET_](c);

	if (s != NO_SOCKET && c->info && c->info->dwProviderReserved)
		taken = (SOCKET)s;
	return s;
}

static intptr_t duplicate_first(struct call *c)
{
	return c->s == taken ? fail(c, WSAEOPNOTSUPP) : real[DUPLICATE](c);
}

static void only_once(void)
{
	entry[SOCKET_] = note_taken;
	entry[DUPLICATE] = duplicate_first;
}

static intptr_t duplicate_alone(struct call *c)
{
	struct call take = {.s = c->s}, drop = {.error = 0};

	while ((drop.s = (SOCKET)real[ACCEPT](&take)) != INVALID_SOCKET)
		real[CLOSE](&drop);
	return real[DUPLICATE](c);
}

static void queue_lost(void)
{
	entry[DUPLICATE] = duplicate_alone;
}

static void not_connected(void)
{
	break_code(DUPLICATE, WSAENOTCONN, WSAEOPNOTSUPP);
}

static intptr_t duplicate_anyway(struct call *c)
{
	intptr_t result = real[DUPLICATE](c);

	if (c->error != WSAEINVAL || !c->info)
		return result;
	c->error = 0;
	c->process = os_process_id();
	return real[DUPLICATE](c);
}

static void dead_target(void)
{
	entry[DUPLICATE] = duplicate_anyway;
}

/* ---- WSPSocket with a token ---------------------------------------- */

static intptr_t plain_socket(struct call *c)
{
	WSAPROTOCOL_INFOW info = *c->info;
	intptr_t s;

	info.dwProviderReserved = 0;
	c->info = &info;
	c->error = 0;
	s = real[SOCKET_](c);
	return s;
}

static DWORD used_token;

static intptr_t take_again(struct call *c)
{
	DWORD token = c->info ? c->info->dwProviderReserved : 0;
	intptr_t s = real[SOCKET_](c);

	if (token && s == NO_SOCKET && token == used_token)
		return plain_socket(c);
	if (token && s != NO_SOCKET)
		used_token = token;
	return s;
}

static void token_twice(void)
{
	entry[SOCKET_] = take_again;
}

static DWORD given_token;

static intptr_t note_given(struct call *c)
{
	intptr_t result = real[DUPLICATE](c);

	if (result == 0)
		given_token = c->info->dwProviderReserved;
	return result;
}

static intptr_t take_own(struct call *c)
{
	DWORD token = c->info ? c->info->dwProviderReserved : 0;
	intptr_t s = real[SOCKET_](c);

	return token && s == NO_SOCKET && token == given_token
		? plain_socket(c) : s;
}

static void token_anywhere(void)
{
	entry[DUPLICATE] = note_given;
	entry[SOCKET_] = take_own;
}

static intptr_t take_anything(struct call *c)
{
	intptr_t s = real[SOCKET_](c);

	return s == NO_SOCKET && c->info && c->info->dwProviderReserved
		? plain_socket(c) : s;
}

static void token_unchecked(void)
{
	entry[SOCKET_] = take_anything;
}

static intptr_t take_without_options(struct call *c)
{
	bool token = c->info && c->info->dwProviderReserved;
	intptr_t s = real[SOCKET_](c);
	int off = 0;
	struct call set = {.s = (SOCKET)s, .level = SOL_SOCKET,
		.option = SO_DEBUG, .value = (char *)&off,
		.value_len = sizeof off};

	if (token && s != NO_SOCKET)
		real[SET_OPTION](&set);
	return s;
}

static void options_lost(void)
{
	entry[SOCKET_] = take_without_options;
}

static _Thread_local bool taking;

static intptr_t take_noted(struct call *c)
{
	intptr_t s;

	taking = c->info && c->info->dwProviderReserved;
	s = real[SOCKET_](c);
	taking = false;
	return s;
}

static SOCKET WSPAPI create_two(DWORD id, DWORD_PTR context, LPINT e)
{
	SOCKET extra;
	int ignored;

	if (taking) {
		extra = up->lpWPUCreateSocketHandle(id, context, e);
		up->lpWPUCloseSocketHandle(extra, &ignored);
	}
	return up->lpWPUCreateSocketHandle(id, context, e);
}

static void take_two_handles(void)
{
	entry[SOCKET_] = take_noted;
	ours.lpWPUCreateSocketHandle = create_two;
}

const struct fault faults_handoff[] = {
	{"waiting-dropped", "R121", "messages that wait do not go along",
		waiting_dropped},
	{"receives-late", "R199", "receives complete after the return",
		receives_late},
	{"token-zero", "R200", "the token is 0", token_zero},
	{"token-same", "R200", "all tokens are equal", token_same},
	{"token-twice", "R201", "a token works twice", token_twice},
	{"token-anywhere", "R201", "a token works in the wrong process",
		token_anywhere},
	{"take-without-options", "R202", "options do not go along",
		options_lost},
	{"take-two-handles", "R203", "taking over makes two switch handles",
		take_two_handles},
	{"token-unchecked", "R204", "a bad token makes a socket",
		token_unchecked},
	{"peer-notices", "R205", "the peer gets an empty message",
		peer_notices},
	{"close-ends-it", "R206", "closing the old socket ends the connection",
		close_ends_it},
	{"only-once", "R207", "what was taken cannot be handed on",
		only_once},
	{"queue-lost", "R208", "queued requests do not go along", queue_lost},
	{"handoff-state", "R209", "an unconnected socket gives WSAEOPNOTSUPP",
		not_connected},
	{"dead-target", "R210", "hands off to a process that is gone",
		dead_target},
	{NULL, NULL, NULL, NULL},
};
