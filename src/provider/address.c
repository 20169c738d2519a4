/* SPDX-License-Identifier: MIT */
/*
 * address.c - R56 to R58, R213.
 *
 * The transport is asked each time (R57). What it says is compared with what it
 * said before: connections from an address that has gone end. No thread of ours
 * watches the adapters; the switch asks anew after every change of addresses
 * that TCP/IP reports, and then the connections end.
 */
#include "provider/address.h"

#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "provider/descriptor.h"
#include "provider/socket.h"

struct list {
	struct addr *at;
	unsigned count;
};

/* What the transport said last. */
static struct {
	struct os_mutex lock; /* role: addresses; a leaf */
	struct list list;
} last = {.lock = OS_MUTEX_INIT};

static struct list exchange_last(struct list now)
{
	struct list before;

	os_mutex_lock(&last.lock);
	before = last.list;
	last.list = now;
	os_mutex_unlock(&last.lock);
	return before;
}

void prov_addresses_forget(void)
{
	free(exchange_last((struct list){NULL, 0}).at);
}

/* ---- what has gone ------------------------------------------------- */

static bool has(const struct list *l, const struct addr *a)
{
	for (unsigned i = 0; i < l->count; i++)
		if (addr_same_ip(&l->at[i], a))
			return true;
	return false;
}

static bool all_stay(const struct list *before, const struct list *now)
{
	for (unsigned i = 0; i < before->count; i++)
		if (!has(now, &before->at[i]))
			return false;
	return true;
}

static bool is_stranded(struct prov_socket *s)
{
	struct addr local;

	os_mutex_lock(&s->lock);
	local = s->local;
	os_mutex_unlock(&s->lock);
	return prov_socket_state(s) == PROV_CONNECTED &&
		!provider_transport.serves(&local);
}

static void end_stranded(void)
{
	struct prov_socket *s;
	unsigned cursor = 0;

	while ((s = prov_descriptor_next(&cursor))) {
		if (is_stranded(s))
			prov_conn_abort(s); /* R213 */
		prov_socket_release(s);
	}
}

/* Without memory to remember it, the next answer tells. */
static void compare(const struct list *now)
{
	struct list copy = {malloc((now->count + 1) * sizeof *now->at),
		now->count};
	struct list before;

	if (!copy.at)
		return;
	memcpy(copy.at, now->at, now->count * sizeof *now->at);
	before = exchange_last(copy);
	if (!all_stay(&before, now))
		end_stranded();
	free(before.at);
}

/* ---- asking -------------------------------------------------------- */

enum status prov_addresses(struct addr **out, unsigned *count)
{
	struct list list = {NULL, 24};
	enum status st;

	do {
		unsigned room = list.count + 8; /* there may come some */
		struct addr *more = realloc(list.at, room * sizeof *more);

		if (!more) {
			free(list.at);
			return ST_NOMEM;
		}
		list = (struct list){more, room};
		st = provider_transport.addresses(list.at, &list.count);
	} while (st == ST_FULL);
	if (st != ST_OK) {
		free(list.at);
		return st;
	}
	compare(&list);
	*out = list.at;
	*count = list.count;
	return ST_OK;
}
