/* SPDX-License-Identifier: MIT */
/*
 * listen.c - rendezvous.h, from the listener's side.
 *
 * The queue is the pipe itself: a client takes an instance that is free, and
 * when there is none it is told so by the system. Exactly as many are free, or
 * taken and not accepted, as the backlog says; one that is accepted is replaced
 * first. That a client has come is told by the client, which sets the
 * listener's event; one that does not has itself to blame.
 *
 * A client that has neither said anything nor gone is passed over: it is about
 * to, and the listener would wait for it. But when the event was set, and by
 * none of the others, then by one that waits to be spoken to, or that found no
 * room. Nobody is passed over for long.
 */
#include "rendezvous.h"

#include <stdlib.h>
#include <string.h>

#define NAME_TRIES 20
#define SILENCE_NS (20 * UINT64_C(1000000))

/* ---- making one ------------------------------------------------------- */

static enum status add_instance(struct win_listener *l)
{
	WCHAR name[WIN_NAME_MAX];
	HANDLE h;

	win_pipe_name(l->id, name);
	h = win_pipe_create(name, false, PIPE_UNLIMITED_INSTANCES);
	if (h == INVALID_HANDLE_VALUE)
		return win_status(GetLastError());
	l->instance[l->count++] = (struct win_instance){.h = h};
	return ST_OK;
}

static void forget_instance(struct win_listener *l, unsigned i)
{
	l->count--;
	memmove(&l->instance[i], &l->instance[i + 1],
		(l->count - i) * sizeof l->instance[0]);
}

static bool is_free(const struct win_instance *instance)
{
	struct win_pipe_look look;

	return win_pipe_look(instance->h, &look) == ST_OK && look.listening;
}

static enum status resize(struct win_listener *l, unsigned backlog)
{
	enum status st = ST_OK;

	if (backlog > WIN_BACKLOG_MAX)
		backlog = WIN_BACKLOG_MAX;
	while (st == ST_OK && l->count < backlog)
		st = add_instance(l);
	if (st != ST_OK)
		return st;
	l->backlog = backlog;
	for (unsigned i = l->count; i > 0 && l->count > backlog; i--)
		if (is_free(&l->instance[i - 1])) {
			CloseHandle(l->instance[i - 1].h);
			forget_instance(l, i - 1);
		}
	return ST_OK;
}

static enum status make_event(struct win_listener *l)
{
	WCHAR name[WIN_NAME_MAX];

	win_event_name(l->id, name);
	l->o.key = CreateEventW(win_own_user_only(), TRUE, FALSE, name);
	return l->o.key ? ST_OK : win_status(GetLastError());
}

/* The name's section, if nobody has it; else ST_EXISTS. */
static enum status claim(const WCHAR *name, HANDLE *out)
{
	HANDLE h = CreateFileMappingW(INVALID_HANDLE_VALUE,
		win_own_user_only(), PAGE_READWRITE, 0,
		sizeof(struct win_offer), name);
	DWORD error = GetLastError();

	if (!h)
		return error == ERROR_ACCESS_DENIED ||
				error == ERROR_INVALID_HANDLE
			? ST_EXISTS : win_status(error);
	if (error == ERROR_ALREADY_EXISTS) {
		CloseHandle(h);
		return ST_EXISTS;
	}
	*out = h;
	return ST_OK;
}

/* Who looks a name up holds it for an instant, also when its owner is gone. */
static enum status claim_patiently(const WCHAR *name, HANDLE *out)
{
	enum status st = claim(name, out);

	for (int i = 0; i < NAME_TRIES && st == ST_EXISTS; i++) {
		struct win_offer offer;

		if (win_offer_read(name, &offer) == ST_OK &&
			win_offer_stands(offer.id))
			break;
		os_yield();
		st = claim(name, out);
	}
	return st;
}

static enum status publish(struct win_listener *l, const WCHAR *name)
{
	enum status st = claim_patiently(name, &l->name);
	struct win_offer *offer;

	if (st != ST_OK)
		return st;
	offer = MapViewOfFile(l->name, FILE_MAP_WRITE, 0, 0, sizeof *offer);
	if (!offer)
		return ST_NOMEM;
	memcpy(offer->id, l->id, sizeof offer->id);
	offer->pid = os_process_id();
	atomic_store((_Atomic uint32_t *)&offer->magic, WIN_OFFER_MAGIC);
	UnmapViewOfFile(offer);
	return ST_OK;
}

static void discard(struct win_listener *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		if (!l->passed)
			win_drop_unread(l->instance[i].h);
		CloseHandle(l->instance[i].h);
	}
	if (l->name)
		CloseHandle(l->name);
	if (l->o.key)
		CloseHandle(l->o.key);
	free(l);
}

