/* SPDX-License-Identifier: MIT */
/*
 * A lock in memory that several processes share. There is no fork here, so the
 * sharers are the threads of one process and nobody waits long; hence it is a
 * simple one: looks, then short sleeps, and now and then the question whether
 * the owner still lives.
 */
#include "internal.h"

#define SPINS 100
#define CHECK_OWNER 50 /* sleeps of a millisecond */

bool os_shared_lock_try(struct os_shared_lock *l)
{
	uint32_t nobody = 0;

	return atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
		atomic_compare_exchange_strong_explicit(&l->word, &nobody,
			os_thread_id(), memory_order_acquire,
			memory_order_relaxed);
}

static bool thread_is_gone(uint32_t id)
{
	HANDLE h = OpenThread(SYNCHRONIZE, FALSE, id);
	bool gone;

	if (!h)
		return GetLastError() != ERROR_ACCESS_DENIED;
	gone = WaitForSingleObject(h, 0) == WAIT_OBJECT_0;
	CloseHandle(h);
	return gone;
}

static bool take_from_the_dead(struct os_shared_lock *l)
{
	uint32_t owner = atomic_load_explicit(&l->word, memory_order_relaxed);

	return owner != 0 && thread_is_gone(owner) &&
		atomic_compare_exchange_strong_explicit(&l->word, &owner,
			os_thread_id(), memory_order_acquire,
			memory_order_relaxed);
}

enum status os_shared_lock_acquire(struct os_shared_lock *l)
{
	for (int i = 0; i < SPINS; i++) {
		if (os_shared_lock_try(l))
			return ST_OK;
		os_spin_hint();
	}
	for (unsigned i = 1; !os_shared_lock_try(l); i++) {
		if (i % CHECK_OWNER == 0 && take_from_the_dead(l))
			return ST_OWNERDIED;
		Sleep(1);
	}
	return ST_OK;
}

void os_shared_lock_release(struct os_shared_lock *l)
{
	/* Pairs with the acquire in os_shared_lock_try. */
	atomic_store_explicit(&l->word, 0, memory_order_release);
}

bool os_shared_lock_mine(struct os_shared_lock *l)
{
	return atomic_load_explicit(&l->word, memory_order_relaxed) ==
		os_thread_id();
}
