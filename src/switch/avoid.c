/* SPDX-License-Identifier: MIT */
#include "switch/avoid.h"

#include <string.h>

#include "os/os.h"

/* `until` 0: free. */
struct entry {
	const void *provider;
	struct addr remote; /* port 0: the whole address */
	uint64_t since, until;
};

static struct os_mutex lock = OS_MUTEX_INIT;
static struct entry table[AVOID_ENTRIES]; /* lock */
/* Lets connects pass without the lock while there is nothing to know. */
static _Atomic unsigned in_use;

static bool is_about(const struct entry *e, const void *provider,
	const struct addr *remote)
{
	return e->until && e->provider == provider &&
		addr_same_ip(&e->remote, remote);
}

static void drop(struct entry *e)
{
	e->until = 0;
	atomic_fetch_sub(&in_use, 1);
}

bool avoid_is_known(const void *provider, const struct addr *remote,
	uint64_t now)
{
	bool known = false;

	if (atomic_load(&in_use) == 0)
		return false;
	os_mutex_lock(&lock);
	for (struct entry *e = table; e < table + AVOID_ENTRIES; e++) {
		if (e->until && e->until <= now)
			drop(e);
		else if (is_about(e, provider, remote) &&
			(e->remote.port == 0 ||
				e->remote.port == remote->port))
			known = true;
	}
	os_mutex_unlock(&lock);
	return known;
}

/* The one that says the same, a free one, or the oldest. lock held. */
static struct entry *place_for(const void *provider, const struct addr *remote)
{
	struct entry *best = table;

	for (struct entry *e = table; e < table + AVOID_ENTRIES; e++) {
		if (is_about(e, provider, remote) &&
			e->remote.port == remote->port)
			return e;
		if (best->until && (!e->until || e->since < best->since))
			best = e;
	}
	return best;
}

void avoid_remember(const void *provider, const struct addr *remote, bool whole,
	uint64_t now, uint64_t until)
{
	struct addr key = *remote;
	struct entry *e;

	if (until <= now)
		return;
	if (whole)
		key.port = 0;
	os_mutex_lock(&lock);
	e = place_for(provider, &key);
	if (!e->until)
		atomic_fetch_add(&in_use, 1);
	*e = (struct entry){provider, key, now, until};
	os_mutex_unlock(&lock);
}

void avoid_forget(const void *provider, const struct addr *remote)
{
	if (atomic_load(&in_use) == 0)
		return;
	os_mutex_lock(&lock);
	for (struct entry *e = table; e < table + AVOID_ENTRIES; e++)
		if (is_about(e, provider, remote) &&
			(e->remote.port == 0 ||
				e->remote.port == remote->port))
			drop(e);
	os_mutex_unlock(&lock);
}

void avoid_fork_prepare(void)
{
	os_mutex_lock(&lock);
}

void avoid_fork_parent(void)
{
	os_mutex_unlock(&lock);
}

void avoid_fork_child(void)
{
	os_mutex_init(&lock);
}
