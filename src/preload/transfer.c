/* SPDX-License-Identifier: MIT */
#include "transfer.h"

#include <signal.h>
#include <sys/socket.h>

#include "cancel.h"
#include "epoll_set.h"
#include "errors.h"
#include "memory.h"
#include "signals.h"
#include "sys.h"
#include "vector.h"

static unsigned wait_flag(struct sock *s, int flags)
{
	return (flags & MSG_DONTWAIT) ||
			atomic_load_explicit(&s->nonblock,
				memory_order_relaxed)
		? SW_DONTWAIT
		: 0;
}

/* ---- sending --------------------------------------------------------- */

/* Not all was taken: who waits for room with epoll must be woken later. */
static ssize_t send_stopped(struct sock *s, enum status st, size_t done)
{
	if (s->file.members)
		set_file_blocked(&s->file);
	return st == ST_OK ? (ssize_t)done : -errno_of(st);
}

/*
 * With several threads the switch sleeps where the kernel never restarts; a
 * single thread sleeps where it does, and what is interrupted then is meant to
 * be (and some handler lacks the flag).
 */
static bool goes_on(enum status st, uint64_t limit)
{
	enum cancel cancel;

	if (st != ST_INTR)
		return false;
	cancel = cancel_asked();
	if (cancel != CANCEL_NO)
		return cancel == CANCEL_LATER;
	return limit == OS_FOREVER && signals_all_restart();
}

static ssize_t send_spans(struct sock *s, const struct os_span *spans,
	unsigned count, size_t total, unsigned wait)
{
	size_t done = 0;
	enum status st;

	do
		st = sw_send(s->conn, spans, count, wait, &done);
	while (__builtin_expect(st == ST_INTR, 0) &&
		goes_on(st, sw_conn_options(s->conn)->send_timeout));
	if (__builtin_expect(st != ST_OK || done < total, 0))
		return send_stopped(s, st, done);
	return (ssize_t)done;
}

/* TCP marks the last byte as urgent; those before it are ordinary. */
static ssize_t send_urgent(struct sock *s, const void *buf, size_t len,
	unsigned wait)
{
	struct os_span span = {(void *)(uintptr_t)buf, len - 1};
	const uint8_t *bytes = buf;
	enum status st;

	if (len > 1) {
		ssize_t r = send_spans(s, &span, 1, len - 1, wait);

		if (r < (ssize_t)len - 1)
			return r;
	}
	st = sw_send_urgent(s->conn, bytes[len - 1], wait);
	if (st == ST_OK)
		return (ssize_t)len;
	return len > 1 ? (ssize_t)len - 1 : send_stopped(s, st, 0);
}

/* Calls that are no plain transfer; 0 when this one is. */
static ssize_t send_is_special(struct sock *s, const void *buf, size_t len,
	int flags)
{
	if (flags & MSG_FASTOPEN)
		return -EISCONN;
	if (len > 0 && !memory_readable_for(&s->pages, buf, len))
		return -EFAULT;
	if (len == 0 && s->shut_send)
		return -EPIPE;
	return 0;
}

ssize_t transfer_send(struct sock *s, const void *buf, size_t len, int flags)
{
	struct os_span span = {(void *)(uintptr_t)buf, len};
	ssize_t r;

	if (len > TRANSFER_MAX)
		span.len = len = TRANSFER_MAX;
	if (__builtin_expect(len == 0 || (flags & (MSG_OOB | MSG_FASTOPEN)) ||
			!memory_readable_for(&s->pages, buf, len), 0)) {
		r = send_is_special(s, buf, len, flags);
		if (r < 0 || len == 0)
			return r;
		if (flags & MSG_OOB)
			return send_urgent(s, buf, len, wait_flag(s, flags));
	}
	return send_spans(s, &span, 1, len, wait_flag(s, flags));
}

/* With MSG_OOB: all but the last piece, then that one. */
static ssize_t send_vector_urgent(struct sock *s, const struct iovec *iov,
	size_t count, int flags)
{
	ssize_t sent = 0, r;

	while (count > 0 && iov[count - 1].iov_len == 0)
		count--;
	if (count == 0)
		return transfer_send(s, NULL, 0, flags);
	if (count > 1) {
		sent = transfer_send_vector(s, iov, count - 1,
			flags & ~MSG_OOB);
		for (size_t i = 0, want = 0; i < count - 1; i++) {
			want += iov[i].iov_len;
			if (sent < (ssize_t)want)
				return sent;
		}
	}
	r = transfer_send(s, iov[count - 1].iov_base, iov[count - 1].iov_len,
		flags);
	return r >= 0 ? sent + r : sent > 0 ? sent : r;
}

ssize_t transfer_send_vector(struct sock *s, const struct iovec *iov,
	size_t count, int flags)
{
	struct os_span spans[VECTOR_PIECES];
	struct vector v;
	ssize_t sent = 0, r = vector_start(&v, iov, count, false);
	size_t bytes;
	unsigned n;

	if (r < 0)
		return r;
	if (v.left == 0 || (flags & MSG_FASTOPEN))
		return transfer_send(s, NULL, 0, flags);
	if (flags & MSG_OOB)
		return send_vector_urgent(s, iov, count, flags);
	while (v.left > 0 && (n = vector_next(&v, spans, &bytes)) > 0) {
		r = send_spans(s, spans, n, bytes, wait_flag(s, flags));
		if (r < 0)
			return sent > 0 ? sent : r;
		sent += r;
		if ((size_t)r < bytes)
			break;
	}
	return sent;
}

