/* SPDX-License-Identifier: MIT */
/*
 * fab_rdma.c - transfers: R151 to R157, R178.
 *
 * What is asked for is cut into parts that libfabric takes (a few spans, so many
 * bytes), started in order as far as there is room, the rest when others have
 * finished. The result counts when all parts have ended.
 */
#include "transport/fabric/fab_rdma.h"

#include <rdma/fi_errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/fabric/fab_conn.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_memory.h"
#include "transport/fabric/fab_ops.h"

enum {
	OPS_MAX = 64,
	PARTS_MAX = 32, /* with libfabric at once */
	PART_SPANS = 4,
	PART_BYTES = 4 << 20,
	MAY_READ = 1,
	MAY_WRITE = 2,
};

struct fab_op {
	struct fab_op *next;
	uint64_t cookie;
	enum transport_op op;
	struct fab_descriptor remote;
	uint64_t offset;  /* of what is not started */
	enum status result;
	unsigned running; /* parts */
	unsigned count, at;
	size_t at_byte; /* spans[at] is started up to here */
	struct os_span spans[];
};

/* What one operation of libfabric is about. */
struct fab_part {
	struct fab_work work; /* first */
	struct fab_part *next; /* free ones */
	struct fab_op *op;
};

void fab_rdma_init(struct transport_conn *c)
{
	c->rdma.tail = &c->rdma.first;
}

static bool make_parts(struct transport_conn *c)
{
	if (c->rdma.pool)
		return true;
	c->rdma.pool = calloc(PARTS_MAX, sizeof *c->rdma.pool);
	for (unsigned i = 0; c->rdma.pool && i < PARTS_MAX; i++) {
		struct fab_part *part = &c->rdma.pool[i];

		part->work.use = FAB_USE_PART;
		part->next = c->rdma.free_part;
		c->rdma.free_part = part;
	}
	return c->rdma.pool != NULL;
}

static bool is_started(const struct fab_op *op)
{
	return op->at == op->count;
}

static bool is_finished(const struct fab_op *op)
{
	return op->running == 0 && (is_started(op) || op->result != ST_OK);
}

bool fab_rdma_finished(const struct transport_conn *c)
{
	for (const struct fab_op *op = c->rdma.first; op; op = op->next)
		if (is_finished(op))
			return true;
	return false;
}

/* ---- starting -------------------------------------------------------- */

struct cut {
	struct iovec iov[PART_SPANS];
	void *desc[PART_SPANS];
	size_t count, bytes;
	unsigned at; /* where the next begins */
	size_t at_byte;
};

/* The next part of what is not started. */
static void cut_part(struct transport_conn *c, const struct fab_op *op,
	struct cut *p)
{
	size_t limit = PART_SPANS;

	if (c->net->info->tx_attr->iov_limit < limit)
		limit = c->net->info->tx_attr->iov_limit;
	memset(p, 0, sizeof *p);
	p->at = op->at;
	p->at_byte = op->at_byte;
	while (p->at < op->count && p->count < limit && p->bytes < PART_BYTES) {
		const struct os_span *s = &op->spans[p->at];
		uint8_t *base = (uint8_t *)s->base + p->at_byte;
		size_t len = s->len - p->at_byte, room = PART_BYTES - p->bytes;
		size_t taken = len < room ? len : room;

		if (taken) {
			p->iov[p->count] = (struct iovec){base, taken};
			p->desc[p->count++] = fab_pin_descriptor(c, base,
				taken);
		}
		p->bytes += taken;
		p->at_byte += taken;
		if (p->at_byte == s->len) {
			p->at++;
			p->at_byte = 0;
		}
	}
}

static ssize_t start_part(struct transport_conn *c, struct fab_op *op,
	struct cut *p, void *context)
{
	struct fi_rma_iov remote = {.addr = op->remote.base + op->offset,
		.len = p->bytes, .key = op->remote.key};
	struct fi_msg_rma m = {.msg_iov = p->iov, .desc = p->desc,
		.iov_count = p->count, .rma_iov = &remote, .rma_iov_count = 1,
		.context = context};

	if (op->op == TRANSPORT_READ)
		return fi_readmsg(c->ep, &m, FI_COMPLETION);
	/* Completed means that the bytes are there, or were refused. */
	return fi_writemsg(c->ep, &m, FI_COMPLETION | FI_DELIVERY_COMPLETE);
}

/* False: no room now. */
static bool push_part(struct transport_conn *c, struct fab_op *op)
{
	struct fab_part *part = c->rdma.free_part;
	struct cut p;
	ssize_t r = 0;

	if (!part)
		return false;
	cut_part(c, op, &p);
	part->op = op;
	if (p.count)
		r = start_part(c, op, &p, &part->work.context);
	if (r) {
		if (r != -FI_EAGAIN)
			op->result = fab_status((int)-r);
		return false;
	}
	op->at = p.at;
	op->at_byte = p.at_byte;
	op->offset += p.bytes;
	if (p.count) {
		c->rdma.free_part = part->next;
		op->running++;
	}
	return true;
}

