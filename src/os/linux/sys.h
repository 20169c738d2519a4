/* SPDX-License-Identifier: MIT */
/*
 * sys.h - system calls without libc's functions.
 *
 * The preload library replaces socket(), read(), close() and many others for
 * the whole program, this library included, and even syscall(). What we do to
 * our own descriptors must not pass through there, so each call below enters the
 * kernel by itself. As in the kernel, a result is >= 0 or -errno; errno itself
 * is left as it was, which keeps the promise of os.h for all callers at once.
 */
#ifndef WSD_OS_LINUX_SYS_H
#define WSD_OS_LINUX_SYS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"

#if defined(__x86_64__)
static inline long sys_call(long nr, long a, long b, long c, long d, long e,
	long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			 "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
static inline long sys_call(long nr, long a, long b, long c, long d, long e,
	long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "how does a program enter the kernel on this machine?"
#endif

#define SYS0(n) sys_call(n, 0, 0, 0, 0, 0, 0)
#define SYS1(n, a) sys_call(n, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b) sys_call(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c) \
	sys_call(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(n, a, b, c, d) \
	sys_call(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS5(n, a, b, c, d, e) \
	sys_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYS6(n, a, b, c, d, e, f) \
	sys_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), \
		(long)(f))

/* ---- descriptors ------------------------------------------------------ */

static inline int sys_close(int fd)
{
	return (int)SYS1(SYS_close, fd);
}

static inline long sys_read(int fd, void *buf, size_t len)
{
	return SYS3(SYS_read, fd, buf, len);
}

static inline long sys_write(int fd, const void *buf, size_t len)
{
	return SYS3(SYS_write, fd, buf, len);
}

static inline long sys_writev(int fd, const struct iovec *iov, int count)
{
	return SYS3(SYS_writev, fd, iov, count);
}

static inline int sys_fcntl(int fd, int cmd, long arg)
{
	return (int)SYS3(SYS_fcntl, fd, cmd, arg);
}

static inline int sys_ioctl(int fd, unsigned long req, void *arg)
{
	return (int)SYS3(SYS_ioctl, fd, req, arg);
}

static inline int sys_dup3(int from, int to, int flags)
{
	return (int)SYS3(SYS_dup3, from, to, flags);
}

static inline int sys_open(const char *path, int flags)
{
	return (int)SYS4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

static inline long sys_readlink(const char *path, char *buf, size_t room)
{
	return SYS4(SYS_readlinkat, AT_FDCWD, path, buf, room);
}

static inline int sys_open_mode(const char *path, int flags, unsigned mode)
{
	return (int)SYS4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

static inline int sys_fstat(int fd, struct stat *st)
{
	return (int)SYS2(SYS_fstat, fd, st);
}

static inline int sys_fstatfs(int fd, struct statfs *st)
{
	return (int)SYS2(SYS_fstatfs, fd, st);
}

static inline int sys_ftruncate(int fd, off_t len)
{
	return (int)SYS2(SYS_ftruncate, fd, len);
}

static inline int sys_memfd_create(const char *name, unsigned flags)
{
	return (int)SYS2(SYS_memfd_create, name, flags);
}

static inline int sys_eventfd(unsigned value, int flags)
{
	return (int)SYS2(SYS_eventfd2, value, flags);
}

/* The kernel overwrites *limit with what is left of it. NULL: no limit. */
static inline int sys_ppoll(struct pollfd *fds, unsigned n,
	struct timespec *limit)
{
	return (int)SYS5(SYS_ppoll, fds, n, limit, NULL, 0);
}

static inline int sys_epoll_create(int flags)
{
	return (int)SYS1(SYS_epoll_create1, flags);
}

static inline int sys_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	return (int)SYS4(SYS_epoll_ctl, ep, op, fd, ev);
}

static inline int sys_epoll_wait(int ep, struct epoll_event *ev, int max,
	int ms)
{
	return (int)SYS6(SYS_epoll_pwait, ep, ev, max, ms, NULL, 0);
}

/*
 * The standard streams may be closed, and a program may assume that it knows
 * what 0, 1 and 2 are: none of ours stays there. Takes and gives -errno too.
 */
static inline int sys_above_stdio(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sys_close(fd);
	return high;
}

/*
 * The same number space is the program's, which gets the lowest free number and
 * may count on it. What lives long is moved out of its way, if there is room.
 */
static inline int sys_out_of_the_way(int fd)
{
	struct rlimit limit;
	int high = -1;

	if (fd < 0)
		return fd;
	if (SYS2(SYS_getrlimit, RLIMIT_NOFILE, &limit) == 0)
		high = sys_fcntl(fd, F_DUPFD_CLOEXEC,
			limit.rlim_cur > 1024 ? 768 : limit.rlim_cur / 4 * 3);
	if (high < 0)
		return sys_above_stdio(fd);
	sys_close(fd);
	return high;
}

/* ---- sockets ---------------------------------------------------------- */

static inline int sys_socket(int family, int type, int protocol)
{
	return (int)SYS3(SYS_socket, family, type | SOCK_CLOEXEC, protocol);
}

static inline int sys_socketpair(int family, int type, int fd[2])
{
	return (int)SYS4(SYS_socketpair, family, type | SOCK_CLOEXEC, 0, fd);
}

static inline int sys_bind(int fd, const void *sa, socklen_t len)
{
	return (int)SYS3(SYS_bind, fd, sa, len);
}

static inline int sys_listen(int fd, int backlog)
{
	return (int)SYS2(SYS_listen, fd, backlog);
}

static inline int sys_accept(int fd, int flags)
{
	return (int)SYS4(SYS_accept4, fd, NULL, NULL, flags | SOCK_CLOEXEC);
}

static inline int sys_connect(int fd, const void *sa, socklen_t len)
{
	return (int)SYS3(SYS_connect, fd, sa, len);
}

static inline int sys_getsockopt(int fd, int level, int name, void *value,
	socklen_t *len)
{
	return (int)SYS5(SYS_getsockopt, fd, level, name, value, len);
}

static inline int sys_setsockopt(int fd, int level, int name,
	const void *value, socklen_t len)
{
	return (int)SYS5(SYS_setsockopt, fd, level, name, value, len);
}

static inline long sys_send(int fd, const void *buf, size_t len, int flags)
{
	return SYS6(SYS_sendto, fd, buf, len, flags, NULL, 0);
}

static inline long sys_recv(int fd, void *buf, size_t len, int flags)
{
	return SYS6(SYS_recvfrom, fd, buf, len, flags, NULL, NULL);
}

static inline long sys_recvfrom(int fd, void *buf, size_t len, int flags,
	void *sa, socklen_t *salen)
{
	return SYS6(SYS_recvfrom, fd, buf, len, flags, sa, salen);
}

static inline long sys_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return SYS3(SYS_sendmsg, fd, m, flags);
}

static inline long sys_recvmsg(int fd, struct msghdr *m, int flags)
{
	return SYS3(SYS_recvmsg, fd, m, flags);
}

/* ---- the rest --------------------------------------------------------- */

static inline uint32_t sys_getpid(void)
{
	return (uint32_t)SYS0(SYS_getpid);
}

/* The calling thread's blocked signals, a bit each from the first. */
static inline void sys_set_sigmask(uint64_t mask)
{
	SYS4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

static inline uint32_t sys_gettid(void)
{
	return (uint32_t)SYS0(SYS_gettid);
}

static inline int sys_futex(void *word, int op, uint32_t value,
	const struct timespec *limit)
{
	return (int)SYS6(SYS_futex, word, op, value, limit, NULL, 0);
}

static inline int sys_getrlimit(int what, struct rlimit *out)
{
	return (int)SYS4(SYS_prlimit64, 0, what, NULL, out);
}

/* What an -errno means to everybody; callers handle the special ones first. */
static inline enum status sys_status(long r)
{
	switch (-r) {
	case EMFILE:
	case ENFILE:
		return ST_NOHANDLES;
	case ENOMEM:
	case ENOBUFS:
	case ENOSPC:
		return ST_NOMEM;
	case EACCES:
	case EPERM:
		return ST_ACCESS;
	case ENOENT:
	case ENOTDIR:
	case ESRCH:
		return ST_NOTFOUND;
	case EFAULT:
		return ST_FAULT;
	case EINTR:
		return ST_INTR;
	case EAGAIN:
		return ST_AGAIN;
	case EINVAL:
	case EBADF:
	case ENOTSOCK:
		return ST_INVAL;
	case ENOSYS:
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
		return ST_UNSUPPORTED;
	default:
		return r >= 0 ? ST_OK : ST_SYSTEM;
	}
}

#endif
