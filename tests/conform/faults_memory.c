/* SPDX-License-Identifier: MIT */
/* Registered memory: R160 to R187. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

/* ---- WSPRegisterMemory --------------------------------------------- */

static intptr_t register_one_way(struct call *c)
{
	if (c->flags == MEM_READWRITE)
		return fail_null(c, WSAEINVAL);
	return real[REGISTER](c);
}

static void one_way(void)
{
	entry[REGISTER] = register_one_way;
}

static intptr_t register_any_flags(struct call *c)
{
	if (c->flags > MEM_READWRITE)
		c->flags = MEM_READ;
	return real[REGISTER](c);
}

static void flags_unchecked(void)
{
	entry[REGISTER] = register_any_flags;
}

static int excused;

/* A handle for what the real provider refuses. */
static intptr_t register_anything(struct call *c)
{
	static char handle;
	intptr_t result = real[REGISTER](c);

	if (c->error != excused)
		return result;
	c->error = 0;
	return (intptr_t)&handle;
}

static void unmapped(void)
{
	excused = WSAEFAULT;
	entry[REGISTER] = register_anything;
}

static void unconnected(void)
{
	excused = WSAENOTCONN;
	entry[REGISTER] = register_anything;
}

static _Atomic unsigned registered;

static intptr_t register_thousand(struct call *c)
{
	if (atomic_load(&registered) == 1000)
		return fail_null(c, WSAEFAULT);
	atomic_fetch_add(&registered, 1);
	return real[REGISTER](c);
}

static void resources_code(void)
{
	entry[REGISTER] = register_thousand;
}

static intptr_t register_both_ways(struct call *c)
{
	if (c->flags == MEM_READ || c->flags == MEM_WRITE)
		c->flags = MEM_READWRITE;
	return real[REGISTER](c);
}

static void local_rights(void)
{
	entry[REGISTER] = register_both_ways;
}

/* ---- WSPDeregisterMemory ------------------------------------------- */

enum { KNOWN = 64 };

static struct known {
	SOCKET s;
	HANDLE handle;
	void *base;
	bool ended;
} known[KNOWN];
static unsigned known_count;

static intptr_t register_known(struct call *c)
{
	intptr_t handle = real[REGISTER](c);

	if (handle && known_count < KNOWN)
		known[known_count++] = (struct known){c->s, (HANDLE)handle,
			c->base, false};
	return handle;
}

static struct known *find(HANDLE handle)
{
	for (unsigned i = 0; i < known_count; i++)
		if (known[i].handle == handle)
			return &known[i];
	return NULL;
}

/* Ends those of the same memory too: of this socket, or of others. */
static void end_others(const struct known *k, bool same_socket)
{
	for (unsigned i = 0; i < known_count; i++) {
		struct known *o = &known[i];
		struct call c = {.s = o->s, .handle = o->handle};

		if (o == k || o->base != k->base ||
			(o->s == k->s) != same_socket)
			continue;
		real[DEREGISTER](&c);
	}
}

static intptr_t deregister_all(struct call *c)
{
	struct known *k = find(c->handle);

	if (k)
		end_others(k, true);
	return real[DEREGISTER](c);
}

static void not_counted(void)
{
	entry[REGISTER] = register_known;
	entry[DEREGISTER] = deregister_all;
}

static intptr_t deregister_everywhere(struct call *c)
{
	struct known *k = find(c->handle);

	if (k)
		end_others(k, false);
	return real[DEREGISTER](c);
}

static void ends_elsewhere(void)
{
	entry[REGISTER] = register_known;
	entry[DEREGISTER] = deregister_everywhere;
}

static bool (*excuse)(const struct known *k, SOCKET s);

static intptr_t deregister_excusing(struct call *c)
{
	intptr_t result = real[DEREGISTER](c);
	struct known *k = find(c->handle);

	if (k && c->error == WSAEINVAL && excuse(k, c->s)) {
		c->error = 0;
		return 0;
	}
	if (k && result == 0)
		k->ended = true;
	return result;
}

static void excuse_deregister(bool (*fn)(const struct known *k, SOCKET s))
{
	excuse = fn;
	entry[REGISTER] = register_known;
	entry[DEREGISTER] = deregister_excusing;
}

static bool has_ended(const struct known *k, SOCKET s)
{
	return k->s == s && k->ended;
}

static void deregister_twice(void)
{
	excuse_deregister(has_ended);
}

static bool is_used(const struct known *k, SOCKET s)
{
	return k->s == s && !k->ended;
}

static void deregister_used(void)
{
	excuse_deregister(is_used);
}

static bool is_foreign(const struct known *k, SOCKET s)
{
	return k->s != s;
}

static void deregister_foreign(void)
{
	excuse_deregister(is_foreign);
}

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
enum { KEYS = 16, KEY_ROOM = 64 };

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
	return c->descriptor && c->count == 1 && c->descriptor_len <= KEY_ROOM &&
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

/* A handle of WSPRegisterMemory does as a descriptor, too. */
static intptr_t write_by_handle(struct call *c)
{
	struct known *k;
	HANDLE handle;

	if (!c->descriptor || c->descriptor_len < sizeof handle)
		return real[WRITE](c);
	memcpy(&handle, c->descriptor, sizeof handle);
	k = find(handle);
	return k ? copy(WRITE, c, (char *)k->base + c->offset) : real[WRITE](c);
}

static void handle_reachable(void)
{
	entry[REGISTER] = register_known;
	entry[WRITE] = write_by_handle;
}

/* ---- the cache ----------------------------------------------------- */

struct record {
	struct record *before;
	char data[4096];
};

static intptr_t register_leaking(struct call *c)
{
	static struct record *last;
	struct record *r = malloc(sizeof *r);

	if (r) {
		memset(r->data, 0x55, sizeof r->data);
		r->before = last;
		last = r;
	}
	return real[REGISTER](c);
}

