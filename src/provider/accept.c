/* SPDX-License-Identifier: MIT */
/*
 * accept.c - WSPAccept: R97 to R116, R101, R103.
 *
 * Requests stay queued in the transport, which keeps and refuses as the backlog
 * says (R93), until WSPAccept takes one. From then on it is this call's: no
 * lock is held while the condition function runs, the peer hears nothing
 * meanwhile, and whatever happens the request is accepted, refused, or put back
 * in front (CF_DEFER). Of requests put back the backlog knows nothing: a
 * listener with n of them keeps n more than its backlog.
 */
#include "provider/accept.h"

#include <stdlib.h>

#include "provider/close.h"
#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/name.h"
#include "provider/socket.h"
#include "provider/spi.h"

#include "base/sockaddr.h"

bool prov_request_waits(struct prov_socket *s)
{
	os_handle h;

	if (s->listening.deferred)
		return true;
	h = provider_transport.listener_handle(s->listening.listener);
	return h != OS_NO_HANDLE && os_handle_wait(h, 0) == ST_OK;
}

void prov_listening_close(struct prov_socket *s)
{
	struct prov_listening *l = &s->listening;

	prov_engine_unwatch(s);
	while (l->deferred) {
		struct prov_waiting *w = l->deferred;

		l->deferred = w->next;
		provider_transport.refuse(w->request, REFUSE_CLOSING);
		free(w);
	}
	if (l->listener && s->abandoned)
		provider_transport.leave_listener(l->listener);
	else if (l->listener)
		provider_transport.close_listener(l->listener);
	l->listener = NULL;
}

/* ---- the queue: s->lock held --------------------------------------- */

/* The oldest request, into w. 0 or a Winsock code. */
static int take(struct prov_socket *s, struct prov_waiting *w)
{
	struct prov_listening *l = &s->listening;
	enum status st;

	if (l->deferred) {
		struct prov_waiting *first = l->deferred;

		*w = *first;
		l->deferred = first->next;
		free(first);
		return 0;
	}
	st = provider_transport.take(l->listener, &w->request);
	w->number = ++l->taken;
	return prov_error(st); /* R97, R111 */
}

/* R110: in front, before all that came later. */
static void put_back(struct prov_socket *s, struct prov_waiting *w)
{
	struct prov_waiting **at = &s->listening.deferred;

	while (*at && (*at)->number < w->number)
		at = &(*at)->next;
	w->next = *at;
	*at = w;
}

/* R107, R108: this arrival has been dealt with; is there another? */
static void rearm(struct prov_socket *s)
{
	if (prov_socket_state(s) != PROV_LISTENING)
		return;
	s->listening.told = false;
	s->events.record &= ~(long)FD_ACCEPT;
	if (s->events.object && (s->events.mask & FD_ACCEPT))
		os_event_reset(s->events.object);
	prov_accept_look(s);
	if (s->events.mask & FD_ACCEPT)
		prov_engine_want(s); /* it had stopped watching */
}

/* ---- one request --------------------------------------------------- */

struct call {
	struct prov_socket *listener;
	struct prov_waiting *waiting;
	struct addr peer, local;
	LPCONDITIONPROC condition;
	DWORD_PTR data;
};

/* R100, R102. No locks held. */
static int ask(const struct call *c)
{
	union sockaddr_any peer, local;
	WSABUF caller, callee;

	if (!c->condition)
		return CF_ACCEPT;
	caller.buf = (CHAR *)&peer;
	caller.len = (u_long)prov_name_out(c->listener->family, &c->peer,
		&peer.sa);
	callee.buf = (CHAR *)&local;
	callee.len = (u_long)prov_name_out(c->listener->family, &c->local,
		&local.sa);
	return c->condition(&caller, NULL, NULL, NULL, &callee, NULL, NULL,
		c->data);
}

static void refuse(const struct call *c, enum transport_refusal why)
{
	os_mutex_lock(&c->listener->lock);
	provider_transport.refuse(c->waiting->request, why);
	os_mutex_unlock(&c->listener->lock);
	free(c->waiting);
}

static int defer(const struct call *c)
{
	struct prov_socket *s = c->listener;
	bool listening;

	os_mutex_lock(&s->lock);
	listening = prov_socket_state(s) == PROV_LISTENING;
	if (listening)
		put_back(s, c->waiting);
	os_mutex_unlock(&s->lock);
	if (listening)
		return WSATRY_AGAIN;
	refuse(c, REFUSE_CLOSING);
	return WSAENOTSOCK;
}

