/* SPDX-License-Identifier: MIT */
/* Served RDMA: the asking side, and the records of both. */
#include <stdlib.h>
#include <string.h>

#include "transport/shm/shm_ops.h"
#include "transport/shm/shm_rdma.h"

/* ---- spans ----------------------------------------------------------- */

/* Copies len bytes between `flat` and the spans, `skip` bytes into them. */
static void spans_copy(const struct os_span *spans, unsigned count,
	uint64_t skip, uint8_t *flat, uint64_t len, bool into_spans)
{
	for (unsigned i = 0; i < count && len > 0; i++) {
		uint64_t n = spans[i].len;
		uint8_t *at;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		at = (uint8_t *)spans[i].base + skip;
		n = n - skip < len ? n - skip : len;
		memcpy(into_spans ? at : flat, into_spans ? flat : at, n);
		flat += n;
		len -= n;
		skip = 0;
	}
}

static enum status spans_keep(struct shm_transfer *t,
	const struct os_span *spans, unsigned count)
{
	t->spans = t->own_spans;
	if (count > SHM_OWN_SPANS)
		t->spans = malloc(count * sizeof *spans);
	if (!t->spans)
		return ST_NOMEM;
	memcpy(t->spans, spans, count * sizeof *spans);
	t->count = count;
	return ST_OK;
}

static void transfer_free(struct shm_transfer *t)
{
	if (t->spans != t->own_spans)
		free(t->spans);
	t->spans = NULL;
	t->phase = TRANSFER_NONE;
}

static void transfer_end(struct shm_transfer *t, enum status result)
{
	t->result = result;
	t->phase = TRANSFER_ENDED;
}

/* ---- records --------------------------------------------------------- */

enum status shm_served_post(struct transport_conn *c, enum shm_kind kind,
	const struct shm_served_head *head, const struct os_span *spans,
	unsigned count, uint64_t skip, uint32_t len)
{
	struct ring_place place;
	enum status st = ring_reserve(&c->tx, (uint32_t)sizeof *head + len,
		SHM_RESERVE, &place);

	if (st == ST_PROTOCOL)
		return shm_conn_broken(c);
	if (st != ST_OK)
		return st;
	memcpy(place.payload, head, sizeof *head);
	spans_copy(spans, count, skip, place.payload + sizeof *head, len,
		false);
	ring_publish(&c->tx, &place, kind);
	shm_wake_reader(c);
	return ST_OK;
}

/* Out of memory that the peer may change: each word once. */
static void head_read(const uint8_t *from, struct shm_served_head *out)
{
	uint64_t words[sizeof *out / 8];

	for (size_t i = 0; i < sizeof *out / 8; i++)
		words[i] = atomic_load_explicit(
			(_Atomic uint64_t *)(uintptr_t)(from + 8 * i),
			memory_order_relaxed);
	memcpy(out, words, sizeof *out);
}

/* ---- asking ---------------------------------------------------------- */

static struct shm_transfer *transfer_find(struct shm_rdma *r,
	enum shm_transfer_phase phase, uint64_t id)
{
	for (int i = 0; i < SHM_TRANSFERS; i++) {
		struct shm_transfer *t = &r->transfers[i];

		if (t->phase == phase && (phase == TRANSFER_NONE ||
			phase == TRANSFER_ENDED || t->id == id))
			return t;
	}
	return NULL;
}

static enum status ask_read(struct transport_conn *c, struct shm_transfer *t)
{
	struct shm_served_head head = {.id = t->id, .key = t->target.key,
		.offset = t->target.offset, .len = t->target.len,
		.slot = t->target.slot};
	enum status st = shm_served_post(c, SHM_ASK_READ, &head, NULL, 0, 0,
		0);

	if (st == ST_OK)
		t->phase = TRANSFER_WAITING;
	return st;
}

