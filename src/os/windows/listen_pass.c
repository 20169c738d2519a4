/* SPDX-License-Identifier: MIT */
/*
 * listen_pass.c - a listener that moves to another process, with its queue.
 *
 * Everything it consists of is copied into that process, and the numbers of the
 * copies are written into a small section, whose handle stands for the whole.
 * Messages that wait in the queue stay where they are, and with them the
 * handles that they have brought, in the process that has made the pipe: see
 * passing.c.
 */
#include "rendezvous.h"

#include <stdlib.h>
#include <string.h>

#define PACKED_MAGIC UINT32_C(0x50445357) /* "WSDP" */

struct packed {
	uint32_t magic;
	uint32_t backlog;
	uint32_t count;
	uint8_t id[WIN_ID_LEN];
	uint64_t name, event, instance[WIN_BACKLOG_MAX];
};

static enum status give_number(HANDLE process, HANDLE h, uint64_t *out)
{
	HANDLE there;
	enum status st = win_give(process, h, &there);

	if (st == ST_OK)
		*out = (uintptr_t)there;
	return st;
}

static void give_back_number(HANDLE process, uint64_t number)
{
	if (number)
		win_give_back(process, (HANDLE)(uintptr_t)number);
}

static void unfill(HANDLE process, const struct packed *p)
{
	give_back_number(process, p->name);
	give_back_number(process, p->event);
	for (unsigned i = 0; i < p->count; i++)
		give_back_number(process, p->instance[i]);
}

static enum status fill(const struct win_listener *l, HANDLE process,
	struct packed *p)
{
	enum status st = give_number(process, l->name, &p->name);

	p->magic = PACKED_MAGIC;
	p->backlog = l->backlog;
	memcpy(p->id, l->id, sizeof p->id);
	if (st == ST_OK)
		st = give_number(process, l->o.key, &p->event);
	for (; st == ST_OK && p->count < l->count; p->count++) {
		st = give_number(process, l->instance[p->count].h,
			&p->instance[p->count]);
		if (st != ST_OK)
			break;
	}
	if (st != ST_OK)
		unfill(process, p);
	return st;
}

enum status win_listener_pack(struct win_object *o, HANDLE process,
	HANDLE *out)
{
	HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL,
		PAGE_READWRITE, 0, sizeof(struct packed), NULL);
	struct packed *p = section ? MapViewOfFile(section, FILE_MAP_WRITE, 0,
		0, sizeof *p) : NULL;
	enum status st = p ? ST_OK : ST_NOMEM;

	if (p) {
		st = fill((struct win_listener *)o, process, p);
		if (st == ST_OK) {
			st = win_give(process, section, out);
			if (st != ST_OK)
				unfill(process, p);
		}
		UnmapViewOfFile(p);
	}
	if (section)
		CloseHandle(section);
	return st;
}

static struct win_listener *make(const struct packed *p)
{
	struct win_listener *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->o.kind = WIN_LISTENER;
	l->o.key = (HANDLE)(uintptr_t)p->event;
	l->name = (HANDLE)(uintptr_t)p->name;
	memcpy(l->id, p->id, sizeof l->id);
	l->backlog = p->backlog;
	l->count = p->count;
	for (unsigned i = 0; i < p->count; i++)
		l->instance[i].h = (HANDLE)(uintptr_t)p->instance[i];
	l->received = true;
	return l;
}

/* Whatever was set before is of no account: somebody may be waiting. */
enum status win_listener_unpack(HANDLE packed, os_handle *out)
{
	struct packed *p = MapViewOfFile(packed, FILE_MAP_READ, 0, 0,
		sizeof *p);
	struct win_listener *l = NULL;
	enum status st = ST_PROTOCOL;

	if (p && p->magic == PACKED_MAGIC && p->count <= WIN_BACKLOG_MAX &&
		p->backlog <= WIN_BACKLOG_MAX) {
		l = make(p);
		st = l ? ST_OK : ST_NOMEM;
	}
	if (p)
		UnmapViewOfFile(p);
	CloseHandle(packed);
	if (st != ST_OK)
		return st;
	win_object_add(&l->o);
	SetEvent(l->o.key);
	*out = (os_handle)l->o.key;
	return ST_OK;
}

void win_listener_passed(struct win_object *o)
{
	((struct win_listener *)o)->passed = true;
}
