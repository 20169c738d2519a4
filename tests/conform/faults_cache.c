/* SPDX-License-Identifier: MIT */
/* The registration cache: R181 to R187. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "wrap.h"

enum { KNOWN = 64 };

/* ---- the cache ----------------------------------------------------- */

struct record {
	struct record *before;
	char data[4096];
};

static intptr_t register_leaking(struct call *c)
{
	static struct record *last;
	struct record *r = for_ever(sizeof *r);

	memset(r->data, 0x55, sizeof r->data);
	r->before = last;
	last = r;
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
		struct range *more = for_ever((2 * cache.room + 64) *
			sizeof *more);

		if (cache.count)
			memcpy(more, cache.ranges, cache.count * sizeof *more);
		free(cache.ranges);
		cache.ranges = more;
		cache.room = 2 * cache.room + 64;
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
		pages = for_ever(len);
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

const struct fault faults_cache[] = {
	{"registration-leaks", "R181", "each registration keeps memory",
		registration_leaks},
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
