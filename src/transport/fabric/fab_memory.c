/* SPDX-License-Identifier: MIT */
/*
 * fab_memory.c - memory registered with the adapter: exposed to the peer, or
 * pinned for this side's own transfers.
 *
 * Every exposure is a registration of its own with exactly the rights asked
 * for, and ends with it: the key dies with the registration (R176, R177). The
 * domain is the connection's own, so a key means nothing on another (R178).
 */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "transport/fabric/fab_conn.h"
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_memory.h"
#include "transport/fabric/fab_ops.h"
#include "transport/fabric/fab_rdma.h"

enum { EXPOSURES_MAX = 256, MAY_READ = 1, MAY_WRITE = 2 };

struct fab_exposure {
	struct fab_exposure *next;
	struct fid_mr *mr;
	uint8_t descriptor[FAB_DESCRIPTOR_LEN];
};

struct fab_pin {
	struct fab_pin *next;
	struct fid_mr *mr;
	uint8_t *base;
	uint64_t len;
};

/* ---- descriptors ----------------------------------------------------- */

/* FNV-1a: a slip is noticed here, before the adapter ends the connection. */
static uint32_t sum_of(const uint8_t *bytes)
{
	uint32_t sum = 2166136261u;

	for (unsigned i = 0; i < FAB_DESCRIPTOR_LEN - 4; i++)
		sum = (sum ^ bytes[i]) * 16777619u;
	return sum;
}

void fab_descriptor_put(const struct fab_descriptor *d, uint8_t *out)
{
	struct cursor c = cursor_over(out, FAB_DESCRIPTOR_LEN);

	cursor_put(&c, 8, d->key);
	cursor_put(&c, 8, d->base);
	cursor_put(&c, 8, d->len);
	cursor_put(&c, 8, d->nonce);
	cursor_put(&c, 4, d->rights);
	cursor_put(&c, 4, sum_of(out));
}

bool fab_descriptor_get(const uint8_t *in, uint32_t len,
	struct fab_descriptor *out)
{
	struct cursor c = cursor_over((void *)(uintptr_t)in, len);
	uint32_t sum;

	out->key = cursor_get(&c, 8);
	out->base = cursor_get(&c, 8);
	out->len = cursor_get(&c, 8);
	out->nonce = cursor_get(&c, 8);
	out->rights = (uint32_t)cursor_get(&c, 4);
	sum = (uint32_t)cursor_get(&c, 4);
	return !c.bad && cursor_left(&c) == 0 && sum == sum_of(in) &&
		out->base <= UINT64_MAX - out->len;
}

/* ---- for the peer ---------------------------------------------------- */

static uint64_t access_of(unsigned rights)
{
	return (rights & MAY_READ ? FI_REMOTE_READ : 0) |
		(rights & MAY_WRITE ? FI_REMOTE_WRITE | FI_RECV : 0);
}

static uint64_t mode_of(const struct transport_conn *c)
{
	return (uint64_t)c->net->info->domain_attr->mr_mode;
}

/* With no rights at all there is nothing to register. */
static enum status register_exposure(struct transport_conn *c, void *base,
	uint64_t len, struct fab_descriptor *d, struct fid_mr **out)
{
	uint64_t wanted = d->key;
	int r = 0;

	*out = NULL;
	if (d->rights && len)
		r = fi_mr_reg(c->domain, base, len, access_of(d->rights), 0,
			wanted, 0, out, NULL);
	if (r)
		return fab_status(-r);
	if (*out)
		d->key = fi_mr_key(*out);
	if (mode_of(c) & FI_MR_VIRT_ADDR)
		d->base = (uintptr_t)base;
	return ST_OK;
}

/* Lock held. */
static enum status expose(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, uint8_t *descriptor)
{
	struct fab_descriptor d = {.len = len, .rights = rights};
	struct fab_exposure *e;
	enum status st;

