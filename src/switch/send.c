/* SPDX-License-Identifier: MIT */
/*
 * send.c - from the program's bytes to messages.
 *
 * A send is cut into data messages that are copied by the provider at once, so
 * the program has its memory back when the call returns. When there is no room
 * it waits, or says so.
 */
#include <string.h>

#include "switch/conn.h"

/* Large enough that the cost of a message does not matter, small enough that
 * the receiver copies one while the next is being made. A message costs more
 * where it is a system call, and there the network does two things at once. */
#define PIECE_NEAR 16384u
#define PIECE_FAR 65536u

/* Where a send stands in the program's spans. */
struct source {
	const struct os_span *spans;
	unsigned count;
	unsigned at;   /* current span */
	size_t offset; /* in it */
};

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Up to `limit` bytes from the source as spans; the source stays. */
static unsigned gather(const struct source *src, size_t limit,
	struct os_span *out, unsigned room, size_t *bytes)
{
	size_t offset = src->offset, total = 0;
	unsigned n = 0;

	for (unsigned i = src->at; i < src->count && n < room; i++) {
		size_t len = min_size(src->spans[i].len - offset, limit - total);

		if (len > 0) {
			out[n].base = (uint8_t *)src->spans[i].base + offset;
			out[n++].len = len;
			total += len;
		}
		if (total == limit)
			break;
		offset = 0;
	}
	*bytes = total;
	return n;
}

static void advance(struct source *src, size_t bytes)
{
	while (src->at < src->count) {
		size_t left = src->spans[src->at].len - src->offset;

		if (bytes < left) {
			src->offset += bytes;
			return;
		}
		bytes -= left;
		src->at++;
		src->offset = 0;
	}
}

static bool is_over(struct sw_conn *c)
{
	return conn_facts(c) & (FACT_SHUT_SEND | FACT_RESET | FACT_GONE);
}

/* Why sending is not possible (any more), or ST_OK. A reset is told once. */
static enum status over(struct sw_conn *c)
{
	uint32_t facts = conn_facts(c);

	if (!is_over(c))
		return ST_OK;
	if (facts & FACT_SHUT_SEND)
		return ST_CLOSED;
	if ((facts & FACT_RESET) && !(facts & FACT_TOLD_RESET)) {
		conn_set_fact(c, FACT_TOLD_RESET);
		return ST_RESET;
	}
	return ST_CLOSED;
}

static bool is_near(const struct sw_conn *c)
{
	return c->provider->can.dwFlags & WSD_CAP_SAME_HOST;
}

/* send_lock held. One data message; *bytes is what it took. */
static enum status send_piece(struct sw_conn *c, const struct source *src,
	size_t *bytes)
{
	struct sw_shared *s = c->shared;
	struct os_span spans[LANE_SPANS];
	uint8_t raw[SESSION_HEADER];
	struct session_header h = {.type = SESSION_DATA, .sequence = s->sent};
	size_t limit = min_size(is_near(c) ? PIECE_NEAR : PIECE_FAR,
		__atomic_load_n(&s->peer_max_payload, __ATOMIC_RELAXED));
	unsigned n = gather(src, limit, spans + 1, LANE_SPANS - 1, bytes);
	enum status st;

	h.length = (uint32_t)*bytes;
	session_put_header(raw, &h);
	spans[0].base = raw;
	spans[0].len = sizeof raw;
	st = c->lane->send(c, spans, n + 1, false);
	if (st == ST_OK)
		s->sent += *bytes;
	return st;
}

static void note_blocked(struct sw_conn *c)
{
	atomic_store_explicit(&c->shared->blocked, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->shared->blocked_count, 1,
		memory_order_relaxed);
}

/* As many pieces as there is room for. ST_OK everything is sent. *told: what is
 * returned is the last word; otherwise an end is the lane's. */
static enum status send_available(struct sw_conn *c, struct source *src,
	size_t total, size_t *done, bool *told)
{
	enum status st = ST_OK;
	size_t bytes;

	if (os_shared_lock_acquire(&c->shared->send_lock) == ST_OWNERDIED)
		conn_set_fact(c, FACT_RESET);
	/* Who has sent something is told of that first, and of the end later. */
	st = *done == 0 ? over(c) : is_over(c) ? ST_CLOSED : ST_OK;
	*told = st != ST_OK;
	if (st == ST_OK && c->shared->offering) {
		os_shared_lock_release(&c->shared->send_lock);
		os_yield();
		return ST_AGAIN;
	}
	if (st == ST_OK && !conn_can_send(c))
		st = ST_AGAIN;
	while (st == ST_OK && *done < total) {
		st = send_piece(c, src, &bytes);
		if (st != ST_OK)
			break;
		advance(src, bytes);
		*done += bytes;
	}
	if (st == ST_AGAIN)
		note_blocked(c);
	os_shared_lock_release(&c->shared->send_lock);
	return st;
}

