/* SPDX-License-Identifier: MIT */
/*
 * mapping.h - tells the switch before the program's mappings change (R183).
 *
 * Only when a provider keeps memory registered; before, and without one, not
 * an instruction of the program is changed or added.
 */
#ifndef WSD_PRELOAD_MAPPING_H
#define WSD_PRELOAD_MAPPING_H

#include <stdatomic.h>
#include <stdbool.h>

/*
 * For sw_memory_watch: has the C library come here with each system call that
 * changes mappings, the calls from its own inside included. False: not every
 * one will be seen. Once.
 */
bool mapping_watch(void);

extern _Atomic bool mapping_wanted;

/* Are changes to be told? One load. */
static inline bool mapping_is_watched(void)
{
	return atomic_load_explicit(&mapping_wanted, memory_order_relaxed);
}

/* The system call, any, and what it changes is told before and after. The
 * kernel's result: -errno. */
long mapping_call(long nr, const long a[6]);

#endif
