/* SPDX-License-Identifier: MIT */
/*
 * wait.c - WSDGetWaitHandle and WSDArm: sleeping without a thread of ours.
 *
 * One handle per socket, the transport's own. Two who sleep on it, or one who
 * sleeps and the engine (a request with upcall pending), take each other's
 * doorbells: use one or the other on a socket.
 */
#include "provider/socket.h"
#include "provider/spi.h"

/* s->lock held. */
static int wait_handle(struct prov_socket *s, os_handle *out)
{
	switch (prov_socket_state(s)) {
	case PROV_LISTENING:
		*out = provider_transport.listener_handle(
			s->listening.listener);
		return *out == OS_NO_HANDLE ? WSAEOPNOTSUPP : 0;
	case PROV_CONNECTING:
	case PROV_CONNECTED:
	case PROV_DISCONNECTED:
		if (!s->conn)
			return WSAEINVAL;
		*out = provider_transport.handle(s->conn);
		s->handle_known = true;
		return 0;
	case PROV_CLOSED:
		return WSAENOTSOCK;
	default:
		return WSAEINVAL;
	}
}

int WSPAPI WSDGetWaitHandle(SOCKET d, WSDWAITHANDLE *lpHandle, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error = WSAEFAULT;
	os_handle h;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	if (lpHandle) {
		os_mutex_lock(&s->lock);
		error = wait_handle(s, &h);
		os_mutex_unlock(&s->lock);
		if (!error)
			*lpHandle = h;
	}
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}

/* ---- WSDArm -------------------------------------------------------- */

/* s->lock held. Doorbells that are older than what we look at next. */
static int drain(struct prov_socket *s)
{
	enum prov_state state = prov_socket_state(s);

	if (state == PROV_CLOSED)
		return WSAENOTSOCK;
	if (s->channel || (state != PROV_CONNECTING &&
			state != PROV_CONNECTED && state != PROV_DISCONNECTED))
		return WSAEINVAL;
	if (s->conn)
		provider_transport.drain(s->conn, false);
	return 0;
}

/* s->lock held. 0 armed, WSAEALREADY. */
static int arm(struct prov_socket *s, DWORD interest)
{
	bool transfer = atomic_load(&s->tx.running) > 0;
	unsigned what = (interest & WSD_IN || transfer ? TRANSPORT_IN : 0) |
		(interest & WSD_OUT ? TRANSPORT_OUT : 0);
	unsigned happened = atomic_load(&s->happened);

	/* Anything since the caller was here last? It may not know yet. */
	if (happened != s->seen || !s->conn ||
		prov_socket_state(s) == PROV_DISCONNECTED) {
		s->seen = happened;
		return WSAEALREADY;
	}
	return provider_transport.arm(s->conn, what) == ST_OK ? 0
							       : WSAEALREADY;
}

/*
 * The doorbells are taken away first, then we look, then we arm, then we look
 * again: what happens before the second look is seen by it, what happens after
 * rings.
 */
static int drain_look_arm(struct prov_socket *s, DWORD interest)
{
	unsigned happened;
	int error;

	os_mutex_lock(&s->lock);
	error = drain(s);
	os_mutex_unlock(&s->lock);
	if (error)
		return error;
	prov_progress(s, true);
	os_mutex_lock(&s->lock);
	error = arm(s, interest);
	happened = s->seen;
	os_mutex_unlock(&s->lock);
	if (error)
		return error;
	return atomic_load(&s->happened) == happened ? 0 : WSAEALREADY;
}

int WSPAPI WSDArm(SOCKET d, DWORD dwInterest, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error = WSAEINVAL;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	if (dwInterest && !(dwInterest & ~(DWORD)(WSD_IN | WSD_OUT)))
		error = drain_look_arm(s, dwInterest);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
