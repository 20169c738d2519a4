/* SPDX-License-Identifier: MIT */
/*
 * receive.c - from messages to the program's bytes.
 */
#include <string.h>

#include "switch/conn.h"

/* Where a receive stands in the program's spans. */
struct sink {
	const struct os_span *spans;
	unsigned count;
	unsigned at;
	size_t offset;
	bool discard;
};

static size_t store(struct sink *to, const uint8_t *bytes, size_t len)
{
	size_t done = 0;

	while (done < len && to->at < to->count) {
		const struct os_span *sp = &to->spans[to->at];
		size_t n = sp->len - to->offset;

		if (n > len - done)
			n = len - done;
		if (n && !to->discard)
			memcpy((uint8_t *)sp->base + to->offset, bytes + done, n);
		done += n;
		to->offset += n;
		if (to->offset == sp->len) {
			to->at++;
			to->offset = 0;
		}
	}
	return done;
}

static size_t total_of(const struct os_span *spans, unsigned count)
{
	size_t total = 0;

	for (unsigned i = 0; i < count; i++)
		total += spans[i].len;
	return total;
}

/* Nothing is there: an end, an error, or "wait". */
static enum status over(struct sw_conn *c, enum status st)
{
	uint32_t facts = conn_facts(c);

	if (st == ST_RESET) {
		if (facts & FACT_TOLD_RESET)
			return ST_CLOSED;
		conn_set_fact(c, FACT_TOLD_RESET);
		return ST_RESET;
	}
	if (facts & FACT_SHUT_RECV)
		return ST_CLOSED;
	return st;
}

/* An offer goes straight to the rest of the program's memory. */
static enum status take_offer(struct sw_conn *c, struct head *h,
	struct sink *to, size_t *done)
{
	struct os_span rest[LANE_SPANS];
	unsigned n = 0;
	size_t got = 0;
	enum status st;

	for (unsigned i = to->at; i < to->count && n < LANE_SPANS; i++, n++) {
		size_t skip = i == to->at ? to->offset : 0;

		rest[n].base = (uint8_t *)to->spans[i].base + skip;
		rest[n].len = to->spans[i].len - skip;
	}
	st = bulk_pull(c, h, rest, to->discard ? 0 : n, &got);
	for (size_t left = got; left > 0;) {
		size_t step = to->spans[to->at].len - to->offset;

		step = step < left ? step : left;
		to->offset += step;
		left -= step;
		if (to->offset == to->spans[to->at].len) {
			to->at++;
			to->offset = 0;
		}
	}
	*done += got;
	return st;
}

/* receive_lock held. Takes what is there, up to `total`. */
static enum status take_available(struct sw_conn *c, struct sink *to,
	size_t total, size_t *done)
{
	struct head h;
	enum status st;

	while (*done < total) {
		st = head_get(c, &h);
		if (st != ST_OK)
			return st;
		if (*done > 0 && head_at_mark(c))
			return ST_OK; /* one receive does not cross the mark */
		if (h.is_offer) {
			st = take_offer(c, &h, to, done);
			if (st != ST_OK)
				return st;
		} else {
			size_t n = store(to, h.payload,
				total - *done < h.len ? total - *done : h.len);

			*done += n;
			head_take(c, &h, (uint32_t)n);
		}
	}
	return ST_OK;
}

/* receive_lock held. Copies without taking; may look behind the first message
 * by putting messages aside. */
static enum status peek_available(struct sw_conn *c, struct sink *to,
	size_t total, size_t *done)
{
	struct head h;
	enum status st = head_get(c, &h);

	if (st != ST_OK)
		return st;
	while (!h.is_offer && h.len < total && head_put_aside(c) == ST_OK)
		st = head_get(c, &h);
	if (h.is_offer)
		return ST_AGAIN;
	*done = store(to, h.payload, h.len < total ? h.len : total);
	return ST_OK;
}

/* How many bytes end a wait. */
static size_t target_of(struct sw_conn *c, size_t total, unsigned flags)
{
	size_t low = c->shared->options.receive_low_water;

	if (flags & SW_WAITALL)
		return total;
	if (low < 1)
		low = 1;
	return low < total ? low : total;
}

static enum status attempt(struct sw_conn *c, struct sink *to, size_t total,
	unsigned flags, size_t *done)
{
	struct sink start = *to;
	enum status st;

	if (os_shared_lock_acquire(&c->shared->receive_lock) == ST_OWNERDIED)
		conn_set_fact(c, FACT_RESET);
	if (flags & SW_PEEK) {
		*to = start;
		*done = 0;
		st = peek_available(c, to, total, done);
		*to = start;
	} else {
		st = take_available(c, to, total, done);
	}
	if (st == ST_AGAIN && !(flags & (SW_DONTWAIT | SW_PEEK | SW_DISCARD)))
		bulk_announce(c, total - *done);
	os_shared_lock_release(&c->shared->receive_lock);
	return st;
}

enum status sw_receive(struct sw_conn *c, const struct os_span *spans,
	unsigned count, unsigned flags, size_t *done)
{
	struct sink to = {spans, count, 0, 0, (flags & SW_DISCARD) != 0};
	size_t total = total_of(spans, count), got = 0;
	size_t target = target_of(c, total, flags);
	uint64_t deadline = 0, seen;
	enum status st = ST_OK;

	for (;;) {
		seen = c->lane->arrivals(c);
		st = attempt(c, &to, total, flags, &got);
		if (st != ST_AGAIN && st != ST_OK)
			st = over(c, st);
		else if (st == ST_AGAIN && (conn_facts(c) & FACT_SHUT_RECV))
			st = ST_CLOSED;
		if (got >= target || st != ST_AGAIN || (flags & SW_DONTWAIT))
			break;
		if (!deadline)
			deadline = conn_deadline(
				c->shared->options.receive_timeout);
		st = conn_wait(c, SW_IN, seen, deadline);
		if (st != ST_OK)
			break;
	}
	*done = got;
	if (got > 0 || total == 0)
		return ST_OK;
	return st == ST_TIMEDOUT ? ST_AGAIN : st;
}

enum status sw_receive_urgent(struct sw_conn *c, uint8_t *byte, bool peek)
{
	if (c->shared->options.urgent_inline)
		return ST_INVAL;
	sw_ready(c);
	if (!atomic_load(&c->shared->urgent_there))
		return ST_INVAL;
	*byte = c->shared->urgent_byte;
	if (!peek)
		atomic_store(&c->shared->urgent_there, 0);
	return ST_OK;
}

bool sw_at_urgent_mark(struct sw_conn *c)
{
	bool there;

	sw_ready(c);
	os_shared_lock_acquire(&c->shared->receive_lock);
	there = head_at_mark(c);
	os_shared_lock_release(&c->shared->receive_lock);
	return there;
}

size_t sw_readable_bytes(struct sw_conn *c)
{
	struct head h;
	size_t n = 0;

	os_shared_lock_acquire(&c->shared->receive_lock);
	while (head_put_aside(c) == ST_OK)
		;
	if (head_get(c, &h) == ST_OK)
		n = h.is_offer ? h.offer_len : h.len;
	os_shared_lock_release(&c->shared->receive_lock);
	return n;
}
