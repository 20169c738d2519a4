/* SPDX-License-Identifier: MIT */
/*
 * kick.c - what each thread has of its own: an event for the operation that it
 * waits for, and one that other threads wake it by. Made at first use, closed
 * when the thread ends, or when the library that this code is part of is
 * unloaded. (A fibre counts as a thread; no harm in that.)
 */
#include "internal.h"

#include <stdlib.h>

struct own {
	HANDLE operation, kick;
};

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static DWORD slot = FLS_OUT_OF_INDEXES;

static void WINAPI thread_ends(void *value)
{
	struct own *own = value;

	if (!own)
		return;
	if (own->operation)
		CloseHandle(own->operation);
	if (own->kick)
		CloseHandle(own->kick);
	free(own);
}

static BOOL CALLBACK make_slot(INIT_ONCE *o, void *unused, void **context)
{
	slot = FlsAlloc(thread_ends);
	return TRUE;
}

/* Frees what all threads have. Then nobody calls into here any more. */
__attribute__((destructor)) static void unload(void)
{
	if (slot != FLS_OUT_OF_INDEXES)
		FlsFree(slot);
	slot = FLS_OUT_OF_INDEXES;
}

static struct own *mine(void)
{
	struct own *own;

	InitOnceExecuteOnce(&once, make_slot, NULL, NULL);
	if (slot == FLS_OUT_OF_INDEXES)
		return NULL;
	own = FlsGetValue(slot);
	if (own)
		return own;
	own = calloc(1, sizeof *own);
	if (own && !FlsSetValue(slot, own)) {
		free(own);
		return NULL;
	}
	return own;
}

static HANDLE event_at(HANDLE *at)
{
	if (!*at)
		*at = CreateEventW(NULL, TRUE, FALSE, NULL);
	return *at;
}

HANDLE win_thread_event(void)
{
	struct own *own = mine();

	return own ? event_at(&own->operation) : NULL;
}

void *os_thread_kick(void)
{
	struct own *own = mine();
	HANDLE event = own ? event_at(&own->kick) : NULL;

	if (event)
		ResetEvent(event);
	return event;
}
