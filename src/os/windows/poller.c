/* SPDX-License-Identifier: MIT */
/*
 * poller.c - waiting for many handles in one thread.
 *
 * For each pipe a read of no bytes is pending whose end is reported by a call
 * in the thread that waits (an APC), so any number of pipes costs one wait, and
 * nothing for those where nothing happens. A completion port would do the same,
 * but a pipe that has once belonged to one never belongs to another, and ours
 * move between processes.
 *
 * Events are waited for directly: the first so many in the wait itself, others
 * by a thread of the system's for each 63, which only sets our own event. A
 * program has few of them: one per listener that the provider's thread watches.
 *
 * Level-triggered: what was reported is looked at again in the next wait. All
 * that belongs to a pending read lives until that has ended; whoever removes an
 * entry cancels the read, and the waiting thread frees the entry after that.
 *
 * A poller is waited on by one thread at a time, and is closed by that thread
 * or after its end.
 */
#include "internal.h"

#include <stdlib.h>

#define DIRECT_EVENTS 62 /* a wait takes 64; one is ours */

struct entry {
	OVERLAPPED ov; /* first: an APC gets its address */
	struct entry *next;
	struct poller *poller;
	HANDLE h;      /* as the caller knows it */
	HANDLE event;  /* our copy, or NULL: a pipe */
	HANDLE wait;   /* of the system's thread */
	uint64_t cookie;
	bool pending; /* a read of no bytes */
	bool removed;
};

struct poller {
	struct win_object o; /* key: set when the entries have changed */
	SRWLOCK lock;
	struct entry *first; /* in the order in which they are looked at */
	unsigned pending;
	bool waiting;
	bool closed;
	HANDLE thread; /* which waited last */
	DWORD thread_id;
};

static struct poller *find(os_handle h)
{
	return (struct poller *)win_object_find(win_handle(h), WIN_POLLER);
}

enum status os_poller_create(os_handle *out)
{
	struct poller *p = calloc(1, sizeof *p);

	if (!p)
		return ST_NOMEM;
	p->o.key = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (!p->o.key) {
		free(p);
		return win_status(GetLastError());
	}
	p->o.kind = WIN_POLLER;
	win_object_add(&p->o);
	*out = (os_handle)p->o.key;
	return ST_OK;
}

/* ---- entries: the lock held ------------------------------------------- */

static struct entry **place_of(struct poller *p, HANDLE h)
{
	struct entry **at = &p->first;

	while (*at && ((*at)->h != h || (*at)->removed))
		at = &(*at)->next;
	return at;
}

static void append(struct poller *p, struct entry *e)
{
	struct entry **at = &p->first;

	while (*at)
		at = &(*at)->next;
	e->next = NULL;
	*at = e;
}

/* No read is pending, and no wait uses its event. */
static void entry_free(struct entry *e)
{
	if (e->wait)
		UnregisterWaitEx(e->wait, INVALID_HANDLE_VALUE);
	if (e->event)
		CloseHandle(e->event);
	free(e);
}

static enum status entry_new(struct poller *p, HANDLE h, uint64_t cookie,
	struct entry **out)
{
	HANDLE self = GetCurrentProcess();
	struct entry *e = calloc(1, sizeof *e);

	if (!e)
		return ST_NOMEM;
	/* A copy, so that nobody closes it under the wait. */
	if (!win_is_pipe(h) &&
		!DuplicateHandle(self, h, self, &e->event, SYNCHRONIZE, FALSE,
			0)) {
		free(e);
		return win_status(GetLastError());
	}
	e->poller = p;
	e->h = h;
	e->cookie = cookie;
	*out = e;
	return ST_OK;
}

enum status os_poller_add(os_handle poller, os_handle h, uint64_t cookie)
{
	struct poller *p = find(poller);
	struct entry *e = NULL;
	enum status st;

	if (!p || h == OS_NO_HANDLE)
		return ST_INVAL;
	AcquireSRWLockExclusive(&p->lock);
	st = *place_of(p, win_handle(h)) ? ST_EXISTS
		: entry_new(p, win_handle(h), cookie, &e);
	if (st == ST_OK) {
		append(p, e);
		SetEvent(p->o.key);
	}
	ReleaseSRWLockExclusive(&p->lock);
	return st;
}

void os_poller_remove(os_handle poller, os_handle h)
{
	struct poller *p = find(poller);
	struct entry **at, *e;

	if (!p)
		return;
	AcquireSRWLockExclusive(&p->lock);
	at = place_of(p, win_handle(h));
	e = *at;
	if (e && e->pending) {
		e->removed = true;
		CancelIoEx(e->h, &e->ov); /* which wakes the thread as well */
	} else if (e && p->waiting) {
		e->removed = true;
		SetEvent(p->o.key);
	} else if (e) {
		*at = e->next;
		entry_free(e);
	}
	ReleaseSRWLockExclusive(&p->lock);
}

/* ---- looking: the lock held ------------------------------------------- */

static void poller_free(struct poller *p)
{
	struct entry *e;

	while ((e = p->first)) {
		p->first = e->next;
		entry_free(e);
	}
	free(p);
}

static void CALLBACK read_ended(DWORD error, DWORD bytes, OVERLAPPED *ov)
{
	struct entry *e = (struct entry *)ov;
	struct poller *p = e->poller;
	bool last;

	AcquireSRWLockExclusive(&p->lock);
	e->pending = false;
	p->pending--;
	last = p->closed && p->pending == 0;
	ReleaseSRWLockExclusive(&p->lock);
	if (last)
		poller_free(p);
}

