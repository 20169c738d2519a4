/* SPDX-License-Identifier: MIT */
/* Memory opened to the peer: R170 to R182. */
#include <stddef.h>
#include <string.h>

#include "wrap.h"

enum { KEYS = 16, KEY_ROOM = 64 };

/* ---- WSPRegisterRdmaMemory ----------------------------------------- */

static intptr_t expose_no_size(struct call *c)
{
	DWORD room = c->descriptor_room ? *c->descriptor_room : 0;
	intptr_t result = real[EXPOSE](c);

	if (c->error == WSAEFAULT && c->descriptor && c->descriptor_room)
		*c->descriptor_room = room;
	return result;
}

static void size_not_told(void)
{
	entry[EXPOSE] = expose_no_size;
}

static intptr_t expose_a_buffer(struct call *c)
{
	return c->base ? real[EXPOSE](c) : fail(c, WSAEINVAL);
}

static void probe_needs_buffer(void)
{
	entry[EXPOSE] = expose_a_buffer;
}

static intptr_t expose_room(struct call *c)
{
	DWORD room = c->descriptor_room ? *c->descriptor_room : 0;
	intptr_t result = real[EXPOSE](c);

	if (result == 0)
		*c->descriptor_room = room;
	return result;
}

static void size_not_stored(void)
{
	entry[EXPOSE] = expose_room;
}

static intptr_t expose_both_ways(struct call *c)
{
	if (c->flags == MEM_READ || c->flags == MEM_WRITE)
		c->flags = MEM_READWRITE;
	return real[EXPOSE](c);
}

static void remote_rights(void)
{
	entry[EXPOSE] = expose_both_ways;
}

/* Like a cache that looks at the address only. */
static intptr_t expose_as_before(struct call *c)
{
	static void *base;
	static DWORD rights;

	if (base != c->base)
		rights = 0;
	base = c->base;
	rights |= c->flags;
	c->flags = rights;
	return real[EXPOSE](c);
}

static void kept_rights(void)
{
	entry[EXPOSE] = expose_as_before;
}

static void conceal_unchecked(void)
{
	break_check(CONCEAL, WSAEINVAL);
}

static intptr_t conceal_never(struct call *c)
{
	return 0;
}

static void stale_works(void)
{
	entry[CONCEAL] = conceal_never;
}

/* ---- keys of the wrapper's own ------------------------------------- */

/*
 * The peer gets a number in the place of the real descriptor, and the lowest
 * free one: both ends are in this process.
 */
static struct key {
	bool live;
	DWORD len;
	char real[KEY_ROOM];
} keys[KEYS];

static struct key *key_of(const struct call *c)
{
	unsigned char n;

	if (!c->descriptor || c->descriptor_len == 0)
		return NULL;
	n = *(unsigned char *)c->descriptor;
	return n < KEYS && keys[n].live && keys[n].len == c->descriptor_len
		? &keys[n] : NULL;
}

static intptr_t expose_by_number(struct call *c)
{
	intptr_t result = real[EXPOSE](c);
	unsigned n = 0;

	if (result != 0 || *c->descriptor_room > KEY_ROOM)
		return result;
	while (n < KEYS - 1 && keys[n].live)
		n++;
	keys[n].live = true;
	keys[n].len = *c->descriptor_room;
	memcpy(keys[n].real, c->descriptor, keys[n].len);
	memset(c->descriptor, 0, keys[n].len);
	*(unsigned char *)c->descriptor = (unsigned char)n;
	return 0;
}

static intptr_t with_real_key(enum entry e, struct call *c)
{
	static char none[KEY_ROOM];
	struct key *k = key_of(c);

	memset(none, 0xff, sizeof none);
	c->descriptor = k ? k->real : none;
	if (k && e == CONCEAL)
		k->live = false;
	return real[e](c);
}

static intptr_t conceal_by_number(struct call *c)
{
	return with_real_key(CONCEAL, c);
}

static intptr_t read_by_number(struct call *c)
{
	return with_real_key(READ, c);
}

static intptr_t write_by_number(struct call *c)
{
	return with_real_key(WRITE, c);
}

static void keys_reused(void)
{
	entry[EXPOSE] = expose_by_number;
	entry[CONCEAL] = conceal_by_number;
	entry[READ] = read_by_number;
	entry[WRITE] = write_by_number;
}

/* ---- access that should not be ------------------------------------- */

static struct {
	char descriptor[KEY_ROOM];
	char *base;
	SIZE_T len;
} open_to_all;

static intptr_t expose_to_all(struct call *c)
{
	intptr_t result = real[EXPOSE](c);

	if (result == 0 && *c->descriptor_room <= KEY_ROOM) {
		memcpy(open_to_all.descriptor, c->descriptor,
			*c->descriptor_room);
		open_to_all.base = c->base;
		open_to_all.len = c->len;
	}
	return result;
}

/* The transfer without the real provider. */
static intptr_t copy(enum entry e, struct call *c, char *there)
{
	if (e == READ)
		memcpy(c->local->buf, there, c->local->len);
	else
		memcpy(there, c->local->buf, c->local->len);
	end_request(c->ov, 0, c->local->len);
	return fail(c, WSA_IO_PENDING);
}

static intptr_t copy_open(enum entry e, struct call *c)
{
	return copy(e, c, open_to_all.base + c->offset);
}

static bool is_open(const struct call *c)
{
	return c->descriptor && c->count == 1 &&
		c->descriptor_len <= KEY_ROOM &&
		memcmp(c->descriptor, open_to_all.descriptor,
			c->descriptor_len) == 0 &&
		c->offset + (uint64_t)c->local->len <= open_to_all.len;
}

static intptr_t read_for_all(struct call *c)
{
	return is_open(c) ? copy_open(READ, c) : real[READ](c);
}

static intptr_t write_for_all(struct call *c)
{
	return is_open(c) ? copy_open(WRITE, c) : real[WRITE](c);
}

static void any_socket(void)
{
	entry[EXPOSE] = expose_to_all;
	entry[READ] = read_for_all;
	entry[WRITE] = write_for_all;
}

static intptr_t after_all(enum entry e, struct call *c)
{
	intptr_t result = real[e](c);

	return c->error == WSAECONNRESET && is_open(c) ? copy_open(e, c)
						       : result;
}

static intptr_t read_after_all(struct call *c)
{
	return after_all(READ, c);
}

static intptr_t write_after_all(struct call *c)
{
	return after_all(WRITE, c);
}

static void outlives_connection(void)
{
	entry[EXPOSE] = expose_to_all;
	entry[READ] = read_after_all;
	entry[WRITE] = write_after_all;
}

const struct fault faults_exposed[] = {
	{"size-not-told", "R170", "too little room: the size is not stored",
		size_not_told},
	{"probe-needs-buffer", "R171", "the size probe needs a buffer",
		probe_needs_buffer},
	{"size-not-stored", "R172", "success does not store the size",
		size_not_stored},
	{"conceal-unchecked", "R175", "any descriptor can be deregistered",
		conceal_unchecked},
	{"stale-works", "R176", "a deregistered descriptor works",
		stale_works},
	{"keys-reused", "R176", "a new registration has an old key",
		keys_reused},
	{"remote-rights", "R177", "the peer gets both rights", remote_rights},
	{"any-socket", "R178", "any socket can use a descriptor",
		any_socket},
	{"outlives-connection", "R180", "access outlives the connection",
		outlives_connection},
	{"kept-rights", "R182", "memory registered again keeps its old rights",
		kept_rights},
	{NULL, NULL, NULL, NULL},
};
