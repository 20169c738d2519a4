/* SPDX-License-Identifier: MIT */
/* Exposures and transfers. */
#include "mock_internal.h"

#include <assert.h>
#include <string.h>

static uint64_t last_key;

struct descriptor {
	uint32_t slot, rights;
	uint64_t key, len;
};
static_assert(sizeof(struct descriptor) == DESCRIPTOR_LEN, "as told");

static enum status expose_locked(struct transport_conn *c, void *base,
	uint64_t len, unsigned rights, struct descriptor *d)
{
	if (c->over != ST_OK)
		return ST_NOTCONN;
	if (mock_due(&mock_faults.fail_allocation))
		return ST_NOMEM;
	for (uint32_t i = 0; i < EXPOSURES; i++) {
		if (c->exposures[i].used)
			continue;
		*d = (struct descriptor){i, rights, ++last_key, len};
		c->exposures[i] = (struct exposure){true, rights, last_key,
			len, base};
		return ST_OK;
	}
	return ST_NOMEM;
}

enum status mock_expose(struct transport_conn *c, void *base,
	uint64_t len, unsigned rights, uint8_t *descriptor)
{
	struct descriptor d;
	enum status st;

	os_mutex_lock(&mock_lock);
	st = expose_locked(c, base, len, rights, &d);
	os_mutex_unlock(&mock_lock);
	if (st == ST_OK)
		memcpy(descriptor, &d, sizeof d);
	return st;
}

static struct exposure *find_exposure(struct transport_conn *c, uint32_t slot,
	uint64_t key)
{
	struct exposure *e = c && slot < EXPOSURES ? &c->exposures[slot] : NULL;

	return e && e->used && e->key == key ? e : NULL;
}

static bool in_use(const struct transport_conn *c, uint64_t key)
{
	for (int i = 0; c && i < TRANSFERS; i++)
		if (c->transfers[i].used && c->transfers[i].key == key)
			return true;
	return false;
}

enum status mock_conceal(struct transport_conn *c,
	const uint8_t *descriptor)
{
	enum status st = ST_OK;
	struct exposure *e;
	struct descriptor d;

	memcpy(&d, descriptor, sizeof d);
	os_mutex_lock(&mock_lock);
	e = find_exposure(c, d.slot, d.key);
	if (!e)
		st = ST_INVAL;
	else if (in_use(c->peer, d.key))
		st = ST_BUSY;
	else
		e->used = false;
	os_mutex_unlock(&mock_lock);
	return st;
}

static enum status check_range(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count,
	const struct descriptor *d, uint64_t offset)
{
	struct exposure *e = find_exposure(c->peer, d->slot, d->key);
	size_t len;

	if (!mock_total(spans, count, RDMA_MAX, &len))
		return ST_INVAL;
	if (!e || len > e->len || offset > e->len - len)
		return ST_INVAL;
	return e->rights & (op == TRANSPORT_READ ? 1 : 2) ? ST_OK : ST_ACCESS;
}

static void move_bytes(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, uint32_t slot,
	uint64_t offset)
{
	mock_copy(spans, count, c->peer->exposures[slot].base + offset,
		op == TRANSPORT_READ);
}

static enum status start_transfer(struct transport_conn *c,
	enum transport_op op, const struct os_span *spans, unsigned count,
	const struct descriptor *d, uint64_t offset, uint64_t cookie)
{
	for (int i = 0; i < TRANSFERS; i++) {
		struct transfer *t = &c->transfers[i];

		if (t->used)
			continue;
		*t = (struct transfer){true, op,
			atomic_load(&mock_faults.delay_looks), d->slot, d->key,
			offset, cookie, mock_alloc(count * sizeof *spans),
			count};
		t->used = t->spans != NULL;
		if (!t->used)
			return ST_NOMEM;
		memcpy(t->spans, spans, count * sizeof *spans);
		return ST_PENDING;
	}
	return ST_AGAIN;
}

static enum status rdma_locked(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count,
	const struct descriptor *d, uint64_t offset, uint64_t cookie)
{
	enum status st = mock_look(c);

	if (st != ST_OK)
		return st == ST_PENDING ? ST_NOTCONN : st;
	st = check_range(c, op, spans, count, d, offset);
	if (st != ST_OK)
		return st;
	if (atomic_load(&mock_faults.slow_rdma) ||
	    atomic_load(&mock_faults.fail_rdma))
		return start_transfer(c, op, spans, count, d, offset, cookie);
	move_bytes(c, op, spans, count, d->slot, offset);
	return ST_OK;
}

enum status mock_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie)
{
	struct descriptor d;
	enum status st;

	if (descriptor_len != DESCRIPTOR_LEN)
		return ST_INVAL;
	if (op == TRANSPORT_READ && atomic_load(&mock_faults.lack_rdma_read))
		return ST_UNSUPPORTED;
	memcpy(&d, descriptor, sizeof d);
	os_mutex_lock(&mock_lock);
	st = rdma_locked(c, op, spans, count, &d, offset, cookie);
	os_mutex_unlock(&mock_lock);
	return st;
}

static enum status finish(struct transport_conn *c, struct transfer *t)
{
	enum status fail = (enum status)atomic_load(&mock_faults.fail_rdma);

	if (c->over != ST_OK)
		return c->over;
	if (fail != ST_OK)
		return fail;
	if (!find_exposure(c->peer, t->slot, t->key))
		return ST_INVAL;
	move_bytes(c, t->op, t->spans, t->count, t->slot, t->offset);
	return ST_OK;
}

static enum status reap_locked(struct transport_conn *c, uint64_t *cookie,
	enum status *result)
{
	for (int i = 0; i < TRANSFERS; i++) {
		struct transfer *t = &c->transfers[i];

		if (!t->used ||
		    (c->over == ST_OK && t->looks > 0 && t->looks--))
			continue;
		*result = finish(c, t);
		*cookie = t->cookie;
		mock_free(t->spans);
		t->used = false;
		return ST_OK;
	}
	return ST_AGAIN;
}

enum status mock_reap(struct transport_conn *c, uint64_t *cookie,
	enum status *result)
{
	enum status st;

	os_mutex_lock(&mock_lock);
	st = reap_locked(c, cookie, result);
	os_mutex_unlock(&mock_lock);
	return st;
}

void mock_free_transfers(struct transport_conn *c)
{
	for (int i = 0; i < TRANSFERS; i++)
		if (c->transfers[i].used)
			mock_free(c->transfers[i].spans);
}

bool mock_transfers_wait(const struct transport_conn *c)
{
	for (int i = 0; i < TRANSFERS; i++)
		if (c->transfers[i].used)
			return true;
	return false;
}
