/* SPDX-License-Identifier: MIT */
/*
 * signals.h - a sleep on several descriptors that stands in for a call which
 * the kernel would restart after handlers with SA_RESTART.
 */
#ifndef WSD_PRELOAD_SIGNALS_H
#define WSD_PRELOAD_SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <time.h>

#define SIGNALS_ROOM 1 /* entries behind fds[n] that signals_poll may use */

/* Would the kernel have gone on, whichever handler has run? */
bool signals_all_restart(void);

/*
 * ppoll that holds nothing and may be cancelled. 0: look again, also after a
 * handler with SA_RESTART; -EINTR after any other, and after every one when
 * there is a limit, as for a socket with a timeout.
 */
int signals_poll(struct pollfd *fds, unsigned n, const struct timespec *limit);

#endif
