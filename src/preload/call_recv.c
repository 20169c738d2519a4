/* SPDX-License-Identifier: MIT */
/* call_recv.c - read, recv and their relatives. */
#include <limits.h>

#include "checked.h"
#include "memory.h"
#include "real.h"
#include "transfer.h"

#define VECTOR_MAX 1024 /* UIO_MAXIOV */

/* read of no bytes asks nothing, recv of no bytes waits for some. */
INTERPOSED ssize_t read(int fd, void *buf, size_t len)
{
	struct sock *s = transfer_enter(fd);

	if (!s)
		return real.read(fd, buf, len);
	return sock_finish(s, len > 0 ? transfer_receive(s, buf, len, 0) : 0);
}

INTERPOSED ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct sock *s = transfer_enter(fd);

	if (!s)
		return real.recv(fd, buf, len, flags);
	return sock_finish(s, transfer_receive(s, buf, len, flags));
}

INTERPOSED ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
	struct sockaddr *sa, socklen_t *salen)
{
	struct sock *s = transfer_enter(fd);
	ssize_t r;

	if (!s)
		return real.recvfrom(fd, buf, len, flags, sa, salen);
	r = transfer_receive(s, buf, len, flags);
	/* TCP has no address to give with the data. */
	if (r >= 0 && sa) {
		if (!memory_writable(salen, sizeof *salen))
			r = -EFAULT;
		else
			*salen = 0;
	}
	return sock_finish(s, r);
}

static ssize_t read_vector(struct sock *s, const struct iovec *iov, int count,
	int flags)
{
	size_t total = 0;
	int ignored = 0;

	if (count < 0 || count > VECTOR_MAX)
		return -EINVAL;
	if (!memory_readable(iov, (size_t)count * sizeof *iov))
		return -EFAULT;
	for (int i = 0; i < count; i++)
		total |= iov[i].iov_len;
	if (total == 0)
		return 0;
	return transfer_receive_vector(s, iov, (size_t)count, flags, &ignored);
}

INTERPOSED ssize_t readv(int fd, const struct iovec *iov, int count)
{
	struct sock *s = transfer_enter(fd);

	if (!s)
		return real.readv(fd, iov, count);
	return sock_finish(s, read_vector(s, iov, count, 0));
}

/* With offset -1 this is readv. */
INTERPOSED ssize_t preadv2(int fd, const struct iovec *iov, int count,
	off_t at, int flags)
{
	struct sock *s = at == -1 ? transfer_enter(fd) : NULL;
	ssize_t r = -EOPNOTSUPP;

	if (!s)
		return real.preadv2(fd, iov, count, at, flags);
	if (!(flags & ~RWF_NOWAIT))
		r = read_vector(s, iov, count,
			flags & RWF_NOWAIT ? MSG_DONTWAIT : 0);
	return sock_finish(s, r);
}

static ssize_t receive_message(struct sock *s, struct msghdr *m, int flags)
{
	int msg_flags = 0;
	ssize_t r;

	if (!memory_writable(m, sizeof *m))
		return -EFAULT;
	if (m->msg_iovlen > VECTOR_MAX)
		return -EMSGSIZE;
	r = transfer_receive_vector(s, m->msg_iov, m->msg_iovlen, flags,
		&msg_flags);
	if (r < 0)
		return r;
	if (m->msg_name)
		m->msg_namelen = 0;
	m->msg_controllen = 0;
	m->msg_flags = msg_flags;
	return r;
}

INTERPOSED ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	struct sock *s = transfer_enter(fd);

	if (!s)
		return real.recvmsg(fd, m, flags);
	return sock_finish(s, receive_message(s, m, flags));
}

/* The limit counts only between messages, as in the kernel. */
static ssize_t receive_messages(struct sock *s, struct mmsghdr *m,
	unsigned count, int flags, uint64_t deadline)
{
	unsigned n = 0;
	ssize_t r;

	if (count > 0 && !memory_writable(m, sizeof *m))
		return -EFAULT;
	while (n < count && n < VECTOR_MAX) {
		r = receive_message(s, &m[n].msg_hdr, flags & ~MSG_WAITFORONE);
		if (r < 0)
			return n > 0 ? (ssize_t)n : r;
		m[n++].msg_len = (unsigned)r;
		if (r == 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline != OS_FOREVER && os_now() >= deadline)
			break;
	}
	return n;
}

static bool is_valid_time(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

INTERPOSED int recvmmsg(int fd, struct mmsghdr *m, unsigned count, int flags,
	struct timespec *limit)
{
	struct sock *s = transfer_enter(fd);
	uint64_t deadline = OS_FOREVER, now;
	ssize_t r;

	if (!s)
		return real.recvmmsg(fd, m, count, flags, limit);
	if (limit && !is_valid_time(limit))
		return (int)sock_finish(s, -EINVAL);
	if (limit)
		deadline = os_now() + (uint64_t)limit->tv_sec * 1000000000u +
			(uint64_t)limit->tv_nsec;
	r = receive_messages(s, m, count, flags, deadline);
	if (limit && r > 0) {
		now = os_now();
		now = now < deadline ? deadline - now : 0;
		limit->tv_sec = (time_t)(now / 1000000000u);
		limit->tv_nsec = (long)(now % 1000000000u);
	}
	return (int)sock_finish(s, r);
}

/* What programs compiled with _FORTIFY_SOURCE call. */
INTERPOSED ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	if (len > room)
		__chk_fail();
	return read(fd, buf, len);
}

INTERPOSED ssize_t __recv_chk(int fd, void *buf, size_t len, size_t room,
	int flags)
{
	if (len > room)
		__chk_fail();
	return recv(fd, buf, len, flags);
}

INTERPOSED ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t room,
	int flags, struct sockaddr *sa, socklen_t *salen)
{
	if (len > room)
		__chk_fail();
	return recvfrom(fd, buf, len, flags, sa, salen);
}

INTERPOSED ssize_t __read(int fd, void *buf, size_t len)
	__attribute__((alias("read")));
INTERPOSED ssize_t preadv64v2(int fd, const struct iovec *iov, int count,
	off_t at, int flags) __attribute__((alias("preadv2")));