	if (!fab_conn_going_on(c) || atomic_load(&c->stage) != FAB_OPEN)
		return ST_NOTCONN;
	if (c->rdma.exposed == EXPOSURES_MAX ||
		os_random(&d.key, sizeof d.key) != ST_OK ||
		os_random(&d.nonce, sizeof d.nonce) != ST_OK)
		return ST_NOMEM;
	e = calloc(1, sizeof *e);
	if (!e)
		return ST_NOMEM;
	st = register_exposure(c, base, len, &d, &e->mr);
	if (st != ST_OK) {
		free(e);
		return st == ST_FAULT ? ST_FAULT : ST_NOMEM;
	}
	fab_descriptor_put(&d, e->descriptor);
	memcpy(descriptor, e->descriptor, FAB_DESCRIPTOR_LEN);
	e->next = c->rdma.exposures;
	c->rdma.exposures = e;
	c->rdma.exposed++;
	if (fab_conn_needs_help(c))
		fab_helper_watch(c);
	return ST_OK;
}

enum status fab_expose(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, uint8_t *descriptor)
{
	enum status st;

	os_mutex_lock(&c->lock);
	st = expose(c, base, len, rights, descriptor);
	os_mutex_unlock(&c->lock);
	return st;
}

/*
 * Nobody tells whether the peer's adapter is reading right now, so this is never
 * ST_BUSY: from the return on there is no access, and a transfer that was
 * running fails and ends the connection.
 */
enum status fab_conceal(struct transport_conn *c, const uint8_t *descriptor)
{
	struct fab_exposure **at = &c->rdma.exposures, *e;

	os_mutex_lock(&c->lock);
	while (*at && memcmp((*at)->descriptor, descriptor, FAB_DESCRIPTOR_LEN))
		at = &(*at)->next;
	e = *at;
	if (e) {
		*at = e->next;
		c->rdma.exposed--;
		if (e->mr)
			fi_close(&e->mr->fid);
		free(e);
	}
	os_mutex_unlock(&c->lock);
	return e ? ST_OK : ST_INVAL;
}

void fab_memory_fini(struct transport_conn *c)
{
	while (c->rdma.exposures) {
		struct fab_exposure *e = c->rdma.exposures;

		c->rdma.exposures = e->next;
		if (e->mr)
			fi_close(&e->mr->fid);
		free(e);
	}
	while (c->rdma.pins)
		fab_unpin(c, c->rdma.pins);
}

/* ---- for ourselves --------------------------------------------------- */

static bool needs_pins(const struct transport_conn *c)
{
	return (mode_of(c) & FI_MR_LOCAL) != 0;
}

/* Written by what this side reads, read by what it writes. */
static uint64_t local_access(unsigned rights)
{
	return (rights & MAY_READ ? FI_WRITE : 0) |
		(rights & MAY_WRITE ? FI_READ : 0);
}

/* Hardware translates addresses itself; over TCP nothing is pinned. */
bool fab_pin_costs(void)
{
	return fab_nets_hardware();
}

enum status fab_do_pin(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, void **registration)
{
	struct fab_pin *p;
	int r;

	*registration = NULL;
	if (!needs_pins(c))
		return ST_OK;
	p = calloc(1, sizeof *p);
	if (!p)
		return ST_NOMEM;
	os_mutex_lock(&c->lock);
	r = fi_mr_reg(c->domain, base, len, local_access(rights), 0, 0, 0,
		&p->mr, NULL);
	p->base = base;
	p->len = len;
	p->next = c->rdma.pins;
	if (r == 0)
		c->rdma.pins = p;
	os_mutex_unlock(&c->lock);
	if (r) {
		free(p);
		return fab_status(-r) == ST_FAULT ? ST_FAULT : ST_NOMEM;
	}
	*registration = p;
	return ST_OK;
}

void fab_unpin(struct transport_conn *c, void *registration)
{
	struct fab_pin **at = &c->rdma.pins, *p = registration;

	if (!p)
		return;
	os_mutex_lock(&c->lock);
	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	fi_close(&p->mr->fid);
	os_mutex_unlock(&c->lock);
	free(p);
}

void *fab_pin_descriptor(struct transport_conn *c, const void *base, size_t len)
{
	const uint8_t *at = base;

	for (struct fab_pin *p = c->rdma.pins; p; p = p->next)
		if (p->base <= at && len <= p->len &&
			(uint64_t)(at - p->base) <= p->len - len)
			return fi_mr_desc(p->mr);
	return NULL;
}
