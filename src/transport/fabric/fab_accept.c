/* SPDX-License-Identifier: MIT */
/* fab_accept.c - from a listener's queue to the application, and its answer. */
#include <stdlib.h>

#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_listener.h"
#include "transport/fabric/fab_ops.h"

enum status fab_take(struct transport_listener *l,
	struct transport_request **out)
{
	struct fab_request *r = calloc(1, sizeof *r);

	if (!r)
		return ST_NOMEM;
	fab_lock();
	r->conn = l->process == os_process_id() ? fab_listener_pop(l) : NULL;
	fab_unlock();
	if (!r->conn) {
		free(r);
		return ST_AGAIN;
	}
	r->pub.local = r->conn->to;
	r->pub.peer = r->conn->from;
	*out = &r->pub;
	return ST_OK;
}

/* Lock held. R112: who has gone without a word has withdrawn its request. */
static enum status open_conn(struct transport_conn *c)
{
	fab_conn_progress(c);
	if (!fab_conn_going_on(c))
		return fab_has_message(c) ? ST_OK : ST_RESET;
	if (fab_send_note(c, FAB_ACCEPTED, 0) != ST_OK)
		return ST_RESET;
	atomic_store(&c->stage, FAB_OPEN);
	fab_conn_progress(c);
	atomic_store(&c->reported, FAB_OPEN);
	return ST_OK;
}

enum status fab_accept(struct transport_request *pub,
	struct transport_conn **out)
{
	struct fab_request *r = (struct fab_request *)pub;
	struct transport_conn *c = r->conn;
	enum status st;

	free(r);
	os_mutex_lock(&c->lock);
	st = open_conn(c);
	os_mutex_unlock(&c->lock);
	if (st == ST_OK)
		*out = c;
	else
		fab_close(c, false);
	return st;
}

void fab_refuse_conn(struct transport_conn *c, enum transport_refusal why)
{
	os_mutex_lock(&c->lock);
	if (fab_conn_going_on(c))
		fab_send_note(c, FAB_REFUSED, why);
	os_mutex_unlock(&c->lock);
	fab_close_locked(c);
}

void fab_refuse(struct transport_request *pub, enum transport_refusal why)
{
	struct fab_request *r = (struct fab_request *)pub;

	fab_lock();
	fab_refuse_conn(r->conn, why);
	fab_unlock();
	free(r);
}
