/* SPDX-License-Identifier: MIT */
#include "transport/shm/shm_rdma.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "transport/shm/shm_ops.h"

#define DESCRIPTOR_MAGIC UINT32_C(0x52445357) /* "WSDR" */
#define RIGHT_READ 1u
#define RIGHT_WRITE 2u

/* Looks at a slot that others change at the same time, at most. */
#define ENTER_TRIES 64
/* close waits for the peer to finish copying, at most. */
#define CLOSE_PATIENCE_NS (10 * 1000 * 1000)

static _Atomic bool direct_forbidden;

void shm_rdma_forbid_direct(bool forbid)
{
	atomic_store(&direct_forbidden, forbid);
}

/* ---- state of this process ------------------------------------------- */

uint64_t shm_rdma_fresh(struct shm_rdma *r)
{
	uint64_t z = r->seed + ++r->counter * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static struct shm_rdma *rdma_create(uint32_t process, struct shm_rdma *former)
{
	struct shm_rdma *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	if (os_random(&r->seed, sizeof r->seed) != ST_OK)
		r->seed = os_now() ^ (uint64_t)process << 32;
	os_mutex_init(&r->lock);
	r->process = process;
	r->former = former;
	return r;
}

struct shm_rdma *shm_rdma_mine(struct transport_conn *c)
{
	struct shm_rdma *r = atomic_load(&c->rdma);

	return r && r->process == os_process_id() ? r : NULL;
}

struct shm_rdma *shm_rdma_get(struct transport_conn *c)
{
	struct shm_rdma *now = atomic_load(&c->rdma), *r;
	uint32_t process = os_process_id();

	if (now && now->process == process)
		return now;
	/* Of no use here: the parent's threads may have held its lock. */
	r = rdma_create(process, now);
	if (!r || atomic_compare_exchange_strong(&c->rdma, &now, r))
		return r;
	os_mutex_fini(&r->lock);
	free(r);
	return now;
}

void shm_rdma_recount(struct shm_rdma *r)
{
	uint32_t active = 0, blocked = 0, finished = 0;

	for (int i = 0; i < SHM_TRANSFERS; i++) {
		active += r->transfers[i].phase != TRANSFER_NONE;
		blocked += r->transfers[i].phase == TRANSFER_SENDING;
		finished += r->transfers[i].phase == TRANSFER_ENDED;
	}
	for (int i = 0; i < SHM_SERVICES; i++) {
		active += r->services[i].phase != SERVICE_NONE;
		blocked += r->services[i].phase == SERVICE_READING ||
			r->services[i].phase == SERVICE_REPLYING;
	}
	atomic_store(&r->active, active);
	atomic_store(&r->blocked, blocked);
	atomic_store(&r->finished, finished);
}

/* ---- descriptors ----------------------------------------------------- */
/*
 * The same bytes on any host (R173), and nothing in them that is trusted when
 * they come back (R174): the slot is looked up, the key compared, and the
 * length is the peer's own claim, which the slot or the table corrects.
 */

struct descriptor {
	uint32_t slot;
	uint32_t rights;
	uint64_t key;
	uint64_t len;
};

static void descriptor_put(const struct descriptor *d, uint8_t *out)
{
	struct cursor c = cursor_over(out, SHM_DESCRIPTOR_LEN);

	cursor_put(&c, 4, DESCRIPTOR_MAGIC);
	cursor_put(&c, 4, d->slot);
	cursor_put(&c, 8, d->key);
	cursor_put(&c, 8, d->len);
	cursor_put(&c, 4, d->rights);
	cursor_put(&c, 4, 0);
}

static bool descriptor_get(const uint8_t *in, struct descriptor *d)
{
	struct cursor c = cursor_over((uint8_t *)(uintptr_t)in,
		SHM_DESCRIPTOR_LEN);
	bool ours = cursor_get(&c, 4) == DESCRIPTOR_MAGIC;

	d->slot = (uint32_t)cursor_get(&c, 4);
	d->key = cursor_get(&c, 8);
	d->len = cursor_get(&c, 8);
	d->rights = (uint32_t)cursor_get(&c, 4);
	return ours && cursor_get(&c, 4) == 0 && d->slot < SHM_SLOTS;
}

/* ---- exposing -------------------------------------------------------- */

static void slot_fill(struct shm_slot *slot, const struct shm_exposure *e,
	uint32_t process)
{
	atomic_store(&slot->key, e->key);
	atomic_store(&slot->base, (uint64_t)(uintptr_t)e->base);
	atomic_store(&slot->len, e->len);
	atomic_store(&slot->rights, e->rights);
	atomic_store(&slot->pid, process);
	/* Pairs with slot_enter. */
	atomic_store_explicit(&slot->state, SHM_EXPOSED, memory_order_release);
}

/* A slot that neither this process nor another half of a fork uses. */
static bool slot_claim(struct transport_conn *c, struct shm_rdma *r,
	uint32_t *out)
{
	struct shm_slot *slots = c->segment->slots[c->side];

	for (uint32_t i = 0; i < SHM_SLOTS; i++) {
		uint32_t state = SHM_FREE;

		if (!r->table[i].used &&
		    atomic_compare_exchange_strong(&slots[i].state, &state,
			SHM_FILLING)) {
			*out = i;
			return true;
		}
	}
	return false;
}

enum status shm_expose(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, uint8_t *descriptor)
{
	struct descriptor d = {.len = len, .rights = rights};
	struct shm_exposure *e;
	struct shm_rdma *r;

	if (!shm_going_on(shm_conn_look(c)))
		return ST_NOTCONN;
	r = shm_rdma_get(c);
	if (!r)
		return ST_NOMEM;
	os_mutex_lock(&r->lock);
	if (!slot_claim(c, r, &d.slot)) {
		os_mutex_unlock(&r->lock);
		return ST_NOMEM;
	}
	d.key = shm_rdma_fresh(r); /* R176: no two exposures have the same */
	e = &r->table[d.slot];
	*e = (struct shm_exposure){.used = true, .rights = rights,
		.key = d.key, .len = len, .base = base};
	r->exposed++;
	slot_fill(&c->segment->slots[c->side][d.slot], e, r->process);
	os_mutex_unlock(&r->lock);
	descriptor_put(&d, descriptor);
	return ST_OK;
}

/* False while the peer copies and lives. */
static bool slot_free(struct transport_conn *c, struct shm_slot *slot)
{
	uint32_t state = SHM_EXPOSED;

	if (atomic_compare_exchange_strong(&slot->state, &state, SHM_FREE))
		return true;
	if (state != SHM_FREE &&
	    shm_going_on(shm_conn_look_closely(c, true)))
		return false;
	atomic_store(&slot->state, SHM_FREE);
	return true;
}

static enum status conceal_locked(struct transport_conn *c, struct shm_rdma *r,
	const struct descriptor *d)
{
	struct shm_exposure *e = &r->table[d->slot];

	if (!e->used || e->key != d->key)
		return ST_INVAL;
	if (shm_service_uses(r, d->slot, d->key) &&
	    shm_going_on(shm_conn_look_closely(c, true)))
		return ST_BUSY;
	if (!slot_free(c, &c->segment->slots[c->side][d->slot]))
		return ST_BUSY;
	e->used = false;
	if (--r->exposed == 0) {
		shm_service_drop_all(r);
		shm_rdma_recount(r);
	}
	return ST_OK;
}

enum status shm_conceal(struct transport_conn *c, const uint8_t *descriptor)
{
	struct shm_rdma *r = shm_rdma_mine(c);
	struct descriptor d;
	enum status st;

	if (!r || !descriptor_get(descriptor, &d))
		return ST_INVAL;
	os_mutex_lock(&r->lock);
	st = conceal_locked(c, r, &d);
	os_mutex_unlock(&r->lock);
	return st;
}

static void release_slots(struct transport_conn *c, struct shm_rdma *r)
{
	uint64_t limit = os_now() + CLOSE_PATIENCE_NS;

	for (uint32_t i = 0; i < SHM_SLOTS; i++) {
		struct shm_slot *slot = &c->segment->slots[c->side][i];

		if (!r->table[i].used)
			continue;
		while (!slot_free(c, slot) && os_now() < limit)
			os_yield();
	}
}

static void free_transfers(struct shm_rdma *r)
{
	for (int i = 0; i < SHM_TRANSFERS; i++)
		if (r->transfers[i].spans != r->transfers[i].own_spans)
			free(r->transfers[i].spans);
}

void shm_rdma_close(struct transport_conn *c)
{
	struct shm_rdma *r = atomic_load(&c->rdma);

	if (!r)
		return;
	if (r->process == os_process_id()) {
		release_slots(c, r);
		free_transfers(r);
		os_mutex_fini(&r->lock);
	}
	while (r) {
		struct shm_rdma *former = r->former;

		free(r);
		r = former;
	}
}

/* ---- reaching the peer's memory -------------------------------------- */

static enum status target_check(const struct descriptor *d,
	enum transport_op op, const struct os_span *spans, unsigned count,
	uint64_t offset, struct shm_target *out)
{
	uint32_t right = op == TRANSPORT_READ ? RIGHT_READ : RIGHT_WRITE;
	uint64_t total = 0;

	for (unsigned i = 0; i < count; i++) {
		if (spans[i].len > SHM_RDMA_MAX - total)
			return ST_INVAL;
		total += spans[i].len;
	}
	if (total > d->len || offset > d->len - total)
		return ST_INVAL; /* R155 */
	if (!(d->rights & right))
		return ST_ACCESS; /* R177 */
	*out = (struct shm_target){.op = op, .slot = d->slot, .key = d->key,
		.offset = offset, .len = total};
	return ST_OK;
}

static void slot_leave(struct shm_slot *slot)
{
	uint32_t state = atomic_load(&slot->state);

	while (state > SHM_EXPOSED && state != SHM_FILLING)
		if (atomic_compare_exchange_weak_explicit(&slot->state, &state,
			state - 1, memory_order_release, memory_order_relaxed))
			return;
}

/* Counts us in. Pairs with slot_fill: then key, base, length stay. */
static enum status slot_enter(struct shm_slot *slot, uint64_t key)
{
	uint32_t state = atomic_load(&slot->state);
	int tries = 0;

	do {
		if (state == SHM_FREE || state >= SHM_FILLING - 1)
			return ST_INVAL;
		if (tries++ == ENTER_TRIES)
			return ST_AGAIN;
	} while (!atomic_compare_exchange_weak_explicit(&slot->state, &state,
		state + 1, memory_order_acquire, memory_order_relaxed));
	if (atomic_load(&slot->key) == key)
		return ST_OK;
	slot_leave(slot);
	return ST_INVAL;
}

/* Only into the process that the kernel names as the peer, and only while it
 * is the one that wrote the segment. */
static bool direct_possible(struct transport_conn *c, uint32_t process)
{
	struct shm_self *self = &c->segment->self[!c->side];

	return atomic_load(&c->direct) && !atomic_load(&direct_forbidden) &&
		process == c->peer.pid && atomic_load(&self->pid) == process;
}

static enum status direct_copy(struct transport_conn *c,
	const struct shm_target *t, const struct os_span *spans,
	unsigned count, uint64_t base)
{
	struct shm_self *self = &c->segment->self[!c->side];
	uint64_t at = atomic_load(&self->cookie_addr);
	uint8_t cookie[16];

	for (int i = 0; i < 16; i++)
		cookie[i] = (uint8_t)(atomic_load(&self->cookie[i / 8]) >>
			(8 * (i % 8)));
	if (t->op == TRANSPORT_READ)
		return os_process_read(c->peer.pid, at, cookie, spans, count,
			base + t->offset, t->len);
	return os_process_write(c->peer.pid, at, cookie, spans, count,
		base + t->offset, t->len);
}

/* R153, R154: from base + offset on, and nowhere else. ST_UNSUPPORTED: ask the
 * peer to do it. The slot is entered. */
static enum status direct(struct transport_conn *c,
	const struct shm_target *t, const struct os_span *spans,
	unsigned count, struct shm_slot *slot)
{
	uint64_t len = atomic_load(&slot->len);
	enum status st;

	if (t->len > len || t->offset > len - t->len)
		return ST_INVAL;
	if (!direct_possible(c, atomic_load(&slot->pid)))
		return ST_UNSUPPORTED;
	st = direct_copy(c, t, spans, count, atomic_load(&slot->base));
	if (st == ST_OK || st == ST_FAULT || st == ST_INVAL)
		return st;
	atomic_store(&c->direct, 0);
	return ST_UNSUPPORTED;
}

enum status shm_do_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie)
{
	enum status st = shm_conn_look(c);
	struct shm_target target;
	struct shm_slot *slot;
	struct descriptor d;

	if (st != ST_OK)
		return st == ST_PENDING ? ST_NOTCONN : st;
	if (descriptor_len != SHM_DESCRIPTOR_LEN ||
	    !descriptor_get(descriptor, &d))
		return ST_INVAL;
	st = target_check(&d, op, spans, count, offset, &target);
	if (st != ST_OK)
		return st;
	slot = &c->segment->slots[!c->side][d.slot];
	st = slot_enter(slot, d.key);
	if (st != ST_OK)
		return st;
	if (target.len > 0)
		st = direct(c, &target, spans, count, slot);
	slot_leave(slot);
	if (st != ST_UNSUPPORTED)
		return st;
	return shm_served_start(c, &target, spans, count, cookie);
}
