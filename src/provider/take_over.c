/* SPDX-License-Identifier: MIT */
/*
 * take_over.c - WSPSocket with a token: R121, R201 to R204, R207, R208.
 *
 * The next process finds the old one under the name that the token gives. The
 * handles it gets are the kernel's copies: from then on neither process depends
 * on the other.
 *
 * It always gets a new descriptor, also if it has had the socket before (R203):
 * the switch then closes the old one (R206).
 */
#include "provider/close.h"
#include "provider/duplicate.h"
#include "provider/errors.h"
#include "provider/parcel.h"
#include "provider/socket.h"

#define ANSWER_WAIT_NS (5 * UINT64_C(1000000000))
#define KNOCK_NS UINT64_C(2000000)
#define KNOCKS 100

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

	prov_door_name(token, name);
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

static enum status unpack(const struct prov_parcel *p, const struct delivery *d,
	struct transport_conn **conn, struct transport_listener **listener)
{
	if (p->kind == PROV_PARCEL_LISTENER)
		return provider_transport.unpack_listener(p->blob, p->blob_len,
			d->handles, d->count, listener);
	return provider_transport.unpack(p->blob, p->blob_len, d->handles,
		d->count, conn);
}

/* R202. The handles are the transport's now, unless it did not want them. */
static enum status open_parcel(struct prov_socket *s,
	const struct prov_parcel *p, const struct delivery *d)
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
	struct prov_parcel p;
	enum status st = fetch(token, &d);

	if (st != ST_OK)
		return st;
	st = prov_parcel_decode(d.message, d.len, &p);
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