static enum status send_part(struct transport_conn *c, struct shm_transfer *t)
{
	uint64_t left = t->target.len - t->moved;
	uint32_t len = left < SHM_SERVED_CHUNK ? (uint32_t)left :
		SHM_SERVED_CHUNK;
	struct shm_served_head head = {.id = t->id, .key = t->target.key,
		.offset = t->target.offset + t->moved, .len = len,
		.slot = t->target.slot, .code = len == left};
	enum status st = shm_served_post(c, SHM_WRITE_BYTES, &head, t->spans,
		t->count, t->moved, len);

	if (st != ST_OK)
		return st;
	t->moved += len;
	if (len == left)
		t->phase = TRANSFER_WAITING;
	return ST_OK;
}

static enum status transfer_run(struct transport_conn *c,
	struct shm_transfer *t)
{
	enum status st = ST_OK;

	while (st == ST_OK && t->phase == TRANSFER_SENDING) {
		if (!ring_writable(&c->tx))
			return ST_AGAIN;
		st = t->target.op == TRANSPORT_READ ? ask_read(c, t) :
			send_part(c, t);
	}
	return st;
}

/* Part of an earlier one is still here: a later one would overtake it. */
static bool is_sending(const struct shm_rdma *r)
{
	for (int i = 0; i < SHM_TRANSFERS; i++)
		if (r->transfers[i].phase == TRANSFER_SENDING)
			return true;
	return false;
}

static enum status start_locked(struct transport_conn *c, struct shm_rdma *r,
	const struct shm_target *target, const struct os_span *spans,
	unsigned count, uint64_t cookie)
{
	struct shm_transfer *t = transfer_find(r, TRANSFER_NONE, 0);
	enum status st;

	if (!t || is_sending(r) || !ring_writable(&c->tx))
		return ST_AGAIN;
	t->target = *target;
	t->id = shm_rdma_fresh(r);
	t->cookie = cookie;
	t->moved = 0;
	st = spans_keep(t, spans, count);
	if (st != ST_OK)
		return st;
	t->phase = TRANSFER_SENDING;
	st = transfer_run(c, t);
	if (st == ST_OK || (st == ST_AGAIN && t->moved > 0))
		return ST_PENDING;
	transfer_free(t);
	return st;
}

enum status shm_served_start(struct transport_conn *c,
	const struct shm_target *target, const struct os_span *spans,
	unsigned count, uint64_t cookie)
{
	struct shm_rdma *r = shm_rdma_get(c);
	enum status st;

	if (!r)
		return ST_NOMEM;
	os_mutex_lock(&r->lock);
	st = start_locked(c, r, target, spans, count, cookie);
	shm_rdma_recount(r);
	os_mutex_unlock(&r->lock);
	if (st != ST_AGAIN)
		return st;
	st = shm_conn_look_closely(c, true);
	return shm_going_on(st) ? ST_AGAIN : st;
}

/* ---- taking ---------------------------------------------------------- */

/* A name that is not known is no crime: its transfer may have been given up,
 * or be the other half's of a fork. */
static enum status take_bytes(struct shm_rdma *r,
	const struct shm_served_head *head, const uint8_t *bytes, uint32_t len)
{
	struct shm_transfer *t = transfer_find(r, TRANSFER_WAITING, head->id);

	if (!t)
		return ST_OK;
	if (t->target.op != TRANSPORT_READ || head->offset != t->moved ||
	    len > t->target.len - t->moved)
		return ST_PROTOCOL;
	spans_copy(t->spans, t->count, t->moved, (uint8_t *)(uintptr_t)bytes,
		len, true);
	t->moved += len;
	return ST_OK;
}

static enum status take_reply(struct shm_rdma *r,
	const struct shm_served_head *head)
{
	struct shm_transfer *t = transfer_find(r, TRANSFER_WAITING, head->id);

	if (!t)
		return ST_OK;
	if (head->code == SHM_DONE && t->moved != t->target.len)
		return ST_PROTOCOL;
	if (head->code == SHM_DONE)
		transfer_end(t, ST_OK);
	else if (head->code == SHM_NO_RIGHT)
		transfer_end(t, ST_ACCESS);
	else
		transfer_end(t, ST_INVAL);
	return ST_OK;
}

