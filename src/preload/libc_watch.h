/* SPDX-License-Identifier: MIT */
/* libc_watch.h - the C library's own changes of mappings, led elsewhere. */
#ifndef WSD_PRELOAD_LIBC_WATCH_H
#define WSD_PRELOAD_LIBC_WATCH_H

#include <stdbool.h>

/*
 * From now on `call` is called instead of each system call that changes
 * mappings, in the C library and in the dynamic linker, and does it: with its
 * number and arguments, for the kernel's result. False: at least one of them
 * could not be led there. Once. Other threads may run meanwhile.
 */
bool libc_watch(long (*call)(long nr, const long a[6]));

#endif
