/* SPDX-License-Identifier: MIT */
/*
 * passing.c - the one message of a link, with handles.
 *
 * The sender copies its handles into the process at the other end, which the
 * kernel names, and writes their numbers there. So what is in a message is
 * alive whatever becomes of the sender, and a message that nobody reads is
 * cleared away by whoever closes that end.
 *
 * A handle's number means something in one process only, so the message says
 * which. The receiver takes numbers of its own, and, when it has got the end
 * from another process (a listener that moved), numbers of the process that
 * has made the pipe: it moves those over here first. Numbers from elsewhere are
 * nonsense. Could a peer name a handle that was never given? One that was let
 * in could as well open this process; see identity.c.
 *
 * head: mark 1, handles 1, length 2, process 4; then 8 bytes for each handle,
 * then the bytes. Bit 0 of a number: it is a listener, see listen_pass.c.
 */
#include "internal.h"

#include <string.h>

#include "base/le.h"

#define MESSAGE 0x4D
#define HEAD_LEN 8
#define NUMBER_LEN 8
#define NUMBERS_MAX (OS_LINK_HANDLES_MAX * NUMBER_LEN)
#define IS_LISTENER 1u

struct head {
	unsigned count;
	size_t len;
	uint32_t pid;
	uint64_t number[OS_LINK_HANDLES_MAX];
};

static size_t whole(const struct head *h)
{
	return HEAD_LEN + h->count * NUMBER_LEN + h->len;
}

/* ---- sending ---------------------------------------------------------- */

enum status win_give(HANDLE process, HANDLE h, HANDLE *out)
{
	if (!DuplicateHandle(GetCurrentProcess(), h, process, out, 0, FALSE,
		    DUPLICATE_SAME_ACCESS))
		return win_status(GetLastError());
	return ST_OK;
}

void win_give_back(HANDLE process, HANDLE h)
{
	DuplicateHandle(process, h, NULL, NULL, 0, FALSE,
		DUPLICATE_CLOSE_SOURCE);
}

static enum status give(HANDLE process, os_handle h, uint64_t *number)
{
	struct win_object *o = win_object_find(win_handle(h), WIN_LISTENER);
	enum status st;
	HANDLE there;

	if (h == OS_NO_HANDLE)
		return ST_INVAL;
	st = o ? win_listener_pack(o, process, &there)
	       : win_give(process, win_handle(h), &there);
	if (st == ST_OK)
		*number = (uintptr_t)there | (o ? IS_LISTENER : 0);
	return st;
}

static void take_back(HANDLE process, const struct head *head)
{
	for (unsigned i = 0; i < head->count; i++)
		win_give_back(process,
			(HANDLE)(uintptr_t)(head->number[i] & ~UINT64_C(3)));
}

static enum status give_all(HANDLE process, const os_handle *handles,
	unsigned count, struct head *head)
{
	for (; head->count < count; head->count++) {
		enum status st = give(process, handles[head->count],
			&head->number[head->count]);

		if (st != ST_OK) {
			take_back(process, head);
			return st;
		}
	}
	return ST_OK;
}

static enum status write_message(HANDLE link, const struct head *head,
	const void *data)
{
	uint8_t text[HEAD_LEN + NUMBERS_MAX + OS_LINK_MESSAGE_MAX];
	uint8_t *p = text + HEAD_LEN;

	text[0] = MESSAGE;
	text[1] = (uint8_t)head->count;
	text[2] = (uint8_t)head->len;
	text[3] = (uint8_t)(head->len >> 8);
	le_put32(text + 4, head->pid);
	for (unsigned i = 0; i < head->count; i++, p += NUMBER_LEN)
		le_put64(p, head->number[i]);
	if (head->len > 0)
		memcpy(p, data, head->len);
	return win_pipe_write(link, text, whole(head));
}

static enum status send_with_handles(HANDLE link, const void *data,
	const os_handle *handles, unsigned count, struct head *head)
{
	HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, head->pid);
	enum status st;

	if (!process)
		return os_process_alive(head->pid) ? ST_ACCESS : ST_CLOSED;
	st = give_all(process, handles, count, head);
	if (st == ST_OK) {
		st = write_message(link, head, data);
		if (st != ST_OK)
			take_back(process, head);
	}
	CloseHandle(process);
	return st;
}

static void listeners_have_gone(const os_handle *handles, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct win_object *o = win_object_find(win_handle(handles[i]),
			WIN_LISTENER);

		if (o)
			win_listener_passed(o);
	}
}

enum status os_link_send(os_handle link, const void *data, size_t len,
	const os_handle *handles, unsigned count)
{
	struct win_pipe_look look;
	HANDLE h = win_handle(link);
	struct head head = {.len = len};
	enum status st;

	if (len > OS_LINK_MESSAGE_MAX || count > OS_LINK_HANDLES_MAX)
		return ST_INVAL;
	if (win_pipe_look(h, &look) != ST_OK || !look.open)
		return ST_CLOSED;
	head.pid = win_pipe_peer(h, look.server);
	st = count ? send_with_handles(h, data, handles, count, &head)
		   : write_message(h, &head, data);
	if (st == ST_OK)
		listeners_have_gone(handles, count);
	win_announce(h);
	return st;
}

/* ---- receiving -------------------------------------------------------- */

