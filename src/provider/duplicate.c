/* SPDX-License-Identifier: MIT */
/*
 * duplicate.c - WSPDuplicateSocket and the take-over: R199 to R210.
 *
 * The token is random, and the name made of it is taken in the system as long
 * as the hand-off lives: so no two are equal at a time (R200). The message that
 * crosses is below; the transport's part in it is opaque, and the handles are
 * the kernel's copies, so neither side depends on the other once it is sent.
 *
 * We always give a new descriptor, also to a process that had the socket before
 * (R203): the switch then closes the old one (R206).
 *
 * The peer notices nothing (R205), and the socket can go on from process to
 * process (R207): everything both sides count lies where both can see it. A
 * listener goes with its queue (R208), which is the kernel's.
 */
#include "provider/duplicate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "provider/close.h"
#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/process.h"
#include "provider/socket.h"
#include "provider/spi.h"

#define MAGIC 0x48445357u /* "WSDH" */
#define VERSION 1
#define ANSWER_WAIT_NS (5 * UINT64_C(1000000000))
#define KNOCK_NS UINT64_C(2000000)
#define KNOCKS 100

enum { KIND_CONN = 1, KIND_LISTENER = 2, NAME_LEN = 16, TRIES = 8 };

/* What crosses, decoded. */
struct parcel {
	unsigned kind, family; /* KIND_..., 4 or 6 */
	uint32_t debug, only_v6, backlog;
	struct addr local, remote;
	uint32_t blob_len;
	uint8_t blob[TRANSPORT_HANDOFF_MAX];
};

/* ---- the message --------------------------------------------------- */

static void put_addr(struct cursor *c, const struct addr *a)
{
	cursor_put_bytes(c, a->ip, sizeof a->ip);
	cursor_put(c, 2, a->port);
	cursor_put(c, 1, a->family);
	cursor_put(c, 4, a->scope);
}

static void get_addr(struct cursor *c, struct addr *a)
{
	memset(a, 0, sizeof *a);
	cursor_get_bytes(c, a->ip, sizeof a->ip);
	a->port = (uint16_t)cursor_get(c, 2);
	a->family = (uint8_t)cursor_get(c, 1);
	a->scope = (uint32_t)cursor_get(c, 4);
}

static void transport_name(char out[NAME_LEN])
{
	memset(out, 0, NAME_LEN);
	snprintf(out, NAME_LEN, "%s", provider_transport.name);
}

/* magic 4, version 2, kind 1, family 1, transport 16, debug 4, only_v6 4,
 * backlog 4, local 23, remote 23, blob length 2, blob. */
static size_t encode(const struct parcel *p, uint8_t *out, size_t room)
{
	struct cursor c = cursor_over(out, room);
	char name[NAME_LEN];

	transport_name(name);
	cursor_put(&c, 4, MAGIC);
	cursor_put(&c, 2, VERSION);
	cursor_put(&c, 1, p->kind);
	cursor_put(&c, 1, p->family);
	cursor_put_bytes(&c, name, NAME_LEN);
	cursor_put(&c, 4, p->debug);
	cursor_put(&c, 4, p->only_v6);
	cursor_put(&c, 4, p->backlog);
	put_addr(&c, &p->local);
	put_addr(&c, &p->remote);
	cursor_put(&c, 2, p->blob_len);
	cursor_put_bytes(&c, p->blob, p->blob_len);
	return c.bad ? 0 : (size_t)(c.at - out);
}

static enum status decode(uint8_t *in, size_t len, struct parcel *p)
{
	struct cursor c = cursor_over(in, len);
	char ours[NAME_LEN], theirs[NAME_LEN];
	bool ok;

	transport_name(ours);
	ok = cursor_get(&c, 4) == MAGIC;
	ok = cursor_get(&c, 2) == VERSION && ok;
	p->kind = (unsigned)cursor_get(&c, 1);
	p->family = (unsigned)cursor_get(&c, 1);
	cursor_get_bytes(&c, theirs, NAME_LEN);
	p->debug = (uint32_t)cursor_get(&c, 4);
	p->only_v6 = (uint32_t)cursor_get(&c, 4);
	p->backlog = (uint32_t)cursor_get(&c, 4);
	get_addr(&c, &p->local);
	get_addr(&c, &p->remote);
	p->blob_len = (uint32_t)cursor_get(&c, 2);
	if (p->blob_len > sizeof p->blob)
		return ST_PROTOCOL;
	cursor_get_bytes(&c, p->blob, p->blob_len);
	ok = ok && (p->kind == KIND_CONN || p->kind == KIND_LISTENER) &&
		(p->family == 4 || p->family == 6) &&
		memcmp(ours, theirs, NAME_LEN) == 0;
	return ok && !c.bad && c.at == c.end ? ST_OK : ST_PROTOCOL;
}

/* ---- the hand-off -------------------------------------------------- */

