/* SPDX-License-Identifier: MIT */
/*
 * close.c - half-close, close and abort.
 */
#include "switch/conn.h"

static void send_fin(struct sw_conn *c)
{
	if (conn_facts(c) & FACT_SHUT_SEND)
		return;
	/* After the fact nobody sends; then the place of the end is certain. */
	conn_set_fact(c, FACT_SHUT_SEND);
	conn_send_control(c, SESSION_FIN, 0, 0);
}

enum status sw_shutdown(struct sw_conn *c, unsigned how)
{
	unsigned r = sw_ready(c);
	uint32_t facts = conn_facts(c);

	if ((facts & FACT_SHUT_SEND) && (r & SW_RDHUP))
		return ST_NOTCONN;
	if (facts & (FACT_RESET | FACT_GONE))
		return ST_NOTCONN;
	if (how & SW_SHUT_SEND)
		send_fin(c);
	if (how & SW_SHUT_RECEIVE)
		conn_set_fact(c, FACT_SHUT_RECV);
	conn_kick(c);
	return ST_OK;
}

static bool has_unread(struct sw_conn *c)
{
	struct head h;
	enum status st;

	os_shared_lock_acquire(&c->shared->receive_lock);
	st = head_get(c, &h);
	os_shared_lock_release(&c->shared->receive_lock);
	return st == ST_OK;
}

static bool must_reset(struct sw_conn *c)
{
	const struct sw_options *o = &c->shared->options;

	return (o->linger_on && o->linger_seconds == 0) || has_unread(c);
}

/*
 * Data that was sent is in the peer's hands already: the SAN keeps it for the
 * peer when we are gone, so there is nothing to linger for.
 */
void sw_close(struct sw_conn *c)
{
	bool last = atomic_fetch_sub(&c->shared->sharers, 1) == 1;

	if (last && !(conn_facts(c) & (FACT_RESET | FACT_GONE))) {
		if (must_reset(c))
			conn_send_control(c, SESSION_RESET, 0, 0);
		else
			send_fin(c);
	}
	conn_destroy(c, !last);
}

void sw_abandon(struct sw_conn *c)
{
	conn_destroy(c, true);
}

void sw_close_lost(struct sw_conn *c)
{
	bool last = atomic_fetch_sub(&c->shared->sharers, 1) == 1;

	if (last)
		conn_set_fact(c, FACT_GONE);
	c->handle = OS_NO_HANDLE;
	/* Only a channel has no handle but this one. */
	conn_destroy(c, !last || c->lane == &lane_channel);
}