/* ST_OK: whole and plausible. ST_AGAIN, ST_CLOSED, ST_PROTOCOL. */
static enum status peek_head(HANDLE link, struct head *out)
{
	uint8_t text[HEAD_LEN + NUMBERS_MAX];
	struct win_pipe_look look;
	size_t got;
	enum status st = win_pipe_peek(link, text, sizeof text, &got);

	if (st != ST_OK)
		return st;
	if (got < HEAD_LEN || text[0] != MESSAGE ||
		text[1] > OS_LINK_HANDLES_MAX)
		return ST_PROTOCOL;
	out->count = text[1];
	out->len = (size_t)text[2] | (size_t)text[3] << 8;
	out->pid = le_get32(text + 4);
	if (out->len > OS_LINK_MESSAGE_MAX ||
		got < HEAD_LEN + out->count * NUMBER_LEN ||
		win_pipe_look(link, &look) != ST_OK ||
		look.bytes < whole(out))
		return ST_PROTOCOL;
	for (unsigned i = 0; i < out->count; i++)
		out->number[i] = le_get64(text + HEAD_LEN + i * NUMBER_LEN);
	return ST_OK;
}

/* Whose numbers these are: NULL ours. ST_PROTOCOL nobody's that we know. */
static enum status owner_of(HANDLE link, const struct head *head, HANDLE *out)
{
	*out = NULL;
	if (head->count == 0 || head->pid == os_process_id())
		return ST_OK;
	if (head->pid != win_pipe_peer(link, false))
		return ST_PROTOCOL;
	*out = OpenProcess(PROCESS_DUP_HANDLE, FALSE, head->pid);
	return *out ? ST_OK : ST_CLOSED;
}

/* Makes a number a handle of this process. */
static enum status fetch(HANDLE owner, uint64_t number, HANDLE *out)
{
	HANDLE there = (HANDLE)(uintptr_t)(number & ~UINT64_C(3));
	DWORD flags;

	if (!owner) {
		*out = there;
		return GetHandleInformation(there, &flags) ? ST_OK
							   : ST_PROTOCOL;
	}
	if (!DuplicateHandle(owner, there, GetCurrentProcess(), out, 0, FALSE,
		    DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE))
		return ST_PROTOCOL;
	return ST_OK;
}

static enum status fetch_one(HANDLE owner, uint64_t number, os_handle *out)
{
	HANDLE h;
	enum status st = fetch(owner, number, &h);

	if (st != ST_OK)
		return st;
	if (number & IS_LISTENER)
		return owner ? ST_PROTOCOL : win_listener_unpack(h, out);
	*out = (os_handle)h;
	return ST_OK;
}

/* All of them, also those that there is no room for; then these are closed. */
static enum status fetch_all(HANDLE link, const struct head *head,
	os_handle *out, unsigned *count)
{
	unsigned room = *count, n = 0;
	enum status all = ST_OK, st;
	HANDLE owner;

	st = owner_of(link, head, &owner);
	if (st != ST_OK)
		return st;
	for (unsigned i = 0; i < head->count; i++) {
		os_handle h;

		st = fetch_one(owner, head->number[i], &h);
		if (st != ST_OK)
			all = st;
		else if (n < room)
			out[n++] = h;
		else
			os_handle_close(h);
	}
	if (owner)
		CloseHandle(owner);
	if (all != ST_OK)
		while (n > 0)
			os_handle_close(out[--n]);
	*count = n;
	return all;
}

static enum status take_message(HANDLE link, const struct head *head,
	void *data)
{
	uint8_t text[HEAD_LEN + NUMBERS_MAX + OS_LINK_MESSAGE_MAX];
	size_t got;
	enum status st = win_pipe_read(link, text, whole(head), &got);

	if (st != ST_OK)
		return st;
	if (got != whole(head))
		return ST_PROTOCOL;
	if (head->len > 0 && data)
		memcpy(data, text + got - head->len, head->len);
	return ST_OK;
}

static enum status wait_head(HANDLE link, struct head *head, uint64_t ns)
{
	enum status st = win_pipe_wait(link, ns, NULL);

	return st == ST_OK ? peek_head(link, head) : st;
}

enum status os_link_receive(os_handle link, void *data, size_t *len,
	os_handle *handles, unsigned *count, uint64_t ns)
{
	unsigned stored = *count < OS_LINK_HANDLES_MAX ? *count
						       : OS_LINK_HANDLES_MAX;
	os_handle got[OS_LINK_HANDLES_MAX];
	HANDLE h = win_handle(link);
	struct head head;
	enum status st;

	win_announce(h);
	st = wait_head(h, &head, ns);
	if (st == ST_OK && head.len > *len)
		st = ST_PROTOCOL;
	if (st == ST_OK)
		st = take_message(h, &head, data);
	if (st == ST_OK)
		st = fetch_all(h, &head, got, &stored);
	if (st != ST_OK)
		return st;
	for (unsigned i = 0; i < stored; i++)
		handles[i] = got[i];
	*count = stored;
	*len = head.len;
	return ST_OK;
}

void win_drop_unread(HANDLE link)
{
	unsigned none = 0;
	struct head head;

	if (peek_head(link, &head) == ST_OK && head.count > 0 &&
		take_message(link, &head, NULL) == ST_OK)
		fetch_all(link, &head, NULL, &none);
}
