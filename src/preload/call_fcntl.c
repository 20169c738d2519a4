/* SPDX-License-Identifier: MIT */
/* call_fcntl.c - flags of descriptors: fcntl and ioctl. */
#include <limits.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "memory.h"
#include "option.h"
#include "real.h"
#include "sys.h"
#include "transfer.h"

/* ---- the flags of an open file --------------------------------------- */

/* Signal-driven input and output: a doorbell makes the signal, and doorbells
 * must be asked for. TCP must serve a socket that wants this beforehand. */
static void set_signals(struct sock *s, bool on)
{
	if (sock_is(s, FILE_FRESH) && on)
		s->only_tcp = true;
	if (!sock_is(s, FILE_SAN) || s->signals == on)
		return;
	s->signals = on;
	sw_watch(s->conn, on ? 1 : -1);
	if (on)
		sw_watch_arm(s->conn, SW_IN | SW_OUT);
}

static int set_file_flags(struct sock *s, int fd, int flags)
{
	int r = real.fcntl(fd, F_SETFL, (long)flags);

	if (r < 0)
		return r;
	atomic_store(&s->nonblock, (flags & O_NONBLOCK) != 0);
	set_signals(s, (flags & O_ASYNC) != 0);
	return r;
}

static int duplicate(int fd, int cmd, long from)
{
	struct file *f = fdtable_hold(fd);
	int r = real.fcntl(fd, cmd, from);

	fdtable_fresh(r);
	if (!f)
		return r;
	if (r >= 0)
		fdtable_share(r, f);
	file_release(f);
	return r;
}

static int file_flags(int fd, int flags)
{
	struct sock *s = sock_enter(fd);
	int r;

	if (!s)
		return real.fcntl(fd, F_SETFL, (long)flags);
	r = set_file_flags(s, fd, flags);
	sock_leave(s);
	return r;
}

/* What was to be closed upon exec, and then was not, is meant for somebody. */
static void note_heritage(int fd, bool close_on_exec)
{
	struct sock *s;

	if (close_on_exec || !(sys_fcntl(fd, F_GETFD, 0) & FD_CLOEXEC))
		return;
	s = sock_enter(fd);
	if (!s)
		return;
	s->heritage = true;
	sock_leave(s);
}

INTERPOSED int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return duplicate(fd, cmd, arg);
	if (__builtin_expect(!fdtable_peek(fd), 1))
		return real.fcntl(fd, cmd, arg);
	if (cmd == F_SETFL)
		return file_flags(fd, (int)arg);
	if (cmd == F_SETFD)
		note_heritage(fd, arg & FD_CLOEXEC);
	return real.fcntl(fd, cmd, arg);
}

INTERPOSED int fcntl64(int fd, int cmd, ...) __attribute__((alias("fcntl")));
INTERPOSED int __fcntl(int fd, int cmd, ...) __attribute__((alias("fcntl")));

/* ---- ioctl ----------------------------------------------------------- */

static int set_nonblock(struct sock *s, int fd, int *on)
{
	int r = sys_ioctl(fd, FIONBIO, on);

	if (r >= 0)
		atomic_store(&s->nonblock, *on != 0);
	return r;
}

static int set_async(struct sock *s, int fd, int *on)
{
	int r = sys_ioctl(fd, FIOASYNC, on);

	if (r >= 0)
		set_signals(s, *on != 0);
	return r;
}

static int put_int(int *to, size_t value)
{
	if (!memory_writable(to, sizeof *to))
		return -EFAULT;
	*to = value > INT_MAX ? INT_MAX : (int)value;
	return 0;
}

/* Questions about interfaces are for any internet socket. */
static int ask_probe(struct sock *s, int fd, unsigned long request, void *arg)
{
	int probe = option_probe(s), r;

	if (probe < 0)
		return sys_ioctl(fd, request, arg);
	r = sys_ioctl(probe, request, arg);
	sys_close(probe);
	return r;
}

static int san_ioctl(struct sock *s, int fd, unsigned long request, void *arg)
{
	switch (request) {
	case FIONREAD:
		return put_int(arg, sw_readable_bytes(s->conn));
	case SIOCATMARK:
		return put_int(arg, sw_at_urgent_mark(s->conn));
	case SIOCOUTQ: /* what was sent is in the peer's hands */
	case SIOCOUTQNSD:
		return put_int(arg, 0);
	case FIOSETOWN:
	case FIOGETOWN:
	case SIOCSPGRP:
	case SIOCGPGRP:
		return sys_ioctl(fd, request, arg);
	default:
		if ((request & 0xff00) == 0x8900)
			return ask_probe(s, fd, request, arg);
		return sys_ioctl(fd, request, arg);
	}
}

INTERPOSED int ioctl(int fd, unsigned long request, ...)
{
	struct sock *s;
	va_list ap;
	void *arg;
	int r;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (__builtin_expect(request == FIONCLEX, 0))
		note_heritage(fd, false);
	s = sock_enter(fd);
	if (!s)
		return real.ioctl(fd, request, arg);
	if (request == FIONBIO)
		r = set_nonblock(s, fd, arg);
	else if (request == FIOASYNC)
		r = set_async(s, fd, arg);
	else if (sock_is(s, FILE_SAN))
		r = san_ioctl(s, fd, request, arg);
	else
		r = sys_ioctl(fd, request, arg);
	return (int)sock_finish(s, r);
}

INTERPOSED int sockatmark(int fd)
{
	struct sock *s = san_enter(fd);

	if (!s)
		return real.sockatmark(fd);
	return (int)sock_finish(s, sw_at_urgent_mark(s->conn));
}
