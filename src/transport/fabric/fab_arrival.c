/* SPDX-License-Identifier: MIT */
/*
 * fab_arrival.c - requests, from the wire into a listener's queue.
 *
 * Who connects is a stranger until the greeting has been checked: its form, that
 * it names the address it comes from, and a listener of this process. The
 * handshake is finished without the application, as TCP does it; that the
 * application has accepted or refused is a message later (R101). Nothing is
 * kept for a handshake that is not finished in time.
 */
#include <rdma/fi_errno.h>
#include <stdio.h>

#include "base/sockaddr.h"
#include "transport/fabric/fab_alive.h"
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_lib.h"
#include "transport/fabric/fab_listener.h"

#define HANDSHAKE_NS UINT64_C(5000000000)

/* Handshakes of one process that are not finished. */
enum { ARRIVING_MAX = 256 };

static unsigned arriving;

static void complain(const struct addr *from)
{
	static bool told;
	char line[200], text[ADDR_TEXT_MAX];

	if (told)
		return;
	told = true;
	snprintf(line, sizeof line, "wsd: fabric: a request from %s makes no "
		"sense and is refused; others like it are not reported",
		addr_text(from, text));
	os_log_line(line);
}

/* Both addresses as the greeting says and as libfabric knows them. */
static bool is_plausible(const struct fab_door *d, const struct fi_info *info,
	struct fab_greeting *g)
{
	struct addr real;

	g->from.scope = g->to.scope = d->net->own.scope;
	return info->dest_addr &&
		addr_from_sockaddr(info->dest_addr, (int)info->dest_addrlen,
			&real) &&
		addr_same_ip(&real, &g->from) &&
		addr_same_ip(&d->net->own, &g->to);
}

static void complain_about(const struct fi_info *info)
{
	struct addr from = addr_any(4, 0);

	if (info->dest_addr)
		addr_from_sockaddr(info->dest_addr, (int)info->dest_addrlen,
			&from);
	complain(&from);
}

/* 0, or why not. */
static enum fab_reason judge(struct fab_door *d, const struct fi_info *info,
	const void *data, size_t len, struct fab_greeting *g,
	struct transport_listener **l)
{
	if (!fab_greeting_get(data, len, g) || !is_plausible(d, info, g)) {
		complain_about(info);
		return FAB_STRANGER;
	}
	*l = fab_listener_for(&g->to);
	if (!*l || (*l)->shut)
		return FAB_NOT_HERE;
	if ((*l)->queued + (*l)->arriving >= (*l)->backlog)
		return FAB_BACKLOG;
	return arriving < ARRIVING_MAX ? 0 : FAB_RESOURCES;
}

static enum status answer(struct transport_conn *c, struct fi_info *info)
{
	uint8_t data[FAB_ANSWER_LEN];
	enum status st = fab_conn_endpoint(c, info);

	if (st != ST_OK)
		return st;
	fab_answer_put(FAB_SLOTS, data);
	return fab_status(-fi_accept(c->ep, data, sizeof data));
}

static enum status admit(struct fab_door *d, struct fi_info *info,
	const struct fab_greeting *g, struct transport_listener *l)
{
	struct transport_conn *c;
	enum status st = fab_conn_create(d->net, info, FAB_SERVER, &c);

	if (st != ST_OK)
		return st;
	c->from = g->from;
	c->to = g->to;
	c->credits = c->granted = g->slots;
	st = answer(c, info);
	if (st != ST_OK) {
		fab_conn_destroy(c);
		return st;
	}
	c->due = os_now() + HANDSHAKE_NS;
	c->listener = l;
	l->arriving++;
	arriving++;
	fab_conn_add(c);
	return ST_OK;
}

void fab_request_arrived(struct fab_door *d, struct fi_eq_cm_entry *event,
	size_t data_len)
{
	struct fi_info *info = event->info;
	struct transport_listener *l = NULL;
	struct fab_greeting g;
	uint8_t reason[FAB_REASON_LEN];
	enum fab_reason why = judge(d, info, event->data, data_len, &g, &l);

	if (!why && admit(d, info, &g, l) != ST_OK)
		why = FAB_RESOURCES;
	if (why) {
		fab_reason_put(why, reason);
		fi_reject(d->pep, info->handle, reason, sizeof reason);
	}
	fab_lib.freeinfo(info);
}

/* It is no longer one of those that are not finished. */
static struct transport_listener *finish(struct transport_conn *c)
{
	struct transport_listener *l = c->listener;

	c->due = 0;
	arriving--;
	if (l)
		l->arriving--;
	return l;
}

void fab_arrival_up(struct transport_conn *c)
{
	struct transport_listener *l = finish(c);

	os_mutex_lock(&c->lock);
	atomic_store(&c->stage, FAB_QUEUED);
	fab_alive_start(c);
	fab_conn_progress(c); /* what is sent early is taken */
	os_mutex_unlock(&c->lock);
	if (l && l->queued < l->backlog)
		fab_listener_push(l, c);
	else if (l)
		fab_refuse_conn(c, REFUSE_REJECTED); /* it was made smaller */
	else
		fab_refuse_conn(c, REFUSE_CLOSING);
}

void fab_arrival_failed(struct transport_conn *c)
{
	finish(c);
	fab_conn_remove(c);
	fab_conn_destroy(c);
}

void fab_arrivals_forget(void)
{
	arriving = 0;
}
