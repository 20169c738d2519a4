/* SPDX-License-Identifier: MIT */
/*
 * call_syscall.c - system calls by number.
 *
 * Some libraries close their descriptors so, to have no cancellation point
 * there (libuv), and others do more. On a descriptor that concerns us it is the
 * function of that name; all else goes straight to the kernel, and what changes
 * mappings is told on the way if somebody has to know.
 */
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "mapping.h"
#include "real.h"
#include "sock.h"
#include "sys.h"

#define P(n) ((void *)a[n])
#define FD(n) ((int)a[n])

static long on_number(long nr, const long a[6])
{
	switch (nr) {
	case SYS_close:
		return close(FD(0));
	case SYS_dup:
		return dup(FD(0));
#ifdef SYS_dup2
	case SYS_dup2:
		return dup2(FD(0), FD(1));
#endif
	case SYS_dup3:
		return dup3(FD(0), FD(1), (int)a[2]);
	case SYS_fcntl:
		return fcntl(FD(0), (int)a[1], a[2]);
	case SYS_ioctl:
		return ioctl(FD(0), (unsigned long)a[1], P(2));
	default:
		return -2;
	}
}

static long on_data(long nr, const long a[6])
{
	switch (nr) {
	case SYS_read:
		return read(FD(0), P(1), (size_t)a[2]);
	case SYS_write:
		return write(FD(0), P(1), (size_t)a[2]);
	case SYS_readv:
		return readv(FD(0), P(1), (int)a[2]);
	case SYS_writev:
		return writev(FD(0), P(1), (int)a[2]);
	case SYS_recvfrom:
		return recvfrom(FD(0), P(1), (size_t)a[2], (int)a[3], P(4),
			P(5));
	case SYS_sendto:
		return sendto(FD(0), P(1), (size_t)a[2], (int)a[3], P(4),
			(socklen_t)a[5]);
	case SYS_recvmsg:
		return recvmsg(FD(0), P(1), (int)a[2]);
	case SYS_sendmsg:
		return sendmsg(FD(0), P(1), (int)a[2]);
	default:
		return -2;
	}
}

static long on_socket(long nr, const long a[6])
{
	switch (nr) {
	case SYS_bind:
		return bind(FD(0), P(1), (socklen_t)a[2]);
	case SYS_listen:
		return listen(FD(0), (int)a[1]);
	case SYS_accept:
		return accept(FD(0), P(1), P(2));
	case SYS_accept4:
		return accept4(FD(0), P(1), P(2), (int)a[3]);
	case SYS_connect:
		return connect(FD(0), P(1), (socklen_t)a[2]);
	case SYS_shutdown:
		return shutdown(FD(0), (int)a[1]);
	case SYS_getsockname:
		return getsockname(FD(0), P(1), P(2));
	case SYS_getpeername:
		return getpeername(FD(0), P(1), P(2));
	case SYS_getsockopt:
		return getsockopt(FD(0), (int)a[1], (int)a[2], P(3), P(4));
	case SYS_setsockopt:
		return setsockopt(FD(0), (int)a[1], (int)a[2], P(3),
			(socklen_t)a[4]);
	default:
		return -2;
	}
}

/* -2: none of these calls. They have in common that a number comes first. */
static long on_tracked(long nr, const long a[6])
{
	long r = on_number(nr, a);

	if (r == -2)
		r = on_data(nr, a);
	return r == -2 ? on_socket(nr, a) : r;
}

static bool is_about_tracked(long nr, const long a[6])
{
	if (fdtable_peek(FD(0)))
		return true;
	return nr == SYS_dup3 && fdtable_peek(FD(1));
}

static bool gives_number(long nr)
{
	switch (nr) {
	case SYS_socket:
	case SYS_accept:
	case SYS_accept4:
	case SYS_dup:
	case SYS_dup3:
	case SYS_openat:
	case SYS_epoll_create1:
	case SYS_eventfd2:
		return true;
	default:
		return false;
	}
}

INTERPOSED long syscall(long nr, ...)
{
	long a[6], r = -2;
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (__builtin_expect(is_about_tracked(nr, a), 0))
		r = on_tracked(nr, a);
	if (r != -2)
		return r;
	if (mapping_is_watched())
		r = mapping_call(nr, a);
	else
		r = sys_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (gives_number(nr))
		fdtable_fresh((int)r);
	return result(r);
}