ssize_t transfer_sent(struct sock *s, ssize_t r, int flags)
{
	sock_leave(s);
	if (__builtin_expect(r == -EINTR, 0))
		cancel_here();
	if (__builtin_expect(r == -EPIPE, 0) && !(flags & MSG_NOSIGNAL))
		SYS3(SYS_tgkill, sys_getpid(), sys_gettid(), SIGPIPE);
	return result(r);
}

/* ---- receiving ------------------------------------------------------- */

static ssize_t receive_spans(struct sock *s, const struct os_span *spans,
	unsigned count, unsigned flags)
{
	size_t done = 0;
	enum status st;

	do
		st = sw_receive(s->conn, spans, count, flags, &done);
	while (__builtin_expect(st == ST_INTR, 0) &&
		goes_on(st, sw_conn_options(s->conn)->receive_timeout));
	atomic_fetch_add_explicit(&s->reads, 1, memory_order_relaxed);
	if (__builtin_expect(st == ST_OK, 1))
		return (ssize_t)done;
	return st == ST_CLOSED ? 0 : -errno_of(st);
}

static unsigned receive_flags(struct sock *s, int flags)
{
	unsigned r = wait_flag(s, flags);

	if (__builtin_expect(flags & (MSG_PEEK | MSG_WAITALL | MSG_TRUNC), 0)) {
		r |= flags & MSG_PEEK ? SW_PEEK : 0;
		r |= flags & MSG_WAITALL ? SW_WAITALL : 0;
		r |= flags & MSG_TRUNC ? SW_DISCARD : 0;
	}
	return r;
}

static ssize_t receive_urgent(struct sock *s, void *buf, size_t len, int flags,
	int *msg_flags)
{
	uint8_t byte;
	enum status st = sw_receive_urgent(s->conn, &byte, flags & MSG_PEEK);

	if (st == ST_CLOSED)
		return 0;
	if (st != ST_OK)
		return -errno_of(st);
	*msg_flags |= MSG_OOB;
	if (len == 0) {
		*msg_flags |= MSG_TRUNC;
		return 0;
	}
	if (!memory_writable(buf, 1))
		return -EFAULT;
	if (!(flags & MSG_TRUNC))
		*(uint8_t *)buf = byte;
	return 1;
}

/* Nowhere to put a byte: what would have happened before that mattered? */
static ssize_t receive_nothing(struct sock *s, int flags, ssize_t when_there)
{
	uint8_t byte;
	struct os_span span = {&byte, 1};
	ssize_t r = receive_spans(s, &span, 1, wait_flag(s, flags) | SW_PEEK);

	return r > 0 ? when_there : r;
}

static ssize_t receive_special(struct sock *s, void *buf, size_t len,
	int flags, int *msg_flags)
{
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (flags & MSG_OOB)
		return receive_urgent(s, buf, len, flags, msg_flags);
	if (len == 0)
		return receive_nothing(s, flags, 0);
	return receive_nothing(s, flags, -EFAULT);
}

static inline bool is_special(struct sock *s, const void *buf, size_t len,
	int flags)
{
	return len == 0 || (flags & (MSG_OOB | MSG_ERRQUEUE)) ||
		(!(flags & MSG_TRUNC) &&
			!memory_writable_for(&s->pages, buf, len));
}

ssize_t transfer_receive(struct sock *s, void *buf, size_t len, int flags)
{
	struct os_span span = {buf, len};
	int ignored = 0;

	if (__builtin_expect(is_special(s, buf, len, flags), 0))
		return receive_special(s, buf, len, flags, &ignored);
	if (len > TRANSFER_MAX)
		span.len = TRANSFER_MAX;
	return receive_spans(s, &span, 1, receive_flags(s, flags));
}

static ssize_t receive_vector_special(struct sock *s, const struct iovec *iov,
	size_t count, int flags, int *msg_flags)
{
	while (count > 0 && iov->iov_len == 0) {
		iov++;
		count--;
	}
	if (count == 0)
		return receive_special(s, NULL, 0, flags, msg_flags);
	return receive_special(s, iov->iov_base, iov->iov_len, flags,
		msg_flags);
}

ssize_t transfer_receive_vector(struct sock *s, const struct iovec *iov,
	size_t count, int flags, int *msg_flags)
{
	struct os_span spans[VECTOR_PIECES];
	struct vector v;
	unsigned how = receive_flags(s, flags), n;
	ssize_t got = 0;
	ssize_t r = vector_start(&v, iov, count, !(flags & MSG_TRUNC));
	size_t bytes;

	if (r == -EFAULT)
		return receive_nothing(s, flags, r);
	if (r < 0)
		return r;
	if (v.left == 0 || (flags & (MSG_OOB | MSG_ERRQUEUE)))
		return receive_vector_special(s, iov, count, flags, msg_flags);
	while (v.left > 0 && (n = vector_next(&v, spans, &bytes)) > 0) {
		r = receive_spans(s, spans, n, how);
		if (r <= 0)
			return got > 0 ? got : r;
		got += r;
		if ((size_t)r < bytes || (flags & MSG_PEEK))
			break;
		if (!(flags & MSG_WAITALL))
			how |= SW_DONTWAIT;
	}
	return got;
}
