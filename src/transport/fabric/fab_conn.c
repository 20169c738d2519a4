/* SPDX-License-Identifier: MIT */
#include "transport/fabric/fab_conn.h"

#include <rdma/fi_errno.h>
#include <stdlib.h>

#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_ops.h"

#define SLAB_BYTES ((size_t)FAB_SLOT_BYTES * (FAB_RX_SLOTS + FAB_TX_SLOTS))

/* Completions taken at once, and how often in one call. */
enum { BATCH = 16, BATCHES = 32 };

/* ---- the list: fab_lock held ----------------------------------------- */

static struct transport_conn *all;
static uint64_t last_id = 1 << 20; /* below: the helper's other cookies */

void fab_conn_add(struct transport_conn *c)
{
	c->id = ++last_id;
	c->next = all;
	c->link = &all;
	if (all)
		all->link = &c->next;
	all = c;
}

void fab_conn_remove(struct transport_conn *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->link = NULL;
}

struct transport_conn *fab_conn_first(void)
{
	return all;
}

void fab_conns_forget(void)
{
	all = NULL;
}

struct transport_conn *fab_conn_find(uint64_t id)
{
	struct transport_conn *c = all;

	while (c && c->id != id)
		c = c->next;
	return c;
}

struct transport_conn *fab_conn_of(const struct fid *endpoint)
{
	struct transport_conn *c = all;

	while (c && !(c->ep && &c->ep->fid == endpoint))
		c = c->next;
	return c;
}

bool fab_conn_is_foreign(const struct transport_conn *c)
{
	return c->process != os_process_id();
}

/* ---- making and unmaking --------------------------------------------- */

static enum status open_queue(struct transport_conn *c, struct fi_info *info)
{
	struct fi_cq_attr attr = {.size = 256, .format = FI_CQ_FORMAT_MSG,
		.wait_obj = FI_WAIT_FD};
	int fd = -1, r;

	r = fi_domain(c->net->fabric, info, &c->domain, c);
	if (r == 0)
		r = fi_cq_open(c->domain, &attr, &c->cq, c);
	/* Hardware completes by itself, so somebody has to be woken. */
	if (c->net->manual)
		attr.wait_obj = FI_WAIT_NONE;
	if (r == 0 && c->net->manual)
		r = fi_cq_open(c->domain, &attr, &c->tx_cq, c);
	if (r == 0)
		r = fi_control(&c->cq->fid, FI_GETWAIT, &fd);
	c->cq_handle = fd;
	return fab_status(-r);
}

static enum status make_slab(struct transport_conn *c, struct fi_info *info)
{
	int r;

	c->slab = os_shared_alloc(SLAB_BYTES);
	if (!c->slab)
		return ST_NOMEM;
	fab_slots_init(c);
	if (!(info->domain_attr->mr_mode & FI_MR_LOCAL))
		return ST_OK;
	r = fi_mr_reg(c->domain, c->slab, SLAB_BYTES, FI_SEND | FI_RECV, 0, 0,
		0, &c->slab_mr, NULL);
	return fab_status(-r);
}

static enum status make_link(struct transport_conn *c)
{
	os_handle ends[2];
	enum status st = os_link_pair(ends);

	if (st != ST_OK)
		return st;
	c->handle = ends[0];
	c->owns_handle = true;
	c->bell = ends[1];
	return ST_OK;
}

static struct transport_conn *alloc(struct fab_net *n, enum fab_side side)
{
	struct transport_conn *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	os_mutex_init(&c->lock);
	c->net = n;
	c->side = side;
	c->process = os_process_id();
	c->handle = c->bell = c->cq_handle = c->socket = OS_NO_HANDLE;
	atomic_init(&c->over, ST_OK);
	fab_rdma_init(c);
	return c;
}

enum status fab_conn_create(struct fab_net *n, struct fi_info *info,
	enum fab_side side, struct transport_conn **out)
{
	struct transport_conn *c = alloc(n, side);
	enum status st;

	if (!c)
		return ST_NOMEM;
	st = open_queue(c, info);
	if (st == ST_OK)
		st = make_slab(c, info);
	if (st == ST_OK)
		st = make_link(c);
	if (st != ST_OK) {
		fab_conn_destroy(c);
		return st;
	}
	*out = c;
	return ST_OK;
}

enum status fab_conn_endpoint(struct transport_conn *c, struct fi_info *info)
{
	int r = fi_endpoint(c->domain, info, &c->ep, c);

