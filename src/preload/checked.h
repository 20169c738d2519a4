/* SPDX-License-Identifier: MIT */
/* checked.h - the entry points behind _FORTIFY_SOURCE, which no header of the
 * C library declares for those who define them. */
#ifndef WSD_PRELOAD_CHECKED_H
#define WSD_PRELOAD_CHECKED_H

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* The C library's: ends the program for a buffer overflow. */
_Noreturn void __chk_fail(void);

ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t room, int flags,
	struct sockaddr *sa, socklen_t *salen);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *limit,
	const sigset_t *mask, size_t room);
int __dprintf_chk(int fd, int flag, const char *format, ...);
int __vdprintf_chk(int fd, int flag, const char *format, va_list ap);

#endif
