/* SPDX-License-Identifier: MIT */
/* call_accept.c - accept: what comes over a SAN or over TCP, at one port. */
#include <limits.h>
#include <pthread.h>

#include "base/sockaddr.h"
#include "connect.h"
#include "foreign.h"
#include "real.h"
#include "signals.h"
#include "sys.h"
#include "transfer.h"

/* When both have connections waiting, TCP is asked first every so often. */
#define TCP_EVERY 4

#define NOT_OURS INT_MIN

/* Where the caller wants the peer's address, and how the new descriptor. */
struct acceptance {
	int fd;
	struct sockaddr *sa;
	socklen_t *len;
	int flags;
};

/* NULL: a listener that we do not know. */
static enum sw_reason why_tcp(struct sock *s)
{
	struct sw_listener *l = s ? listener_get(s) : NULL;
	enum sw_reason why = SW_PEER_PLAIN;

	if (l) {
		why = sw_listener_reason(l);
		listener_put(s);
	}
	return why;
}

static void explain_tcp(struct sock *s, int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct addr local, peer;

	if (!sw_explaining() ||
		real.getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
		!addr_from_sockaddr((struct sockaddr *)&sa, (int)len, &local))
		return;
	len = sizeof sa;
	if (real.getpeername(fd, (struct sockaddr *)&sa, &len) == 0 &&
		addr_from_sockaddr((struct sockaddr *)&sa, (int)len, &peer))
		sw_explain(SW_ACCEPT, &local, &peer, NULL, why_tcp(s));
}

static int accept_tcp(struct sock *s, const struct acceptance *a)
{
	int fd = real.accept4(a->fd, a->sa, a->len, a->flags);

	if (fd < 0)
		return -errno;
	fdtable_fresh(fd);
	explain_tcp(s, fd);
	return fd;
}

/* As in the kernel, a connection whose peer cannot be told is lost. */
static int put_peer(struct sock *s, const struct acceptance *a, int fd,
	const struct addr *peer)
{
	int r;

	if (!a->sa)
		return fd;
	r = sock_put_name(s, peer, a->sa, a->len);
	if (r < 0)
		fdtable_close(fd);
	return r < 0 ? r : fd;
}

static int accept_san(struct sock *s, const struct acceptance *a)
{
	struct sw_listener *l = listener_get(s);
	struct sw_conn *c;
	struct addr peer;
	enum status st = ST_AGAIN;
	int fd;

	if (l) {
		st = sw_accept(l, &c);
		listener_put(s);
	}
	if (st == ST_NOHANDLES)
		return -EMFILE;
	if (st == ST_NOMEM)
		return -ENOBUFS;
	/* Another process has ended the offer (carry_listeners). */
	if (st == ST_INVAL)
		listener_leave(s, a->fd);
	if (st != ST_OK)
		return -EAGAIN;
	sw_conn_peer(c, &peer);
	fd = sock_adopt_accepted(s, c, a->flags);
	return fd < 0 ? fd : put_peer(s, a, fd, &peer);
}

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timespec none = {0, 0};

	/* A signal is no news of it. */
	return sys_ppoll(&p, 1, &none) > 0;
}

/*
 * The kernel's part must not block, or a connection over a SAN would wait for
 * one over TCP. So it is looked at first, by one thread of all processes that
 * share the listener at a time: what has been seen is then still there.
 */
static int accept_tcp_now(struct sock *s, const struct acceptance *a)
{
	bool locked;
	int fd = -EAGAIN;

	if (s->nonblock || !s->accept_lock)
		return accept_tcp(s, a);
	locked = !os_shared_lock_mine(s->accept_lock);
	if (locked)
		os_shared_lock_acquire(s->accept_lock);
	if (is_readable(a->fd))
		fd = accept_tcp(s, a);
	if (locked)
		os_shared_lock_release(s->accept_lock);
	return fd;
}

