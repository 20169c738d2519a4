/* SPDX-License-Identifier: MIT */
/*
 * duplicate.c - WSPDuplicateSocket: R199, R200, R205, R208 to R210.
 *
 * The token is random, and the name made of it is taken in the system as long
 * as the hand-off lives: so no two are equal at a time (R200). What crosses is
 * in parcel.h, what the next process does in take_over.c.
 *
 * The peer notices nothing (R205): everything both sides count lies where both
 * can see it. A listener goes with its queue (R208), which is the kernel's.
 */
#include "provider/duplicate.h"

#include <stdlib.h>

#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/parcel.h"
#include "provider/process.h"
#include "provider/socket.h"
#include "provider/spi.h"

/* Of tokens that somebody else uses at this time. */
enum { TRIES = 8 };

/* ---- the hand-off -------------------------------------------------- */

/* R200: nonzero, and nobody else's as long as the door is open. */
static enum status open_door(struct prov_handoff *h)
{
	char name[OS_NAME_MAX];
	enum status st = ST_EXISTS;

	for (int i = 0; i < TRIES && st == ST_EXISTS; i++) {
		st = os_random(&h->token, sizeof h->token);
		if (st != ST_OK)
			return st;
		if (h->token == 0)
			h->token = 1;
		prov_door_name(h->token, name);
		st = os_listen(name, 4, &h->door);
	}
	return st;
}

bool prov_handoff_answer(struct prov_handoff *h)
{
	struct os_peer who;
	os_handle link;
	enum status st;

	if (os_link_accept(h->door, &link, &who) != ST_OK)
		return false;
	st = ST_ACCESS;
	if (h->open && who.pid == h->pid) /* R201 */
		st = os_link_send(link, h->message, h->len, h->handles,
			h->count);
	os_handle_close(link);
	return st == ST_OK;
}

bool prov_handoff_expired(const struct prov_handoff *h, uint64_t now)
{
	return now >= h->deadline || !os_process_alive(h->pid);
}

void prov_handoff_end(struct prov_handoff *h, bool fetched)
{
	if (h->conn)
		provider_transport.close(h->conn, fetched);
	if (h->listener)
		provider_transport.close_listener(h->listener);
	os_handle_close(h->door);
	free(h);
}

static int new_handoff(DWORD pid, struct prov_handoff **out)
{
	struct prov_handoff *h = calloc(1, sizeof *h);
	enum status st;

	if (!h)
		return WSAENOBUFS;
	h->pid = pid;
	h->door = OS_NO_HANDLE;
	h->deadline = os_now() + prov_process()->settings.handoff_timeout;
	st = open_door(h);
	if (st == ST_OK)
		st = prov_engine_serve(h);
	if (st != ST_OK) {
		prov_handoff_end(h, false);
		return prov_error(st);
	}
	*out = h;
	return 0;
}

/* ---- the old process: all locks held ------------------------------- */

static int why_not(struct prov_socket *s)
{
	switch (prov_socket_state(s)) {
	case PROV_CLOSED:
		return WSAENOTSOCK;
	case PROV_LISTENING:
		/* One that was put back cannot be passed on. */
		return s->listening.deferred ? WSAEINVAL : 0;
	case PROV_CONNECTED: /* the channel's caller uses what would move */
		return s->channel || atomic_load(&s->tx.pending) ? WSAEINVAL
								 : 0;
	case PROV_HANDED_OFF:
		return WSAEINVAL;
	default:
		return WSAENOTCONN; /* R209 */
	}
}

static enum status pack(struct prov_socket *s, struct prov_handoff *h,
	struct prov_parcel *p)
{
	if (p->kind == PROV_PARCEL_LISTENER)
		return provider_transport.pack_listener(s->listening.listener,
			p->blob, &p->blob_len, h->handles, &h->count);
	prov_memory_detach(s);
	return provider_transport.pack(s->conn, p->blob, &p->blob_len,
		h->handles, &h->count);
}

/* What the socket had becomes the hand-off's. R199: success, 0 bytes. */
static void move(struct prov_socket *s, struct prov_handoff *h)
{
	prov_engine_unwatch(s);
	h->conn = s->conn;
	h->listener = s->listening.listener;
	s->conn = NULL;
	s->listening.listener = NULL;
	s->events.object = NULL;
	s->events.mask = 0;
	prov_lane_flush(s, &s->rx, 0);
	prov_socket_step(s, PROV_HAND_OFF);
}

static int hand_off(struct prov_socket *s, struct prov_handoff *h)
{
	struct prov_parcel p = {
		.kind = s->listening.listener ? PROV_PARCEL_LISTENER : PROV_PARCEL_CONN,
		.family = s->family == AF_INET6 ? 6 : 4,
		.debug = (uint32_t)s->options.debug,
		.only_v6 = (uint32_t)s->options.only_v6,
		.backlog = s->listening.backlog,
		.local = s->local,
		.remote = s->remote,
	};
	int error = why_not(s);
	enum status st;

	if (error)
		return error;
	st = pack(s, h, &p);
	if (st != ST_OK)
		return prov_error(st);
	h->len = prov_parcel_encode(&p, h->message, sizeof h->message);
	if (h->len == 0)
		return WSAENOBUFS;
	move(s, h);
	return 0;
}

/* ---- WSPDuplicateSocket -------------------------------------------- */

static int prepare(struct prov_socket *s, DWORD pid,
	LPWSAPROTOCOL_INFOW info, struct prov_handoff **h)
{
	enum prov_state state = prov_socket_state(s);

	if (!info)
		return WSAEINVAL;
	if (state != PROV_CONNECTED && state != PROV_LISTENING)
		return state == PROV_HANDED_OFF ? WSAEINVAL : WSAENOTCONN;
	if (!(provider_transport.abilities & TRANSPORT_HANDOFF))
		return WSAEOPNOTSUPP;
	if (!os_process_alive(pid))
		return WSAEINVAL; /* R210 */
	if (!prov_engine_ready())
		return WSAENOBUFS;
	return new_handoff(pid, h);
}

static int duplicate(struct prov_socket *s, DWORD pid,
	LPWSAPROTOCOL_INFOW info)
{
	struct prov_handoff *h = NULL;
	uint32_t token;
	int error = prepare(s, pid, info, &h);

	if (error)
		return error;
	prov_socket_lock_all(s);
	error = hand_off(s, h);
	prov_socket_unlock_all(s);
	if (error) {
		prov_engine_unserve(h);
		prov_handoff_end(h, false);
		return error;
	}
	token = h->token;
	prov_engine_open(h);
	prov_lane_deliver_all(s, &s->rx);
	*info = prov_process()->protocol;
	info->dwProviderReserved = token;
	return 0;
}

int WSPAPI WSPDuplicateSocket(SOCKET d, DWORD dwProcessId,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	prov_connect_look(s);
	error = duplicate(s, dwProcessId, lpProtocolInfo);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
