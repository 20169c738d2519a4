/* SPDX-License-Identifier: MIT */
/*
 * cache.c - R176, R181 to R187, and WSPMemoryRegistrationCacheCallback.
 *
 * Lock order: list, then one cache. Freed nodes: a pin given back by the
 * callback stays in the list, dead, until a function that may free finds it.
 */
#include "provider/cache.h"

#include <stdlib.h>

#include "provider/spi.h"

/* Every cache that has ever pinned something. */
static struct {
	struct os_mutex lock; /* role: cache list */
	struct prov_cache *first;
} list = {.lock = OS_MUTEX_INIT};

void prov_cache_init(struct prov_cache *c)
{
	os_mutex_init(&c->lock);
}

static void list_add(struct prov_cache *c)
{
	os_mutex_lock(&list.lock);
	if (!c->link) {
		c->next = list.first;
		if (c->next)
			c->next->link = &c->next;
		c->link = &list.first;
		list.first = c;
	}
	os_mutex_unlock(&list.lock);
}

static void list_remove(struct prov_cache *c)
{
	os_mutex_lock(&list.lock);
	if (c->link) {
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
		c->link = NULL;
	}
	os_mutex_unlock(&list.lock);
}

/* Back to the transport; the node stays. c->lock held. */
static void give_back(struct prov_cache *c, struct prov_pin *pin)
{
	if (!pin->registration)
		return;
	provider_transport.unpin(c->conn, pin->registration);
	pin->registration = NULL;
	if (pin->users == 0) {
		c->unused--;
		c->unused_bytes -= pin->len;
	}
}

static bool dead(const struct prov_pin *pin)
{
	return pin->users == 0 && !pin->registration;
}

/* Takes dead nodes out of the list; the caller frees them. c->lock held. */
static struct prov_pin *take_dead(struct prov_cache *c)
{
	struct prov_pin **at = &c->pins;
	struct prov_pin *found = NULL;

	while (*at) {
		struct prov_pin *pin = *at;

		if (!dead(pin)) {
			at = &pin->next;
			continue;
		}
		*at = pin->next;
		pin->next = found;
		found = pin;
	}
	return found;
}

static void free_pins(struct prov_pin *pin)
{
	while (pin) {
		struct prov_pin *next = pin->next;

		free(pin);
		pin = next;
	}
}

static void free_dead(struct prov_cache *c)
{
	struct prov_pin *gone;

	os_mutex_lock(&c->lock);
	gone = take_dead(c);
	os_mutex_unlock(&c->lock);
	free_pins(gone);
}

void prov_cache_fini(struct prov_cache *c)
{
	prov_cache_empty(c);
	list_remove(c);
	free_pins(c->pins);
	c->pins = NULL;
	os_mutex_fini(&c->lock);
}

/* R181, R182: same rights, whole range inside, memory never gone. */
static bool serves(const struct prov_pin *pin, const char *base, uint64_t len,
	unsigned rights)
{
	return pin->registration && !pin->doomed && pin->rights == rights &&
		pin->base <= base && base + len <= pin->base + pin->len;
}

static struct prov_pin *use_again(struct prov_cache *c, const char *base,
	uint64_t len, unsigned rights)
{
	struct prov_pin *pin;

	os_mutex_lock(&c->lock);
	for (pin = c->pins; pin; pin = pin->next)
		if (serves(pin, base, len, rights))
			break;
	if (pin && pin->users++ == 0) {
		c->unused--;
		c->unused_bytes -= pin->len;
	}
	os_mutex_unlock(&c->lock);
	return pin;
}

static void add_pin(struct prov_cache *c, struct transport_conn *conn,
	struct prov_pin *pin)
{
	list_add(c);
	os_mutex_lock(&c->lock);
	c->conn = conn;
	pin->next = c->pins;
	c->pins = pin;
	os_mutex_unlock(&c->lock);
}

enum status prov_cache_pin(struct prov_cache *c, struct transport_conn *conn,
	char *base, uint64_t len, unsigned rights, struct prov_pin **out)
{
	struct prov_pin *pin = use_again(c, base, len, rights);
	void *registration = NULL;
	enum status st;

	if (pin) {
		*out = pin;
		return ST_OK;
	}
	pin = calloc(1, sizeof *pin);
	if (!pin)
		return ST_NOMEM;
	st = provider_transport.pin(conn, base, len, rights, &registration);
	if (st != ST_OK || !registration) {
		free(pin);
		if (st == ST_OK)
			*out = NULL;
		return st;
	}
	*pin = (struct prov_pin){.base = base, .len = len, .rights = rights,
		.registration = registration, .users = 1};
	add_pin(c, conn, pin);
	*out = pin;
	return ST_OK;
}

static struct prov_pin *oldest_unused(struct prov_cache *c)
{
	struct prov_pin *oldest = NULL;

	for (struct prov_pin *p = c->pins; p; p = p->next)
		if (p->users == 0 && p->registration &&
			(!oldest || p->age < oldest->age))
			oldest = p;
	return oldest;
}

void prov_cache_unpin(struct prov_cache *c, struct prov_pin *pin)
{
	if (!pin)
		return;
	os_mutex_lock(&c->lock);
	if (--pin->users == 0 && pin->registration) {
		pin->age = ++c->clock;
		c->unused++;
		c->unused_bytes += pin->len;
		if (pin->doomed) /* R185 */
			give_back(c, pin);
	}
	while (c->unused > PROV_CACHE_PINS ||
		c->unused_bytes > PROV_CACHE_BYTES)
		give_back(c, oldest_unused(c));
	os_mutex_unlock(&c->lock);
	free_dead(c);
}

void prov_cache_empty(struct prov_cache *c)
{
	os_mutex_lock(&c->lock);
	for (struct prov_pin *p = c->pins; p; p = p->next)
		give_back(c, p);
	os_mutex_unlock(&c->lock);
	free_dead(c);
}

/* As numbers: the callback may name any addresses. */
static bool overlaps(const struct prov_pin *pin, const char *base, uint64_t len)
{
	uintptr_t ours = (uintptr_t)pin->base, theirs = (uintptr_t)base;

	return ours < theirs + len && theirs < ours + pin->len;
}

struct callback_result {
	bool released, in_use;
};

/* R183: whole or in part. */
static void release_range(struct prov_cache *c, const char *base, uint64_t len,
	struct callback_result *result)
{
	os_mutex_lock(&c->lock);
	for (struct prov_pin *p = c->pins; p; p = p->next) {
		if (!p->registration || !overlaps(p, base, len))
			continue;
		if (p->users > 0) {
			p->doomed = true;
			result->in_use = true;
		} else {
			give_back(c, p);
			result->released = true;
		}
	}
	os_mutex_unlock(&c->lock);
}

/* R184: a range in use by a registration is one that cannot be released. */
int WSPAPI WSPMemoryRegistrationCacheCallback(PVOID lpvAddress, SIZE_T Size,
	LPINT lpErrno)
{
	struct callback_result result = {false, false};
	SIZE_T most = (SIZE_T)(UINTPTR_MAX - (uintptr_t)lpvAddress);

	if (Size > most)
		Size = most;
	os_mutex_lock(&list.lock);
	for (struct prov_cache *c = list.first; c; c = c->next)
		release_range(c, lpvAddress, Size, &result);
	os_mutex_unlock(&list.lock);
	if (result.in_use)
		return prov_result(WSAEFAULT, lpErrno);
	return prov_result(result.released ? 0 : WSAEINVAL, lpErrno);
}
