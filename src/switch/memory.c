/* SPDX-License-Identifier: MIT */
#include "switch/memory.h"

#include "os/os.h"
#include "switch/provider.h"
#include "switch/settings.h"
#include "switch/switch.h"

static sw_memory_watch_fn start_watch;
static _Atomic bool watched;

/* Those that keep memory: only ever more, so no lock is needed to look. */
static struct sw_provider *keepers[SW_PROVIDERS_MAX];
static _Atomic unsigned keeper_count;

void sw_memory_watch(sw_memory_watch_fn start)
{
	start_watch = start;
}

bool memory_is_kept_by(const struct sw_provider *p)
{
	if (p->can.dwVersion)
		return p->can.dwFlags & WSD_CAP_PINS;
	return p->cache_callback != NULL;
}

void memory_add(struct sw_provider *p)
{
	unsigned count = atomic_load(&keeper_count);

	if (!memory_is_kept_by(p) || count == SW_PROVIDERS_MAX)
		return;
	keepers[count] = p;
	/* Pairs with sw_memory_changes: the pointer is there. */
	atomic_store(&keeper_count, count + 1);
	if (count == 0 && start_watch && sw_settings()->watch_memory)
		atomic_store(&watched, start_watch());
}

/* What it answers is no matter: the mapping changes all the same. */
static void forget(const struct sw_provider *p, void *base, size_t len)
{
	INT err = 0;

	p->cache_callback(base, len, &err);
}

void memory_deregistered(const struct sw_provider *p, void *base, size_t len)
{
	if (!atomic_load(&watched) && memory_is_kept_by(p))
		forget(p, base, len);
}

void sw_memory_changes(void *base, size_t len)
{
	unsigned count = atomic_load(&keeper_count);

	for (unsigned i = 0; i < count; i++)
		forget(keepers[i], base, len);
}
