/* SPDX-License-Identifier: MIT */
/* send, peek, release: see shm_ring.h for what happens below. */
#include "transport/shm/shm_conn.h"
#include "transport/shm/shm_ops.h"
#include "transport/shm/shm_rdma.h"
#include "transport/spans.h"

/* A program that never sleeps asks the kernel for a dead peer this often. */
#define SENDS_PER_CHECK 64
#define IDLE_LOOKS_PER_CHECK 1024
/* Records that are not for the caller, at most in one call. */
#define SCAN_MAX 64

static enum status no_room(struct transport_conn *c, enum status st)
{
	if (st == ST_PROTOCOL)
		return shm_conn_broken(c);
	st = shm_conn_look_closely(c, true);
	return shm_going_on(st) ? ST_AGAIN : st;
}

enum status shm_send(struct transport_conn *c, const struct os_span *spans,
	unsigned count, unsigned flags)
{
	uint32_t keep = flags & TRANSPORT_RESERVE ? 0 : SHM_RESERVE, len;
	struct ring_place place;
	enum status st;

	if (!spans_total(spans, count, SHM_MESSAGE_MAX, &len))
		return ST_MSGSIZE;
	st = ++c->sends % SENDS_PER_CHECK ? shm_conn_look(c) :
		shm_conn_look_closely(c, true);
	if (!shm_going_on(st))
		return st;
	st = ring_reserve(&c->tx, len, keep, &place);
	if (st != ST_OK)
		return no_room(c, st);
	spans_gather(place.payload, spans, count);
	ring_publish(&c->tx, &place, SHM_DATA);
	shm_wake_reader(c);
	return ST_OK;
}

static void consume(struct transport_conn *c, const struct ring_record *rec)
{
	ring_consume(&c->rx, rec);
	shm_wake_writer(c);
}

/* Takes away a record that is not data: ST_OK, ST_PROTOCOL. */
static enum status digest(struct transport_conn *c,
	const struct ring_record *rec)
{
	enum status st = ST_OK;

	if (rec->kind == SHM_SKIP) {
		if (rec->next & (c->rx.size - 1))
			return ST_PROTOCOL;
	} else {
		st = shm_served_take(c, rec);
	}
	if (st == ST_OK)
		consume(c, rec);
	return st;
}

/* The oldest data record; what comes before it is digested. */
static enum status find_data(struct transport_conn *c, struct ring_record *rec)
{
	for (int i = 0; i < SCAN_MAX; i++) {
		enum status st = ring_observe(&c->rx, rec);

		if (st == ST_OK && rec->kind != SHM_DATA)
			st = digest(c, rec);
		else if (st == ST_OK && rec->len <= SHM_MESSAGE_MAX)
			return ST_OK;
		else if (st == ST_OK)
			st = ST_PROTOCOL;
		if (st == ST_PROTOCOL)
			return shm_conn_broken(c);
		if (st != ST_OK)
			return st;
	}
	return ST_AGAIN;
}

/* Nothing there: is there never going to be? */
static enum status nothing(struct transport_conn *c, struct ring_record *rec)
{
	enum status st = ++c->idle_looks % IDLE_LOOKS_PER_CHECK ?
		shm_conn_look(c) : shm_conn_look_closely(c, true);

	if (shm_going_on(st))
		return ST_AGAIN;
	/* What it sent before the end was published before the end. */
	if (st != ST_PROTOCOL && find_data(c, rec) == ST_OK)
		return ST_OK;
	return st;
}

enum status shm_peek(struct transport_conn *c, const void **data,
	uint32_t *len)
{
	struct ring_record rec;
	enum status st;

	if (atomic_load_explicit(&c->over, memory_order_relaxed) ==
	    ST_PROTOCOL)
		return ST_PROTOCOL;
	st = find_data(c, &rec);
	if (st == ST_AGAIN)
		st = nothing(c, &rec);
	if (st != ST_OK)
		return st;
	*data = rec.payload;
	*len = rec.len;
	return ST_OK;
}

void shm_release(struct transport_conn *c)
{
	struct ring_record rec;
	enum status st = ring_observe(&c->rx, &rec);

	if (st == ST_OK)
		consume(c, &rec);
	else if (st == ST_PROTOCOL)
		shm_conn_broken(c);
}

uint64_t shm_arrivals(struct transport_conn *c)
{
	uint64_t known = atomic_load_explicit(&c->arrivals,
		memory_order_relaxed);
	uint64_t end = ring_end(&c->rx, known);

	if (end != known)
		atomic_store_explicit(&c->arrivals, end, memory_order_relaxed);
	return end;
}