/* One look at both. -EAGAIN: nothing. */
static int accept_now(struct sock *s, const struct acceptance *a)
{
	bool tcp_first = atomic_fetch_add(&s->turn, 1) % TCP_EVERY == 0;
	int fd;

	fd = tcp_first ? accept_tcp_now(s, a) : accept_san(s, a);
	if (fd != -EAGAIN)
		return fd;
	return tcp_first ? accept_san(s, a) : accept_tcp_now(s, a);
}

/* What a blocking accept sleeps on, and until when. */
struct accept_sleep {
	struct pollfd fds[1 + SW_LISTENER_HANDLES + SIGNALS_ROOM];
	unsigned count;
	uint64_t deadline;
};

static void prepare_sleep(struct sock *s, int fd, struct accept_sleep *w)
{
	os_handle handles[SW_LISTENER_HANDLES];
	struct sw_listener *l = listener_get(s);
	unsigned n = 0;

	if (l) {
		n = sw_listener_handles(l, handles, SW_LISTENER_HANDLES);
		listener_put(s);
	}
	w->fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	for (unsigned i = 0; i < n; i++)
		w->fds[i + 1] = (struct pollfd){.fd = (int)handles[i],
			.events = POLLIN};
	w->count = n + 1;
	if (w->deadline == 0 && s->values.receive_timeout != OS_FOREVER)
		w->deadline = os_now() + s->values.receive_timeout;
}

/* 0: look again. Nothing is held here, so a thread may be cancelled. */
static int sleep_now(struct accept_sleep *w)
{
	struct timespec limit;
	uint64_t now = w->deadline ? os_now() : 0;

	if (w->deadline) {
		if (now >= w->deadline)
			return -EAGAIN;
		limit.tv_sec = (time_t)((w->deadline - now) / 1000000000u);
		limit.tv_nsec = (long)((w->deadline - now) % 1000000000u);
	}
	return signals_poll(w->fds, w->count, w->deadline ? &limit : NULL);
}

/* Not to be cancelled in here: the socket is held. */
static int accept_entered(struct sock *s, const struct acceptance *a,
	struct accept_sleep *w, bool *again)
{
	int former, r;

	if (!sock_is(s, FILE_LISTENER) || !atomic_load(&s->listener))
		return NOT_OURS;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &former);
	listener_serve(s);
	r = accept_now(s, a);
	pthread_setcancelstate(former, NULL);
	*again = r == -EAGAIN && !s->nonblock;
	if (*again)
		prepare_sleep(s, a->fd, w);
	return r;
}

/* The descriptor, -errno, or NOT_OURS: not a listener with SANs (any more). */
static int accept_any(const struct acceptance *a)
{
	struct accept_sleep w = {.deadline = 0};
	bool again = true;
	int r = 0;

	while (r == 0 && again) {
		struct sock *s = sock_enter(a->fd);

		if (!s)
			return NOT_OURS;
		again = false;
		r = accept_entered(s, a, &w, &again);
		sock_leave(s);
		if (again)
			r = sleep_now(&w);
	}
	return r;
}

static int accept_with(const struct acceptance *a)
{
	int saved = errno, r = -EINVAL;

	pthread_testcancel();
	if (!(a->flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)))
		r = accept_any(a);
	if (r == NOT_OURS)
		r = accept_tcp(NULL, a);
	if (r >= 0)
		errno = saved;
	return (int)result(r);
}

static int fresh(int fd)
{
	fdtable_fresh(fd);
	return fd;
}

INTERPOSED int accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	const struct acceptance a = {fd, sa, len, flags};

	/* The handle is a Unix socket, and TCP would say the same. */
	if (fdtable_is(fd, FILE_SAN))
		return (int)result(-EINVAL);
	if (!fdtable_is(fd, FILE_LISTENER))
		return fresh(real.accept4(fd, sa, len, flags));
	return accept_with(&a);
}

INTERPOSED int accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	const struct acceptance a = {fd, sa, len, 0};

	if (fdtable_is(fd, FILE_SAN))
		return (int)result(-EINVAL);
	if (!fdtable_is(fd, FILE_LISTENER)) {
		int made = fresh(real.accept(fd, sa, len));

		return foreign_code(__builtin_return_address(0))
			? foreign_take(made)
			: made;
	}
	return accept_with(&a);
}
