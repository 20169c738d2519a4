/* SPDX-License-Identifier: MIT */
/*
 * head.c - the oldest message, and what control messages do.
 *
 * Messages are looked at in place, in order; control messages are obeyed and
 * released as they reach the front. Data messages may be put aside (copied to
 * memory of our own) when something behind them must be seen: a program that
 * peeks further, a sender that waits for an answer.
 */
#include <string.h>

#include "switch/conn.h"

static enum status fail(struct sw_conn *c)
{
	c->shared->session_state = SESSION_DEAD;
	conn_set_fact(c, FACT_RESET);
	return ST_RESET;
}

/* What to say when there is no message. */
static enum status when_empty(struct sw_conn *c, enum status lane)
{
	if (c->shared->session_state == SESSION_DEAD)
		return ST_RESET;
	if (c->shared->session_state == SESSION_ENDED)
		return ST_CLOSED;
	if (lane == ST_AGAIN)
		return ST_AGAIN;
	/* The peer went without a word, as a process that exits does; unless it
	 * was not the peer that ended it. */
	conn_set_fact(c, FACT_GONE);
	if (lane != ST_RESET || c->shared->session_state == SESSION_START)
		return fail(c);
	return ST_CLOSED;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool take_hello(struct sw_conn *c, const uint8_t *data, uint32_t len)
{
	struct session_hello h;

	if (!session_get_hello(data, len, &h))
		return false;
	if (h.version_min > SESSION_VERSION || h.version_max < SESSION_VERSION)
		return false;
	c->shared->session_state = SESSION_OPEN;
	if (!(h.features & SESSION_FEATURE_PULL))
		conn_set_fact(c, FACT_NO_OFFERS);
	__atomic_store_n(&c->shared->peer_max_payload,
		min_u32(h.max_message, c->lane->max_send(c)) - SESSION_HEADER,
		__ATOMIC_RELAXED);
	c->lane->set_credits(c, h.credits);
	conn_set_fact(c, FACT_HELLO);
	return true;
}

static bool take_urgent(struct sw_conn *c, const uint8_t *data)
{
	c->shared->received++;
	c->shared->urgent_byte = data[SESSION_HEADER];
	c->shared->mark_at = c->shared->aside_tail;
	c->shared->mark_set = 1;
	atomic_store(&c->shared->urgent_there, 1);
	return true;
}

static void take_ready(struct sw_conn *c, const struct session_header *h)
{
	atomic_store(&c->shared->ready_len, h->length);
	atomic_store(&c->shared->ready_at, h->sequence + 1);
}

static void take_done(struct sw_conn *c, const struct session_header *h)
{
	atomic_store(&c->shared->done_len, h->length);
	atomic_store(&c->shared->done_at, h->sequence + 1);
}

/* The end is final only at the right place in the stream. */
static bool take_fin(struct sw_conn *c, const struct session_header *h)
{
	if (h->sequence != c->shared->received)
		return false;
	c->shared->session_state = SESSION_ENDED;
	conn_set_fact(c, FACT_FIN);
	return true;
}

/* True when the message was obeyed and can be released. */
static bool obey(struct sw_conn *c, enum session_action action,
	const struct session_header *h, const uint8_t *data, uint32_t len)
{
	switch (action) {
	case DO_HELLO:
		return take_hello(c, data, len);
	case DO_GRANT: /* the lane has counted the credits at arrival */
	case DO_IGNORE:
		return true;
	case DO_READY:
		take_ready(c, h);
		return true;
	case DO_DONE:
		take_done(c, h);
		return true;
	case DO_FIN:
		return take_fin(c, h);
	case DO_DELIVER: /* urgent, not inline */
		return h->sequence == c->shared->received && take_urgent(c, data);
	case DO_RESET:
		fail(c);
		return true;
	case DO_OFFER:
	case DO_FAIL:
		break;
	}
	return false;
}

static bool is_bytes(const struct sw_conn *c, const struct session_header *h)
{
	return h->type == SESSION_DATA ||
		(h->type == SESSION_URGENT && c->shared->options.urgent_inline);
}

/* The front message is stream bytes: show what is not yet taken of it. */
static enum status show_bytes(struct sw_conn *c, struct head *h,
	const struct session_header *m, const uint8_t *data)
{
	uint32_t taken = c->shared->head_taken;

	if (m->sequence != c->shared->received || taken >= m->length)
		return fail(c);
	h->payload = data + SESSION_HEADER + taken;
	h->len = m->length - taken;
	h->is_offer = false;
	h->is_aside = false;
	return ST_OK;
}

static enum status show_offer(struct sw_conn *c, struct head *h,
	const struct session_header *m, const uint8_t *data, uint32_t len)
{
	if (m->sequence != c->shared->received ||
		!session_get_offer(data, len, &h->offer))
		return fail(c);
	h->payload = NULL;
	h->len = 0;
	h->is_offer = true;
	h->is_aside = false;
	h->offer_len = m->length;
	return ST_OK;
}

static bool show_aside(struct sw_conn *c, struct head *h)
{
	struct sw_shared *s = c->shared;

	if (s->aside_head == s->aside_tail)
		return false;
	h->payload = c->aside + s->aside_head;
	h->len = s->aside_tail - s->aside_head;
	if (s->mark_set && s->mark_at > s->aside_head)
		h->len = s->mark_at - s->aside_head;
	h->is_offer = false;
	h->is_aside = true;
	return true;
}

/* The front message of the lane, control messages obeyed. */
static enum status lane_head(struct sw_conn *c, struct head *h)
{
	const uint8_t *data;
	uint32_t len;
	struct session_header m;
	enum session_action action;
	enum status st;

