/* SPDX-License-Identifier: MIT */
/*
 * fab_sleep.c - what there is to tell of a connection, to who asks and to who
 * sleeps.
 */
#include "transport/fabric/fab_conn.h"
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_ops.h"

/* What there is to tell, as one number. */
static int news_of(struct transport_conn *c)
{
	int over = atomic_load_explicit(&c->over, memory_order_acquire);

	return over != ST_OK ? 16 + over : atomic_load(&c->stage);
}

static bool has_news(struct transport_conn *c)
{
	return news_of(c) >= 16 || news_of(c) != atomic_load(&c->reported);
}

/* Of an interest, what is there. */
static unsigned what_is_there(struct transport_conn *c, unsigned interest)
{
	unsigned there = 0;

	if ((interest & TRANSPORT_IN) && fab_has_message(c))
		there |= TRANSPORT_IN;
	if ((interest & TRANSPORT_OUT) && fab_can_send(c, FAB_KEPT))
		there |= TRANSPORT_OUT;
	return there;
}

/* What concerns everybody who sleeps. */
static bool is_special(struct transport_conn *c)
{
	return has_news(c) || fab_rdma_finished(c);
}

static bool is_there(struct transport_conn *c, unsigned interest)
{
	return is_special(c) || what_is_there(c, interest);
}

/* Who sleeps for something else is still to be woken for that. */
void fab_conn_notify(struct transport_conn *c)
{
	unsigned there = what_is_there(c, c->armed);

	if (is_special(c))
		there |= TRANSPORT_IN;
	if (!c->armed || !there)
		return;
	c->armed &= news_of(c) >= 16 ? 0 : ~there;
	if (c->bell != OS_NO_HANDLE)
		os_link_ring(c->bell);
}

bool fab_conn_needs_help(const struct transport_conn *c)
{
	if (atomic_load(&c->over) != ST_OK || !c->ep)
		return false;
	return c->armed || c->lingers ||
		(c->net->manual && (!c->attended || c->tx_out ||
			c->rdma.exposed || c->rdma.count));
}

void fab_attend(struct transport_conn *c)
{
	os_mutex_lock(&c->lock);
	c->attended = true;
	os_mutex_unlock(&c->lock);
}

/* Nothing is there, and libfabric's descriptor will say when something is. */
static bool is_quiet(struct transport_conn *c, unsigned interest)
{
	for (int i = 0; i < 4; i++) {
		fab_conn_progress(c);
		if (is_there(c, interest))
			return false;
		if (!c->ep || fab_conn_may_sleep(c))
			return true;
	}
	return false;
}

enum status fab_arm(struct transport_conn *c, unsigned interest)
{
	bool quiet;

	os_mutex_lock(&c->lock);
	quiet = is_quiet(c, interest);
	if (quiet) {
		c->armed |= interest;
		fab_helper_watch(c);
	} else {
		atomic_store(&c->reported, news_of(c));
	}
	os_mutex_unlock(&c->lock);
	return quiet ? ST_OK : ST_AGAIN;
}

bool fab_writable(struct transport_conn *c)
{
	bool room;

	os_mutex_lock(&c->lock);
	if (!fab_can_send(c, FAB_KEPT))
		fab_conn_progress(c);
	room = fab_can_send(c, FAB_KEPT) || !fab_conn_going_on(c);
	os_mutex_unlock(&c->lock);
	return room;
}

enum status fab_drain(struct transport_conn *c, bool keep)
{
	enum status st = os_link_drain(c->handle, keep);

	if (st != ST_CLOSED && st != ST_PROTOCOL)
		return st;
	os_mutex_lock(&c->lock);
	fab_conn_end(c, ST_RESET);
	os_mutex_unlock(&c->lock);
	return ST_RESET;
}

os_handle fab_handle(struct transport_conn *c)
{
	return c->handle;
}

void fab_set_handle(struct transport_conn *c, os_handle h)
{
	os_mutex_lock(&c->lock);
	if (h == c->handle)
		c->owns_handle = false;
	fab_conn_close_handle(c);
	c->handle = h;
	os_mutex_unlock(&c->lock);
}

/* ---- where it stands ------------------------------------------------- */

static enum status standing(struct transport_conn *c)
{
	int over = atomic_load_explicit(&c->over, memory_order_acquire);

	if (over != ST_OK)
		return (enum status)over;
	return atomic_load(&c->stage) == FAB_OPEN ? ST_OK : ST_PENDING;
}

enum status fab_conn_status(struct transport_conn *c, bool thorough)
{
	if (thorough && !fab_conn_is_foreign(c)) {
		os_mutex_lock(&c->lock);
		fab_conn_progress(c);
		os_mutex_unlock(&c->lock);
	}
	atomic_store(&c->reported, news_of(c));
	return standing(c);
}

enum status fab_early(struct transport_conn *c)
{
	enum status st = fab_conn_status(c, true);

	if (st == ST_PENDING)
		return atomic_load(&c->stage) == FAB_QUEUED ? ST_OK : ST_AGAIN;
	return st;
}

/* The network does not vouch for anybody. */
void fab_peer(struct transport_conn *c, struct os_peer *out)
{
	*out = (struct os_peer){0, 0, false};
}
