/* SPDX-License-Identifier: MIT */
/* scratch.h - memory for the time of a call; safe in signal handlers. */
#ifndef WSD_PRELOAD_SCRATCH_H
#define WSD_PRELOAD_SCRATCH_H

#include <stddef.h>

#define SCRATCH_BYTES 65536 /* up to here it costs next to nothing */

/* NULL when there is none. */
void *scratch_take(size_t len);
void scratch_give(void *p, size_t len);

#endif