/* The new socket becomes what was accepted. Nobody else knows it yet. */
static void adopt(struct prov_socket *s, const struct call *c,
	struct transport_conn *conn)
{
	prov_socket_lock_all(s);
	s->conn = conn;
	s->local = c->local; /* R114 */
	s->remote = c->peer;
	s->options = c->listener->options; /* R115 */
	prov_socket_step(s, PROV_ADOPT_CONN);
	prov_socket_unlock_all(s);
}

/* Answers the peer. The request ends. */
static int answer(const struct call *c, struct prov_socket *s)
{
	struct transport_conn *conn;
	enum status st = ST_ABORTED;

	os_mutex_lock(&c->listener->lock);
	if (prov_socket_state(c->listener) == PROV_LISTENING)
		st = provider_transport.accept(c->waiting->request, &conn);
	else
		provider_transport.refuse(c->waiting->request, REFUSE_CLOSING);
	os_mutex_unlock(&c->listener->lock);
	free(c->waiting);
	if (st != ST_OK)
		return prov_error(st); /* R112 */
	adopt(s, c, conn);
	return 0;
}

/* R105, R113. *out comes with a reference. */
static int accept_it(const struct call *c, struct prov_socket **out)
{
	int error = prov_socket_create(c->listener->family, out);

	if (error) {
		refuse(c, REFUSE_NO_RESOURCES);
		return error;
	}
	error = answer(c, *out);
	if (error)
		prov_close_held(*out);
	return error;
}

static int decide(const struct call *c, struct prov_socket **out)
{
	switch (ask(c)) {
	case CF_ACCEPT:
		return accept_it(c, out);
	case CF_DEFER:
		return defer(c);
	case CF_REJECT:
		refuse(c, REFUSE_REJECTED);
		return WSAECONNREFUSED; /* R104 */
	default:
		refuse(c, REFUSE_REJECTED);
		return WSAEINVAL; /* R109 */
	}
}

/* ---- WSPAccept ----------------------------------------------------- */

/* s->lock held. */
static int take_locked(struct prov_socket *s, struct prov_waiting *w)
{
	int error;

	if (prov_socket_state(s) == PROV_CLOSED)
		return WSAENOTSOCK;
	if (prov_socket_state(s) != PROV_LISTENING)
		return WSAEINVAL; /* R98 */
	error = take(s, w);
	if (error)
		rearm(s);
	return error;
}

/* R99: before anything is taken. */
static int check(struct prov_socket *s, const struct sockaddr *addr,
	const INT *addrlen)
{
	if (prov_socket_state(s) != PROV_LISTENING)
		return WSAEINVAL;
	if (addr && (!addrlen || *addrlen < prov_name_len(s->family)))
		return WSAEFAULT;
	return 0;
}

static int accept_one(struct call *c, struct prov_socket **out)
{
	struct prov_socket *s = c->listener;
	int error;

	c->waiting = calloc(1, sizeof *c->waiting);
	if (!c->waiting)
		return WSAENOBUFS;
	os_mutex_lock(&s->lock);
	error = take_locked(s, c->waiting);
	os_mutex_unlock(&s->lock);
	if (error) {
		free(c->waiting);
		return error;
	}
	c->peer = c->waiting->request->peer;
	c->local = c->waiting->request->local;
	error = decide(c, out);
	os_mutex_lock(&s->lock);
	if (error != WSATRY_AGAIN)
		rearm(s);
	os_mutex_unlock(&s->lock);
	return error;
}

SOCKET WSPAPI WSPAccept(SOCKET d, struct sockaddr *addr, LPINT addrlen,
	LPCONDITIONPROC lpfnCondition, DWORD_PTR dwCallbackData, LPINT lpErrno)
{
	struct call c = {.listener = prov_socket_hold(d),
		.condition = lpfnCondition, .data = dwCallbackData};
	struct prov_socket *s = NULL;
	SOCKET made = INVALID_SOCKET;
	int error = WSAENOTSOCK;

	if (c.listener) {
		error = check(c.listener, addr, addrlen);
		if (!error)
			error = accept_one(&c, &s);
		if (!error && addr) /* R106 */
			*addrlen = prov_name_out(s->family, &c.peer, addr);
		if (!error) {
			made = s->descriptor;
			prov_socket_release(s);
		}
		prov_socket_release(c.listener);
	}
	prov_result(error, lpErrno);
	return made;
}
