/* SPDX-License-Identifier: MIT */
/*
 * avoid.h - who was found to be without a SAN, for a time.
 *
 * A connect over a network's SAN to a host that has none costs a round trip, or
 * the whole patience when nobody answers. What failed is remembered for some
 * seconds, so that the connects that follow use TCP at once. Providers are told
 * apart by a pointer that is never looked into; times are those of os_now, or
 * of a test.
 *
 * The table has a fixed size; when it is full, what was noted first makes room.
 * Threads: any. A forked child begins with what its parent knew.
 */
#ifndef WSD_SWITCH_AVOID_H
#define WSD_SWITCH_AVOID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define AVOID_ENTRIES 64

/* Is it known that this provider leads to nobody there? */
bool avoid_is_known(const void *provider, const struct addr *remote,
	uint64_t now);

/* It failed; for this port, or (`whole`) for every port of the address. */
void avoid_remember(const void *provider, const struct addr *remote, bool whole,
	uint64_t now, uint64_t until);

/* It worked: forgets what was known of the port and of the address. */
void avoid_forget(const void *provider, const struct addr *remote);

/* Around a fork; sw_fork_prepare tells. */
void avoid_fork_prepare(void);
void avoid_fork_parent(void);
void avoid_fork_child(void);

#endif
