/* SPDX-License-Identifier: MIT */
/*
 * fab_message.c - messages: buffers, credits, send, peek, release.
 *
 * Receives are posted before the endpoint is used, one for each buffer; the
 * peer never has more messages on their way than that. A buffer whose message
 * has arrived is read in place and posted again by release. Sends are gathered
 * into a buffer that libfabric may use until the completion.
 */
#include <rdma/fi_errno.h>

#include "transport/fabric/fab_conn.h"
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_ops.h"
#include "transport/spans.h"

/* Who never waits looks below this often. */
enum { SENDS_PER_LOOK = 32, IDLE_LOOKS = 4 };

/* Messages on their way while the next short one may be injected. */
enum { INJECTED = 8 };

/* ---- buffers --------------------------------------------------------- */

void fab_slots_init(struct transport_conn *c)
{
	for (unsigned i = 0; i < FAB_RX_SLOTS + FAB_TX_SLOTS; i++) {
		struct fab_slot *s = &c->slots[i];

		s->bytes = c->slab + (size_t)i * FAB_SLOT_BYTES;
		s->work.use = i < FAB_RX_SLOTS ? FAB_USE_RX : FAB_USE_TX;
	}
}

static void *slab_descriptor(const struct transport_conn *c)
{
	return c->slab_mr ? fi_mr_desc(c->slab_mr) : NULL;
}

static enum status post(struct transport_conn *c, struct fab_slot *s)
{
	ssize_t r = fi_recv(c->ep, s->bytes, FAB_SLOT_BYTES,
		slab_descriptor(c), FI_ADDR_UNSPEC, &s->work.context);

	return fab_status((int)-r);
}

enum status fab_slots_post(struct transport_conn *c)
{
	enum status st = ST_OK;

	c->tx_free = NULL;
	c->tx_free_count = FAB_TX_SLOTS;
	c->tx_out = 0;
	for (unsigned i = FAB_RX_SLOTS; i < FAB_RX_SLOTS + FAB_TX_SLOTS; i++) {
		c->slots[i].next = c->tx_free;
		c->tx_free = &c->slots[i];
	}
	for (unsigned i = 0; i < FAB_RX_SLOTS && st == ST_OK; i++)
		st = post(c, &c->slots[i]);
	return st;
}

/* ---- sending --------------------------------------------------------- */

bool fab_can_send(const struct transport_conn *c, unsigned keep)
{
	return c->credits > keep && c->tx_free_count > keep;
}

/*
 * A short message that libfabric copies and that completes without a word, which
 * saves a few system calls. Whether it has left is then not known; so only
 * while so little is on its way that the kernel has certainly taken it.
 */
static bool may_inject(const struct transport_conn *c, size_t len)
{
	return len <= c->net->info->tx_attr->inject_size && c->tx_out == 0 &&
		c->granted - c->credits <= INJECTED;
}

/* The buffer stays in use until the completion. */
static ssize_t start_send(struct transport_conn *c, struct fab_slot *s,
	size_t len)
{
	ssize_t r = fi_send(c->ep, s->bytes, len, slab_descriptor(c),
		FI_ADDR_UNSPEC, &s->work.context);

	if (r == 0) {
		c->tx_free = s->next;
		c->tx_free_count--;
		c->tx_out++;
	}
	return r;
}

static bool costs_credit(enum fab_kind kind)
{
	return kind != FAB_CREDIT && kind != FAB_BYE;
}

/* The buffer goes out; all credits that are owed go with it. */
static enum status submit(struct transport_conn *c, struct fab_slot *s,
	enum fab_kind kind, unsigned detail)
{
	struct fab_head head = {(uint8_t)kind, (uint8_t)detail,
		(uint16_t)c->owed, s->len};
	size_t len = FAB_HEAD_LEN + s->len;
	ssize_t r;

	fab_head_put(&head, s->bytes);
	r = may_inject(c, len)
		? fi_inject(c->ep, s->bytes, len, FI_ADDR_UNSPEC)
		: start_send(c, s, len);
	if (r == 0) {
		c->owed = 0;
		if (costs_credit(kind))
			c->credits--;
		return ST_OK;
	}
	if (r == -FI_EAGAIN)
		return ST_AGAIN;
	fab_conn_end(c, ST_RESET);
	return ST_RESET;
}

/* What libfabric has finished inside the call is taken at once; what it has
 * not may need the helper. */
static void after_send(struct transport_conn *c)
{
	fab_conn_finish_sends(c);
	if (c->tx_free_count <= FAB_TX_SLOTS / 2 ||
		++c->sends % SENDS_PER_LOOK == 0)
		fab_conn_progress(c);
	else
		fab_helper_count(c);
}

enum status fab_send_note(struct transport_conn *c, enum fab_kind kind,
	unsigned detail)
{
	enum status st;

	if (!c->tx_free || (costs_credit(kind) && c->credits == 0))
		return ST_AGAIN;
	c->tx_free->len = 0;
	st = submit(c, c->tx_free, kind, detail);
	if (st == ST_OK)
		fab_helper_count(c);
	return st;
}

/* Lock held. */
static enum status send_now(struct transport_conn *c,
	const struct os_span *spans, unsigned count, uint32_t len,
	unsigned keep)
{
	enum status st;

	if (!fab_can_send(c, keep)) {
		fab_conn_progress(c);
		if (!fab_can_send(c, keep))
			return fab_conn_going_on(c)
				? ST_AGAIN
				: (enum status)atomic_load(&c->over);
	}
	spans_gather(c->tx_free->bytes + FAB_HEAD_LEN, spans, count);
	c->tx_free->len = len;
	st = submit(c, c->tx_free, FAB_DATA, 0);
	if (st == ST_OK)
		after_send(c);
	return st;
}

