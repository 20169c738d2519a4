/* SPDX-License-Identifier: MIT */
/*
 * kick.c - waking one thread that sleeps, from another of this process.
 *
 * Each thread that needs it has an event of its own, made at first use and
 * closed when the thread ends, or when the library that this code is part of is
 * unloaded. (A fibre counts as a thread; no harm in that.)
 */
#include "internal.h"

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static DWORD slot = FLS_OUT_OF_INDEXES;

static void WINAPI thread_ends(void *event)
{
	if (event)
		CloseHandle(event);
}

static BOOL CALLBACK make_slot(INIT_ONCE *o, void *unused, void **context)
{
	slot = FlsAlloc(thread_ends);
	return TRUE;
}

/* Closes what all threads have. Then nobody calls into here any more. */
__attribute__((destructor)) static void unload(void)
{
	if (slot != FLS_OUT_OF_INDEXES)
		FlsFree(slot);
	slot = FLS_OUT_OF_INDEXES;
}

static HANDLE make_kick(void)
{
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

	if (event && !FlsSetValue(slot, event)) {
		CloseHandle(event);
		return NULL;
	}
	return event;
}

void *os_thread_kick(void)
{
	HANDLE event;

	InitOnceExecuteOnce(&once, make_slot, NULL, NULL);
	if (slot == FLS_OUT_OF_INDEXES)
		return NULL;
	event = FlsGetValue(slot);
	if (!event)
		return make_kick();
	ResetEvent(event);
	return event;
}