enum status os_listen(const char *name, unsigned backlog, os_handle *out)
{
	WCHAR section[WIN_NAME_MAX];
	struct win_listener *l;
	enum status st;

	if (backlog == 0 || !win_section_name(name, section))
		return ST_INVAL;
	l = calloc(1, sizeof *l);
	if (!l)
		return ST_NOMEM;
	st = os_random(l->id, sizeof l->id);
	if (st == ST_OK)
		st = make_event(l);
	if (st == ST_OK)
		st = resize(l, backlog);
	if (st == ST_OK) /* last: from now on clients come */
		st = publish(l, section);
	if (st != ST_OK) {
		discard(l);
		return st;
	}
	l->o.kind = WIN_LISTENER;
	win_object_add(&l->o);
	*out = (os_handle)l->o.key;
	return ST_OK;
}

void win_listener_close(struct win_object *o)
{
	win_object_remove(o);
	discard((struct win_listener *)o);
}

static struct win_listener *find(os_handle listener)
{
	return (struct win_listener *)win_object_find(win_handle(listener),
		WIN_LISTENER);
}

enum status os_listen_backlog(os_handle listener, unsigned backlog)
{
	struct win_listener *l = find(listener);

	if (backlog == 0 || !l)
		return ST_INVAL;
	return resize(l, backlog);
}

enum status os_listen_queued(os_handle listener, unsigned *count)
{
	struct win_listener *l = find(listener);
	unsigned n = 0;

	if (!l)
		return ST_INVAL;
	for (unsigned i = 0; i < l->count; i++)
		n += !is_free(&l->instance[i]);
	*count = n;
	return ST_OK;
}

/* ---- accepting -------------------------------------------------------- */

/*
 * Clients give handles to the process that has made the instance, so those that
 * are free are replaced by our own. Not before the first accept: by then the
 * other process has closed its copies.
 */
static void renew(struct win_listener *l)
{
	unsigned n = l->count;

	l->received = false;
	for (unsigned i = n; i > 0; i--) {
		if (!is_free(&l->instance[i - 1]) ||
			l->count == WIN_BACKLOG_MAX || add_instance(l) != ST_OK)
			continue;
		CloseHandle(l->instance[i - 1].h);
		forget_instance(l, i - 1);
	}
}

static bool has_been_silent(struct win_instance *instance)
{
	uint64_t now = os_now();

	if (instance->silent_since == 0)
		instance->silent_since = now;
	return now - instance->silent_since >= SILENCE_NS;
}

/* The oldest client that is to be accepted; l->count when none. */
static unsigned first_taken(struct win_listener *l, bool also_silent)
{
	unsigned silent = l->count;
	struct win_pipe_look look;

	for (unsigned i = 0; i < l->count; i++) {
		struct win_instance *one = &l->instance[i];

		if (win_pipe_look(one->h, &look) != ST_OK || look.listening)
			continue;
		if (look.bytes > 0 || !look.open)
			return i;
		if (silent == l->count && (also_silent || has_been_silent(one)))
			silent = i;
	}
	return silent;
}

static enum status replace(struct win_listener *l, unsigned i)
{
	struct win_instance taken = l->instance[i];
	enum status st;

	forget_instance(l, i);
	if (l->count >= l->backlog)
		return ST_OK;
	st = add_instance(l);
	if (st == ST_OK)
		return ST_OK;
	/* Back to where it was. */
	memmove(&l->instance[i + 1], &l->instance[i],
		(l->count - i) * sizeof l->instance[0]);
	l->instance[i] = taken;
	l->count++;
	SetEvent(l->o.key);
	return st;
}

enum status os_link_accept(os_handle listener, os_handle *out,
	struct os_peer *peer)
{
	struct win_listener *l = find(listener);
	enum status st;
	bool called;
	unsigned i;
	HANDLE h;

	if (!l)
		return ST_INVAL;
	if (l->received)
		renew(l);
	called = WaitForSingleObject(l->o.key, 0) == WAIT_OBJECT_0;
	if (called)
		ResetEvent(l->o.key); /* before the look */
	i = first_taken(l, called);
	if (i == l->count)
		return ST_AGAIN;
	h = l->instance[i].h;
	st = replace(l, i);
	if (st != ST_OK)
		return st;
	if (called && first_taken(l, true) < l->count)
		SetEvent(l->o.key);
	if (peer) /* nobody else gets in: see identity.c */
		*peer = (struct os_peer){.pid = win_pipe_peer(h, true),
			.uid = os_user_id(), .same_user = true};
	*out = (os_handle)h;
	return ST_OK;
}
