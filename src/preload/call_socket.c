/* SPDX-License-Identifier: MIT */
/* call_socket.c - socket, its names, shutdown. */
#include <netinet/in.h>

#include "epoll_set.h"
#include "errors.h"
#include "foreign.h"
#include "real.h"
#include "sock.h"
#include "sys.h"
#include "transfer.h"

static bool is_tcp(int domain, int type, int protocol)
{
	return (domain == AF_INET || domain == AF_INET6) &&
		(type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM &&
		(protocol == 0 || protocol == IPPROTO_TCP);
}

/* Without memory the socket is what it is: plain TCP. */
static void track(int fd, int domain, int type)
{
	struct sock *s = sock_create((uint8_t)domain);

	if (!s)
		return;
	s->nonblock = type & SOCK_NONBLOCK;
	if (!fdtable_insert(fd, &s->file))
		file_release(&s->file);
}

INTERPOSED int socket(int domain, int type, int protocol)
{
	int fd = real.socket(domain, type, protocol);

	fdtable_fresh(fd);
	if (foreign_code(__builtin_return_address(0)))
		return foreign_take(fd);
	if (fd >= 0 && fdtable.size > 0 && is_tcp(domain, type, protocol) &&
		(sw_enabled() || sw_explaining()))
		track(fd, domain, type);
	return fd;
}

INTERPOSED int bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	int r = real.bind(fd, sa, len);
	struct sock *s = r == 0 ? sock_enter(fd) : NULL;

	if (s) {
		s->bound = true;
		sock_leave(s);
	}
	return r;
}

INTERPOSED int getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	struct sock *s = san_enter(fd);
	struct addr local;

	if (!s)
		return real.getsockname(fd, sa, len);
	sw_conn_local(s->conn, &local);
	return (int)sock_finish(s, sock_put_name(s, &local, sa, len));
}

INTERPOSED int getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	struct sock *s = san_enter(fd);
	struct addr peer;

	if (!s)
		return real.getpeername(fd, sa, len);
	if (sw_ready(s->conn) & SW_HUP)
		return (int)sock_finish(s, -ENOTCONN);
	sw_conn_peer(s->conn, &peer);
	return (int)sock_finish(s, sock_put_name(s, &peer, sa, len));
}

static int shutdown_san(struct sock *s, int how)
{
	enum status st;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	st = sw_shutdown(s->conn,
		(how != SHUT_WR ? SW_SHUT_RECEIVE : 0) |
			(how != SHUT_RD ? SW_SHUT_SEND : 0));
	if (st != ST_OK)
		return -errno_of(st);
	if (how != SHUT_RD)
		s->shut_send = true;
	/* Nobody rings for what this side has done. */
	set_file_changed(&s->file);
	return 0;
}

/* A listener that is shut down for receiving listens no more. */
static void shutdown_listener(int fd, int how)
{
	struct sock *s = sock_enter(fd);

	if (!s)
		return;
	if (sock_is(s, FILE_LISTENER) && how != SHUT_WR)
		listener_drop(s);
	sock_leave(s);
}

INTERPOSED int shutdown(int fd, int how)
{
	struct sock *s = san_enter(fd);
	int r;

	if (s)
		return (int)sock_finish(s, shutdown_san(s, how));
	r = real.shutdown(fd, how);
	if (r == 0 && fdtable_is(fd, FILE_LISTENER))
		shutdown_listener(fd, how);
	return r;
}
