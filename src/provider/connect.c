/* SPDX-License-Identifier: MIT */
/*
 * connect.c - WSPConnect: R70 to R89.
 *
 * The request is sent and nothing is waited for. The outcome is looked for by
 * prov_connect_look, called by everything that polls, and by the engine when
 * FD_CONNECT is selected. The time limit (R86) is looked at in the same place:
 * who neither polls nor selects the event will not hear of it.
 */
#include "os/os.h"
#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/name.h"
#include "provider/process.h"
#include "provider/socket.h"
#include "provider/spi.h"

static int why_not(enum prov_state state)
{
	switch (state) {
	case PROV_CLOSED:
		return WSAENOTSOCK;
	case PROV_CONNECTING:
		return WSAEALREADY; /* R73 */
	case PROV_CONNECTED:
	case PROV_DISCONNECTED:
		return WSAEISCONN; /* R74 */
	default:
		return WSAEINVAL; /* R74, R75 */
	}
}

/* R76, R77; *remote is stored. */
static int check_name(const struct prov_socket *s, const struct sockaddr *name,
	int namelen, struct addr *remote)
{
	if (!name || namelen < (int)sizeof name->sa_family)
		return WSAEFAULT;
	if (name->sa_family != s->family)
		return WSAEAFNOSUPPORT;
	if (!prov_name_in(s->family, name, namelen, remote))
		return WSAEFAULT;
	if (addr_is_any(remote) || remote->port == 0)
		return WSAEADDRNOTAVAIL;
	if (remote->family == 4 && s->options.only_v6)
		return WSAEADDRNOTAVAIL;
	return 0;
}

/* All locks held, state BOUND. 0: CONNECTING. */
static int start(struct prov_socket *s, const struct addr *remote)
{
	struct transport_conn *conn;
	enum status st;

	if (s->channel) /* of a failed connect; it ends with the socket */
		return WSAEINVAL;
	if (s->conn)
		prov_conn_close(s, false);
	st = provider_transport.connect(&s->local, remote, "", 0, &conn);
	if (st != ST_OK)
		return prov_connect_error(st);
	s->conn = conn;
	s->remote = *remote;
	s->deadline = os_now() + prov_process()->settings.connect_timeout;
	s->events.record &= ~(long)FD_CONNECT;
	prov_socket_step(s, PROV_CONNECT);
	return 0;
}

/* All locks held. R72: an outcome that is known already is the answer. */
static int finish(struct prov_socket *s)
{
	enum status st = provider_transport.status(s->conn, false);

	if (st == ST_PENDING)
		return WSAEWOULDBLOCK; /* R70 */
	prov_socket_step(s, st == ST_OK ? PROV_ESTABLISHED
					: PROV_CONNECT_FAILED);
	if (st != ST_OK)
		prov_conn_close(s, false);
	return prov_connect_error(st);
}

static int connect_locked(struct prov_socket *s, const struct addr *remote)
{
	enum prov_state state = prov_socket_state(s);
	int error = state == PROV_BOUND ? start(s, remote) : why_not(state);

	return error ? error : finish(s);
}

/* The engine first: without it nobody would signal the event. */
static int prepare(struct prov_socket *s)
{
	bool selected;

	os_mutex_lock(&s->lock);
	selected = s->events.mask & FD_CONNECT;
	os_mutex_unlock(&s->lock);
	return selected && !prov_engine_ready() ? WSAENOBUFS : 0;
}

static int connect_socket(struct prov_socket *s, const struct sockaddr *name,
	int namelen)
{
	struct addr remote;
	int error;

	prov_connect_look(s);
	if (prov_socket_state(s) != PROV_BOUND)
		return why_not(prov_socket_state(s));
	error = check_name(s, name, namelen, &remote);
	if (!error)
		error = prepare(s);
	if (error)
		return error;
	prov_socket_lock_all(s);
	error = connect_locked(s, &remote);
	if (error == WSAEWOULDBLOCK && (s->events.mask & FD_CONNECT))
		prov_engine_want(s);
	prov_socket_unlock_all(s);
	return error;
}

int WSPAPI WSPConnect(SOCKET d, const struct sockaddr *name, int namelen,
	LPWSABUF lpCallerData, LPWSABUF lpCalleeData, LPQOS lpSQOS,
	LPQOS lpGQOS, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	if (lpCallerData)
		error = WSAEPROTONOSUPPORT; /* R89 */
	else if (lpSQOS)
		error = WSAEOPNOTSUPP;
	else
		error = connect_socket(s, name, namelen);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
