/* SPDX-License-Identifier: MIT */
/*
 * real.c - the table, and the system calls that it starts with.
 *
 * The raw functions differ from libc's only in what a program can hardly see:
 * they are no cancellation points.
 */
#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sock.h"
#include "sys.h"

/* As libc's syscall(): what is no argument is not looked at. */
static long kernel(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return result(sys_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]));
}

static int raw_socket(int domain, int type, int protocol)
{
	return (int)kernel(SYS_socket, domain, type, protocol);
}

static int raw_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return (int)kernel(SYS_bind, fd, sa, len);
}

static int raw_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return (int)kernel(SYS_connect, fd, sa, len);
}

static int raw_listen(int fd, int backlog)
{
	return (int)kernel(SYS_listen, fd, backlog);
}

static int raw_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	return (int)kernel(SYS_accept4, fd, sa, len, flags);
}

static int raw_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	return raw_accept4(fd, sa, len, 0);
}

static int raw_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	return (int)kernel(SYS_getsockname, fd, sa, len);
}

static int raw_getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	return (int)kernel(SYS_getpeername, fd, sa, len);
}

static int raw_getsockopt(int fd, int level, int name, void *value,
	socklen_t *len)
{
	return (int)kernel(SYS_getsockopt, fd, level, name, value, len);
}

static int raw_setsockopt(int fd, int level, int name, const void *value,
	socklen_t len)
{
	return (int)kernel(SYS_setsockopt, fd, level, name, value, len);
}

static int raw_shutdown(int fd, int how)
{
	return (int)kernel(SYS_shutdown, fd, how);
}

static ssize_t raw_sendto(int fd, const void *buf, size_t len, int flags,
	const struct sockaddr *sa, socklen_t salen)
{
	return kernel(SYS_sendto, fd, buf, len, flags, sa, salen);
}

static ssize_t raw_send(int fd, const void *buf, size_t len, int flags)
{
	return raw_sendto(fd, buf, len, flags, NULL, 0);
}

static ssize_t raw_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return kernel(SYS_sendmsg, fd, m, flags);
}

static int raw_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
	return (int)kernel(SYS_sendmmsg, fd, m, n, flags);
}

static ssize_t raw_recvfrom(int fd, void *buf, size_t len, int flags,
	struct sockaddr *sa, socklen_t *salen)
{
	return kernel(SYS_recvfrom, fd, buf, len, flags, sa, salen);
}

static ssize_t raw_recv(int fd, void *buf, size_t len, int flags)
{
	return raw_recvfrom(fd, buf, len, flags, NULL, NULL);
}

static ssize_t raw_recvmsg(int fd, struct msghdr *m, int flags)
{
	return kernel(SYS_recvmsg, fd, m, flags);
}

static int raw_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags,
	struct timespec *limit)
{
	return (int)kernel(SYS_recvmmsg, fd, m, n, flags, limit);
}

static ssize_t raw_read(int fd, void *buf, size_t len)
{
	return kernel(SYS_read, fd, buf, len);
}

static ssize_t raw_write(int fd, const void *buf, size_t len)
{
	return kernel(SYS_write, fd, buf, len);
}

static ssize_t raw_readv(int fd, const struct iovec *iov, int n)
{
	return kernel(SYS_readv, fd, iov, n);
}

static ssize_t raw_writev(int fd, const struct iovec *iov, int n)
{
	return kernel(SYS_writev, fd, iov, n);
}

/* The kernel takes the offset as two words; on 64 bits the first is all. */
static ssize_t raw_preadv2(int fd, const struct iovec *iov, int n, off_t at,
	int flags)
{
	return kernel(SYS_preadv2, fd, iov, n, at, at >> 31 >> 1, flags);
}

static ssize_t raw_pwritev2(int fd, const struct iovec *iov, int n, off_t at,
	int flags)
{
	return kernel(SYS_pwritev2, fd, iov, n, at, at >> 31 >> 1, flags);
}

static ssize_t raw_sendfile(int out, int in, off_t *at, size_t len)
{
	return kernel(SYS_sendfile, out, in, at, len);
}

static ssize_t raw_splice(int in, off_t *in_at, int out, off_t *out_at,
	size_t len, unsigned flags)
{
	return kernel(SYS_splice, in, in_at, out, out_at, len, flags);
}

static int raw_close(int fd)
{
	return (int)kernel(SYS_close, fd);
}

static int raw_close_range(unsigned first, unsigned last, int flags)
{
	return (int)kernel(SYS_close_range, first, last, flags);
}

static void raw_closefrom(int low)
{
	raw_close_range(low < 0 ? 0 : (unsigned)low, ~0u, 0);
}

static int raw_dup(int fd)
{
	return (int)kernel(SYS_dup, fd);
}

static int raw_dup3(int from, int to, int flags)
{
	return (int)kernel(SYS_dup3, from, to, flags);
}

static int raw_dup2(int from, int to)
{
	if (from == to)
		return kernel(SYS_fcntl, from, F_GETFD) < 0 ? -1 : to;
	return raw_dup3(from, to, 0);
}

static int raw_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return (int)kernel(SYS_fcntl, fd, cmd, arg);
}

static int raw_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return (int)kernel(SYS_ioctl, fd, request, arg);
}

