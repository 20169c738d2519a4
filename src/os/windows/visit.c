/* SPDX-License-Identifier: MIT */
/* visit.c - rendezvous.h, from the client's side, and its names. */
#include "rendezvous.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ------------------------------------------------------------ */

static void name_with_id(const WCHAR *prefix, const uint8_t id[WIN_ID_LEN],
	WCHAR out[WIN_NAME_MAX])
{
	static const WCHAR digits[] = L"0123456789abcdef";
	size_t at = wcslen(prefix);

	memcpy(out, prefix, at * sizeof *out);
	for (int i = 0; i < WIN_ID_LEN; i++) {
		out[at++] = digits[id[i] >> 4];
		out[at++] = digits[id[i] & 15];
	}
	out[at] = 0;
}

void win_pipe_name(const uint8_t id[WIN_ID_LEN], WCHAR out[WIN_NAME_MAX])
{
	name_with_id(L"\\\\.\\pipe\\openwsd-", id, out);
}

void win_event_name(const uint8_t id[WIN_ID_LEN], WCHAR out[WIN_NAME_MAX])
{
	name_with_id(L"Local\\openwsd-event-", id, out);
}

/* A backslash would name a directory of objects. */
bool win_section_name(const char *text, WCHAR out[WIN_NAME_MAX])
{
	static const WCHAR prefix[] = L"Local\\openwsd-name-";
	size_t len = strnlen(text, OS_NAME_MAX + 1), at = wcslen(prefix);

	if (len == 0 || len > OS_NAME_MAX)
		return false;
	memcpy(out, prefix, at * sizeof *out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
		if (text[i] == '\\' || text[i] == '%')
			out[at++] = '%';
		out[at++] = text[i] == '\\' ? '|' : (WCHAR)text[i];
	}
	out[at] = 0;
	return true;
}

/* ---- what a name says -------------------------------------------------- */

enum status win_offer_read(const WCHAR *name, struct win_offer *out)
{
	HANDLE h = OpenFileMappingW(FILE_MAP_READ, FALSE, name);
	const struct win_offer *offer;
	enum status st = ST_REFUSED;

	if (!h)
		return ST_REFUSED;
	offer = MapViewOfFile(h, FILE_MAP_READ, 0, 0, sizeof *offer);
	CloseHandle(h);
	if (!offer)
		return ST_REFUSED;
	if (atomic_load((const _Atomic uint32_t *)&offer->magic) ==
		WIN_OFFER_MAGIC) {
		*out = *offer;
		st = ST_OK;
	}
	UnmapViewOfFile(offer);
	return st;
}

static HANDLE open_event(const uint8_t id[WIN_ID_LEN])
{
	WCHAR name[WIN_NAME_MAX];

	win_event_name(id, name);
	return OpenEventW(EVENT_MODIFY_STATE, FALSE, name);
}

bool win_offer_stands(const uint8_t id[WIN_ID_LEN])
{
	HANDLE h = open_event(id);

	if (h)
		CloseHandle(h);
	return h != NULL;
}

/* ---- coming ------------------------------------------------------------ */

static void announce(struct win_visitor *v)
{
	SetEvent(v->event);
	CloseHandle(v->event);
	free(v);
}

void win_announce(HANDLE link)
{
	struct win_object *o = win_object_find(link, WIN_VISITOR);

	if (o) {
		win_object_remove(o);
		announce((struct win_visitor *)o);
	}
}

static enum status knock_status(DWORD error)
{
	switch (error) {
	case ERROR_PIPE_BUSY:
		return ST_FULL;
	case ERROR_FILE_NOT_FOUND:
	case ERROR_ACCESS_DENIED:
		return ST_REFUSED;
	default:
		return win_status(error);
	}
}

/* A name says nothing of who has taken it; the kernel does. */
static enum status knock(const struct win_offer *offer, HANDLE *out)
{
	bool ours = win_process_is_ours(offer->pid);
	WCHAR name[WIN_NAME_MAX];
	uint32_t pid;

	win_pipe_name(offer->id, name);
	*out = win_pipe_open(name);
	if (*out == INVALID_HANDLE_VALUE)
		return knock_status(GetLastError());
	pid = win_pipe_peer(*out, false);
	if (pid != offer->pid) /* a listener that has moved */
		ours = win_process_is_ours(pid);
	if (ours)
		return ST_OK;
	CloseHandle(*out);
	return ST_REFUSED;
}

static enum status visit(const struct win_offer *offer,
	struct win_visitor **out)
{
	struct win_visitor *v = calloc(1, sizeof *v);
	enum status st;

	if (!v)
		return ST_NOMEM;
	v->o.kind = WIN_VISITOR;
	v->event = open_event(offer->id);
	if (!v->event) {
		free(v);
		return ST_REFUSED;
	}
	st = knock(offer, &v->o.key);
	if (st == ST_OK)
		*out = v;
	else
		/* No room: somebody may have died before he was announced. */
		announce(v);
	return st;
}

enum status os_link_connect(const char *name, os_handle *out,
	struct os_peer *peer)
{
	WCHAR section[WIN_NAME_MAX];
	struct win_visitor *v;
	struct win_offer offer;
	enum status st;

	if (!win_section_name(name, section))
		return ST_INVAL;
	st = win_offer_read(section, &offer);
	if (st == ST_OK)
		st = visit(&offer, &v);
	if (st != ST_OK)
		return st;
	win_object_add(&v->o);
	if (peer)
		*peer = (struct os_peer){
			.pid = win_pipe_peer(v->o.key, false),
			.uid = os_user_id(), .same_user = true};
	*out = (os_handle)v->o.key;
	return ST_OK;
}
