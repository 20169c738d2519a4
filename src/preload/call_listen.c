/* SPDX-License-Identifier: MIT */
/* call_listen.c - listen: TCP and every SAN at one port. */
#include <netinet/in.h>

#include "base/sockaddr.h"
#include "epoll_set.h"
#include "real.h"
#include "sock.h"
#include "sys.h"

static bool name_of(int fd, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	return real.getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
		addr_from_sockaddr((struct sockaddr *)&sa, (int)len, out);
}

static bool is_only_v6(struct sock *s, int fd)
{
	int on = 0;
	socklen_t len = sizeof on;

	return s->family == AF_INET6 &&
		sys_getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
			&len) == 0 &&
		on;
}

static bool offer(struct sock *s, int fd, const struct addr *local,
	enum sw_reason *why)
{
	struct sw_listener *l;

	*why = SW_REUSEPORT;
	if (s->reuseport)
		return false;
	*why = SW_OPTION;
	if (s->only_tcp)
		return false;
	if (!sw_listen(local, is_only_v6(s, fd), &l, why))
		return false;
	listener_hide_handles(l);
	s->accept_lock = os_shared_alloc(sizeof *s->accept_lock);
	atomic_store(&s->listener, l);
	return true;
}

/* The kernel listens; now the SANs, for a socket that did not listen yet. */
static void listen_san(struct sock *s, int fd)
{
	bool entered = guard_enter(&s->guard);
	struct addr local;
	enum sw_reason why;

	if (sock_is(s, FILE_FRESH) && name_of(fd, &local)) {
		bool there = offer(s, fd, &local, &why);

		set_file_detach(&s->file);
		file_set_kind(&s->file, FILE_LISTENER);
		set_file_attach(&s->file);
		if (!there && sw_explaining())
			sw_explain(SW_LISTEN, &local, NULL, NULL, why);
	}
	guard_leave(&s->guard, entered);
}

INTERPOSED int listen(int fd, int backlog)
{
	struct sock *s;
	int r, saved = errno;

	/* A connection's handle is no TCP socket, but it is connected too. */
	if (fdtable_is(fd, FILE_SAN))
		return (int)result(-EINVAL);
	r = real.listen(fd, backlog);
	s = r == 0 ? sock_enter(fd) : NULL;
	if (s) {
		listen_san(s, fd);
		sock_leave(s);
		errno = saved;
	}
	return r;
}
