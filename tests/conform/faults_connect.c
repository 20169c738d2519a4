/* SPDX-License-Identifier: MIT */
/* Connecting: R70 to R89, R122. */
#include <stddef.h>

#include "os/os.h"
#include "wrap.h"

/* ---- what it came to ------------------------------------------------ */

static struct {
	int from, to;
} outcome;

static intptr_t enum_other_outcome(struct call *c)
{
	intptr_t result = real[ENUM](c);
	INT *code;

	if (result != 0 || !(c->events->lNetworkEvents & FD_CONNECT))
		return result;
	code = &c->events->iErrorCode[FD_CONNECT_BIT];
	if (*code == outcome.from)
		*code = outcome.to;
	return result;
}

static void break_outcome(int from, int to)
{
	outcome.from = from;
	outcome.to = to;
	entry[ENUM] = enum_other_outcome;
}

static void success_code(void)
{
	break_outcome(0, WSAEISCONN);
}

static void reject_code(void)
{
	break_outcome(WSAECONNREFUSED, WSAETIMEDOUT);
}

static void remote_lack_refuses(void)
{
	break_outcome(WSAETIMEDOUT, WSAECONNREFUSED);
}

static intptr_t enum_no_timeout(struct call *c)
{
	intptr_t result = real[ENUM](c);

	if (result == 0 && (c->events->lNetworkEvents & FD_CONNECT) &&
		c->events->iErrorCode[FD_CONNECT_BIT] == WSAETIMEDOUT)
		c->events->lNetworkEvents &= ~FD_CONNECT;
	return result;
}

static void never_times_out(void)
{
	entry[ENUM] = enum_no_timeout;
}

/* ---- WSPConnect ---------------------------------------------------- */

static intptr_t connect_and_wait(struct call *c)
{
	intptr_t result = real[CONNECT](c);
	WSANETWORKEVENTS events = {.lNetworkEvents = 0};
	struct call look = {.s = c->s, .events = &events};

	if (c->error != WSAEWOULDBLOCK)
		return result;
	while (!(events.lNetworkEvents & FD_CONNECT)) {
		os_sleep(1000000);
		if (real[ENUM](&look))
			return fail(c, look.error);
	}
	c->error = events.iErrorCode[FD_CONNECT_BIT];
	return c->error ? SOCKET_ERROR : 0;
}

static void connect_blocks(void)
{
	entry[CONNECT] = connect_and_wait;
}

static void connect_again(void)
{
	break_code(CONNECT, WSAEALREADY, WSAEWOULDBLOCK);
}

static void connect_connected(void)
{
	break_code(CONNECT, WSAEISCONN, WSAEINVAL);
}

static intptr_t connect_and_bind(struct call *c)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_port = htons(40001),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct call bind = {.s = c->s, .name = (struct sockaddr *)&from,
		.name_len = sizeof from};

	real[BIND](&bind); /* fails where it is bound */
	return real[CONNECT](c);
}

static void connect_unbound(void)
{
	entry[CONNECT] = connect_and_bind;
}

static void connect_untold(void)
{
	break_code(CONNECT, WSAEADDRNOTAVAIL, WSAEWOULDBLOCK);
}

static void connect_nowhere(void)
{
	break_code(CONNECT, WSAEADDRNOTAVAIL, WSAEINVAL);
}

static intptr_t connect_by_family(struct call *c)
{
	if (c->name && c->name_len == (int)sizeof(struct sockaddr_in) - 1)
		c->name_len++;
	return real[CONNECT](c);
}

static void connect_short(void)
{
	entry[CONNECT] = connect_by_family;
}

static void backlog_code(void)
{
	break_code(CONNECT, WSAECONNREFUSED, WSAETIMEDOUT);
}

static void nobody_refuses(void)
{
	break_code(CONNECT, WSAETIMEDOUT, WSAECONNREFUSED);
}

static int code_for_foreign;

static intptr_t connect_not_foreign(struct call *c)
{
	const struct sockaddr_in *to = (const struct sockaddr_in *)c->name;
	intptr_t result = real[CONNECT](c);

	if (result && to && c->name_len >= (int)sizeof *to &&
		to->sin_addr.s_addr == htonl(0xc0000207)) /* 192.0.2.7 */
		c->error = code_for_foreign;
	return result;
}

static void foreign_unreachable(void)
{
	code_for_foreign = WSAEHOSTUNREACH;
	entry[CONNECT] = connect_not_foreign;
}

static void foreign_refuses(void)
{
	code_for_foreign = WSAECONNREFUSED;
	entry[CONNECT] = connect_not_foreign;
}

static intptr_t connect_lacking(struct call *c)
{
	intptr_t result = real[CONNECT](c);

	if (c->error == WSAENOBUFS || c->error == WSAEMFILE)
		c->error = WSAECONNREFUSED;
	return result;
}

