/* SPDX-License-Identifier: MIT */
/*
 * foreign.h - calls that come from a SAN service provider's own libraries.
 *
 * A provider may stand on a library (libfabric) that makes sockets through the C
 * library like everybody, and so meets our functions. Its sockets are not the
 * program's: they must not be accelerated, not stay open in a program that is
 * executed, and not in a forked child, where they would keep the peer from
 * seeing an end.
 */
#ifndef WSD_PRELOAD_FOREIGN_H
#define WSD_PRELOAD_FOREIGN_H

#include <stdbool.h>

/* Is this address (of who calls) in such a library? Cheap after the first time
 * for each library. */
bool foreign_code(const void *caller);

/* The number was just made by such a library. Returns it. */
int foreign_take(int fd);
/* It is being closed; cheap. */
void foreign_drop(int fd);
/* In a forked child: closes them all. */
void foreign_fork_child(void);

#endif
