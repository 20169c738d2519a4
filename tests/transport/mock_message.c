/* SPDX-License-Identifier: MIT */
/* Messages, and bytes in spans. */
#include "mock_internal.h"

#include <string.h>

bool mock_has_room(const struct queue *q, size_t len, size_t keep)
{
	return q->used + len + COST + keep <= CHANNEL_BYTES;
}

bool mock_total(const struct os_span *spans, unsigned count, size_t max,
	size_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < count; i++) {
		if (spans[i].len > max - *out)
			return false;
		*out += spans[i].len;
	}
	return true;
}

/* Between spans and flat memory. */
void mock_copy(const struct os_span *spans, unsigned count, uint8_t *flat,
	bool into_spans)
{
	for (unsigned i = 0; i < count; i++) {
		if (spans[i].len == 0)
			continue;
		if (into_spans)
			memcpy(spans[i].base, flat, spans[i].len);
		else
			memcpy(flat, spans[i].base, spans[i].len);
		flat += spans[i].len;
	}
}

static enum status queue_put(struct queue *q, const struct os_span *spans,
	unsigned count, size_t len)
{
	struct message *m = mock_alloc(sizeof *m + len);

	if (!m)
		return ST_AGAIN;
	m->len = (uint32_t)len;
	m->looks = atomic_load(&mock_faults.delay_looks);
	mock_copy(spans, count, m->bytes, false);
	if (q->first)
		q->last->next = m;
	else
		q->first = m;
	q->last = m;
	q->used += len + COST;
	q->arrivals++;
	return ST_OK;
}

static bool refused(struct transport_conn *c)
{
	uint32_t n = atomic_load(&mock_faults.refuse_send);

	return ++c->sends && n && c->sends % n == 0;
}

static enum status send_locked(struct transport_conn *c,
	const struct os_span *spans, unsigned count, unsigned flags)
{
	size_t len, keep = flags & TRANSPORT_RESERVE ? 0 : RESERVE;
	struct queue *q;
	enum status st;

	if (!mock_total(spans, count, MESSAGE_MAX, &len))
		return ST_MSGSIZE;
	if (mock_due(&mock_faults.die_at_send)) {
		mock_end_over(c, ST_RESET);
		mock_end_over(c->peer, ST_RESET);
		mock_ring_peer(c);
	}
	if (c->over != ST_OK)
		return c->over;
	q = &c->peer->in;
	if (refused(c) || !mock_has_room(q, len, keep))
		return ST_AGAIN;
	st = queue_put(q, spans, count, len);
	if (st == ST_OK && q->reader_asleep) {
		q->reader_asleep = false;
		mock_ring_peer(c);
	}
	return st;
}

enum status mock_send(struct transport_conn *c,
	const struct os_span *spans, unsigned count, unsigned flags)
{
	enum status st;

	os_mutex_lock(&mock_lock);
	st = send_locked(c, spans, count, flags);
	os_mutex_unlock(&mock_lock);
	return st;
}

enum status mock_peek(struct transport_conn *c, const void **data,
	uint32_t *len)
{
	enum status st = ST_OK;
	struct message *m;

	os_mutex_lock(&mock_lock);
	m = c->in.first;
	if (!m && c->over != ST_OK)
		st = c->over;
	else if (!m || (m->looks > 0 && m->looks--))
		st = ST_AGAIN;
	os_mutex_unlock(&mock_lock);
	if (st != ST_OK)
		return st;
	*data = m->bytes;
	*len = m->len;
	return ST_OK;
}

void mock_release(struct transport_conn *c)
{
	struct queue *q = &c->in;
	struct message *m;

	os_mutex_lock(&mock_lock);
	m = q->first;
	if (m) {
		q->first = m->next;
		q->used -= m->len + COST;
		mock_free(m);
	}
	if (q->writer_asleep && mock_has_room(q, MESSAGE_MAX, RESERVE)) {
		q->writer_asleep = false;
		mock_ring_peer(c);
	}
	os_mutex_unlock(&mock_lock);
}

uint64_t mock_arrivals(struct transport_conn *c)
{
	uint64_t n;

	os_mutex_lock(&mock_lock);
	n = c->in.arrivals;
	os_mutex_unlock(&mock_lock);
	return n;
}
