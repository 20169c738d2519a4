/* SPDX-License-Identifier: MIT */
/*
 * ready.c - what a connection is ready for, and pending errors.
 */
#include "switch/conn.h"

/* The state of the incoming side; obeys control messages that wait. */
static enum status look(struct sw_conn *c)
{
	struct head h;
	enum status st;

	/* A signal handler that interrupted a receive of this thread. */
	if (os_shared_lock_mine(&c->shared->receive_lock))
		return ST_AGAIN;
	os_shared_lock_acquire(&c->shared->receive_lock);
	st = head_get(c, &h);
	os_shared_lock_release(&c->shared->receive_lock);
	return st;
}

/*
 * Once a send has found no room, there is none before there is much: a program
 * that was told "full" is not woken for every few bytes, and a small send does
 * not slip in where a larger one just failed.
 */
bool conn_can_send(struct sw_conn *c)
{
	if (!atomic_load_explicit(&c->shared->blocked, memory_order_relaxed))
		return true;
	if (!c->lane->writable(c))
		return false;
	atomic_store_explicit(&c->shared->blocked, 0, memory_order_relaxed);
	return true;
}

static unsigned incoming(enum status st)
{
	switch (st) {
	case ST_OK:
		return SW_IN;
	case ST_AGAIN:
		return 0;
	case ST_CLOSED:
		return SW_IN | SW_RDHUP;
	default:
		return SW_IN | SW_RDHUP | SW_HUP;
	}
}

static bool enough_to_read(struct sw_conn *c)
{
	uint32_t low = c->shared->options.receive_low_water;

	return low <= 1 || sw_readable_bytes(c) >= low;
}

unsigned sw_ready(struct sw_conn *c)
{
	unsigned r = incoming(look(c));
	uint32_t facts;

	if (r == SW_IN && !enough_to_read(c))
		r = 0;
	facts = conn_facts(c);

	if (facts & FACT_FIN)
		r |= SW_RDHUP;
	if (facts & FACT_SHUT_RECV)
		r |= SW_IN | SW_RDHUP;
	if ((r & SW_RDHUP) && (facts & FACT_SHUT_SEND))
		r |= SW_HUP;
	if ((facts & FACT_RESET) && !(facts & FACT_TOLD_RESET))
		r |= SW_ERR | SW_HUP | SW_RDHUP | SW_IN;
	if (atomic_load_explicit(&c->shared->urgent_there,
		    memory_order_relaxed))
		r |= SW_PRI;
	if ((r & SW_HUP) || (facts & (FACT_SHUT_SEND | FACT_GONE)) ||
		conn_can_send(c))
		r |= SW_OUT;
	return r;
}

/*
 * A program that is told of arrivals only once may leave data unread and wait
 * for what comes next. When something has come behind data that was there
 * already last time, it may be the end of the stream.
 */
static void look_behind_unread(struct sw_conn *c, uint64_t arrivals)
{
	const struct sw_shared *s = c->shared;
	uint64_t received = s->received + s->head_taken -
		(s->aside_tail - s->aside_head);
	bool more = arrivals != atomic_load(&c->edge_arrivals);
	bool read = received != atomic_load(&c->edge_received);

	if (!more && !read)
		return;
	if (more && !read && atomic_load(&c->edge_unread) &&
		!(conn_facts(c) & FACT_FIN))
		head_see_behind(c);
	atomic_store(&c->edge_arrivals, arrivals);
	atomic_store(&c->edge_received, received);
	atomic_store(&c->edge_unread, look(c) == ST_OK);
}

/* Facts only come, so their sum changes with each. */
void sw_edges(struct sw_conn *c, uint64_t *in, uint64_t *out)
{
	uint64_t arrivals = c->lane->arrivals(c);
	uint32_t facts;

	look_behind_unread(c, arrivals);
	facts = conn_facts(c) &
		(FACT_FIN | FACT_RESET | FACT_GONE | FACT_SHUT_RECV);
	*in = arrivals * 1024 + facts;
	*out = atomic_load_explicit(&c->shared->blocked_count,
		memory_order_relaxed);
}

enum status sw_conn_take_error(struct sw_conn *c)
{
	sw_ready(c);
	if (!(conn_facts(c) & FACT_RESET) || (conn_facts(c) & FACT_TOLD_RESET))
		return ST_OK;
	conn_set_fact(c, FACT_TOLD_RESET);
	return ST_RESET;
}
