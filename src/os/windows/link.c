/* SPDX-License-Identifier: MIT */
/*
 * link.c - links are the two ends of a named pipe.
 *
 * On the stream travel doorbells, single bytes, and before them at most one
 * message in each direction (passing.c). The system tells of each end whether
 * the other is still there, and ends a pending read when it goes, also with
 * the process that held it. A link is one handle and nothing else, so it can be
 * duplicated and given away, and every part of a process can wait on it.
 */
#include "internal.h"
#include "rendezvous.h"

#include <string.h>

#define DOORBELL 0xB3
#define DRAIN_BYTES 512
#define DRAIN_ROUNDS 64
#define KEEP_PENDING 16
#define STEP_NS 2000000u

enum status os_link_pair(os_handle ends[2])
{
	uint8_t id[WIN_ID_LEN];
	WCHAR name[WIN_NAME_MAX];
	HANDLE server, client;
	enum status st = os_random(id, sizeof id);

	if (st != ST_OK)
		return st;
	win_pipe_name(id, name);
	server = win_pipe_create(name, true, 1);
	if (server == INVALID_HANDLE_VALUE)
		return win_status(GetLastError());
	client = win_pipe_open(name);
	if (client == INVALID_HANDLE_VALUE) {
		st = win_status(GetLastError());
		CloseHandle(server);
		return st;
	}
	ends[0] = (os_handle)server;
	ends[1] = (os_handle)client;
	return ST_OK;
}

/* ---- doorbells -------------------------------------------------------- */

enum status os_link_ring(os_handle link)
{
	uint8_t bell = DOORBELL;

	win_announce(win_handle(link));
	/* Full: so many are there already that one more says nothing. */
	return win_pipe_write(win_handle(link), &bell, 1) == ST_CLOSED
		? ST_CLOSED : ST_OK;
}

static bool all_doorbells(const uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (buf[i] != DOORBELL)
			return false;
	return true;
}

/* Looks before it reads, so that the read does not have to be cancelled. */
static enum status take_doorbells(HANDLE h, size_t max, size_t *got)
{
	struct win_pipe_look look;
	uint8_t buf[DRAIN_BYTES];
	enum status st;

	*got = 0;
	if (win_pipe_look(h, &look) != ST_OK)
		return ST_CLOSED;
	if (look.bytes == 0)
		return look.open ? ST_AGAIN : ST_CLOSED;
	if (max > look.bytes)
		max = look.bytes;
	st = win_pipe_read(h, buf, max, got);
	if (st != ST_OK)
		return st;
	return all_doorbells(buf, *got) ? ST_OK : ST_PROTOCOL;
}

static enum status drain_all(HANDLE h)
{
	size_t got = DRAIN_BYTES;

	for (int i = 0; i < DRAIN_ROUNDS && got == DRAIN_BYTES; i++) {
		enum status st = take_doorbells(h, DRAIN_BYTES, &got);

		if (st == ST_PROTOCOL || (i == 0 && st != ST_OK))
			return st;
	}
	return ST_OK;
}

/* Several may do this at once; an eighth each leaves some. */
static enum status drain_some(HANDLE h)
{
	struct win_pipe_look look;
	size_t got;

	if (win_pipe_look(h, &look) != ST_OK)
		return ST_CLOSED;
	if (look.bytes == 0)
		return look.open ? ST_AGAIN : ST_CLOSED;
	if (look.bytes <= KEEP_PENDING)
		return ST_OK;
	look.bytes /= 8;
	if (take_doorbells(h, look.bytes < DRAIN_BYTES ? look.bytes
						       : DRAIN_BYTES,
		    &got) == ST_PROTOCOL)
		return ST_PROTOCOL;
	return ST_OK;
}

enum status os_link_drain(os_handle link, bool keep)
{
	return keep ? drain_some(win_handle(link))
		    : drain_all(win_handle(link));
}

enum status os_link_alive(os_handle link)
{
	struct win_pipe_look look;

	return win_pipe_look(win_handle(link), &look) == ST_OK && look.open
		? ST_OK : ST_CLOSED;
}

/* ---- sleep: there are no signals -------------------------------------- */

enum status os_link_sleep(os_handle link, uint64_t ns)
{
	win_announce(win_handle(link));
	return win_pipe_wait(win_handle(link), ns, NULL);
}

enum status os_link_sleep_kick(os_handle link, uint64_t ns, void *kick)
{
	win_announce(win_handle(link));
	return win_pipe_wait(win_handle(link), ns, kick);
}

/*
 * The system has no wait that old bytes do not end. Only the halves of a fork
 * need it, which there is not here; so it is done in the simple way.
 */
enum status os_link_sleep_edge(os_handle link, uint64_t ns,
	bool (*still)(void *ctx), void *ctx, void *kick)
{
	enum status st = os_link_alive(link);
	HANDLE h = kick;
	uint64_t step = ns < STEP_NS ? ns : STEP_NS;

	if (st != ST_OK || !still(ctx))
		return st;
	if (kick)
		win_wait(&h, 1, win_deadline_after(step));
	else
		os_sleep(step);
	return ST_OK;
}
