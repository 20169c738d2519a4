/* SPDX-License-Identifier: MIT */
/* losses.h - which memory a system call takes away, or gives other pages. */
#ifndef WSD_PRELOAD_LOSSES_H
#define WSD_PRELOAD_LOSSES_H

#include "os/os.h"

/*
 * Stores what the call may take away, as whole pages, and returns how many
 * ranges that are. Too much does no harm, too little does. Looks at no memory
 * of the program; asks the kernel at most one thing.
 */
#define LOSSES_MAX 2
unsigned losses_of(long nr, const long a[6], struct os_span out[LOSSES_MAX]);

#endif