	if (r == 0)
		r = fi_ep_bind(c->ep, &c->net->eq->fid, 0);
	if (r == 0)
		r = fi_ep_bind(c->ep, &c->cq->fid,
			c->tx_cq ? FI_RECV : FI_TRANSMIT | FI_RECV);
	if (r == 0 && c->tx_cq)
		r = fi_ep_bind(c->ep, &c->tx_cq->fid, FI_TRANSMIT);
	if (r == 0)
		r = fi_enable(c->ep);
	return r ? fab_status(-r) : fab_slots_post(c);
}

static void empty_queue(struct fid_cq *cq)
{
	struct fi_cq_err_entry failed = {0};
	struct fi_cq_msg_entry done;
	ssize_t n;

	while ((n = fi_cq_read(cq, &done, 1)) == 1 || n == -FI_EAVAIL)
		if (n == -FI_EAVAIL && fi_cq_readerr(cq, &failed, 0) <= 0)
			break;
}

/* What its operations complete with means nothing any more. */
void fab_conn_drop_endpoint(struct transport_conn *c)
{
	if (!c->ep)
		return;
	fi_close(&c->ep->fid);
	c->ep = NULL;
	empty_queue(c->cq);
	if (c->tx_cq)
		empty_queue(c->tx_cq);
}

static void close_fid(struct fid *f)
{
	if (f)
		fi_close(f);
}

static void close_all_fids(struct transport_conn *c)
{
	if (c->ep) {
		fi_shutdown(c->ep, 0);
		fi_close(&c->ep->fid);
	}
	fab_rdma_fini(c);
	close_fid(c->slab_mr ? &c->slab_mr->fid : NULL);
	close_fid(c->tx_cq ? &c->tx_cq->fid : NULL);
	close_fid(c->cq ? &c->cq->fid : NULL);
	close_fid(c->domain ? &c->domain->fid : NULL);
}

void fab_conn_close_handle(struct transport_conn *c)
{
	if (c->owns_handle)
		os_handle_close(c->handle);
	c->owns_handle = false;
}

void fab_conn_destroy(struct transport_conn *c)
{
	if (!fab_conn_is_foreign(c)) {
		fab_helper_unwatch(c);
		close_all_fids(c);
		atomic_store(&c->over, ST_ABORTED);
		fab_helper_count(c);
	}
	os_handle_close(c->bell);
	fab_conn_close_handle(c);
	if (c->slab)
		os_shared_free(c->slab, SLAB_BYTES);
	os_mutex_fini(&c->lock);
	free(c);
}

/* ---- progress: lock held --------------------------------------------- */

void fab_conn_end(struct transport_conn *c, enum status why)
{
	int going_on = ST_OK;

	if (!atomic_compare_exchange_strong(&c->over, &going_on, (int)why))
		return;
	fab_rdma_end(c, why);
	fab_helper_count(c);
	/* Whoever sleeps on the other end sees the end of it. */
	os_handle_close(c->bell);
	c->bell = OS_NO_HANDLE;
}

static void take_done(struct transport_conn *c,
	const struct fi_cq_msg_entry *done)
{
	struct fab_work *w = done->op_context;

	c->completed++;
	switch (w->use) {
	case FAB_USE_RX:
		fab_rx_done(c, (struct fab_slot *)w, done->len);
		break;
	case FAB_USE_TX:
		fab_tx_done(c, (struct fab_slot *)w);
		break;
	case FAB_USE_PART:
		fab_part_done(c, w, ST_OK);
		break;
	case FAB_USE_PING:
		c->pinging = false;
		break;
	}
}

/* A failed operation of a connected endpoint is its end, but for a transfer
 * that asked for what it must not have where the endpoint survives that. */
static void take_failed(struct transport_conn *c, struct fid_cq *cq)
{
	struct fi_cq_err_entry failed = {0};
	struct fab_work *w;
	enum status st;

	if (fi_cq_readerr(cq, &failed, 0) <= 0 || !failed.op_context)
		return;
	w = failed.op_context;
	st = fab_status(failed.err);
	if (w->use == FAB_USE_PART)
		fab_part_done(c, w, st);
	else if (w->use == FAB_USE_TX)
		fab_tx_done(c, (struct fab_slot *)w);
	/* What is not the consequence of an end is its cause. */
	if (st != ST_RESET && w->use != FAB_USE_PART)
		fab_conn_end(c, ST_ABORTED);
	/* Why a handshake has failed, the event queue tells. */
	if (atomic_load(&c->stage) != FAB_CONNECTING &&
		(w->use != FAB_USE_PART || st == ST_RESET))
		fab_conn_end(c, ST_RESET);
}

