/* SPDX-License-Identifier: MIT */
/* Listening and accepting: R90 to R116. */
#include <stddef.h>
#include <string.h>

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

/* ---- condition function -------------------------------------------- */

/* What stands between the real provider and the switch's function. */
struct between {
	LPCONDITIONPROC theirs;
	DWORD_PTR data;
	int answer;
	SOCKADDR_STORAGE peer, local;
	WSABUF id, callee;
};

static int ask(const struct between *b)
{
	WSABUF id = b->id, callee = b->callee;

	return b->theirs(&id, NULL, NULL, NULL, &callee, NULL, NULL, b->data);
}

static void keep_names(struct between *b, const WSABUF *id,
	const WSABUF *callee)
{
	memcpy(&b->peer, id->buf, id->len);
	memcpy(&b->local, callee->buf, callee->len);
	b->id = (WSABUF){id->len, (CHAR *)&b->peer};
	b->callee = (WSABUF){callee->len, (CHAR *)&b->local};
}

static int (*asking)(struct between *b);

static int CALLBACK between(LPWSABUF id, LPWSABUF data, LPQOS sqos, LPQOS gqos,
	LPWSABUF callee, LPWSABUF callee_data, GROUP *g, DWORD_PTR context)
{
	struct between *b = (struct between *)context;

	keep_names(b, id, callee);
	b->answer = asking(b);
	return b->answer;
}

static intptr_t accept_between(struct call *c)
{
	struct between b = {.theirs = c->condition, .data = c->condition_data};

	if (c->condition) {
		c->condition = between;
		c->condition_data = (DWORD_PTR)&b;
	}
	return real[ACCEPT](c);
}

static void break_condition(int (*fn)(struct between *b))
{
	asking = fn;
	entry[ACCEPT] = accept_between;
}

static int ask_with_other_data(struct between *b)
{
	b->data++;
	return ask(b);
}

static void callback_data(void)
{
	break_condition(ask_with_other_data);
}

static int ask_without_local(struct between *b)
{
	((struct sockaddr_in *)&b->local)->sin_addr.s_addr = 0;
	return ask(b);
}

static void local_wildcard(void)
{
	break_condition(ask_without_local);
}

static int ask_leniently(struct between *b)
{
	int answer = ask(b);

	return answer == CF_REJECT || answer == CF_DEFER ? answer : CF_ACCEPT;
}

static void nonsense_accepts(void)
{
	break_condition(ask_leniently);
}

static int ask_then_make(struct between *b)
{
	int answer = ask(b), ignored;

	if (answer == CF_REJECT)
		up->lpWPUCreateSocketHandle(0, 0, &ignored);
	return answer;
}

static void reject_makes_handle(void)
{
	break_condition(ask_then_make);
}

static int ask_and_never_defer(struct between *b)
{
	int answer = ask(b);

	return answer == CF_DEFER ? CF_REJECT : answer;
}

static intptr_t accept_never_deferring(struct call *c)
{
	intptr_t s;

	asking = ask_and_never_defer;
	s = accept_between(c);
	if (c->error == WSAECONNREFUSED)
		c->error = WSATRY_AGAIN;
	return s;
}

static void deferred_lost(void)
{
	entry[ACCEPT] = accept_never_deferring;
}

static int accept_and_keep_names(struct between *b)
{
	return CF_ACCEPT;
}

/* The peer learns of its success before anybody was asked. */
static intptr_t accept_then_ask(struct call *c)
{
	struct between b = {.theirs = c->condition, .data = c->condition_data};
	struct call drop = {.error = 0};

	if (!c->condition)
		return real[ACCEPT](c);
	c->condition = between;
	c->condition_data = (DWORD_PTR)&b;
	drop.s = (SOCKET)real[ACCEPT](c);
	if (drop.s == INVALID_SOCKET || ask(&b) == CF_ACCEPT)
		return (intptr_t)drop.s;
	real[CLOSE](&drop);
	c->error = WSAECONNREFUSED;
	return NO_SOCKET;
}

static void accepts_first(void)
{
	asking = accept_and_keep_names;
	entry[ACCEPT] = accept_then_ask;
}

struct apart {
	struct call *c;
	intptr_t result;
};

static void accept_in_thread(void *arg)
{
	struct apart *a = arg;

	a->result = real[ACCEPT](a->c);
}

static intptr_t accept_apart(struct call *c)
{
	struct apart a = {c, NO_SOCKET};
	struct os_thread t;

	if (os_thread_start(&t, "accept", accept_in_thread, &a) != ST_OK)
		return real[ACCEPT](c);
	os_thread_join(&t);
	return a.result;
}

static void other_thread(void)
{
	entry[ACCEPT] = accept_apart;
}

/* One lock around everything about listeners. */
static struct os_mutex listeners = OS_MUTEX_INIT;

static intptr_t locked(enum entry e, struct call *c)
{
	intptr_t result;

	os_mutex_lock(&listeners);
	result = real[e](c);
	os_mutex_unlock(&listeners);
	return result;
}

static intptr_t accept_locked(struct call *c)
{
	return locked(ACCEPT, c);
}

static intptr_t select_locked(struct call *c)
{
	return locked(SELECT, c);
}

static void condition_locked(void)
{
	entry[ACCEPT] = accept_locked;
	entry[SELECT] = select_locked;
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
	{"short-room-drops", "R99", "too little room for a name drops a request",
		short_room_drops},
	{"other-thread", "R100", "the condition function has its own thread",
		other_thread},
	{"accepts-first", "R101", "the peer is accepted before it is asked",
		accepts_first},
	{"callback-data", "R102", "the callback data are changed",
		callback_data},
	{"condition-locked", "R103", "a lock is held over the condition function",
		condition_locked},
	{"reject-makes-handle", "R104", "a rejected request leaves a handle",
		reject_makes_handle},
	{"accept-two-handles", "R105", "an accept makes two switch handles",
		accept_two_handles},
	{"name-length", "R106", "the length of the name is not stored",
		name_length},
	{"event-stays", "R107", "the last accept leaves the event set",
		event_stays},
	{"event-not-again", "R108", "more requests do not signal again",
		event_not_again},
	{"nonsense-accepts", "R109", "an undefined answer accepts",
		nonsense_accepts},
	{"deferred-lost", "R110", "a deferred request is refused",
		deferred_lost},
	{"no-descriptors", "R111", "no descriptors gives WSAENOBUFS",
		no_descriptors},
	{"withdrawn-lives", "R112", "a withdrawn request is a live socket",
		withdrawn_lives},
	{"failure-closes", "R113", "closes a switch handle that was not made",
		failure_closes},
	{"local-wildcard", "R114", "the local address is the wildcard",
		local_wildcard},
	{"options-lost", "R115", "options are not inherited", options_lost},
	{"close-accepts", "R116", "closing a listener accepts what waits",
		close_accepts},
	{NULL, NULL, NULL, NULL},
};
