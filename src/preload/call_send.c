/* SPDX-License-Identifier: MIT */
/* call_send.c - write, send and their relatives. */
#include <limits.h>

#include "connect.h"
#include "memory.h"
#include "passing.h"
#include "real.h"
#include "transfer.h"

#define VECTOR_MAX 1024 /* UIO_MAXIOV */

INTERPOSED ssize_t write(int fd, const void *buf, size_t len)
{
	struct sock *s = transfer_enter(fd);

	if (!s)
		return real.write(fd, buf, len);
	return transfer_sent(s, transfer_send(s, buf, len, 0), 0);
}

INTERPOSED ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	struct sock *s = transfer_enter(fd);

	if (!s)
		return real.send(fd, buf, len, flags);
	return transfer_sent(s, transfer_send(s, buf, len, flags), flags);
}

/* With TCP Fast Open this is a connect that we have no part in. */
static void note_fast_open(int fd, int flags)
{
	if (flags & MSG_FASTOPEN)
		sock_stays_tcp(fd);
}

INTERPOSED ssize_t sendto(int fd, const void *buf, size_t len, int flags,
	const struct sockaddr *sa, socklen_t salen)
{
	struct sock *s = transfer_enter(fd);

	if (!s) {
		note_fast_open(fd, flags);
		return real.sendto(fd, buf, len, flags, sa, salen);
	}
	return transfer_sent(s, transfer_send(s, buf, len, flags), flags);
}

INTERPOSED ssize_t writev(int fd, const struct iovec *iov, int count)
{
	struct sock *s = transfer_enter(fd);
	ssize_t r = -EINVAL;

	if (!s)
		return real.writev(fd, iov, count);
	if (count >= 0 && count <= VECTOR_MAX)
		r = transfer_send_vector(s, iov, (size_t)count, 0);
	return transfer_sent(s, r, 0);
}

/* With offset -1 this is writev. Flags that a socket does not know are for the
 * kernel to refuse. */
INTERPOSED ssize_t pwritev2(int fd, const struct iovec *iov, int count,
	off_t at, int flags)
{
	struct sock *s = at == -1 ? transfer_enter(fd) : NULL;
	ssize_t r = -EINVAL;

	if (!s)
		return real.pwritev2(fd, iov, count, at, flags);
	if (flags & ~RWF_NOWAIT)
		r = -EOPNOTSUPP;
	else if (count >= 0 && count <= VECTOR_MAX)
		r = transfer_send_vector(s, iov, (size_t)count,
			flags & RWF_NOWAIT ? MSG_DONTWAIT : 0);
	return transfer_sent(s, r, 0);
}

static ssize_t send_message(struct sock *s, const struct msghdr *m, int flags)
{
	if (!memory_readable(m, sizeof *m))
		return -EFAULT;
	if (m->msg_iovlen > VECTOR_MAX)
		return -EMSGSIZE;
	if ((int)m->msg_namelen < 0)
		return -EINVAL;
	return transfer_send_vector(s, m->msg_iov, m->msg_iovlen, flags);
}

INTERPOSED ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct sock *s = transfer_enter(fd);

	if (!s) {
		note_fast_open(fd, flags);
		if (passing_possible(m))
			return passing_sendmsg(fd, m, flags);
		return real.sendmsg(fd, m, flags);
	}
	return transfer_sent(s, send_message(s, m, flags), flags);
}

static size_t message_bytes(const struct msghdr *m)
{
	size_t total = 0;

	for (size_t i = 0; i < m->msg_iovlen; i++)
		total += m->msg_iov[i].iov_len;
	return total;
}

/* How many messages were sent, the last one perhaps in part. */
static ssize_t send_messages(struct sock *s, struct mmsghdr *m, unsigned count,
	int flags)
{
	unsigned n = 0;
	ssize_t r;

	if (count > 0 && !memory_writable(m, sizeof *m))
		return -EFAULT;
	while (n < count && n < VECTOR_MAX) {
		r = send_message(s, &m[n].msg_hdr, flags);
		if (r < 0)
			return n > 0 ? (ssize_t)n : r;
		m[n].msg_len = (unsigned)r;
		if ((size_t)r < message_bytes(&m[n++].msg_hdr))
			break;
	}
	return n;
}

INTERPOSED int sendmmsg(int fd, struct mmsghdr *m, unsigned count, int flags)
{
	struct sock *s = transfer_enter(fd);

	if (!s) {
		note_fast_open(fd, flags);
		return real.sendmmsg(fd, m, count, flags);
	}
	return (int)transfer_sent(s, send_messages(s, m, count, flags), flags);
}

INTERPOSED ssize_t __write(int fd, const void *buf, size_t len)
	__attribute__((alias("write")));
INTERPOSED ssize_t __send(int fd, const void *buf, size_t len, int flags)
	__attribute__((alias("send")));
INTERPOSED ssize_t pwritev64v2(int fd, const struct iovec *iov, int count,
	off_t at, int flags) __attribute__((alias("pwritev2")));
