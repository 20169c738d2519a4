/* SPDX-License-Identifier: MIT */
/* handlers.h - the program's signal handlers. */
#ifndef WSD_PRELOAD_HANDLERS_H
#define WSD_PRELOAD_HANDLERS_H

/* In a forked child. */
void handlers_forked(void);

#endif
