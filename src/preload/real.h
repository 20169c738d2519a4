/* SPDX-License-Identifier: MIT */
/*
 * real.h - the functions that this library hides from the program.
 *
 * Each slot holds a plain system call until real_resolve has found what would
 * have been called without us (libc's function, or another library's that is
 * preloaded behind this one). So a call works at any time: before our
 * constructor has run, inside dlsym, and where libc has no such function.
 */
#ifndef WSD_PRELOAD_REAL_H
#define WSD_PRELOAD_REAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

/* The mark of what the program shall see instead of libc's. */
#define INTERPOSED __attribute__((visibility("default")))

/* What the thread sanitizer calls itself before it can watch anything. */
#define UNWATCHED __attribute__((no_sanitize("thread")))

/* result, name, parameters */
#define REAL_LIST(X)                                                          \
	X(int, socket, (int, int, int))                                       \
	X(int, bind, (int, const struct sockaddr *, socklen_t))               \
	X(int, connect, (int, const struct sockaddr *, socklen_t))            \
	X(int, listen, (int, int))                                            \
	X(int, accept, (int, struct sockaddr *, socklen_t *))                 \
	X(int, accept4, (int, struct sockaddr *, socklen_t *, int))           \
	X(int, getsockname, (int, struct sockaddr *, socklen_t *))            \
	X(int, getpeername, (int, struct sockaddr *, socklen_t *))            \
	X(int, getsockopt, (int, int, int, void *, socklen_t *))              \
	X(int, setsockopt, (int, int, int, const void *, socklen_t))          \
	X(int, shutdown, (int, int))                                          \
	X(ssize_t, send, (int, const void *, size_t, int))                    \
	X(ssize_t, sendto, (int, const void *, size_t, int,                   \
		const struct sockaddr *, socklen_t))                          \
	X(ssize_t, sendmsg, (int, const struct msghdr *, int))                \
	X(int, sendmmsg, (int, struct mmsghdr *, unsigned, int))              \
	X(ssize_t, recv, (int, void *, size_t, int))                          \
	X(ssize_t, recvfrom, (int, void *, size_t, int, struct sockaddr *,    \
		socklen_t *))                                                 \
	X(ssize_t, recvmsg, (int, struct msghdr *, int))                      \
	X(int, recvmmsg, (int, struct mmsghdr *, unsigned, int,               \
		struct timespec *))                                           \
	X(ssize_t, read, (int, void *, size_t))                               \
	X(ssize_t, write, (int, const void *, size_t))                        \
	X(ssize_t, readv, (int, const struct iovec *, int))                   \
	X(ssize_t, writev, (int, const struct iovec *, int))                  \
	X(ssize_t, preadv2, (int, const struct iovec *, int, off_t, int))     \
	X(ssize_t, pwritev2, (int, const struct iovec *, int, off_t, int))    \
	X(ssize_t, sendfile, (int, int, off_t *, size_t))                     \
	X(ssize_t, splice, (int, off_t *, int, off_t *, size_t, unsigned))    \
	X(int, close, (int))                                                  \
	X(int, close_range, (unsigned, unsigned, int))                        \
	X(void, closefrom, (int))                                             \
	X(int, dup, (int))                                                    \
	X(int, dup2, (int, int))                                              \
	X(int, dup3, (int, int, int))                                         \
	X(int, fcntl, (int, int, ...))                                        \
	X(int, ioctl, (int, unsigned long, ...))                              \
	X(int, sockatmark, (int))                                             \
	X(int, poll, (struct pollfd *, nfds_t, int))                          \
	X(int, ppoll, (struct pollfd *, nfds_t, const struct timespec *,      \
		const sigset_t *))                                            \
	X(int, select, (int, fd_set *, fd_set *, fd_set *,                    \
		struct timeval *))                                            \
	X(int, pselect, (int, fd_set *, fd_set *, fd_set *,                   \
		const struct timespec *, const sigset_t *))                   \
	X(int, epoll_create, (int))                                           \
	X(int, epoll_create1, (int))                                          \
	X(int, epoll_ctl, (int, int, int, struct epoll_event *))              \
	X(int, epoll_wait, (int, struct epoll_event *, int, int))             \
	X(int, epoll_pwait, (int, struct epoll_event *, int, int,             \
		const sigset_t *))                                            \
	X(int, epoll_pwait2, (int, struct epoll_event *, int,                 \
		const struct timespec *, const sigset_t *))                   \
	X(FILE *, fdopen, (int, const char *))                                \
	X(int, vdprintf, (int, const char *, va_list))                        \
	X(int, __vdprintf_chk, (int, int, const char *, va_list))             \
	X(int, daemon, (int, int))                                            \
	X(pid_t, _Fork, (void))                                               \
	X(int, pthread_cancel, (pthread_t))                                   \
	X(int, sigaction, (int, const struct sigaction *,                     \
		struct sigaction *))                                          \
	X(sighandler_t, signal, (int, sighandler_t))                          \
	X(sighandler_t, sysv_signal, (int, sighandler_t))                     \
	X(sighandler_t, sigset, (int, sighandler_t))                          \
	X(int, execve, (const char *, char *const *, char *const *))          \
	X(int, execvpe, (const char *, char *const *, char *const *))         \
	X(int, fexecve, (int, char *const *, char *const *))                  \
	X(int, posix_spawn, (pid_t *, const char *,                           \
		const posix_spawn_file_actions_t *,                           \
		const posix_spawnattr_t *, char *const *, char *const *))     \
	X(int, posix_spawnp, (pid_t *, const char *,                          \
		const posix_spawn_file_actions_t *,                           \
		const posix_spawnattr_t *, char *const *, char *const *))

struct real {
#define REAL_SLOT(result, name, parameters) result(*name) parameters;
	REAL_LIST(REAL_SLOT)
#undef REAL_SLOT
};

extern struct real real;

/* Looks all of them up. What cannot be found stays a system call. */
void real_resolve(void);

/* Bytes of the kernel's signal set. */
#define KERNEL_SIGSET (_NSIG / 8)

#endif