/* The lane says that the connection is over: how does TCP put it? */
static enum status when_lost(struct sw_conn *c, enum status st)
{
	if (st == ST_AGAIN || st == ST_CLOSED)
		return st;
	sw_ready(c); /* a reset may wait among the messages */
	if (st != ST_RESET)
		conn_set_fact(c, FACT_RESET);
	conn_set_fact(c, FACT_GONE);
	return over(c);
}

static size_t total_of(const struct os_span *spans, unsigned count)
{
	size_t total = 0;

	for (unsigned i = 0; i < count; i++)
		total += spans[i].len;
	return total;
}

/* Blocking: tries RDMA for what is left, if it is worth it. */
static bool try_bulk(struct sw_conn *c, struct source *src, uint64_t deadline,
	size_t *done, enum status *st)
{
	struct os_span rest;
	size_t bytes = 0;

	if (src->at >= src->count)
		return false;
	rest.base = (uint8_t *)src->spans[src->at].base + src->offset;
	rest.len = src->spans[src->at].len - src->offset;
	if (!bulk_wanted(c, rest.len))
		return false;
	*st = bulk_offer(c, &rest, deadline, &bytes);
	advance(src, bytes);
	*done += bytes;
	return *st != ST_AGAIN;
}

enum status sw_send(struct sw_conn *c, const struct os_span *spans,
	unsigned count, unsigned flags, size_t *done)
{
	struct source src = {spans, count, 0, 0};
	size_t total = total_of(spans, count), sent = 0;
	uint64_t deadline = 0, seen;
	enum status st = ST_OK;
	bool told = false;

	for (;;) {
		if (!(flags & SW_DONTWAIT) &&
			try_bulk(c, &src, deadline, &sent, &st)) {
			if (st != ST_OK || sent == total)
				break;
			continue;
		}
		seen = c->lane->arrivals(c);
		st = send_available(c, &src, total, &sent, &told);
		if (st != ST_AGAIN || (flags & SW_DONTWAIT))
			break;
		if (!deadline)
			deadline = conn_deadline(
				c->shared->options.send_timeout);
		/*
		 * The peer may be blocked in a send of its own until this side
		 * receives, as two programs are that both send much before they
		 * receive. TCP has megabytes of buffers for that; so have we.
		 */
		st = conn_wait(c,
			head_see_behind(c) ? SW_OUT | CONN_ARRIVAL : SW_OUT,
			seen, deadline);
		if (st != ST_OK)
			break;
	}
	*done = sent;
	if (sent > 0 || st == ST_OK)
		return ST_OK;
	if (!told && st != ST_INTR && st != ST_TIMEDOUT)
		st = when_lost(c, st);
	return st == ST_TIMEDOUT ? ST_AGAIN : st;
}

enum status conn_send_control(struct sw_conn *c, enum session_type type,
	uint32_t length, uint64_t sequence)
{
	uint8_t raw[SESSION_HEADER];
	struct session_header h = {.type = (uint8_t)type, .length = length,
		.sequence = sequence};
	struct os_span span = {raw, sizeof raw};
	enum status st;

	os_shared_lock_acquire(&c->shared->send_lock);
	if (type == SESSION_FIN)
		h.sequence = c->shared->sent;
	session_put_header(raw, &h);
	st = c->lane->send(c, &span, 1, true);
	os_shared_lock_release(&c->shared->send_lock);
	return st;
}

enum status sw_send_urgent(struct sw_conn *c, uint8_t byte, unsigned flags)
{
	uint8_t raw[SESSION_HEADER + 1];
	struct session_header h = {.type = SESSION_URGENT, .length = 1};
	struct os_span span = {raw, sizeof raw};
	uint64_t deadline = conn_deadline(c->shared->options.send_timeout);
	uint64_t seen;
	enum status st;

	raw[SESSION_HEADER] = byte;
	for (;;) {
		seen = c->lane->arrivals(c);
		os_shared_lock_acquire(&c->shared->send_lock);
		st = over(c);
		h.sequence = c->shared->sent;
		session_put_header(raw, &h);
		if (st == ST_OK && c->shared->offering)
			st = ST_AGAIN;
		if (st == ST_OK)
			st = c->lane->send(c, &span, 1, false);
		if (st == ST_OK)
			c->shared->sent++;
		os_shared_lock_release(&c->shared->send_lock);
		if (st != ST_AGAIN || (flags & SW_DONTWAIT))
			return st == ST_OK || st == ST_AGAIN ? st
							     : when_lost(c, st);
		st = conn_wait(c, SW_OUT, seen, deadline);
		if (st != ST_OK)
			return st == ST_TIMEDOUT ? ST_AGAIN : st;
	}
}
