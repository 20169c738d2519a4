/* SPDX-License-Identifier: MIT */
/* Listening and accepting: R90 to R116. */
#include <stddef.h>

#include "os/os.h"
#include "wrap.h"

/* ---- WSPListen ----------------------------------------------------- */

static void listen_unbound(void)
{
	break_code(LISTEN, WSAEINVAL, WSAEOPNOTSUPP);
}

static void listen_connected(void)
{
	break_code(LISTEN, WSAEISCONN, WSAEINVAL);
}

static intptr_t listen_few(struct call *c)
{
	if (c->backlog == WSD_SOMAXCONN)
		c->backlog = 2;
	return real[LISTEN](c);
}

static void somaxconn_two(void)
{
	entry[LISTEN] = listen_few;
}

static intptr_t listen_one_more(struct call *c)
{
	if (c->backlog > 0 && c->backlog < WSD_SOMAXCONN)
		c->backlog++;
	return real[LISTEN](c);
}

static void backlog_one_more(void)
{
	entry[LISTEN] = listen_one_more;
}

static intptr_t listen_first(struct call *c)
{
	static SOCKET first = INVALID_SOCKET;

	if (c->s == first)
		return 0;
	first = c->s;
	return real[LISTEN](c);
}

static void backlog_fixed(void)
{
	entry[LISTEN] = listen_first;
}

/* ---- events -------------------------------------------------------- */

static WSAEVENT selected;

static intptr_t note_selected(struct call *c)
{
	selected = c->event;
	return real[SELECT](c);
}

/* Both sides are in this process, so the refusal can be seen here. */
static intptr_t connect_and_signal(struct call *c)
{
	intptr_t result = real[CONNECT](c);

	if (c->error == WSAECONNREFUSED && selected)
		os_event_set(selected);
	return result;
}

static void refusal_signals(void)
{
	entry[SELECT] = note_selected;
	entry[CONNECT] = connect_and_signal;
}

static intptr_t select_connect_only(struct call *c)
{
	c->mask &= ~FD_ACCEPT;
	return real[SELECT](c);
}

static void accept_silent(void)
{
	entry[SELECT] = select_connect_only;
}

static intptr_t accept_and_set(struct call *c)
{
	intptr_t s = real[ACCEPT](c);

	if (s != NO_SOCKET && selected)
		os_event_set(selected);
	return s;
}

static void event_stays(void)
{
	entry[SELECT] = note_selected;
	entry[ACCEPT] = accept_and_set;
}

static intptr_t accept_and_reset(struct call *c)
{
	intptr_t s = real[ACCEPT](c);

	if (s != NO_SOCKET && selected)
		os_event_reset(selected);
	return s;
}

static void event_not_again(void)
{
	entry[SELECT] = note_selected;
	entry[ACCEPT] = accept_and_reset;
}

/* ---- WSPAccept ----------------------------------------------------- */

static void accept_empty(void)
{
	break_code(ACCEPT, WSAEWOULDBLOCK, WSAEINVAL);
}

static void accept_state(void)
{
	break_code(ACCEPT, WSAEINVAL, WSAEOPNOTSUPP);
}

static intptr_t accept_and_drop(struct call *c)
{
	struct call take = {.s = c->s}, drop = {.error = 0};

	if (c->name_room && *c->name_room < (int)sizeof(struct sockaddr_in)) {
		drop.s = (SOCKET)real[ACCEPT](&take);
		if (drop.s != INVALID_SOCKET)
			real[CLOSE](&drop);
	}
	return real[ACCEPT](c);
}

static void short_room_drops(void)
{
	entry[ACCEPT] = accept_and_drop;
}

static intptr_t accept_as_long(struct call *c)
{
	int room = c->name_room ? *c->name_room : 0;
	intptr_t s = real[ACCEPT](c);

	if (s != NO_SOCKET && c->name_room)
		*c->name_room = room;
	return s;
}

static void name_length(void)
{
	entry[ACCEPT] = accept_as_long;
}

static void no_descriptors(void)
{
	break_code(ACCEPT, WSAEMFILE, WSAENOBUFS);
}

