/* SPDX-License-Identifier: MIT */
/*
 * fab_nocache.h - libfabric's own registration cache, switched off.
 *
 * For hardware libfabric keeps registrations after they have been closed, so
 * that a peer's adapter could go on writing to memory that is no longer exposed
 * (R176), and to learn of unmapped memory it installs a page fault handler in
 * the program. Neither is wanted: the provider has a cache of its own.
 *
 * The cache needs a monitor of memory. So the process is given one that never
 * starts, and libfabric does without the cache.
 */
#ifndef WSD_TRANSPORT_FAB_NOCACHE_H
#define WSD_TRANSPORT_FAB_NOCACHE_H

#include "base/status.h"

/* Before the first domain is opened. ST_BUSY: something else in the process has
 * libfabric's cache running, and it cannot be switched off. */
enum status fab_nocache_start(void);
/* After the last domain is closed. */
void fab_nocache_stop(void);

#endif
