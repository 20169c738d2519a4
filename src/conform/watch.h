/* SPDX-License-Identifier: MIT */
/* watch.h - stands between the cases and the provider's functions. */
#ifndef WSD_CONFORM_WATCH_H
#define WSD_CONFORM_WATCH_H

#include <openwsd/ws2san.h>

/* The table for cases: spi.raw with the functions a SAN has watched. */
WSPPROC_TABLE watch_table(const WSPPROC_TABLE *raw);

/* spi's extension functions, watched; the provider's pointer is kept here.
 * NULL stays NULL. */
void watch_extensions(void);

/* WPUCreateSocketHandle has made this one in the calling thread. */
void watch_handle_made(SOCKET handle);

#endif