/* What was withdrawn comes out as a socket of the provider's. */
static intptr_t accept_the_dead(struct call *c)
{
	struct call make = {.af = AF_INET, .type = SOCK_STREAM,
		.protocol = IPPROTO_TCP, .flags = WSA_FLAG_OVERLAPPED};
	WSAPROTOCOL_INFOW info = {.iAddressFamily = AF_INET};
	intptr_t s = real[ACCEPT](c);

	if (c->error != WSAECONNRESET)
		return s;
	c->error = 0;
	make.info = &info;
	return real[SOCKET_](&make);
}

static void withdrawn_lives(void)
{
	entry[ACCEPT] = accept_the_dead;
}

static intptr_t accept_without_options(struct call *c)
{
	intptr_t s = real[ACCEPT](c);
	int off = 0;
	struct call set = {.s = (SOCKET)s, .level = SOL_SOCKET,
		.option = SO_DEBUG, .value = (char *)&off,
		.value_len = sizeof off};

	if (s != NO_SOCKET)
		real[SET_OPTION](&set);
	return s;
}

static void options_lost(void)
{
	entry[ACCEPT] = accept_without_options;
}

static intptr_t close_and_accept(struct call *c)
{
	struct call take = {.s = c->s};

	while (real[ACCEPT](&take) != NO_SOCKET)
		continue;
	return real[CLOSE](c);
}

static void close_accepts(void)
{
	entry[CLOSE] = close_and_accept;
}

/* ---- switch handles ------------------------------------------------ */

static _Thread_local bool accepting;

static intptr_t accept_noted(struct call *c)
{
	intptr_t s;

	accepting = true;
	s = real[ACCEPT](c);
	accepting = false;
	return s;
}

static SOCKET WSPAPI create_two(DWORD id, DWORD_PTR context, LPINT e)
{
	SOCKET extra;
	int ignored;

	if (accepting) {
		extra = up->lpWPUCreateSocketHandle(id, context, e);
		up->lpWPUCloseSocketHandle(extra, &ignored);
	}
	return up->lpWPUCreateSocketHandle(id, context, e);
}

static void accept_two_handles(void)
{
	entry[ACCEPT] = accept_noted;
	ours.lpWPUCreateSocketHandle = create_two;
}

/* Closes what was not made. */
static SOCKET WSPAPI create_or_close(DWORD id, DWORD_PTR context, LPINT e)
{
	SOCKET h = up->lpWPUCreateSocketHandle(id, context, e);
	int ignored;

	if (h == INVALID_SOCKET && accepting)
		up->lpWPUCloseSocketHandle(h, &ignored);
	return h;
}

static void failure_closes(void)
{
	entry[ACCEPT] = accept_noted;
	ours.lpWPUCreateSocketHandle = create_or_close;
}

const struct fault faults_accept[] = {
	{"listen-unbound", "R90", "an unbound socket gives WSAEOPNOTSUPP",
		listen_unbound},
	{"listen-connected", "R91", "a connected socket gives WSAEINVAL",
		listen_connected},
	{"somaxconn-two", "R92", "SOMAXCONN is a backlog of 2",
		somaxconn_two},
	{"backlog-one-more", "R93", "n + 1 requests are kept",
		backlog_one_more},
	{"refusal-signals", "R94", "a refused request signals FD_ACCEPT",
		refusal_signals},
	{"backlog-fixed", "R95", "a second WSPListen is ignored",
		backlog_fixed},
	{"accept-silent", "R96", "FD_ACCEPT is never signalled",
		accept_silent},
	{"accept-empty", "R97", "an empty queue gives WSAEINVAL",
		accept_empty},
	{"accept-state", "R98", "what does not listen gives WSAEOPNOTSUPP",
		accept_state},
	{"short-room-drops", "R99", "too little room for a name drops it all",
		short_room_drops},
	{"accept-two-handles", "R105", "an accept makes two switch handles",
		accept_two_handles},
	{"name-length", "R106", "the length of the name is not stored",
		name_length},
	{"event-stays", "R107", "the last accept leaves the event set",
		event_stays},
	{"event-not-again", "R108", "more requests do not signal again",
		event_not_again},
	{"no-descriptors", "R111", "no descriptors gives WSAENOBUFS",
		no_descriptors},
	{"withdrawn-lives", "R112", "a withdrawn request is a live socket",
		withdrawn_lives},
	{"failure-closes", "R113", "closes a switch handle that was not made",
		failure_closes},
	{"options-lost", "R115", "options are not inherited", options_lost},
	{"close-accepts", "R116", "closing a listener accepts what waits",
		close_accepts},
	{NULL, NULL, NULL, NULL},
};
