/* SPDX-License-Identifier: MIT */
/*
 * poll_run.h - poll over descriptors of which some are ours.
 */
#ifndef WSD_PRELOAD_POLL_RUN_H
#define WSD_PRELOAD_POLL_RUN_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Does this descriptor need more than the kernel's poll? */
bool poll_is_special(int fd);

/*
 * As ppoll, with the timeout in ns (OS_FOREVER none): the number of entries
 * with events, or -errno.
 */
int poll_run(struct pollfd *fds, nfds_t n, uint64_t timeout,
	const sigset_t *mask);

#endif
