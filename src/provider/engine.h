/* SPDX-License-Identifier: MIT */
/*
 * engine.h - the provider's one thread.
 *
 * It exists only when somebody needs it, from the first need to the last
 * clean-up: a connecting socket with FD_CONNECT selected, a listener with
 * FD_ACCEPT selected, a pending request that wants the upcall or that a thread
 * waits for (fWait), a hand-off that waits to be fetched. Sockets that are only
 * polled, or used through wait handles and channels, never start it.
 *
 * It sleeps on the transport's handles. It holds a reference to a socket only
 * while it has work for it; what it watches it knows by descriptor, so that a
 * socket can end while it is watched.
 *
 * Fork. A forked child has no such thread. The process number tells; a child
 * that comes to need one starts its own, with its own poller, and never touches
 * its parent's.
 */
#ifndef WSD_PROVIDER_ENGINE_H
#define WSD_PROVIDER_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "os/os.h"

struct prov_socket;
struct prov_handoff;

/* Starts the thread unless it runs; false: the system will not give one. */
bool prov_engine_ready(void);

/* Have the engine look at this socket soon. The caller has a reference. Does
 * nothing when there is no engine. Any locks of the socket may be held. */
void prov_engine_want(struct prov_socket *s);
/* The socket is closed: the engine drops its reference. No locks held. */
void prov_engine_forget(struct prov_socket *s);
/* Before a watched handle is closed. Any locks of the socket may be held. */
void prov_engine_unwatch(struct prov_socket *s);

/* ---- between engine.c and service.c; in the engine's thread -------------- */

/* After so long again, when there is no better way to know. */
#define PROV_RETRY_NS UINT64_C(1000000)

/* Looks after a socket, of which the caller has a reference. No locks held. */
void prov_service(struct prov_socket *s);
/* Serve it whenever h is readable. s->lock held, so that h is not closed
 * meanwhile. */
void prov_engine_watch(struct prov_socket *s, os_handle h);
/* Serve it at that time, or sooner. */
void prov_engine_come_back(struct prov_socket *s, uint64_t when);

/* ---- hand-offs ------------------------------------------------------- */

/*
 * The door is watched from now on, but nobody is let in before prov_engine_open
 * has been called. ST_NOMEM, ST_NOHANDLES. The engine is ready.
 */
enum status prov_engine_serve(struct prov_handoff *h);
/* It belongs to the engine now, until it is fetched or its time is over. */
void prov_engine_open(struct prov_handoff *h);
/* Not after all: it is the caller's again. */
void prov_engine_unserve(struct prov_handoff *h);

/* Ends all hand-offs and the thread, and waits for it, unless it is the caller
 * itself. No sockets are left. */
void prov_engine_stop(void);

#endif
