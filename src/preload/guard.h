/* SPDX-License-Identifier: MIT */
/*
 * guard.h - a lock that a signal handler may meet.
 *
 * Handlers are put off in a section (defer.h), but for some: those for faults,
 * and what did not come through handlers.c. close(), dup(), connect() and
 * others may be called there. Waiting would last for ever, so such a handler
 * walks through: the sections are a few instructions long, and what they guard
 * stays readable at each of them.
 */
#ifndef WSD_PRELOAD_GUARD_H
#define WSD_PRELOAD_GUARD_H

#include <stdbool.h>

#include "os/os.h"

/* Zeroed memory is a free guard. */
struct guard {
	struct os_shared_lock lock;
};

/* What this says goes to guard_leave. */
static inline bool guard_enter(struct guard *g)
{
	if (os_shared_lock_mine(&g->lock))
		return false;
	os_shared_lock_acquire(&g->lock);
	return true;
}

static inline bool guard_try(struct guard *g)
{
	return os_shared_lock_try(&g->lock);
}

static inline void guard_leave(struct guard *g, bool entered)
{
	if (entered)
		os_shared_lock_release(&g->lock);
}

/* Does another thread wait for it? (The top bit, see os.h.) */
static inline bool guard_is_wanted(struct guard *g)
{
	return atomic_load_explicit(&g->lock.word, memory_order_relaxed) >> 31;
}

/* In a forked child, whose parent's threads are not there. */
static inline void guard_reset(struct guard *g)
{
	atomic_store_explicit(&g->lock.word, 0, memory_order_relaxed);
}

#endif
