/* SPDX-License-Identifier: MIT */
/*
 * wait.c - waiting on one handle. A pipe is readable when there are bytes, or
 * the other end is closed; anything else when the system says signalled.
 */
#include "internal.h"

int win_wait(const HANDLE *h, unsigned n, uint64_t deadline)
{
	DWORD r, ms;

	do {
		ms = win_deadline_ms(deadline);
		r = WaitForMultipleObjects(n, h, FALSE, ms);
		if (r < WAIT_OBJECT_0 + n)
			return (int)(r - WAIT_OBJECT_0);
		if (r != WAIT_TIMEOUT)
			return -2;
	} while (ms > 0);
	return -1;
}

enum status os_handle_wait(os_handle h, uint64_t ns)
{
	HANDLE one = win_handle(h);
	enum status st;

	if (win_is_pipe(one)) {
		st = win_pipe_wait(one, ns, NULL);
		return st == ST_CLOSED ? ST_OK : st;
	}
	switch (win_wait(&one, 1, win_deadline_after(ns))) {
	case 0:
		return ST_OK;
	case -1:
		return ST_TIMEDOUT;
	default:
		return ST_INVAL;
	}
}

void os_handle_close(os_handle h)
{
	HANDLE one = win_handle(h);
	struct win_object *o;

	if (h == OS_NO_HANDLE)
		return;
	if ((o = win_object_find(one, WIN_LISTENER))) {
		win_listener_close(o);
	} else if ((o = win_object_find(one, WIN_POLLER))) {
		win_poller_close(o);
	} else {
		if (win_is_pipe(one)) {
			win_announce(one);
			win_drop_unread(one);
		}
		CloseHandle(one);
	}
}

/* Of a listener or poller, what one waits on. */
enum status os_handle_duplicate(os_handle h, os_handle *out)
{
	HANDLE copy, self = GetCurrentProcess();

	if (h == OS_NO_HANDLE || h == (os_handle)self)
		return ST_INVAL;
	if (!DuplicateHandle(self, win_handle(h), self, &copy, 0, FALSE,
		    DUPLICATE_SAME_ACCESS))
		return win_status(GetLastError());
	*out = (os_handle)copy;
	return ST_OK;
}
