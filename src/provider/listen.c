/* SPDX-License-Identifier: MIT */
/*
 * listen.c - WSPListen: R36, R90 to R93, R95.
 */
#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/socket.h"
#include "provider/spi.h"

/* What WSD_SOMAXCONN, and anything larger than it, asks for (R92). */
enum { BACKLOG_MAX = 4096, BACKLOG_REASONABLE = 1024 };

static unsigned bounded(int backlog)
{
	if (backlog < 1)
		return 1;
	if (backlog == WSD_SOMAXCONN)
		return BACKLOG_REASONABLE;
	return backlog < BACKLOG_MAX ? (unsigned)backlog : BACKLOG_MAX;
}

static int why_not(enum prov_state state)
{
	switch (state) {
	case PROV_CLOSED:
		return WSAENOTSOCK;
	case PROV_CONNECTED:
	case PROV_DISCONNECTED:
		return WSAEISCONN; /* R91 */
	default:
		return WSAEINVAL; /* R90 */
	}
}

/* s->lock held. */
static int start(struct prov_socket *s, unsigned backlog)
{
	enum status st;

	if (s->local.port == 0)
		return WSAEINVAL;
	st = provider_transport.listen(&s->local, s->options.only_v6, backlog,
		&s->listening.listener);
	return prov_error(st); /* R93 */
}

/* s->lock held. */
static int listen_locked(struct prov_socket *s, unsigned backlog)
{
	enum prov_state state = prov_socket_state(s);
	int error;

	if (state == PROV_BOUND)
		error = start(s, backlog);
	else if (state == PROV_LISTENING)
		error = prov_error(provider_transport.set_backlog(
			s->listening.listener, backlog)); /* R95 */
	else
		error = why_not(state);
	if (error)
		return error;
	s->listening.backlog = backlog;
	prov_socket_step(s, PROV_LISTEN);
	return 0;
}

static bool accept_selected(struct prov_socket *s)
{
	bool selected;

	os_mutex_lock(&s->lock);
	selected = s->events.mask & FD_ACCEPT;
	os_mutex_unlock(&s->lock);
	return selected;
}

int WSPAPI WSPListen(SOCKET d, int backlog, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error = 0;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	/* The engine first: without it nobody would signal the event. */
	if (accept_selected(s) && !prov_engine_ready())
		error = WSAENOBUFS;
	os_mutex_lock(&s->lock);
	if (!error)
		error = listen_locked(s, bounded(backlog));
	os_mutex_unlock(&s->lock);
	if (!error && accept_selected(s))
		prov_engine_want(s);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