static void local_lack_refuses(void)
{
	entry[CONNECT] = connect_lacking;
}

static intptr_t connect_no_data(struct call *c)
{
	c->caller = c->callee = NULL;
	return real[CONNECT](c);
}

static void data_ignored(void)
{
	entry[CONNECT] = connect_no_data;
}

/* ---- closing, receiving -------------------------------------------- */

static SOCKET last_handle;

static SOCKET WSPAPI create_and_note(DWORD id, DWORD_PTR context, LPINT e)
{
	last_handle = up->lpWPUCreateSocketHandle(id, context, e);
	return last_handle;
}

/* A completion for the connect, which was no overlapped request. */
static intptr_t close_and_complete(struct call *c)
{
	static WSAOVERLAPPED never;
	int ignored;

	never.Internal = WSS_OPERATION_IN_PROGRESS;
	never.OffsetHigh = WSA_OPERATION_ABORTED;
	up->lpWPUCompleteOverlappedRequest(last_handle, &never,
		WSA_OPERATION_ABORTED, 0, &ignored);
	return real[CLOSE](c);
}

static void close_completes(void)
{
	ours.lpWPUCreateSocketHandle = create_and_note;
	entry[CLOSE] = close_and_complete;
}

static SOCKET selected_on;
static WSAEVENT selected;

static intptr_t note_selected(struct call *c)
{
	selected_on = c->s;
	selected = c->event;
	return real[SELECT](c);
}

static intptr_t close_and_signal(struct call *c)
{
	if (c->s == selected_on && selected)
		os_event_set(selected);
	return real[CLOSE](c);
}

static void close_signals(void)
{
	entry[SELECT] = note_selected;
	entry[CLOSE] = close_and_signal;
}

static SOCKET connecting = INVALID_SOCKET;

static intptr_t note_connecting(struct call *c)
{
	intptr_t result = real[CONNECT](c);

	if (c->error == WSAEWOULDBLOCK)
		connecting = c->s;
	return result;
}

static intptr_t note_connected(struct call *c)
{
	intptr_t result = real[ENUM](c);

	if (result == 0 && c->s == connecting &&
		(c->events->lNetworkEvents & FD_CONNECT))
		connecting = INVALID_SOCKET;
	return result;
}

static intptr_t recv_connected(struct call *c)
{
	return c->s == connecting ? fail(c, WSAENOTCONN) : real[RECV](c);
}

static void receive_early(void)
{
	entry[CONNECT] = note_connecting;
	entry[ENUM] = note_connected;
	entry[RECV] = recv_connected;
}

const struct fault faults_connect[] = {
	{"connect-blocks", "R70", "WSPConnect waits for the outcome",
		connect_blocks},
	{"success-code", "R71", "success is told as WSAEISCONN",
		success_code},
	{"connect-untold", "R72", "an immediate error is never told",
		connect_untold},
	{"connect-again", "R73", "a second connect gives WSAEWOULDBLOCK",
		connect_again},
	{"connect-connected", "R74", "a connected socket gives WSAEINVAL",
		connect_connected},
	{"connect-unbound", "R75", "an unbound socket is bound silently",
		connect_unbound},
	{"connect-nowhere", "R76", "port 0 gives WSAEINVAL", connect_nowhere},
	{"connect-short", "R77", "a name one byte short is taken",
		connect_short},
	{"reject-code", "R78", "a rejected connect times out", reject_code},
	{"backlog-code", "R79", "a full backlog gives WSAETIMEDOUT",
		backlog_code},
	{"nobody-refuses", "R80", "nobody listening is WSAECONNREFUSED",
		nobody_refuses},
	{"foreign-unreachable", "R81",
		"WSAEHOSTUNREACH for an address that may exist",
		foreign_unreachable},
	{"foreign-refuses", "R81", "WSAECONNREFUSED for a foreign address",
		foreign_refuses},
	{"no-wsd-refuses", "R82", "a peer without WSD is WSAECONNREFUSED",
		nobody_refuses},
	{"local-lack-refuses", "R83", "lack of handles is WSAECONNREFUSED",
		local_lack_refuses},
	{"remote-lack-refuses", "R84",
		"lack of resources there is WSAECONNREFUSED",
		remote_lack_refuses},
	{"tcp-only-refuses", "R85", "a TCP listener is WSAECONNREFUSED",
		nobody_refuses},
	{"never-times-out", "R86", "a connect may take for ever",
		never_times_out},
	{"close-completes", "R87", "closing after a failed connect completes",
		close_completes},
	{"close-signals", "R88", "closing while connecting sets the event",
		close_signals},
	{"data-ignored", "R89", "connect data are lost silently",
		data_ignored},
	{"receive-early", "R122", "no receive while connecting",
		receive_early},
	{NULL, NULL, NULL, NULL},
};
