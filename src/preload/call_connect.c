/* SPDX-License-Identifier: MIT */
/* call_connect.c - connect: over a SAN if there is one, else over TCP. */
#include <netinet/in.h>
#include <string.h>

#include "base/sockaddr.h"
#include "connect.h"
#include "memory.h"
#include "real.h"
#include "switch/settings.h"
#include "transfer.h"

/* How long a provider may take that needs the other side's answer. A program
 * that does not want to block is blocked for a tenth of that at most. */
static uint64_t patience_of(struct sock *s)
{
	uint64_t patience = (uint64_t)sw_settings()->patience * 1000000;
	uint64_t limit = s->nonblock ? patience / 10
				     : s->values.send_timeout;

	return patience < limit ? patience : limit;
}

static void own_address(int fd, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	memset(out, 0, sizeof *out);
	if (real.getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
		!addr_from_sockaddr((struct sockaddr *)&sa, (int)len, out))
		out->family = 0;
}

/* Where the program has bound the socket; family 0 when it has not. */
static void bound_address(struct sock *s, int fd, struct addr *out)
{
	memset(out, 0, sizeof *out);
	if (s->bound)
		own_address(fd, out);
}

/* Why a connect goes over TCP; told when the kernel has chosen an address. */
struct detour {
	bool taken;
	enum sw_reason why;
	struct addr remote;
};

static void explain_detour(int fd, const struct detour *d)
{
	struct addr local;
	int saved = errno;

	own_address(fd, &local);
	sw_explain(SW_CONNECT, &local, &d->remote, NULL, d->why);
	errno = saved;
}

/* What the kernel would refuse or treat in its own way is left to it. */
static bool is_for_kernel(struct sock *s, const struct sockaddr *sa,
	socklen_t len, struct addr *remote)
{
	if (len < sizeof sa->sa_family ||
		len > sizeof(struct sockaddr_storage) ||
		!memory_readable(sa, len) || sa->sa_family != s->family)
		return true;
	if (!addr_from_sockaddr(sa, (int)len, remote) || remote->port == 0)
		return true;
	return s->only_v6 && remote->family == 4;
}

/* A wildcard serves both families; another address only its own. */
static bool match_families(struct addr *local, const struct addr *remote)
{
	if (local->family == 0 || local->family == remote->family)
		return true;
	if (!addr_is_any(local))
		return false;
	*local = addr_any(remote->family, local->port);
	return true;
}

static bool connect_san(struct sock *s, const struct addr *local,
	const struct addr *remote, enum sw_reason *why)
{
	struct sw_conn *c;

	*why = SW_OPTION;
	if (s->only_tcp || s->reuseport)
		return false;
	if (!sw_connect(local, remote, patience_of(s), &c, why))
		return false;
	if (sock_adopt_connected(s, c))
		return true;
	sw_close(c);
	*why = SW_FAILED;
	return false;
}

/* Guard held, the socket is FRESH. 0, -EINPROGRESS, or 1: use TCP. */
static int connect_fresh(struct sock *s, int fd, const struct sockaddr *sa,
	socklen_t len, struct detour *d)
{
	struct addr local;

	if (is_for_kernel(s, sa, len, &d->remote))
		return 1;
	bound_address(s, fd, &local);
	if (!match_families(&local, &d->remote))
		return 1;
	if (!connect_san(s, &local, &d->remote, &d->why)) {
		d->taken = sw_explaining();
		return 1;
	}
	/* Programs that do not block expect to be told later. */
	s->connecting = s->nonblock;
	return s->connecting ? -EINPROGRESS : 0;
}

static int connect_again(struct sock *s, const struct sockaddr *sa,
	socklen_t len)
{
	if (len < sizeof sa->sa_family ||
		len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	if (!memory_readable(sa, len))
		return -EFAULT;
	if (sa->sa_family == AF_UNSPEC)
		return sock_disconnect(s);
	if (s->connecting) {
		s->connecting = false;
		return 0;
	}
	return -EISCONN;
}

static int connect_sock(struct sock *s, int fd, const struct sockaddr *sa,
	socklen_t len, struct detour *d)
{
	bool entered = guard_enter(&s->guard);
	int r = 1;

	if (sock_is(s, FILE_SAN))
		r = connect_again(s, sa, len);
	else if (sock_is(s, FILE_FRESH))
		r = connect_fresh(s, fd, sa, len, d);
	guard_leave(&s->guard, entered);
	return r;
}

/* TCP it is, unless the kernel has refused at once: then the program may try
 * somewhere else with the same socket. */
static int connect_tcp(int fd, const struct sockaddr *sa, socklen_t len)
{
	int r = real.connect(fd, sa, len), saved = errno;

	if (r == 0 || saved == EINPROGRESS || saved == EINTR ||
		saved == EALREADY || saved == EISCONN)
		sock_stays_tcp(fd);
	errno = saved;
	return r;
}

INTERPOSED int connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct sock *s = sock_enter(fd);
	struct detour d = {.taken = false};
	int r;

	if (!s)
		return real.connect(fd, sa, len);
	r = connect_sock(s, fd, sa, len, &d);
	sock_leave(s);
	if (r <= 0)
		return (int)result(r);
	r = connect_tcp(fd, sa, len);
	if (d.taken)
		explain_detour(fd, &d);
	return r;
}

INTERPOSED int __connect(int fd, const struct sockaddr *sa, socklen_t len)
	__attribute__((alias("connect")));
