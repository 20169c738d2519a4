/* SPDX-License-Identifier: MIT */
#include "switch/reach.h"

#include <string.h>

#include "base/sockaddr.h"
#include "switch/gate.h"

#define KEPT_NS UINT64_C(1000000000)
#define LIST_BYTES 4096
#define SUBNETS_MAX 128

/* ---- pure ------------------------------------------------------------- */

static void add(struct reach_table *t, unsigned provider,
	const struct addr *own, unsigned prefix)
{
	if (t->count < REACH_MAX)
		t->entries[t->count++] = (struct reach_entry){provider,
			{*own, prefix}};
}

void reach_add(struct reach_table *t, unsigned provider,
	const struct addr *own, const struct os_subnet *subnets, unsigned count)
{
	bool found = false;

	for (unsigned i = 0; i < count; i++) {
		if (!addr_same_ip(&subnets[i].address, own))
			continue;
		add(t, provider, &subnets[i].address, subnets[i].prefix);
		found = true;
	}
	if (!found)
		add(t, provider, own, own->family == 4 ? 32 : 128);
}

bool reach_find(const struct reach_table *t, unsigned provider,
	const struct addr *remote, struct addr *own)
{
	const struct reach_entry *best = NULL;

	for (unsigned i = 0; i < t->count; i++) {
		const struct reach_entry *e = &t->entries[i];

		if (e->provider == provider &&
			addr_in_subnet(remote, &e->own.address,
				e->own.prefix) &&
			(!best || e->own.prefix > best->own.prefix))
			best = e;
	}
	if (best)
		*own = best->own.address;
	return best != NULL;
}

bool reach_serves(const struct reach_table *t, unsigned provider,
	const struct addr *own)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->entries[i].provider == provider &&
			addr_same_ip(&t->entries[i].own.address, own))
			return true;
	return false;
}

bool reach_lists(const struct reach_table *t, unsigned provider)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->entries[i].provider == provider)
			return true;
	return false;
}

/* ---- making it -------------------------------------------------------- */

/* A socket's family is that of the addresses it lists. */
static bool ask_addresses(struct sw_provider *p, SOCKET probe, void *room,
	size_t len)
{
	DWORD bytes = 0;
	INT err = 0, r;

	gate_enter();
	r = p->spi.lpWSPIoctl(probe, SIO_ADDRESS_LIST_QUERY, NULL, 0, room,
		(DWORD)len, &bytes, NULL, NULL, NULL, &err);
	gate_leave();
	return r == 0;
}

static void add_addresses(struct reach_table *t, unsigned place,
	struct sw_provider *p, SOCKET probe, const struct os_subnet *subnets,
	unsigned count)
{
	_Alignas(SOCKET_ADDRESS_LIST) char buf[LIST_BYTES];
	SOCKET_ADDRESS_LIST *list = (SOCKET_ADDRESS_LIST *)buf;
	struct addr a;

	if (!ask_addresses(p, probe, buf, sizeof buf))
		return;
	for (INT i = 0; i < list->iAddressCount; i++) {
		SOCKET_ADDRESS *sa = &list->Address[i];

		if (!addr_from_sockaddr(sa->lpSockaddr, sa->iSockaddrLength,
			    &a))
			continue;
		a.port = 0;
		reach_add(t, place, &a, subnets, count);
	}
}

static void add_provider(struct reach_table *t, unsigned place,
	struct sw_provider *p, const struct os_subnet *subnets, unsigned count)
{
	add_addresses(t, place, p, p->probe, subnets, count);
	if (p->probe6 != INVALID_SOCKET)
		add_addresses(t, place, p, p->probe6, subnets, count);
}

/* False: the system does not tell now. */
static bool make(struct reach_table *t)
{
	struct os_subnet subnets[SUBNETS_MAX];
	unsigned count = SUBNETS_MAX, n;
	enum sw_reason ignored;
	struct sw_provider *const *all = sw_providers(&n, &ignored);
	enum status st = os_local_subnets(subnets, &count);

	if (st != ST_OK && st != ST_FULL)
		return false;
	if (count > SUBNETS_MAX)
		count = SUBNETS_MAX;
	t->count = 0;
	for (unsigned i = 0; i < n; i++)
		if (!(all[i]->can.dwFlags & WSD_CAP_SAME_HOST))
			add_provider(t, i, all[i], subnets, count);
	return true;
}

/* ---- keeping it ------------------------------------------------------- */

static struct os_mutex lock = OS_MUTEX_INIT;
static struct reach_table kept;   /* lock */
static uint64_t expires;          /* lock; 0: make it now */

/*
 * Made outside the lock, for providers are asked. Whoever finds it too old sets
 * the time first, so that the others go on with the old one meanwhile; at the
 * very beginning there is none, and each makes its own.
 */
void reach_now(struct reach_table *out)
{
	uint64_t now = os_now();
	bool fresh;

	os_mutex_lock(&lock);
	*out = kept;
	fresh = now < expires;
	if (!fresh && expires)
		expires = now + KEPT_NS;
	os_mutex_unlock(&lock);
	if (fresh || !make(out))
		return;
	os_mutex_lock(&lock);
	kept = *out;
	expires = os_now() + KEPT_NS;
	os_mutex_unlock(&lock);
}

void reach_expire(void)
{
	os_mutex_lock(&lock);
	expires = 0;
	os_mutex_unlock(&lock);
}

void reach_fork_prepare(void)
{
	os_mutex_lock(&lock);
}

void reach_fork_parent(void)
{
	os_mutex_unlock(&lock);
}

void reach_fork_child(void)
{
	os_mutex_init(&lock);
}
