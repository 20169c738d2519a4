/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of src/os/linux share among themselves. */
#ifndef WSD_OS_LINUX_INTERNAL_H
#define WSD_OS_LINUX_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "os/os.h"
#include "sys.h"

/* A point in time, ns nanoseconds from now; OS_FOREVER stays for ever. */
uint64_t os_deadline_after(uint64_t ns);
/* Nanoseconds until then, 0 when it has passed. */
uint64_t os_deadline_left(uint64_t deadline);
/* Same as timespec; saturates where time_t could not follow. */
struct timespec os_timespec_of(uint64_t ns);

/*
 * One ppoll on one descriptor: > 0 revents, 0 timed out, -EINTR. The limit is
 * relative; OS_FOREVER has none.
 */
int os_poll_one(int fd, short events, uint64_t ns);
/* The same, going on after signals. */
int os_poll_one_through(int fd, short events, uint64_t ns);

/*
 * A number that is never 0 and differs between a process and its forked
 * child: what was cached under another number is stale.
 */
uint64_t os_process_epoch(void);

/* True when no thread of this number runs any more (zombie counts as gone). */
bool os_thread_is_gone(uint32_t tid);

/* Before and after a sleep that a kick ends: was the calling thread
 * interrupted? Asked once, then it is forgotten. */
bool os_kick_interrupts(void);

/*
 * Reads a file of at most room - 1 bytes and ends it with NUL; a longer one is
 * cut. Bytes read or -errno.
 */
long os_read_text(const char *path, char *buf, size_t room);

#endif
