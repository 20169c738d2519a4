/* SPDX-License-Identifier: MIT */
/*
 * heir.h - connections that a forked child cannot use.
 *
 * A connection over a network belongs to the process that made it. A server
 * that forks for each client means its child to have it: it closes its own
 * descriptor then. So for each such connection a fork gives the child one end of
 * a TCP connection over loopback in its place, and the parent keeps the other
 * end; when the parent closes its last descriptor, a relay (relay.h) joins the
 * two, and the connection goes on with the child. A child that only has the
 * descriptor, as most do, costs nothing more. It cannot read while the parent
 * still has the connection; what it writes comes then.
 */
#ifndef WSD_PRELOAD_HEIR_H
#define WSD_PRELOAD_HEIR_H

#include <stdbool.h>

struct sock;

/* Around fork; prepare before fdtable's, child after it and before the relays'
 * (whose connections have no heirs). */
void heirs_fork_prepare(void);
void heirs_fork_parent(bool forked);
void heirs_fork_child(void);

/* The last descriptor is closed: true when a child has the connection from now
 * on, which then is no longer the socket's. */
bool heirs_inherit(struct sock *s);

#endif