enum status fab_send(struct transport_conn *c, const struct os_span *spans,
	unsigned count, unsigned flags)
{
	unsigned keep = flags & TRANSPORT_RESERVE ? 0 : FAB_KEPT;
	enum status st;
	uint32_t len;

	if (!spans_total(spans, count, FAB_MESSAGE_MAX, &len))
		return ST_MSGSIZE;
	os_mutex_lock(&c->lock);
	st = (enum status)atomic_load(&c->over);
	if (st == ST_OK && atomic_load(&c->stage) == FAB_CONNECTING)
		st = ST_NOTCONN;
	if (st == ST_OK)
		st = send_now(c, spans, count, len, keep);
	os_mutex_unlock(&c->lock);
	return st;
}

void fab_tx_done(struct transport_conn *c, struct fab_slot *s)
{
	s->next = c->tx_free;
	c->tx_free = s;
	c->tx_free_count++;
	c->tx_out--;
}

/* ---- receiving ------------------------------------------------------- */

static uint32_t arrived(struct transport_conn *c)
{
	return atomic_load_explicit(&c->tail, memory_order_acquire);
}

bool fab_has_message(struct transport_conn *c)
{
	return arrived(c) != atomic_load_explicit(&c->head,
		memory_order_relaxed);
}

void fab_give_credits(struct transport_conn *c)
{
	if (c->owed >= FAB_SLOTS / 2)
		fab_send_note(c, FAB_CREDIT, 0);
}

/* The peer has closed, and all of it is here: it waits for this. */
static void let_go(struct transport_conn *c, enum status why)
{
	c->left = true;
	fab_conn_end(c, why);
	fi_shutdown(c->ep, 0);
}

/* The server's answer: it counts once, and only for who waits for it. */
static bool take_answer(struct transport_conn *c, const struct fab_head *h)
{
	if (c->side != FAB_CLIENT || atomic_load(&c->stage) != FAB_QUEUED)
		return false;
	if (h->kind == FAB_ACCEPTED)
		atomic_store(&c->stage, FAB_OPEN);
	else
		let_go(c, h->detail == REFUSE_REJECTED ? ST_REFUSED
						       : ST_TIMEDOUT);
	return true;
}

/* False: it must not come now. */
static bool take_message(struct transport_conn *c, struct fab_slot *s,
	const struct fab_head *h)
{
	uint32_t tail = atomic_load_explicit(&c->tail, memory_order_relaxed);

	switch (h->kind) {
	case FAB_DATA:
		if (c->side == FAB_CLIENT && atomic_load(&c->stage) != FAB_OPEN)
			return false;
		s->len = h->len;
		c->ready[tail % FAB_RX_SLOTS] = s;
		atomic_store_explicit(&c->tail, tail + 1,
			memory_order_release);
		return true;
	case FAB_ACCEPTED:
	case FAB_REFUSED:
		if (!take_answer(c, h))
			return false;
		c->owed++;
		break;
	case FAB_BYE:
		let_go(c, ST_RESET);
		break;
	default:
		break;
	}
	if (fab_conn_going_on(c) && post(c, s) != ST_OK)
		fab_conn_end(c, ST_RESET);
	return true;
}

void fab_rx_done(struct transport_conn *c, struct fab_slot *s, size_t len)
{
	struct fab_head h;

	if (c->left)
		return;
	if (!fab_head_get(s->bytes, len, &h) || !take_message(c, s, &h)) {
		fab_conn_end(c, ST_PROTOCOL);
		return;
	}
	/* More than it has buffers for is a lie. */
	c->credits += h.credits;
	if (c->credits > c->granted)
		fab_conn_end(c, ST_PROTOCOL);
}

/* Nothing has arrived: look below, not every time. */
static enum status look(struct transport_conn *c)
{
	enum status st;

	os_mutex_lock(&c->lock);
	fab_conn_progress(c);
	st = (enum status)atomic_load(&c->over);
	os_mutex_unlock(&c->lock);
	return st == ST_OK ? ST_AGAIN : st;
}

enum status fab_peek(struct transport_conn *c, const void **data,
	uint32_t *len)
{
	uint32_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
	const struct fab_slot *s;

	if (atomic_load_explicit(&c->over, memory_order_relaxed) ==
		ST_PROTOCOL)
		return ST_PROTOCOL;
	if (arrived(c) == head) {
		enum status st = look(c);

		if (arrived(c) == head)
			return st;
	}
	s = c->ready[head % FAB_RX_SLOTS];
	*data = s->bytes + FAB_HEAD_LEN;
	*len = s->len;
	return ST_OK;
}

void fab_release(struct transport_conn *c)
{
	uint32_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
	struct fab_slot *s = c->ready[head % FAB_RX_SLOTS];

	if (arrived(c) == head)
		return;
	os_mutex_lock(&c->lock);
	atomic_store_explicit(&c->head, head + 1, memory_order_relaxed);
	if (fab_conn_going_on(c)) {
		if (post(c, s) != ST_OK)
			fab_conn_end(c, ST_RESET);
		c->owed++;
		fab_give_credits(c);
	}
	os_mutex_unlock(&c->lock);
}

/* Who watches it is waiting, so it looks below as well. */
uint64_t fab_arrivals(struct transport_conn *c)
{
	uint32_t tail = arrived(c);

	if (tail != atomic_load_explicit(&c->head, memory_order_relaxed) ||
		++c->idle_looks % IDLE_LOOKS)
		return tail;
	look(c);
	return arrived(c);
}
