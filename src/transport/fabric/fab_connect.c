/* SPDX-License-Identifier: MIT */
/*
 * fab_connect.c - the active side: the request goes to the services of
 * fab_port.h one after the other, until a listener says that the port is its
 * own. The answers come through the event queue, to the helper.
 */
#include "transport/fabric/fab_connect.h"

#include <rdma/fi_errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sockaddr.h"
#include "transport/fabric/fab_alive.h"
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_ops.h"
#include "transport/fabric/fab_port.h"

/* An address for an info, which frees it. */
static void *info_address(const struct addr *a, uint16_t port, size_t *len)
{
	union sockaddr_any sa;
	struct addr full = *a;
	void *copy;

	full.port = port;
	*len = (size_t)addr_to_sockaddr(&full, &sa);
	copy = malloc(*len);
	if (copy)
		memcpy(copy, &sa, *len);
	return copy;
}

static struct fi_info *info_to(struct fab_net *n, const struct addr *to,
	uint16_t service)
{
	struct fi_info *info = fab_lib.dupinfo(n->info);

	if (!info)
		return NULL;
	free(info->src_addr);
	free(info->dest_addr);
	info->src_addr = info_address(&n->own, 0, &info->src_addrlen);
	info->dest_addr = info_address(to, service, &info->dest_addrlen);
	if (info->src_addr && info->dest_addr)
		return info;
	fab_lib.freeinfo(info);
	return NULL;
}

/* Sends the request to the next service. */
static enum status attempt(struct transport_conn *c)
{
	struct fab_greeting g = {c->from, c->to, FAB_SLOTS};
	uint8_t greeting[FAB_GREETING_LEN];
	struct fi_info *info = info_to(c->net, &c->to,
		fab_service(c->to.port, c->attempt));
	enum status st;

	if (!info)
		return ST_NOMEM;
	st = fab_conn_endpoint(c, info);
	if (st == ST_OK) {
		fab_greeting_put(&g, greeting);
		st = fab_status(-fi_connect(c->ep, info->dest_addr, greeting,
			sizeof greeting));
	}
	fab_lib.freeinfo(info);
	return st;
}

/* What a failed attempt means when there is no other. */
static enum status verdict(int reason, enum status st)
{
	if (reason == FAB_BACKLOG)
		return ST_REFUSED;
	/* Whether TCP listens there is not known. */
	return st == ST_NOMEM || st == ST_NOHANDLES ? st : ST_TIMEDOUT;
}

/* Is somebody else worth asking? Who has not answered at all is not there; who
 * hangs up, or answers with something else, is a stranger. */
static bool goes_on(int reason, enum status st)
{
	if (reason)
		return reason == FAB_NOT_HERE;
	return st != ST_TIMEDOUT && st != ST_UNREACHABLE && st != ST_NOMEM &&
		st != ST_NOHANDLES;
}

void fab_connect_failed(struct transport_conn *c, int reason, enum status st)
{
	while (goes_on(reason, st) && ++c->attempt < FAB_SERVICE_CHOICES) {
		fab_conn_drop_endpoint(c);
		st = attempt(c);
		reason = 0;
		if (st == ST_OK)
			return;
	}
	fab_conn_end(c, verdict(reason, st));
}

void fab_connect_up(struct transport_conn *c, const void *answer, size_t len)
{
	uint16_t slots;

	if (!fab_answer_get(answer, len, &slots)) {
		fab_conn_end(c, ST_PROTOCOL);
		return;
	}
	c->credits = c->granted = slots;
	atomic_store(&c->stage, FAB_QUEUED);
	fab_alive_start(c);
	fab_conn_progress(c);
}

/* fab_lock held. */
static enum status connect_locked(const struct addr *local,
	const struct addr *remote, struct transport_conn **out)
{
	struct fab_net *n = fab_net_of(local);
	struct transport_conn *c;
	enum status st;

	if (!n) {
		/* A new address, or the first call in a forked child. */
		fab_nets_refresh();
		n = fab_net_of(local);
	}
	if (!n)
		return ST_NOTLOCAL;
	st = fab_net_open(n);
	if (st == ST_OK)
		st = fab_conn_create(n, n->info, FAB_CLIENT, &c);
	if (st != ST_OK)
		return st;
	c->from = *local;
	c->to = *remote;
	os_mutex_lock(&c->lock);
	fab_conn_add(c);
	st = attempt(c);
	if (st != ST_OK)
		fab_connect_failed(c, 0, st);
	st = (enum status)atomic_load(&c->over);
	os_mutex_unlock(&c->lock);
	if (st != ST_OK) {
		fab_conn_remove(c);
		fab_conn_destroy(c);
		return st == ST_TIMEDOUT ? ST_NOTFOUND : st;
	}
	*out = c;
	return ST_OK;
}

enum status fab_connect(const struct addr *local, const struct addr *remote,
	const void *private_data, uint32_t private_len,
	struct transport_conn **out)
{
	enum status st;

	if (private_len > 0)
		return ST_INVAL;
	if (local->family != remote->family)
		return ST_NOTLOCAL;
	fab_lock();
	st = connect_locked(local, remote, out);
	fab_unlock();
	return st;
}
