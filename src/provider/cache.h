/* SPDX-License-Identifier: MIT */
/*
 * cache.h - pinned memory of one connection, kept beyond WSPDeregisterMemory
 * (section 11).
 *
 * Only for transports that pin: where pin gives no registration there is
 * nothing to keep. One cache per connection, since a transport pins for one
 * connection. A pin serves any number of registrations of ranges inside it with
 * exactly its rights (R181, R182); when the last ends it stays, unused, until
 * it is needed again, or is too old (R187), or the connection ends (R186), or
 * the memory goes away (R183). It never gives remote access: exposures are not
 * cached (R176).
 *
 * The cache callback runs in a thread that is about to unmap memory and may
 * hold locks of the heap. It takes the locks of this file only, under which
 * nothing is allocated or freed; the transport's unpin must keep to that too.
 */
#ifndef WSD_PROVIDER_CACHE_H
#define WSD_PROVIDER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "os/os.h"
#include "transport/transport.h"

/* Unused pins that one connection keeps, at most. */
enum { PROV_CACHE_PINS = 32 };
#define PROV_CACHE_BYTES (UINT64_C(64) << 20)

struct prov_pin {
	struct prov_pin *next;
	char *base;
	uint64_t len;
	unsigned rights;
	void *registration; /* the transport's; NULL: given back already */
	unsigned users;     /* registrations that stand on it */
	bool doomed;        /* its memory went away while it was in use */
	uint64_t age;       /* when it fell out of use; smaller is older */
};

struct prov_cache {
	struct os_mutex lock; /* role: cache; after memory, a leaf */
	struct prov_cache *next, **link; /* list lock; link NULL: not listed */
	struct transport_conn *conn;
	struct prov_pin *pins;
	unsigned unused;
	uint64_t unused_bytes, clock;
};

void prov_cache_init(struct prov_cache *c);
void prov_cache_fini(struct prov_cache *c);

/*
 * A pin for the range, old or new; *out is NULL when the transport needs none.
 * The codes of the transport's pin. The caller serialises (memory lock).
 */
enum status prov_cache_pin(struct prov_cache *c, struct transport_conn *conn,
	char *base, uint64_t len, unsigned rights, struct prov_pin **out);
/* One user less. NULL is ignored. The caller serialises. */
void prov_cache_unpin(struct prov_cache *c, struct prov_pin *pin);
/* Gives all pins back to the transport, used or not: the connection ends. */
void prov_cache_empty(struct prov_cache *c);

#endif
