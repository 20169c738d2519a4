/* SPDX-License-Identifier: MIT */
#include <rdma/fi_errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sockaddr.h"
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_listener.h"
#include "transport/fabric/fab_ops.h"
#include "transport/fabric/fab_port.h"

/* fab_lock guards both. */
static struct transport_listener *listeners;
static struct fab_door *doors;

/* ---- doors ----------------------------------------------------------- */

struct fab_door *fab_door_of(const struct fid *pep)
{
	struct fab_door *d = doors;

	while (d && &d->pep->fid != pep)
		d = d->next;
	return d;
}

static struct fi_info *info_at(struct fab_net *n, uint16_t service)
{
	struct fi_info *info = fab_lib.dupinfo(n->info);
	union sockaddr_any sa;
	struct addr at = n->own;
	size_t len;

	if (!info)
		return NULL;
	at.port = service;
	len = (size_t)addr_to_sockaddr(&at, &sa);
	free(info->src_addr);
	info->src_addr = malloc(len);
	info->src_addrlen = len;
	if (info->src_addr) {
		memcpy(info->src_addr, &sa, len);
		return info;
	}
	fab_lib.freeinfo(info);
	return NULL;
}

static enum status open_door(struct fab_door *d)
{
	struct fi_info *info = info_at(d->net, d->service);
	int r;

	if (!info)
		return ST_NOMEM;
	r = fi_passive_ep(d->net->fabric, info, &d->pep, d);
	fab_lib.freeinfo(info);
	if (r == 0)
		r = fi_pep_bind(d->pep, &d->net->eq->fid, 0);
	if (r == 0)
		r = fi_listen(d->pep);
	if (r && d->pep)
		fi_close(&d->pep->fid);
	return fab_status(-r);
}

static void close_door(struct fab_door *d)
{
	struct fab_door **at = &doors;

	if (--d->users > 0)
		return;
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	fi_close(&d->pep->fid);
	free(d);
}

/* One that is there already, or a new one. */
static enum status use_door(struct fab_net *n, uint16_t service,
	struct fab_door **out)
{
	struct fab_door *d = doors;
	enum status st;

	while (d && !(d->net == n && d->service == service))
		d = d->next;
	if (!d) {
		d = calloc(1, sizeof *d);
		if (!d)
			return ST_NOMEM;
		d->net = n;
		d->service = service;
		st = open_door(d);
		if (st != ST_OK) {
			free(d);
			return st;
		}
		d->next = doors;
		doors = d;
	}
	d->users++;
	*out = d;
	return ST_OK;
}

/* At the first service that nobody else has. */
static enum status find_door(struct fab_net *n, uint16_t port,
	struct fab_door **out)
{
	enum status st = fab_net_open(n);

	for (unsigned i = 0; st == ST_OK && i < FAB_SERVICE_CHOICES; i++) {
		st = use_door(n, fab_service(port, i), out);
		if (st != ST_EXISTS)
			return st;
		st = ST_OK;
	}
	return st == ST_OK ? ST_EXISTS : st;
}

/* ---- which addresses ------------------------------------------------- */

static bool covers(const struct transport_listener *l, const struct addr *a)
{
	if (!addr_is_any(&l->local))
		return addr_same_ip(&l->local, a);
	if (l->local.family == a->family)
		return true;
	return l->local.family == 6 && !l->only_v6;
}

/* Better: a specific address, then the family's wildcard, then the dual one. */
static int rank(const struct transport_listener *l, const struct addr *to)
{
	if (l->shadowed || l->local.port != to->port || !covers(l, to))
		return 0;
	if (!addr_is_any(&l->local))
		return 3;
	return l->local.family == to->family ? 2 : 1;
}

struct transport_listener *fab_listener_for(const struct addr *to)
{
	struct transport_listener *best = NULL;

	for (struct transport_listener *l = listeners; l; l = l->next)
		if (rank(l, to) > (best ? rank(best, to) : 0))
			best = l;
	return best;
}

static bool has_door(const struct transport_listener *l,
	const struct fab_net *n)
{
	for (unsigned i = 0; i < l->door_count; i++)
		if (l->doors[i]->net == n)
			return true;
	return false;
}

/* ST_OK when there is one at least. */
static enum status open_doors(struct transport_listener *l)
{
	enum status st = ST_NOTLOCAL, last;

