/* SPDX-License-Identifier: MIT */
/* libc_watch.h - the C library's own changes of mappings, led elsewhere. */
#ifndef WSD_PRELOAD_LIBC_WATCH_H
#define WSD_PRELOAD_LIBC_WATCH_H

#include <stdbool.h>

/*
 * From now on mapping_call does each system call that changes mappings in the
 * C library and in the dynamic linker. False: at least one of them could not be
 * led there. Once. Other threads may run meanwhile.
 */
bool libc_watch(void);

#endif
