/* SPDX-License-Identifier: MIT */
/*
 * relay.h - a connection over a SAN goes on as a kernel socket.
 *
 * What makes up the connection lies in this process, so another one that is
 * given the descriptor could do nothing with it. It gets one end of a TCP
 * connection over loopback instead, and a thread of this process moves the
 * bytes between the other end and the SAN. Slower, but it works with whatever
 * is on the other side. It ends with this process.
 */
#ifndef WSD_PRELOAD_RELAY_H
#define WSD_PRELOAD_RELAY_H

#include "sock.h"

struct relay;

/*
 * Makes one for the connection behind the number fd. *given: what to give away
 * in place of fd, owned by the caller. 0 or -errno: nothing was made.
 */
int relay_create(struct sock *s, int fd, struct relay **out, int *given);
/* From now on bytes move, until both sides have ended. */
void relay_start(struct relay *r);
/* ends[1] is one to give away, ends[0] the other, which does not block. False:
 * no descriptors. */
bool relay_pair(struct sock *s, int ends[2]);
/* Moves bytes between the connection under the number fd and the kernel socket
 * tcp, and owns both. */
void relay_join(int fd, int tcp);
/* Instead of starting it: as if it had never been. */
void relay_destroy(struct relay *r);

/* Is fd one of its own two numbers? */
bool relay_uses(const struct relay *r, int fd);
/* Instead of starting it, in a process that does nothing else: */
void relay_enlist(struct relay *r);
/* ... moves the bytes of all until they have ended. */
void relays_serve(void);

/* Around fork: a child has none of its parent's. */
void relays_fork_prepare(void);
void relays_fork_parent(void);
void relays_fork_child(void);

#endif