static void CALLBACK event_is_set(void *poller, BOOLEAN timed_out)
{
	SetEvent(((struct poller *)poller)->o.key);
}

/* True when it is readable; else a read is pending that will tell. */
static bool look_at_pipe(struct poller *p, struct entry *e)
{
	struct win_pipe_look look;
	static char nothing;

	if (win_pipe_look(e->h, &look) != ST_OK || look.bytes > 0 ||
		!look.open)
		return true;
	e->ov = (OVERLAPPED){0};
	if (!ReadFileEx(e->h, &nothing, 0, &e->ov, read_ended))
		return true;
	e->pending = true;
	p->pending++;
	return false;
}

static bool is_readable(struct poller *p, struct entry *e)
{
	if (e->removed)
		return false;
	if (e->event)
		return WaitForSingleObject(e->event, 0) == WAIT_OBJECT_0;
	return !e->pending && look_at_pipe(p, e);
}

static void free_removed(struct poller *p)
{
	struct entry **at = &p->first, *e;

	while ((e = *at)) {
		if (e->removed && !e->pending) {
			*at = e->next;
			entry_free(e);
		} else {
			at = &e->next;
		}
	}
}

/* Those that were reported go to the end, so that all have their turn. */
static unsigned collect(struct poller *p, uint64_t *cookies, unsigned max)
{
	struct entry **at = &p->first, *told = NULL, **end = &told, *e;
	unsigned n = 0;

	while ((e = *at) && n < max) {
		if (!is_readable(p, e)) {
			at = &e->next;
			continue;
		}
		cookies[n++] = e->cookie;
		*at = e->next;
		*end = e;
		end = &e->next;
	}
	*end = NULL;
	for (at = &p->first; *at; at = &(*at)->next)
		;
	*at = told;
	return n;
}

/* What to wait for; the rest is left to the system's threads. */
static unsigned gather(struct poller *p, HANDLE *h)
{
	unsigned n = 0;

	h[n++] = p->o.key;
	for (struct entry *e = p->first; e; e = e->next) {
		if (e->wait) {
			UnregisterWaitEx(e->wait, INVALID_HANDLE_VALUE);
			e->wait = NULL;
		}
		if (!e->event)
			continue;
		if (n <= DIRECT_EVENTS)
			h[n++] = e->event;
		else if (!RegisterWaitForSingleObject(&e->wait, e->event,
				 event_is_set, p, INFINITE,
				 WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD))
			e->wait = NULL;
	}
	return n;
}

/* ---- waiting ---------------------------------------------------------- */

static void note_thread(struct poller *p)
{
	HANDLE self = GetCurrentProcess();

	if (p->thread_id == GetCurrentThreadId())
		return;
	if (p->thread)
		CloseHandle(p->thread);
	p->thread = NULL;
	DuplicateHandle(self, GetCurrentThread(), self, &p->thread,
		SYNCHRONIZE, FALSE, 0);
	p->thread_id = GetCurrentThreadId();
}

/* How many; and if none, what to wait for. */
static unsigned look_at_all(struct poller *p, uint64_t *cookies, unsigned max,
	HANDLE *h, unsigned *count)
{
	unsigned n;

	AcquireSRWLockExclusive(&p->lock);
	p->waiting = false;
	note_thread(p);
	ResetEvent(p->o.key); /* before the look */
	free_removed(p);
	n = collect(p, cookies, max);
	if (n == 0) {
		*count = gather(p, h);
		p->waiting = true;
	}
	ReleaseSRWLockExclusive(&p->lock);
	return n;
}

unsigned os_poller_wait(os_handle poller, uint64_t *cookies, unsigned max,
	uint64_t ns)
{
	struct poller *p = find(poller);
	uint64_t deadline = win_deadline_after(ns);
	HANDLE h[DIRECT_EVENTS + 1];
	unsigned n = 0, count = 0;
	DWORD ms;

	while (p && max > 0) {
		SleepEx(0, TRUE); /* reads that have ended are told now */
		n = look_at_all(p, cookies, max, h, &count);
		if (n > 0)
			break;
		ms = win_deadline_ms(deadline);
		if (WaitForMultipleObjectsEx(count, h, FALSE, ms, TRUE) ==
			WAIT_FAILED)
			os_sleep(1000000);
		if (ms == 0)
			break;
	}
	if (p) {
		AcquireSRWLockExclusive(&p->lock);
		p->waiting = false;
		ReleaseSRWLockExclusive(&p->lock);
	}
	return n;
}

/* ---- closing ---------------------------------------------------------- */

static void cancel_all(struct poller *p)
{
	for (struct entry *e = p->first; e; e = e->next)
		if (e->pending)
			CancelIoEx(e->h, &e->ov);
}

/* A thread's end ends what it has started, and nobody is left to be told. */
static bool thread_has_ended(const struct poller *p)
{
	return p->thread && WaitForSingleObject(p->thread, 0) == WAIT_OBJECT_0;
}

void win_poller_close(struct win_object *o)
{
	struct poller *p = (struct poller *)o;
	bool ended = thread_has_ended(p);
	bool here = p->thread_id == GetCurrentThreadId();
	bool last;

	win_object_remove(o);
	CloseHandle(p->o.key);
	if (p->thread)
		CloseHandle(p->thread);
	AcquireSRWLockExclusive(&p->lock);
	if (ended)
		p->pending = 0;
	else
		cancel_all(p);
	p->closed = !here;
	last = p->pending == 0;
	ReleaseSRWLockExclusive(&p->lock);
	while (here && p->pending > 0)
		SleepEx(INFINITE, TRUE);
	if (here || last)
		poller_free(p);
}
