/* SPDX-License-Identifier: MIT */
/*
 * WSAEVENT: an event object of the system, manual reset. Set and reset refuse
 * what is no event by themselves; a wait would take anything, so the kernel is
 * asked first. (The low two bits of a handle are ignored by the system.)
 */
#include "internal.h"

#include <winternl.h>

/* EventBasicInformation, which <winternl.h> does not have. */
struct event_information {
	ULONG type; /* 0: manual reset */
	LONG state;
};

NTSTATUS NTAPI NtQueryEvent(HANDLE event, int class, void *info, ULONG len,
	ULONG *used);

static bool is_event(void *event)
{
	struct event_information info;

	return event && NtQueryEvent(event, 0, &info, sizeof info, NULL) >= 0;
}

enum status os_event_create(void **event)
{
	HANDLE h = CreateEventW(NULL, TRUE, FALSE, NULL);

	if (!h)
		return win_status(GetLastError());
	*event = h;
	return ST_OK;
}

void os_event_destroy(void *event)
{
	if (is_event(event))
		CloseHandle(event);
}

enum status os_event_set(void *event)
{
	return event && SetEvent(event) ? ST_OK : ST_INVAL;
}

enum status os_event_reset(void *event)
{
	return event && ResetEvent(event) ? ST_OK : ST_INVAL;
}

enum status os_event_wait(void *event, uint64_t ns)
{
	HANDLE h = event;

	if (!is_event(event))
		return ST_INVAL;
	return win_wait(&h, 1, win_deadline_after(ns)) == 0 ? ST_OK
							     : ST_TIMEDOUT;
}

os_handle os_event_handle(void *event)
{
	return is_event(event) ? (os_handle)event : OS_NO_HANDLE;
}