static int raw_sockatmark(int fd)
{
	int there;

	if (kernel(SYS_ioctl, fd, 0x8905 /* SIOCATMARK */, &there) < 0)
		return -1;
	return there;
}

static int raw_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit,
	const sigset_t *mask)
{
	struct timespec left;

	if (limit)
		left = *limit;
	return (int)kernel(SYS_ppoll, fds, n, limit ? &left : NULL, mask,
		KERNEL_SIGSET);
}

static int raw_poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec limit = {ms / 1000, ms % 1000 * 1000000L};

	return raw_ppoll(fds, n, ms < 0 ? NULL : &limit, NULL);
}

static int raw_pselect(int n, fd_set *r, fd_set *w, fd_set *x,
	const struct timespec *limit, const sigset_t *mask)
{
	struct timespec left;
	struct {
		const sigset_t *mask;
		size_t size;
	} m = {mask, KERNEL_SIGSET};

	if (limit)
		left = *limit;
	return (int)kernel(SYS_pselect6, n, r, w, x, limit ? &left : NULL,
		&m);
}

static int raw_select(int n, fd_set *r, fd_set *w, fd_set *x,
	struct timeval *limit)
{
	struct timespec ts;

	if (!limit)
		return raw_pselect(n, r, w, x, NULL, NULL);
	ts.tv_sec = limit->tv_sec;
	ts.tv_nsec = limit->tv_usec * 1000;
	return raw_pselect(n, r, w, x, &ts, NULL);
}

static int raw_epoll_create1(int flags)
{
	return (int)kernel(SYS_epoll_create1, flags);
}

static int raw_epoll_create(int size)
{
	if (size > 0)
		return raw_epoll_create1(0);
	errno = EINVAL;
	return -1;
}

static int raw_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	return (int)kernel(SYS_epoll_ctl, ep, op, fd, ev);
}

static int raw_epoll_pwait(int ep, struct epoll_event *ev, int max, int ms,
	const sigset_t *mask)
{
	return (int)kernel(SYS_epoll_pwait, ep, ev, max, ms, mask,
		KERNEL_SIGSET);
}

static int raw_epoll_wait(int ep, struct epoll_event *ev, int max, int ms)
{
	return raw_epoll_pwait(ep, ev, max, ms, NULL);
}

static int raw_epoll_pwait2(int ep, struct epoll_event *ev, int max,
	const struct timespec *limit, const sigset_t *mask)
{
	return (int)kernel(SYS_epoll_pwait2, ep, ev, max, limit, mask,
		KERNEL_SIGSET);
}

/* These are no system calls; libc has them all. */
static FILE *raw_fdopen(int fd, const char *mode)
{
	errno = ENOSYS;
	return NULL;
}

static int raw_vdprintf(int fd, const char *format, va_list ap)
{
	errno = ENOSYS;
	return -1;
}

static int raw___vdprintf_chk(int fd, int flag, const char *format, va_list ap)
{
	return raw_vdprintf(fd, format, ap);
}

static int raw_daemon(int nochdir, int noclose)
{
	errno = ENOSYS;
	return -1;
}

static int raw_execve(const char *path, char *const *argv, char *const *env)
{
	return (int)kernel(SYS_execve, path, argv, env);
}

static int raw_execvpe(const char *file, char *const *argv, char *const *env)
{
	return raw_execve(file, argv, env);
}

static int raw_fexecve(int fd, char *const *argv, char *const *env)
{
	return (int)kernel(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
}

static int raw_posix_spawn(pid_t *pid, const char *path,
	const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const *argv,
	char *const *env)
{
	return ENOSYS;
}

static int raw_posix_spawnp(pid_t *pid, const char *file,
	const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const *argv,
	char *const *env)
{
	return ENOSYS;
}

static int raw_pthread_cancel(pthread_t thread)
{
	return ENOSYS;
}

/* The way back from a handler is libc's. */
static UNWATCHED int raw_sigaction(int sig, const struct sigaction *act,
	struct sigaction *old)
{
	real_resolve();
	if (real.sigaction != raw_sigaction)
		return real.sigaction(sig, act, old);
	errno = ENOSYS;
	return -1;
}

static sighandler_t raw_signal(int sig, sighandler_t handler)
{
	real_resolve();
	if (real.signal != raw_signal)
		return real.signal(sig, handler);
	errno = ENOSYS;
	return SIG_ERR;
}

static sighandler_t raw_sysv_signal(int sig, sighandler_t handler)
{
	errno = ENOSYS;
	return SIG_ERR;
}

static sighandler_t raw_sigset(int sig, sighandler_t handler)
{
	errno = ENOSYS;
	return SIG_ERR;
}

static pid_t raw__Fork(void)
{
	return fork();
}

struct real real = {
#define REAL_START(result, name, parameters) .name = raw_##name,
	REAL_LIST(REAL_START)
#undef REAL_START
};

/* A data pointer as a function pointer: POSIX says that dlsym may. */
static UNWATCHED void resolve(const char *name, void *slot)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found)
		memcpy(slot, &found, sizeof found);
}

UNWATCHED void real_resolve(void)
{
#define REAL_RESOLVE(result, name, parameters) resolve(#name, &real.name);
	REAL_LIST(REAL_RESOLVE)
#undef REAL_RESOLVE
}
