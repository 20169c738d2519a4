/* SPDX-License-Identifier: MIT */
/*
 * fab_helper.h - the thread that does what nobody else is there to do.
 *
 * It reads the event queues (requests, handshakes, ends), offers listeners of
 * all addresses at new ones, looks after connections whose program sleeps and
 * rings for them, and, where libfabric moves only inside calls
 * (FI_PROGRESS_MANUAL), after those that still have something to send or memory
 * exposed. With nothing to do it sleeps in the kernel without a time limit. It
 * starts with the first network used and ends with fab_helper_stop.
 *
 * fab_lock guards everything that is not one connection's: networks, listeners,
 * the list of connections. Calls that take it do not wait for a peer.
 */
#ifndef WSD_TRANSPORT_FAB_HELPER_H
#define WSD_TRANSPORT_FAB_HELPER_H

#include "base/status.h"
#include "os/os.h"

struct fab_net;
struct transport_conn;

/* Takes the lock; in a forked child forgets first what is the parent's. */
void fab_lock(void);
void fab_unlock(void);

/* fab_lock held. The thread runs from now on. ST_NOMEM, ST_NOHANDLES. */
enum status fab_helper_start(void);
/* Not held. What is closed and still sending gets two seconds. */
void fab_helper_stop(void);
/* Makes it look at its duties. Any locks. */
void fab_helper_wake(void);

/* fab_lock held: the event queue is read from now on. */
enum status fab_helper_watch_net(struct fab_net *n);

/* The connection's lock held: looked after from now on, or no longer. */
void fab_helper_watch(struct transport_conn *c);
void fab_helper_unwatch(struct transport_conn *c);

/* The connection's lock held: counts those that have something unsent, for
 * whom the end of the process waits a moment. */
void fab_helper_count(struct transport_conn *c);

#endif