/* The doorbell is for who has asked: to look at the slot again. */
static enum status take_question(struct transport_conn *c, struct shm_rdma *r,
	uint32_t kind, const struct shm_served_head *head,
	const uint8_t *bytes, uint32_t len)
{
	if (!r || r->exposed == 0) {
		shm_conn_ring(c);
		return ST_OK;
	}
	return kind == SHM_ASK_READ ? shm_service_ask_read(r, head) :
		shm_service_write(r, head, bytes, len);
}

static enum status take(struct transport_conn *c, struct shm_rdma *r,
	const struct ring_record *rec)
{
	struct shm_served_head head;
	const uint8_t *bytes = rec->payload + sizeof head;
	uint32_t len = rec->len - (uint32_t)sizeof head;

	head_read(rec->payload, &head);
	switch (rec->kind) {
	case SHM_ASK_READ:
	case SHM_WRITE_BYTES:
		return take_question(c, r, rec->kind, &head, bytes, len);
	case SHM_READ_BYTES:
		return r ? take_bytes(r, &head, bytes, len) : ST_OK;
	case SHM_REPLY:
		return r ? take_reply(r, &head) : ST_OK;
	default:
		return ST_PROTOCOL;
	}
}

enum status shm_served_take(struct transport_conn *c,
	const struct ring_record *rec)
{
	struct shm_rdma *r = shm_rdma_mine(c);
	enum status st;

	if (rec->len < sizeof(struct shm_served_head) ||
	    rec->len > SHM_MESSAGE_MAX)
		return ST_PROTOCOL;
	if (!r)
		return take(c, NULL, rec);
	os_mutex_lock(&r->lock);
	st = take(c, r, rec);
	shm_rdma_recount(r);
	os_mutex_unlock(&r->lock);
	return st;
}

/* ---- reaping --------------------------------------------------------- */

/* Nothing more will come. */
static void give_up(struct shm_rdma *r, enum status why)
{
	for (int i = 0; i < SHM_TRANSFERS; i++) {
		struct shm_transfer *t = &r->transfers[i];

		if (t->phase == TRANSFER_SENDING ||
		    t->phase == TRANSFER_WAITING)
			transfer_end(t, why);
	}
	shm_service_drop_all(r);
}

/*
 * The owner drops questions about memory that it has concealed meanwhile. An
 * answer given before that lies in the ring: so the slot first, then the ring.
 */
static void end_orphans(struct transport_conn *c, struct shm_rdma *r)
{
	for (int i = 0; i < SHM_TRANSFERS; i++) {
		struct shm_transfer *t = &r->transfers[i];
		struct shm_slot *slot =
			&c->segment->slots[!c->side][t->target.slot];

		if (t->phase != TRANSFER_WAITING)
			continue;
		if (atomic_load(&slot->state) != SHM_FREE &&
		    atomic_load(&slot->key) == t->target.key)
			continue;
		if (!ring_readable(&c->rx))
			transfer_end(t, ST_INVAL);
	}
}

static void run_all(struct transport_conn *c, struct shm_rdma *r)
{
	enum status st = shm_service_run(c, r);

	for (int i = 0; i < SHM_TRANSFERS && st == ST_OK; i++)
		st = transfer_run(c, &r->transfers[i]);
	st = shm_conn_look(c);
	if (shm_going_on(st))
		end_orphans(c, r);
	else
		give_up(r, st);
}

enum status shm_reap(struct transport_conn *c, uint64_t *cookie,
	enum status *result)
{
	struct shm_rdma *r = atomic_load(&c->rdma);
	struct shm_transfer *t;

	if (!r || atomic_load(&r->active) == 0)
		return ST_AGAIN;
	r = shm_rdma_mine(c);
	if (!r)
		return ST_AGAIN;
	os_mutex_lock(&r->lock);
	run_all(c, r);
	t = transfer_find(r, TRANSFER_ENDED, 0);
	if (t) {
		*cookie = t->cookie;
		*result = t->result;
		transfer_free(t);
	}
	shm_rdma_recount(r);
	os_mutex_unlock(&r->lock);
	return t ? ST_OK : ST_AGAIN;
}