static void door_name(uint32_t token, char out[OS_NAME_MAX])
{
	snprintf(out, OS_NAME_MAX, "openwsd-handoff-%s-%08x",
		provider_transport.name, (unsigned)token);
}

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
		door_name(h->token, name);
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
	struct parcel *p)
{
	if (p->kind == KIND_LISTENER)
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
	struct parcel p = {
		.kind = s->listening.listener ? KIND_LISTENER : KIND_CONN,
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
	h->len = encode(&p, h->message, sizeof h->message);
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

/* ---- the next process ---------------------------------------------- */

struct delivery {
	uint8_t message[OS_LINK_MESSAGE_MAX];
	size_t len;
	os_handle handles[OS_LINK_HANDLES_MAX];
	unsigned count;
};

/* Others may knock as well, and be sent away; it takes them no time. */
static enum status knock(uint32_t token, os_handle *link)
{
	char name[OS_NAME_MAX];
	struct os_peer who;
	enum status st = ST_FULL;

	door_name(token, name);
	for (int i = 0; i < KNOCKS && st == ST_FULL; i++) {
		if (i > 0)
			os_sleep(KNOCK_NS);
		st = os_link_connect(name, link, &who);
	}
	return st;
}

/* What is sent to a process that has no room for it is lost; so look first
 * whether a link and what comes through it have room. */
static enum status room_for_delivery(void)
{
	os_handle ends[2], more[TRANSPORT_HANDOFF_HANDLES - 1];
	enum status st = os_link_pair(ends);
	unsigned n = 0;

	if (st != ST_OK)
		return st;
	while (st == ST_OK && n < TRANSPORT_HANDOFF_HANDLES - 1) {
		st = os_handle_duplicate(ends[0], &more[n]);
		n += st == ST_OK;
	}
	while (n > 0)
		os_handle_close(more[--n]);
	os_handle_close(ends[0]);
	os_handle_close(ends[1]);
	return st;
}

/* Blocks until the old process answers, or for a bounded time. */
static enum status fetch(uint32_t token, struct delivery *d)
{
	os_handle link;
	enum status st = room_for_delivery();

	if (st == ST_OK)
		st = knock(token, &link);
	if (st != ST_OK)
		return st == ST_REFUSED ? ST_INVAL : st;
	d->len = sizeof d->message;
	d->count = OS_LINK_HANDLES_MAX;
	st = os_link_receive(link, d->message, &d->len, d->handles, &d->count,
		ANSWER_WAIT_NS);
	os_handle_close(link);
	return st == ST_CLOSED ? ST_INVAL : st; /* not for this process */
}

static enum status unpack(const struct parcel *p, const struct delivery *d,
	struct transport_conn **conn, struct transport_listener **listener)
{
	if (p->kind == KIND_LISTENER)
		return provider_transport.unpack_listener(p->blob, p->blob_len,
			d->handles, d->count, listener);
	return provider_transport.unpack(p->blob, p->blob_len, d->handles,
		d->count, conn);
}

/* R202. The handles are the transport's now, unless it did not want them. */
static enum status open_parcel(struct prov_socket *s, const struct parcel *p,
	const struct delivery *d)
{
	struct transport_listener *listener = NULL;
	struct transport_conn *conn = NULL;
	enum status st = unpack(p, d, &conn, &listener);

	if (st != ST_OK)
		return st;
	prov_socket_lock_all(s);
	s->conn = conn;
	s->listening.listener = listener;
	s->listening.backlog = p->backlog;
	s->family = p->family == 6 ? AF_INET6 : AF_INET;
	s->local = p->local;
	s->remote = p->remote;
	s->options.debug = (BOOL)p->debug;
	s->options.only_v6 = (BOOL)p->only_v6;
	prov_socket_step(s, listener ? PROV_ADOPT_LISTENER : PROV_ADOPT_CONN);
	prov_socket_unlock_all(s);
	return ST_OK;
}

static enum status take_over(struct prov_socket *s, uint32_t token)
{
	struct delivery d;
	struct parcel p;
	enum status st = fetch(token, &d);

	if (st != ST_OK)
		return st;
	st = decode(d.message, d.len, &p);
	if (st == ST_OK)
		st = open_parcel(s, &p, &d);
	if (st != ST_OK)
		for (unsigned i = 0; i < d.count; i++)
			os_handle_close(d.handles[i]);
	return st;
}

static int take_over_error(enum status st)
{
	switch (st) {
	case ST_INVAL: /* R204 */
	case ST_NOMEM:
	case ST_NOHANDLES:
		return prov_error(st);
	default:
		return WSAENETDOWN;
	}
}

/*
 * The socket comes first: a process without room for one must not use the token
 * up. R203: its handle is made once.
 */
int prov_take_over(uint32_t token, struct prov_socket **out)
{
	int error = prov_socket_create(AF_INET, out);
	enum status st;

	if (error)
		return error;
	st = take_over(*out, token);
	if (st == ST_OK)
		return 0;
	prov_close_held(*out);
	return take_over_error(st);
}
