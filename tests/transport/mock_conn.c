/* SPDX-License-Identifier: MIT */
/* The ends of connections: life, status, sleep. */
#include "mock_internal.h"

static struct transport_conn *end_new(bool server, os_handle link)
{
	struct transport_conn *c = mock_alloc(sizeof *c);

	if (!c)
		return NULL;
	c->server = server;
	c->link = link;
	c->owns_link = true;
	c->reported = server ? ST_OK : ST_PENDING;
	return c;
}

enum status mock_pair_new(struct transport_conn **client,
	struct transport_conn **server)
{
	os_handle ends[2];
	enum status st = os_link_pair(ends);

	if (st != ST_OK)
		return st;
	*client = end_new(false, ends[0]);
	*server = *client ? end_new(true, ends[1]) : NULL;
	if (!*server) {
		mock_free(*client);
		os_handle_close(ends[0]);
		os_handle_close(ends[1]);
		return ST_NOMEM;
	}
	(*client)->peer = *server;
	(*server)->peer = *client;
	return ST_OK;
}

static void end_free(struct transport_conn *c)
{
	while (c->in.first) {
		struct message *m = c->in.first;

		c->in.first = m->next;
		mock_free(m);
	}
	mock_free_transfers(c);
	if (c->owns_link)
		os_handle_close(c->link);
	mock_free(c);
}

void mock_ring_peer(struct transport_conn *c)
{
	os_link_ring(c->link);
}

void mock_end_over(struct transport_conn *c, enum status why)
{
	if (c && c->over == ST_OK)
		c->over = why;
}

/* The peer sees the end, and goes on with what has arrived. */
void mock_end_close(struct transport_conn *c)
{
	if (c->listener)
		mock_unqueue(c);
	if (c->peer) {
		mock_end_over(c->peer, ST_RESET);
		c->peer->peer = NULL;
		mock_ring_peer(c);
	}
	end_free(c);
}

void mock_kill(struct transport_conn *c)
{
	os_mutex_lock(&mock_lock);
	mock_end_over(c, ST_RESET);
	mock_end_over(c->peer, ST_RESET);
	mock_ring_peer(c);
	if (c->peer)
		mock_ring_peer(c->peer);
	os_mutex_unlock(&mock_lock);
}

enum status mock_look(const struct transport_conn *c)
{
	if (c->over != ST_OK)
		return c->over;
	return c->state == ACCEPTED ? ST_OK : ST_PENDING;
}

/* ---- status and sleep ------------------------------------------------ */

enum status mock_status(struct transport_conn *c, bool thorough)
{
	enum status st;

	os_mutex_lock(&mock_lock);
	st = c->reported = mock_look(c);
	os_mutex_unlock(&mock_lock);
	return st;
}

void mock_attend(struct transport_conn *c)
{
}

enum status mock_early(struct transport_conn *c)
{
	enum status st = mock_status(c, false);

	return st == ST_PENDING ? ST_OK : st;
}

void mock_peer(struct transport_conn *c, struct os_peer *out)
{
	mock_myself(out);
}

void mock_abort(struct transport_conn *c)
{
	os_mutex_lock(&mock_lock);
	mock_end_over(c, ST_ABORTED);
	mock_end_over(c->peer, ST_RESET);
	mock_ring_peer(c);
	os_mutex_unlock(&mock_lock);
}

os_handle mock_handle(struct transport_conn *c)
{
	return c->link;
}

void mock_set_handle(struct transport_conn *c, os_handle h)
{
	os_mutex_lock(&mock_lock);
	if (c->owns_link)
		os_handle_close(c->link);
	c->link = h;
	c->owns_link = false;
	os_mutex_unlock(&mock_lock);
}

static enum status arm_locked(struct transport_conn *c, unsigned interest)
{
	bool news = mock_look(c) != c->reported || c->over != ST_OK ||
		mock_transfers_wait(c);

	c->reported = mock_look(c);
	if (news || !c->peer)
		return ST_AGAIN;
	if (interest & TRANSPORT_IN) {
		c->in.reader_asleep = true;
		if (c->in.first)
			return ST_AGAIN;
	}
	if (interest & TRANSPORT_OUT) {
		c->peer->in.writer_asleep = true;
		if (mock_has_room(&c->peer->in, MESSAGE_MAX, RESERVE))
			return ST_AGAIN;
	}
	return ST_OK;
}

enum status mock_arm(struct transport_conn *c, unsigned interest)
{
	enum status st;

	os_mutex_lock(&mock_lock);
	st = arm_locked(c, interest);
	os_mutex_unlock(&mock_lock);
	return st;
}

bool mock_writable(struct transport_conn *c)
{
	bool room;

	os_mutex_lock(&mock_lock);
	room = !c->peer || c->over != ST_OK ||
		mock_has_room(&c->peer->in, MESSAGE_MAX, RESERVE);
	os_mutex_unlock(&mock_lock);
	return room;
}

enum status mock_drain(struct transport_conn *c, bool keep)
{
	enum status st = os_link_drain(c->link, keep);

	return st == ST_CLOSED ? ST_RESET : st;
}