	for (;;) {
		st = c->lane->peek(c, &data, &len);
		if (st != ST_OK)
			return when_empty(c, st);
		if (!session_get_header(data, len, &m))
			return fail(c);
		action = session_decide(c->shared->session_state, m.type);
		if (action == DO_DELIVER && is_bytes(c, &m))
			return show_bytes(c, h, &m, data);
		if (action == DO_OFFER)
			return show_offer(c, h, &m, data, len);
		if (!obey(c, action, &m, data, len))
			return fail(c);
		c->lane->release(c);
	}
}

enum status head_get(struct sw_conn *c, struct head *h)
{
	if (show_aside(c, h))
		return ST_OK;
	return lane_head(c, h);
}

bool head_at_mark(const struct sw_conn *c)
{
	return c->shared->mark_set &&
		c->shared->mark_at == c->shared->aside_head;
}

/* The last n bytes of the oldest message are taken. */
static void take_message(struct sw_conn *c, uint32_t n)
{
	c->shared->received += c->shared->head_taken + n;
	c->shared->head_taken = 0;
	c->lane->release(c);
}

void head_take(struct sw_conn *c, struct head *h, uint32_t n)
{
	struct sw_shared *s = c->shared;

	if (head_at_mark(c))
		s->mark_set = 0;
	if (h->is_aside) {
		s->aside_head += n;
		return;
	}
	if (n < h->len) {
		s->head_taken += n;
		return;
	}
	take_message(c, n);
}

static void compact_aside(struct sw_conn *c)
{
	struct sw_shared *s = c->shared;
	uint32_t n = s->aside_tail - s->aside_head;

	memmove(c->aside, c->aside + s->aside_head, n);
	s->mark_at -= s->aside_head;
	s->aside_head = 0;
	s->aside_tail = n;
}

bool head_make_aside(struct sw_conn *c)
{
	if (!c->aside && !conn_is_shared(c))
		c->aside = os_shared_alloc(SW_ASIDE_BYTES);
	return c->aside != NULL;
}

static bool aside_ready(struct sw_conn *c, uint32_t need)
{
	if (!head_make_aside(c))
		return false;
	if (SW_ASIDE_BYTES - c->shared->aside_tail < need)
		compact_aside(c);
	return SW_ASIDE_BYTES - c->shared->aside_tail >= need;
}

enum status head_put_aside(struct sw_conn *c)
{
	struct sw_shared *s = c->shared;
	struct head h;
	enum status st = lane_head(c, &h);

	if (st != ST_OK)
		return st;
	if (h.is_offer)
		return ST_AGAIN;
	if (!aside_ready(c, h.len))
		return ST_FULL;
	memcpy(c->aside + s->aside_tail, h.payload, h.len);
	take_message(c, h.len);
	s->aside_tail += h.len;
	return ST_OK;
}

bool head_see_behind(struct sw_conn *c)
{
	enum status st;

	os_shared_lock_acquire(&c->shared->receive_lock);
	do
		st = head_put_aside(c);
	while (st == ST_OK);
	os_shared_lock_release(&c->shared->receive_lock);
	return st != ST_FULL;
}