static void registration_leaks(void)
{
	entry[REGISTER] = register_leaking;
}

/*
 * A cache in front of the real provider's, as far as the callback tells of it:
 * the ranges whose registration has ended.
 */
struct range {
	char *base;
	SIZE_T len;
};

static struct {
	struct os_mutex lock;
	struct range *ranges;
	size_t count, room;
	struct range registered[KNOWN];
	HANDLE handles[KNOWN];
	bool whole_only;
} cache = {.lock = OS_MUTEX_INIT};

static intptr_t register_to_keep(struct call *c)
{
	intptr_t handle = real[REGISTER](c);

	os_mutex_lock(&cache.lock);
	for (unsigned i = 0; handle && i < KNOWN; i++) {
		if (!cache.handles[i]) {
			cache.handles[i] = (HANDLE)handle;
			cache.registered[i] = (struct range){c->base, c->len};
			break;
		}
	}
	os_mutex_unlock(&cache.lock);
	return handle;
}

static void keep(struct range r)
{
	for (size_t i = 0; i < cache.count; i++)
		if (cache.ranges[i].base == r.base)
			return;
	if (cache.count == cache.room) {
		cache.room = 2 * cache.room + 64;
		cache.ranges = realloc(cache.ranges,
			cache.room * sizeof *cache.ranges);
	}
	cache.ranges[cache.count++] = r;
}

static intptr_t deregister_and_keep(struct call *c)
{
	intptr_t result = real[DEREGISTER](c);

	os_mutex_lock(&cache.lock);
	for (unsigned i = 0; result == 0 && i < KNOWN; i++) {
		if (cache.handles[i] == c->handle) {
			cache.handles[i] = NULL;
			keep(cache.registered[i]);
		}
	}
	os_mutex_unlock(&cache.lock);
	return result;
}

static bool concerns(const struct range *r, const struct call *c)
{
	uintptr_t kept = (uintptr_t)r->base, named = (uintptr_t)c->base;

	if (cache.whole_only)
		return named <= kept && kept + r->len <= named + c->len;
	return kept < named + c->len && named < kept + r->len;
}

static intptr_t uncache_kept(struct call *c)
{
	bool found = false;

	os_mutex_lock(&cache.lock);
	for (size_t i = 0; i < cache.count;) {
		if (!concerns(&cache.ranges[i], c)) {
			i++;
			continue;
		}
		cache.ranges[i] = cache.ranges[--cache.count];
		found = true;
	}
	os_mutex_unlock(&cache.lock);
	return found ? 0 : fail(c, WSAEINVAL);
}

/* Never bounded, and nothing goes when a socket is closed. */
static void cache_for_ever(void)
{
	entry[REGISTER] = register_to_keep;
	entry[DEREGISTER] = deregister_and_keep;
	entry[UNCACHE] = uncache_kept;
}

static void partial_overlap(void)
{
	cache_for_ever();
	cache.whole_only = true;
}

static void callback_pleased(void)
{
	break_check(UNCACHE, WSAEINVAL);
}

/* What was once sent from an address is what is sent from there for ever. */
static intptr_t send_old_pages(struct call *c)
{
	static char *seen, *pages;
	static DWORD len;
	struct call reg = {.s = c->s, .flags = MEM_READ};
	WSABUF old;

	if (!c->buffers || c->count != 1 || c->buffers->len < 64)
		return real[SEND](c);
	if (seen != c->buffers->buf || len != c->buffers->len) {
		seen = c->buffers->buf;
		len = c->buffers->len;
		pages = malloc(len);
		memcpy(pages, seen, len);
	}
	old = (WSABUF){len, pages};
	reg.base = pages;
	reg.len = len;
	real[REGISTER](&reg);
	c->buffers = &old;
	return real[SEND](c);
}

static void old_pages(void)
{
	entry[SEND] = send_old_pages;
}

const struct fault faults_memory[] = {
	{"one-way", "R160", "MEM_READWRITE is refused", one_way},
	{"flags-unchecked", "R161", "flags 4 and above are taken",
		flags_unchecked},
	{"unmapped", "R162", "memory that is not there is registered",
		unmapped},
	{"unconnected", "R163", "an unconnected socket registers",
		unconnected},
	{"resources-code", "R164", "too many registrations give WSAEFAULT",
		resources_code},
	{"not-counted", "R165", "one deregistration ends all", not_counted},
	{"ends-elsewhere", "R166", "deregistering ends other sockets' too",
		ends_elsewhere},
	{"local-rights", "R144", "a registration has both rights",
		local_rights},
	{"deregister-twice", "R167", "a handle can be deregistered twice",
		deregister_twice},
	{"deregister-used", "R168", "memory in use is deregistered",
		deregister_used},
	{"deregister-foreign", "R169", "another socket's handle is taken",
		deregister_foreign},
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
	{"handle-reachable", "R179", "a peer can use a local handle",
		handle_reachable},
	{"outlives-connection", "R180", "access outlives the connection",
		outlives_connection},
	{"registration-leaks", "R181", "each registration keeps memory",
		registration_leaks},
	{"kept-rights", "R182", "memory registered again has the rights of then",
		kept_rights},
	{"partial-overlap", "R183", "what overlaps in part stays cached",
		partial_overlap},
	{"callback-pleased", "R184", "the cache callback always succeeds",
		callback_pleased},
	{"old-pages", "R185", "memory mapped anew is sent as it was",
		old_pages},
	{"cache-outlives", "R186", "the cache outlives the connection",
		cache_for_ever},
	{"cache-unbounded", "R187", "everything is cached for ever",
		cache_for_ever},
	{NULL, NULL, NULL, NULL},
};
