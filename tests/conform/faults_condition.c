/* SPDX-License-Identifier: MIT */
/* The condition function: R100 to R104, R109, R110, R114. */
#include <stddef.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

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

const struct fault faults_condition[] = {
	{"other-thread", "R100", "the condition function has its own thread",
		other_thread},
	{"accepts-first", "R101", "the peer is accepted before it is asked",
		accepts_first},
	{"callback-data", "R102", "the callback data are changed",
		callback_data},
	{"condition-locked", "R103", "the condition function is called locked",
		condition_locked},
	{"reject-makes-handle", "R104", "a rejected request leaves a handle",
		reject_makes_handle},
	{"nonsense-accepts", "R109", "an undefined answer accepts",
		nonsense_accepts},
	{"deferred-lost", "R110", "a deferred request is refused",
		deferred_lost},
	{"local-wildcard", "R114", "the local address is the wildcard",
		local_wildcard},
	{NULL, NULL, NULL, NULL},
};
