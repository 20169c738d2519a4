/* SPDX-License-Identifier: MIT */
/*
 * service.c - what the engine does with one socket.
 *
 * Take doorbells, make progress (upcalls included), then decide under the
 * socket's lock what to wait for, arm it, and watch the handle. Whoever posts
 * something new afterwards puts the socket on the engine's list; whatever the
 * peer does afterwards rings.
 *
 * If something is there but cannot be taken, or an RDMA runs, for which no
 * doorbell need come, the socket goes on the list for a millisecond later.
 */
#include "provider/engine.h"
#include "provider/socket.h"

/* At one socket, before others have their turn. */
enum { LOOKS = 4 };

/* ---- what a socket waits for: s->lock held ------------------------- */

static bool lane_waits(struct prov_socket *s, struct prov_lane *l)
{
	if (atomic_load(&l->pending) == atomic_load(&l->waiting))
		return false;
	return atomic_load(&l->notify) > 0 || atomic_load(&s->waiters) > 0;
}

static unsigned interest(struct prov_socket *s)
{
	unsigned what = 0;

	if (!s->conn || s->channel)
		return 0;
	if (prov_socket_state(s) == PROV_CONNECTING)
		return s->events.mask & FD_CONNECT ||
				lane_waits(s, &s->rx)
			? TRANSPORT_IN
			: 0;
	if (lane_waits(s, &s->rx))
		what |= TRANSPORT_IN;
	if (lane_waits(s, &s->tx))
		what |= (atomic_load(&s->tx.blocked) ? TRANSPORT_OUT : 0) |
			(atomic_load(&s->tx.running) ? TRANSPORT_IN : 0);
	return what;
}

static void settle_listener(struct prov_socket *s)
{
	os_handle h = provider_transport.listener_handle(
		s->listening.listener);

	prov_accept_look(s);
	if ((s->events.mask & FD_ACCEPT) && !s->listening.told &&
		h != OS_NO_HANDLE)
		prov_engine_watch(s, h);
	else
		prov_engine_unwatch(s);
}

/* False: something is there already. */
static bool settle_conn(struct prov_socket *s)
{
	unsigned what = interest(s);

	if (!what) {
		prov_engine_unwatch(s);
		return true;
	}
	if (provider_transport.arm(s->conn, what) != ST_OK)
		return false;
	prov_engine_watch(s, provider_transport.handle(s->conn));
	if (prov_socket_state(s) == PROV_CONNECTING)
		prov_engine_come_back(s, s->deadline);
	else if (atomic_load(&s->tx.running))
		prov_engine_come_back(s, os_now() + PROV_RETRY_NS);
	return true;
}

static bool settle(struct prov_socket *s)
{
	bool settled = true;

	os_mutex_lock(&s->lock);
	switch (prov_socket_state(s)) {
	case PROV_LISTENING:
		settle_listener(s);
		break;
	case PROV_CONNECTING:
	case PROV_CONNECTED:
	case PROV_DISCONNECTED:
		settled = settle_conn(s);
		break;
	default:
		prov_engine_unwatch(s);
		break;
	}
	os_mutex_unlock(&s->lock);
	return settled;
}

/* ---- serving ------------------------------------------------------- */

/* Doorbells of a connection that we do not watch are not for us. */
static void take_doorbells(struct prov_socket *s)
{
	os_mutex_lock(&s->lock);
	if (s->conn && !s->channel && s->service.watched != OS_NO_HANDLE)
		provider_transport.drain(s->conn, false);
	os_mutex_unlock(&s->lock);
}

void prov_service(struct prov_socket *s)
{
	for (int look = 0; look < LOOKS; look++) {
		take_doorbells(s);
		prov_progress(s, true);
		if (settle(s))
			return;
	}
	prov_engine_come_back(s, os_now() + PROV_RETRY_NS);
}