static bool has_sent(const struct transport_conn *c)
{
	return c->tx_out > 0 || c->rdma.count > 0;
}

/* False: there were none. */
static bool take_completions(struct transport_conn *c, struct fid_cq *cq)
{
	struct fi_cq_msg_entry done[BATCH];
	bool found = false;

	for (int i = 0; i < BATCHES; i++) {
		ssize_t n = fi_cq_read(cq, done, BATCH);

		if (n == -FI_EAVAIL)
			take_failed(c, cq);
		else if (n <= 0)
			return found;
		found = true;
		for (ssize_t k = 0; k < n; k++)
			take_done(c, &done[k]);
		/* Each look that finds nothing costs a system call. */
		if (n > 0 && n < BATCH)
			return true;
	}
	return true;
}

/* What is left of sends: as a rule libfabric has finished inside the call, and
 * one look says so. */
void fab_conn_finish_sends(struct transport_conn *c)
{
	if (c->tx_cq && has_sent(c))
		take_completions(c, c->tx_cq);
}

/* As soon as there is room for it. */
static void say_bye(struct transport_conn *c)
{
	if (c->lingers && !c->said_bye)
		c->said_bye = fab_send_note(c, FAB_BYE, 0) == ST_OK;
}

void fab_conn_progress(struct transport_conn *c)
{
	if (!c->ep)
		return;
	/* What comes after the answer to a request may be here before it. */
	if (c->side == FAB_CLIENT && atomic_load(&c->stage) == FAB_CONNECTING)
		return;
	/* Each look may finish what the other queue tells of; only the queue of
	 * receives wakes anybody for it. */
	take_completions(c, c->cq);
	fab_conn_finish_sends(c);
	if (fab_conn_going_on(c)) {
		fab_rdma_push(c);
		fab_give_credits(c);
		say_bye(c);
		fab_helper_count(c);
	}
	fab_conn_notify(c);
	if (fab_conn_needs_help(c))
		fab_helper_watch(c);
}

bool fab_conn_may_sleep(struct transport_conn *c)
{
	struct fid *queue = &c->cq->fid;

	if (fi_trywait(c->net->fabric, &queue, 1) != 0)
		return false;
	return !c->tx_cq || !has_sent(c) || !take_completions(c, c->tx_cq);
}

/* ---- the end --------------------------------------------------------- */

#define LINGER_NS UINT64_C(10000000000)
/* Where there was no connection yet: who does not answer to that is one of
 * many perhaps. */
#define REFUSED_NS UINT64_C(2000000000)

void fab_abort(struct transport_conn *c)
{
	os_mutex_lock(&c->lock);
	if (fab_conn_going_on(c)) {
		fab_conn_progress(c);
		fab_conn_end(c, ST_ABORTED);
		if (c->ep)
			fi_shutdown(c->ep, 0);
	}
	os_mutex_unlock(&c->lock);
}

/* Lock held. Is something of which the peer may not know on its way? */
static bool must_linger(struct transport_conn *c)
{
	if (!fab_conn_going_on(c) || atomic_load(&c->stage) == FAB_CONNECTING)
		return false;
	fab_conn_progress(c);
	return fab_conn_going_on(c) &&
		(c->tx_out > 0 || c->credits < c->granted);
}

/* Both locks held. */
static void start_lingering(struct transport_conn *c)
{
	bool open = atomic_load(&c->stage) == FAB_OPEN;

	c->lingers = true;
	c->armed = 0;
	fab_conn_close_handle(c);
	fab_conn_progress(c);
	c->due = os_now();
	if (fab_conn_going_on(c))
		c->due += open ? LINGER_NS : REFUSED_NS;
	fab_helper_count(c);
	fab_helper_watch(c);
	fab_helper_wake();
}

void fab_close_locked(struct transport_conn *c)
{
	bool lingers;

	os_mutex_lock(&c->lock);
	lingers = must_linger(c);
	if (lingers)
		start_lingering(c);
	else
		fab_conn_remove(c);
	os_mutex_unlock(&c->lock);
	if (!lingers)
		fab_conn_destroy(c);
}

void fab_close(struct transport_conn *c, bool handed_off)
{
	if (fab_conn_is_foreign(c)) {
		fab_conn_destroy(c);
		return;
	}
	fab_lock();
	fab_close_locked(c);
	fab_unlock();
}
