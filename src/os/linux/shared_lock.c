/* SPDX-License-Identifier: MIT */
/*
 * A lock that a forked child and its parent share, and that survives the death
 * of its owner.
 *
 * The word is the owner's thread id, with the top bit set while somebody may
 * sleep. Whoever has slept takes the lock with the bit set, because there may
 * be more sleepers than itself; a needless wake-up is all that costs. Sleeps
 * are short: each time one ends without a release we ask whether the owner
 * still lives, and take the lock from the dead. That also covers a sleeper
 * that was woken and died before it could take the lock.
 *
 * Limits: a dead owner whose thread id is in use again counts as alive until
 * that thread ends, and all sharers must be in one pid namespace.
 */
#include "defer.h"
#include "internal.h"

#include <linux/futex.h>

#define WAITERS UINT32_C(0x80000000)
#define SPINS 100
#define CHECK_OWNER_NS (50 * 1000 * 1000)

static bool take(struct os_shared_lock *l, uint32_t from, uint32_t to)
{
	/* Pairs with the release in os_shared_lock_release. */
	return atomic_compare_exchange_strong_explicit(&l->word, &from, to,
		memory_order_acquire, memory_order_relaxed);
}

static uint32_t look(struct os_shared_lock *l)
{
	return atomic_load_explicit(&l->word, memory_order_relaxed);
}

static bool try(struct os_shared_lock *l)
{
	return look(l) == 0 && take(l, 0, os_thread_id());
}

bool os_shared_lock_try(struct os_shared_lock *l)
{
	defer_begin();
	if (try(l))
		return true;
	defer_end();
	return false;
}

static bool spin(struct os_shared_lock *l)
{
	if (os_cpu_count() == 1)
		return false;
	for (int i = 0; i < SPINS; i++) {
		if (try(l))
			return true;
		os_spin_hint();
	}
	return false;
}

/* Not the PRIVATE operations: the word is in memory of several processes. */
static int sleep_on(struct os_shared_lock *l, uint32_t word)
{
	struct timespec limit = os_timespec_of(CHECK_OWNER_NS);

	return sys_futex(&l->word, FUTEX_WAIT, word, &limit);
}

static enum status acquire_slow(struct os_shared_lock *l)
{
	uint32_t me = os_thread_id() | WAITERS;

	for (;;) {
		uint32_t word = look(l);

		if (word == 0) {
			if (take(l, 0, me))
				return ST_OK;
			continue;
		}
		if (!(word & WAITERS)) {
			if (!take(l, word, word | WAITERS))
				continue;
			word |= WAITERS;
		}
		if (sleep_on(l, word) == -ETIMEDOUT &&
			os_thread_is_gone(word & ~WAITERS) && take(l, word, me))
			return ST_OWNERDIED;
	}
}

enum status os_shared_lock_acquire(struct os_shared_lock *l)
{
	defer_begin();
	if (try(l) || spin(l))
		return ST_OK;
	return acquire_slow(l);
}

void os_shared_lock_release(struct os_shared_lock *l)
{
	/* Pairs with the acquire in take(). */
	uint32_t word = atomic_exchange_explicit(&l->word, 0,
		memory_order_release);

	if (word & WAITERS)
		sys_futex(&l->word, FUTEX_WAKE, 1, NULL);
	defer_end();
}

bool os_shared_lock_mine(struct os_shared_lock *l)
{
	return (look(l) & ~WAITERS) == os_thread_id();
}
