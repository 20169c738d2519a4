/* SPDX-License-Identifier: MIT */
/* connect.h - how a FRESH socket becomes something else. */
#ifndef WSD_PRELOAD_CONNECT_H
#define WSD_PRELOAD_CONNECT_H

#include "sock.h"

/* The descriptor's socket has taken TCP: no longer of interest. Nothing to do
 * when it is not FRESH. */
void sock_stays_tcp(int fd);

/* A SAN socket for an accepted connection, with what it inherits from its
 * listener. Takes over c. The descriptor, or -errno. */
int sock_adopt_accepted(struct sock *listener, struct sw_conn *c, int flags);

/* Replaces the FRESH socket's descriptors by the connection's handle; guard
 * held. False: nothing has changed, c is still the caller's. */
bool sock_adopt_connected(struct sock *s, struct sw_conn *c);

/* Ends a SAN socket's connection and makes it FRESH again; guard held. 0 or
 * -errno; -EBUSY while other threads are inside. */
int sock_disconnect(struct sock *s);

#endif