	for (struct fab_net *n = fab_nets_first(); n; n = n->next) {
		if (n->gone || !covers(l, &n->own) || has_door(l, n) ||
			l->door_count == FAB_DOORS_MAX)
			continue;
		last = find_door(n, l->local.port, &l->doors[l->door_count]);
		if (last == ST_OK)
			l->door_count++;
		else
			st = last;
	}
	return l->door_count ? ST_OK : st;
}

void fab_listeners_refresh(void)
{
	for (struct transport_listener *l = listeners; l; l = l->next)
		if (!l->shadowed && addr_is_any(&l->local))
			open_doors(l);
}

/* ---- listeners ------------------------------------------------------- */

static bool is_taken(const struct addr *local, bool only_v6)
{
	for (struct transport_listener *l = listeners; l; l = l->next)
		if (addr_equal(&l->local, local) && l->only_v6 == only_v6)
			return true;
	return false;
}

static void list(struct transport_listener *l)
{
	l->next = listeners;
	l->link = &listeners;
	if (listeners)
		listeners->link = &l->next;
	listeners = l;
}

/* fab_lock held. */
static enum status start(struct transport_listener *l)
{
	enum status st = ST_OK;

	fab_nets_refresh();
	l->shadowed = is_taken(&l->local, l->only_v6);
	if (!l->shadowed) {
		st = os_event_create(&l->event);
		if (st == ST_OK)
			st = open_doors(l);
	}
	if (st == ST_OK)
		list(l);
	else if (l->event)
		os_event_destroy(l->event);
	return st == ST_EXISTS ? ST_NOHANDLES : st;
}

enum status fab_listen(const struct addr *local, bool only_v6, unsigned backlog,
	struct transport_listener **out)
{
	struct transport_listener *l = calloc(1, sizeof *l);
	enum status st;

	if (!l)
		return ST_NOMEM;
	l->local = *local;
	l->only_v6 = only_v6;
	l->backlog = backlog;
	l->process = os_process_id();
	l->queue_tail = &l->queue;
	fab_lock();
	st = start(l);
	fab_unlock();
	if (st == ST_OK)
		*out = l;
	else
		free(l);
	return st;
}

os_handle fab_listener_handle(struct transport_listener *l)
{
	return l->event ? os_event_handle(l->event) : OS_NO_HANDLE;
}

/* The oldest in the queue. fab_lock held. */
static struct transport_conn *unqueue(struct transport_listener *l)
{
	struct transport_conn *c = l->queue;

	l->queue = c->queue_next;
	if (!l->queue)
		l->queue_tail = &l->queue;
	l->queued--;
	c->listener = NULL;
	return c;
}

/* fab_lock held. */
static void refuse_queued(struct transport_listener *l, unsigned keep,
	enum transport_refusal why)
{
	while (l->queued > keep)
		fab_refuse_conn(unqueue(l), why);
}

enum status fab_set_backlog(struct transport_listener *l, unsigned backlog)
{
	fab_lock();
	l->backlog = backlog;
	refuse_queued(l, backlog, REFUSE_REJECTED);
	fab_unlock();
	return ST_OK;
}

void fab_shut_listener(struct transport_listener *l)
{
	fab_lock();
	l->shut = true;
	fab_unlock();
}

/* Handshakes that are not finished find no listener when they are. */
static void disown_arriving(struct transport_listener *l)
{
	for (struct transport_conn *c = fab_conn_first(); c; c = c->next)
		if (c->listener == l)
			c->listener = NULL;
}

void fab_close_listener(struct transport_listener *l)
{
	fab_lock();
	if (l->process == os_process_id()) {
		*l->link = l->next;
		if (l->next)
			l->next->link = l->link;
		refuse_queued(l, 0, REFUSE_CLOSING);
		disown_arriving(l);
		while (l->door_count)
			close_door(l->doors[--l->door_count]);
	}
	fab_unlock();
	if (l->event)
		os_event_destroy(l->event);
	free(l);
}

/* Each process has its own, so there is nothing to leave to another. */
void fab_leave_listener(struct transport_listener *l)
{
	fab_close_listener(l);
}

void fab_listeners_forget(void)
{
	listeners = NULL;
	doors = NULL;
}

/* ---- the queue's other end ------------------------------------------- */

void fab_listener_push(struct transport_listener *l, struct transport_conn *c)
{
	c->queue_next = NULL;
	*l->queue_tail = c;
	l->queue_tail = &c->queue_next;
	l->queued++;
	os_event_set(l->event);
}

struct transport_conn *fab_listener_pop(struct transport_listener *l)
{
	struct transport_conn *c = l->queue ? unqueue(l) : NULL;

	if (!l->queue && l->event)
		os_event_reset(l->event);
	return c;
}
