/* SPDX-License-Identifier: MIT */
/*
 * cache.h - pinned memory of one connection, kept beyond WSPDeregisterMemory
 * (section 11).
 *
 * Only where the transport says that a pin costs something: the switch does not
 * call the callback of others. One cache per connection, since a transport pins
 * for one connection. A pin serves any number of registrations of ranges inside
 * it with exactly its rights (R181, R182); when the last ends it stays, unused,
 * until it is needed again, or is too old (R187), or the connection ends
 * (R186), or the memory goes away (R183). It never gives remote access:
 * exposures are not cached (R176).
 *
 * The cache callback touches nothing here: it marks the pin in the table of
 * kept.h. Such a pin is never used again, and goes back to the transport at the
 * next call for the connection: the adapter knows it by a key that only the
 * transport has, so nothing reaches the old pages meanwhile.
 *
 * The caller serialises all calls for one cache (memory lock).
 */
#ifndef WSD_PROVIDER_CACHE_H
#define WSD_PROVIDER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "provider/kept.h"
#include "transport/transport.h"

/* Unused pins that one connection keeps, at most. */
enum { PROV_CACHE_PINS = 32 };
#define PROV_CACHE_BYTES (UINT64_C(64) << 20)

struct prov_pin {
	struct prov_pin *next, **link;
	char *base;
	uint64_t len;
	unsigned rights;
	void *registration; /* the transport's; NULL: given back already */
	struct kept *kept;  /* NULL: ends with its users */
	unsigned users;     /* registrations that stand on it */
	uint64_t age;       /* when it fell out of use; smaller is older */
};

struct prov_cache {
	struct transport_conn *conn;
	struct prov_pin *pins;
	unsigned unused;
	unsigned losses_seen;
	uint32_t process; /* whose pins these are */
	uint64_t unused_bytes, clock;
};

/* Are pins kept at all? */
bool prov_keeps_pins(void);

void prov_cache_fini(struct prov_cache *c);

/*
 * A pin for the range, old or new; *out is NULL when the transport needs none.
 * The codes of the transport's pin.
 */
enum status prov_cache_pin(struct prov_cache *c, struct transport_conn *conn,
	char *base, uint64_t len, unsigned rights, struct prov_pin **out);
/* One user less. NULL is ignored. */
void prov_cache_unpin(struct prov_cache *c, struct prov_pin *pin);
/* Gives all pins back to the transport, used or not: the connection ends. */
void prov_cache_empty(struct prov_cache *c);

#endif
