/* SPDX-License-Identifier: MIT */
/* Listeners, requests and answers. */
#include "mock_internal.h"

#include <string.h>

static struct transport_listener *listeners;

static bool serves(const struct transport_listener *l, const struct addr *to,
	int rank)
{
	bool any = addr_is_any(&l->local);

	if (l->shadowed || l->shut || l->local.port != to->port)
		return false;
	if (rank == 0)
		return !any && addr_same_ip(&l->local, to);
	if (!any)
		return false;
	if (rank == 1)
		return l->local.family == to->family &&
			(l->local.family == 4 || l->only_v6);
	return l->local.family == 6 && !l->only_v6;
}

static struct transport_listener *find_listener(const struct addr *to)
{
	for (int rank = 0; rank < 3; rank++)
		for (struct transport_listener *l = listeners; l; l = l->next)
			if (serves(l, to, rank))
				return l;
	return NULL;
}

static bool taken(const struct transport_listener *n)
{
	for (struct transport_listener *l = listeners; l; l = l->next)
		if (addr_equal(&l->local, &n->local) &&
		    (l->only_v6 == n->only_v6 || n->local.family == 4))
			return true;
	return false;
}

static enum status listener_new(const struct addr *local, bool only_v6,
	unsigned backlog, struct transport_listener **out)
{
	struct transport_listener *l = mock_alloc(sizeof *l);
	enum status st;

	if (!l)
		return ST_NOMEM;
	st = os_link_pair(l->bell);
	if (st != ST_OK) {
		mock_free(l);
		return st;
	}
	l->local = *local;
	l->only_v6 = only_v6;
	l->backlog = backlog;
	l->shadowed = taken(l);
	l->next = listeners;
	listeners = l;
	*out = l;
	return ST_OK;
}

enum status mock_listen(const struct addr *local, bool only_v6,
	unsigned backlog, struct transport_listener **out)
{
	enum status st;

	if (local->port == 0)
		return ST_INVAL;
	if (!addr_is_any(local) && !os_address_is_local(local))
		return ST_NOTLOCAL;
	os_mutex_lock(&mock_lock);
	st = listener_new(local, only_v6, backlog, out);
	os_mutex_unlock(&mock_lock);
	return st;
}

void mock_shut_listener(struct transport_listener *l)
{
	os_mutex_lock(&mock_lock);
	l->shut = true;
	os_mutex_unlock(&mock_lock);
}

os_handle mock_listener_handle(struct transport_listener *l)
{
	return l->shadowed ? OS_NO_HANDLE : l->bell[0];
}

/* The bell is readable while something is queued. */
void mock_unqueue(struct transport_conn *server)
{
	struct transport_listener *l = server->listener;
	struct transport_conn **at = &l->first;

	while (*at != server)
		at = &(*at)->next_queued;
	*at = server->next_queued;
	server->listener = NULL;
	if (--l->queued == 0)
		os_link_drain(l->bell[0], false);
}

static void enqueue(struct transport_listener *l, struct transport_conn *server)
{
	struct transport_conn **at = &l->first;

	while (*at)
		at = &(*at)->next_queued;
	*at = server;
	server->listener = l;
	if (l->queued++ == 0)
		os_link_ring(l->bell[1]);
}

/* ---- requests -------------------------------------------------------- */

static enum status request_new(const struct addr *local,
	const struct addr *remote, const void *private_data,
	uint32_t private_len, struct transport_conn **out)
{
	struct transport_listener *l = find_listener(remote);
	struct transport_conn *client, *server;
	enum status st;

	if (!l)
		return ST_NOTFOUND;
	if (l->queued >= l->backlog)
		return ST_REFUSED;
	st = mock_pair_new(&client, &server);
	if (st != ST_OK)
		return st;
	server->local = *remote;
	server->remote = *local;
	memcpy(server->private_data, private_data, private_len);
	server->private_len = private_len;
	enqueue(l, server);
	*out = client;
	return ST_OK;
}

enum status mock_connect(const struct addr *local,
	const struct addr *remote, const void *private_data,
	uint32_t private_len, struct transport_conn **out)
{
	enum status st;

	if (private_len > TRANSPORT_PRIVATE_MAX)
		return ST_INVAL;
	if (!os_address_is_local(remote))
		return ST_NOTFOUND;
	if (!os_address_is_local(local))
		return ST_NOTLOCAL;
	os_mutex_lock(&mock_lock);
	st = request_new(local, remote, private_data, private_len, out);
	os_mutex_unlock(&mock_lock);
	return st;
}

void mock_myself(struct os_peer *out)
{
	*out = (struct os_peer){os_process_id(), os_user_id(), true};
}

static enum status take_locked(struct transport_listener *l,
	struct transport_request **out)
{
	struct transport_conn *server = l->first;
	struct mock_request *r;

	if (!server)
		return ST_AGAIN;
	r = mock_alloc(sizeof *r);
	if (!r)
		return ST_NOMEM;
	mock_unqueue(server);
	r->server = server;
	r->pub.local = server->local;
	r->pub.peer = server->remote;
	r->pub.private_len = server->private_len;
	memcpy(r->pub.private_data, server->private_data, server->private_len);
	mock_myself(&r->pub.who);
	*out = &r->pub;
	return ST_OK;
}

enum status mock_take(struct transport_listener *l,
	struct transport_request **out)
{
	enum status st;

	os_mutex_lock(&mock_lock);
	st = take_locked(l, out);
	os_mutex_unlock(&mock_lock);
	return st;
}

enum status mock_accept(struct transport_request *pub,
	struct transport_conn **out)
{
	struct mock_request *r = (struct mock_request *)pub;
	struct transport_conn *server = r->server;
	enum status st = ST_RESET;

	os_mutex_lock(&mock_lock);
	mock_free(r);
	if (server->peer && server->over == ST_OK) {
		server->state = server->peer->state = ACCEPTED;
		mock_ring_peer(server);
		*out = server;
		st = ST_OK;
	} else {
		mock_end_close(server);
	}
	os_mutex_unlock(&mock_lock);
	return st;
}

static void refuse_locked(struct transport_conn *server,
	enum transport_refusal why)
{
	mock_end_over(server->peer, why == REFUSE_REJECTED ? ST_REFUSED :
		ST_TIMEDOUT);
	mock_end_close(server);
}

void mock_refuse(struct transport_request *pub, enum transport_refusal why)
{
	struct mock_request *r = (struct mock_request *)pub;

	os_mutex_lock(&mock_lock);
	refuse_locked(r->server, why);
	mock_free(r);
	os_mutex_unlock(&mock_lock);
}

/* The first of the queue. */
static void refuse_first(struct transport_listener *l,
	enum transport_refusal why)
{
	struct transport_conn *server = l->first;

	mock_unqueue(server);
	refuse_locked(server, why);
}

enum status mock_set_backlog(struct transport_listener *l, unsigned backlog)
{
	os_mutex_lock(&mock_lock);
	l->backlog = backlog;
	while (l->queued > backlog)
		refuse_first(l, REFUSE_REJECTED);
	os_mutex_unlock(&mock_lock);
	return ST_OK;
}

void mock_close_listener(struct transport_listener *l)
{
	struct transport_listener **at = &listeners;

	os_mutex_lock(&mock_lock);
	while (l->first)
		refuse_first(l, REFUSE_CLOSING);
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	os_handle_close(l->bell[0]);
	os_handle_close(l->bell[1]);
	mock_free(l);
	os_mutex_unlock(&mock_lock);
}