void fab_rdma_push(struct transport_conn *c)
{
	for (struct fab_op *op = c->rdma.first; op; op = op->next) {
		bool room = true;

		while (room && !is_started(op) && op->result == ST_OK)
			room = push_part(c, op);
		if (!room && op->result == ST_OK)
			return;
	}
}

/* 0 bytes moved. ST_OK: it can be started. */
static enum status check(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count,
	const struct fab_descriptor *d, uint64_t offset, uint64_t *total)
{
	unsigned right = op == TRANSPORT_READ ? MAY_READ : MAY_WRITE;

	*total = 0;
	for (unsigned i = 0; i < count; i++) {
		if (spans[i].len > FAB_RDMA_MAX - *total)
			return ST_INVAL;
		*total += spans[i].len;
	}
	if (offset > d->len || *total > d->len - offset)
		return ST_INVAL;
	if (!(d->rights & right))
		return ST_ACCESS;
	return ST_OK;
}

static enum status append(struct transport_conn *c, enum transport_op kind,
	const struct os_span *spans, unsigned count,
	const struct fab_descriptor *d, uint64_t offset, uint64_t cookie)
{
	struct fab_op *op;

	if (c->rdma.count == OPS_MAX)
		return ST_AGAIN;
	if (!make_parts(c))
		return ST_NOMEM;
	op = calloc(1, sizeof *op + count * sizeof *spans);
	if (!op)
		return ST_NOMEM;
	op->cookie = cookie;
	op->op = kind;
	op->remote = *d;
	op->offset = offset;
	op->count = count;
	memcpy(op->spans, spans, count * sizeof *spans);
	*c->rdma.tail = op;
	c->rdma.tail = &op->next;
	c->rdma.count++;
	fab_rdma_push(c);
	fab_conn_progress(c);
	return ST_PENDING;
}

/* Lock held. */
static enum status start(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie)
{
	struct fab_descriptor d;
	uint64_t total;
	enum status st;

	fab_conn_progress(c);
	if (!fab_conn_going_on(c))
		return (enum status)atomic_load(&c->over);
	if (atomic_load(&c->stage) != FAB_OPEN)
		return ST_NOTCONN;
	if (!fab_descriptor_get(descriptor, descriptor_len, &d))
		return ST_INVAL;
	st = check(c, op, spans, count, &d, offset, &total);
	if (st != ST_OK || total == 0)
		return st;
	return append(c, op, spans, count, &d, offset, cookie);
}

enum status fab_do_rdma(struct transport_conn *c, enum transport_op op,
	const struct os_span *spans, unsigned count, const uint8_t *descriptor,
	uint32_t descriptor_len, uint64_t offset, uint64_t cookie)
{
	enum status st;

	os_mutex_lock(&c->lock);
	st = start(c, op, spans, count, descriptor, descriptor_len, offset,
		cookie);
	os_mutex_unlock(&c->lock);
	return st;
}

/* ---- ending ---------------------------------------------------------- */

void fab_part_done(struct transport_conn *c, struct fab_work *w,
	enum status result)
{
	struct fab_part *part = (struct fab_part *)w;
	struct fab_op *op = part->op;

	part->next = c->rdma.free_part;
	c->rdma.free_part = part;
	op->running--;
	if (result != ST_OK && op->result == ST_OK)
		op->result = result;
}

/* Parts that libfabric still has are lost with the endpoint. */
void fab_rdma_end(struct transport_conn *c, enum status why)
{
	for (struct fab_op *op = c->rdma.first; op; op = op->next)
		if (!is_finished(op) && op->result == ST_OK)
			op->result = why;
}

static struct fab_op **next_finished(struct transport_conn *c)
{
	struct fab_op **at = &c->rdma.first;
	bool over = !fab_conn_going_on(c);

	while (*at && !is_finished(*at) && !over)
		at = &(*at)->next;
	return at;
}

static void take_out(struct transport_conn *c, struct fab_op **at)
{
	struct fab_op *op = *at;

	*at = op->next;
	if (!op->next)
		c->rdma.tail = at;
	c->rdma.count--;
}

enum status fab_reap(struct transport_conn *c, uint64_t *cookie,
	enum status *result)
{
	struct fab_op **at, *op;

	os_mutex_lock(&c->lock);
	fab_conn_progress(c);
	at = next_finished(c);
	op = *at;
	if (op) {
		take_out(c, at);
		*cookie = op->cookie;
		*result = op->result;
		/* What libfabric still has may complete later. */
		op->next = op->running ? c->rdma.lost : NULL;
		if (op->running)
			c->rdma.lost = op;
		else
			free(op);
	}
	os_mutex_unlock(&c->lock);
	return op ? ST_OK : ST_AGAIN;
}

static void free_all(struct fab_op *op)
{
	while (op) {
		struct fab_op *next = op->next;

		free(op);
		op = next;
	}
}

void fab_rdma_fini(struct transport_conn *c)
{
	free_all(c->rdma.first);
	free_all(c->rdma.lost);
	free(c->rdma.pool);
	fab_memory_fini(c);
}
