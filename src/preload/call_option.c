/* SPDX-License-Identifier: MIT */
/* call_option.c - getsockopt and setsockopt. */
#include "epoll_set.h"
#include "option.h"
#include "real.h"

INTERPOSED int setsockopt(int fd, int level, int name, const void *value,
	socklen_t len)
{
	struct sock *s = sock_enter(fd);
	bool entered;
	int r;

	if (!s)
		return real.setsockopt(fd, level, name, value, len);
	entered = guard_enter(&s->guard);
	if (sock_is(s, FILE_SAN)) {
		r = option_set(s, level, name, value, len);
		if (level == SOL_SOCKET &&
			(name == SO_RCVLOWAT || name == SO_OOBINLINE))
			set_file_changed(&s->file);
	} else {
		r = real.setsockopt(fd, level, name, value, len);
		if (r == 0)
			option_note(s, level, name, value, len);
		else
			r = -errno;
	}
	guard_leave(&s->guard, entered);
	return (int)sock_finish(s, r);
}

INTERPOSED int getsockopt(int fd, int level, int name, void *value,
	socklen_t *len)
{
	struct sock *s = san_enter(fd);
	bool entered;
	int r;

	if (!s)
		return real.getsockopt(fd, level, name, value, len);
	entered = guard_enter(&s->guard);
	r = option_get(s, level, name, value, len);
	guard_leave(&s->guard, entered);
	return (int)sock_finish(s, r);
}
