/* SPDX-License-Identifier: MIT */
/*
 * cache.c - R176, R181 to R187, and WSPMemoryRegistrationCacheCallback.
 */
#include "provider/cache.h"

#include <stdlib.h>

#include "os/os.h"
#include "provider/spi.h"

static void link_pin(struct prov_cache *c, struct prov_pin *pin)
{
	pin->next = c->pins;
	if (pin->next)
		pin->next->link = &pin->next;
	pin->link = &c->pins;
	c->pins = pin;
}

static void drop(struct prov_pin *pin)
{
	*pin->link = pin->next;
	if (pin->next)
		pin->next->link = pin->link;
	free(pin);
}

static void count_unused(struct prov_cache *c, const struct prov_pin *pin)
{
	c->unused++;
	c->unused_bytes += pin->len;
}

static void uncount_unused(struct prov_cache *c, const struct prov_pin *pin)
{
	c->unused--;
	c->unused_bytes -= pin->len;
}

/* Back to the transport. What a parent has pinned is not a child's to undo. */
static void give_back(struct prov_cache *c, struct prov_pin *pin)
{
	if (!pin->registration)
		return;
	kept_release(pin->kept);
	pin->kept = NULL;
	if (c->process == os_process_id())
		provider_transport.unpin(c->conn, pin->registration);
	pin->registration = NULL;
}

static void give_back_unused(struct prov_cache *c, struct prov_pin *pin)
{
	uncount_unused(c, pin);
	give_back(c, pin);
	drop(pin);
}

/* R185: what has lost its memory while nobody used it. */
static void sweep(struct prov_cache *c)
{
	unsigned losses = kept_losses();
	struct prov_pin *next;

	if (losses == c->losses_seen)
		return;
	c->losses_seen = losses;
	for (struct prov_pin *p = c->pins; p; p = next) {
		next = p->next;
		if (p->users == 0 && kept_is_gone(p->kept))
			give_back_unused(c, p);
	}
}

void prov_cache_empty(struct prov_cache *c)
{
	struct prov_pin *next;

	for (struct prov_pin *p = c->pins; p; p = next) {
		next = p->next;
		if (p->users > 0)
			give_back(c, p);
		else
			give_back_unused(c, p);
	}
}

/* In a forked child: these pins mean nothing here. */
static void disown(struct prov_cache *c)
{
	uint32_t me = os_process_id();

	if (c->process == me)
		return;
	prov_cache_empty(c);
	c->process = me;
}

/* R181, R182: same rights, whole range inside, memory never gone. */
static bool serves(const struct prov_pin *pin, const char *base, uint64_t len,
	unsigned rights)
{
	return pin->registration && pin->kept && pin->rights == rights &&
		pin->base <= base && base + len <= pin->base + pin->len;
}

static struct prov_pin *use_again(struct prov_cache *c, const char *base,
	uint64_t len, unsigned rights)
{
	struct prov_pin *pin = c->pins;

	while (pin && !(serves(pin, base, len, rights) && kept_use(pin->kept)))
		pin = pin->next;
	if (pin && pin->users++ == 0)
		uncount_unused(c, pin);
	return pin;
}

bool prov_keeps_pins(void)
{
	return provider_transport.pin_costs && provider_transport.pin_costs();
}

/* The slot comes before the pin: so no change of the mapping is missed. */
static enum status make(struct prov_cache *c, struct prov_pin *pin)
{
	enum status st;

	if (prov_keeps_pins())
		pin->kept = kept_claim(pin->base, pin->len);
	st = provider_transport.pin(c->conn, pin->base, pin->len, pin->rights,
		&pin->registration);
	if (st != ST_OK)
		pin->registration = NULL;
	if (!pin->registration)
		kept_release(pin->kept);
	return st;
}

enum status prov_cache_pin(struct prov_cache *c, struct transport_conn *conn,
	char *base, uint64_t len, unsigned rights, struct prov_pin **out)
{
	struct prov_pin *pin;
	enum status st;

	disown(c);
	sweep(c);
	pin = use_again(c, base, len, rights);
	if (pin) {
		*out = pin;
		return ST_OK;
	}
	pin = malloc(sizeof *pin);
	if (!pin)
		return ST_NOMEM;
	*pin = (struct prov_pin){.base = base, .len = len, .rights = rights,
		.users = 1};
	c->conn = conn;
	st = make(c, pin);
	if (!pin->registration) {
		free(pin);
		if (st == ST_OK)
			*out = NULL;
		return st;
	}
	link_pin(c, pin);
	*out = pin;
	return ST_OK;
}

static struct prov_pin *oldest_unused(struct prov_cache *c)
{
	struct prov_pin *oldest = NULL;

	for (struct prov_pin *p = c->pins; p; p = p->next)
		if (p->users == 0 && (!oldest || p->age < oldest->age))
			oldest = p;
	return oldest;
}

/* R185: memory that went while it was in use is not kept. */
void prov_cache_unpin(struct prov_cache *c, struct prov_pin *pin)
{
	if (!pin)
		return;
	sweep(c);
	if (--pin->users > 0)
		return;
	if (!pin->kept || !kept_rest(pin->kept)) {
		give_back(c, pin);
		drop(pin);
		return;
	}
	pin->age = ++c->clock;
	count_unused(c, pin);
	while (c->unused > PROV_CACHE_PINS ||
		c->unused_bytes > PROV_CACHE_BYTES)
		give_back_unused(c, oldest_unused(c));
}

void prov_cache_fini(struct prov_cache *c)
{
	prov_cache_empty(c);
	while (c->pins)
		drop(c->pins);
}

/*
 * R183; R184: a range in use by a registration is one that cannot be released.
 * No lock, no allocation: see kept.h.
 */
int WSPAPI WSPMemoryRegistrationCacheCallback(PVOID lpvAddress, SIZE_T Size,
	LPINT lpErrno)
{
	SIZE_T most = (SIZE_T)(UINTPTR_MAX - (uintptr_t)lpvAddress);
	struct kept_found found =
		kept_forget(lpvAddress, Size < most ? Size : most);

	if (found.in_use)
		return prov_result(WSAEFAULT, lpErrno);
	return prov_result(found.resting ? 0 : WSAEINVAL, lpErrno);
}
