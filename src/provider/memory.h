/* SPDX-License-Identifier: MIT */
/*
 * memory.h - what a socket has registered (sections 8.1 to 8.4 and 11).
 *
 * A registration is local: the memory may be source or target of this process's
 * requests on this socket. An exposure is remote: the peer of this connection
 * may reach the memory. The two never give each other's rights (R179). Nothing
 * that a caller or a peer hands in is taken for a pointer: a handle is a number
 * that no other registration of the process has (R167, R169), a descriptor is
 * compared byte by byte (R174).
 */
#ifndef WSD_PROVIDER_MEMORY_H
#define WSD_PROVIDER_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <openwsd/ws2san.h>

#include "base/status.h"
#include "os/os.h"
#include "provider/cache.h"
#include "transport/transport.h"

struct prov_socket;

/*
 * Of one socket, at most (R164): twice what the requests of both directions can
 * use at once.
 */
#define PROV_MAX_REGISTRATIONS 16384

enum { PROV_ID_LISTS = 64 };

struct prov_registration {
	struct prov_registration *next, **link; /* newest first */
	struct prov_registration *next_of_id;
	uintptr_t id; /* the handle */
	char *base;
	uint64_t len;
	unsigned rights;      /* MEM_READ: source, MEM_WRITE: target */
	struct prov_pin *pin; /* NULL: the transport needs none */
	_Atomic unsigned use; /* spans of pending requests (R168) */
};

struct prov_exposure {
	struct prov_exposure *next;
	bool concealed; /* the connection has ended before (R180) */
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
};

struct prov_memory {
	struct os_mutex lock; /* role: memory; also serialises expose/conceal */
	struct prov_registration *registrations;
	struct prov_registration *by_id[PROV_ID_LISTS]; /* by remainder */
	unsigned registered;
	struct prov_exposure *exposures;
	_Atomic unsigned exposed; /* exposures that are not concealed */
	struct prov_cache cache;
};

void prov_memory_init(struct prov_memory *m);
/* Frees what is registered still; the connection is gone. */
void prov_memory_fini(struct prov_memory *m);

/* ---- m->lock not held ---------------------------------------------- */

/*
 * For each span the registration that it lies in and that has these rights,
 * counted as in use; NULL for an empty span. ST_FAULT: there is one without,
 * and none is counted (R144).
 */
enum status prov_memory_hold(struct prov_memory *m, const struct os_span *spans,
	unsigned count, unsigned rights, struct prov_registration **out);
/* As above, with the registrations that the caller names by handle. */
enum status prov_memory_hold_named(struct prov_memory *m,
	const WSABUFEX *buffers, unsigned count, unsigned rights,
	struct prov_registration **out);
void prov_memory_drop(struct prov_registration **held, unsigned count);

/* The peer loses all access (R180). Nothing is freed before close (R196). */
void prov_memory_conceal(struct prov_socket *s);

/* ---- m->lock held -------------------------------------------------- */

/*
 * Before the connection is closed: takes all access away, gives the cache and
 * every pinned range back (R186). What is registered can still be deregistered.
 */
void prov_memory_detach(struct prov_socket *s);

#endif
