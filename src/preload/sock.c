/* SPDX-License-Identifier: MIT */
#include "sock.h"

#include <string.h>

#include "base/sockaddr.h"
#include "epoll_set.h"
#include "heir.h"
#include "option.h"
#include "real.h"
#include "sys.h"

static struct pool socks = POOL_INIT(struct sock);

static const struct sw_options unset = {
	.receive_timeout = OS_FOREVER,
	.send_timeout = OS_FOREVER,
	.receive_low_water = 1,
};

void file_start(struct file *f, enum file_kind kind)
{
	f->fd = -1;
	f->closing = -1;
	f->members = NULL;
	atomic_store_explicit(&f->finishing, false, memory_order_relaxed);
	file_set_kind(f, kind);
	atomic_store_explicit(&f->refs, 1, memory_order_release);
}

void file_undo(void *file)
{
	file_release(file);
}

struct sock *sock_create(uint8_t family)
{
	struct sock *s = pool_take(&socks);

	if (!s)
		return NULL;
	memset((char *)s + sizeof s->file, 0, sizeof *s - sizeof s->file);
	s->family = family;
	s->values = unset;
	file_start(&s->file, FILE_FRESH);
	return s;
}

/* ---- the SAN side of a listener -------------------------------------- */

struct sw_listener *listener_get(struct sock *s)
{
	struct sw_listener *l;

	if (!atomic_load_explicit(&s->listener, memory_order_acquire))
		return NULL;
	atomic_fetch_add(&s->listener_users, 1);
	l = atomic_load(&s->listener);
	if (!l)
		listener_put(s);
	return l;
}

void listener_put(struct sock *s)
{
	atomic_fetch_sub(&s->listener_users, 1);
}

void listener_hide_handles(struct sw_listener *l)
{
	os_handle handles[SW_LISTENER_HANDLES];
	unsigned n = sw_listener_handles(l, handles, SW_LISTENER_HANDLES);

	for (unsigned i = 0; i < n; i++)
		fdtable_hide((int)handles[i]);
}

void listener_serve(struct sock *s)
{
	struct sw_listener *l = listener_get(s);
	int saved = errno;

	if (!l)
		return;
	if (sw_listener_serve(l))
		listener_hide_handles(l);
	listener_put(s);
	errno = saved;
}

static void unhide_handles(struct sw_listener *l)
{
	os_handle handles[SW_LISTENER_HANDLES];
	unsigned n = sw_listener_handles(l, handles, SW_LISTENER_HANDLES);

	for (unsigned i = 0; i < n; i++)
		fdtable_unhide((int)handles[i]);
}

/* Users stay for one sw_accept, which does not block. One that never ends is
 * this very thread, interrupted by a signal: then the memory is left alone. */
static bool users_are_gone(struct sock *s)
{
	for (int i = 0; i < 1000; i++) {
		if (atomic_load(&s->listener_users) == 0)
			return true;
		os_yield();
	}
	return false;
}

void listener_drop(struct sock *s)
{
	struct sw_listener *l;

	set_file_unlisten(&s->file);
	l = atomic_exchange(&s->listener, NULL);
	if (!l || !users_are_gone(s))
		return;
	unhide_handles(l);
	sw_listener_close(l);
}

static bool has_handle(struct sock *s, int fd)
{
	os_handle handles[SW_LISTENER_HANDLES];
	struct sw_listener *l = listener_get(s);
	unsigned n;
	bool found = false;

	if (!l)
		return false;
	n = sw_listener_handles(l, handles, SW_LISTENER_HANDLES);
	for (unsigned i = 0; i < n; i++)
		found |= handles[i] == (os_handle)fd;
	listener_put(s);
	return found;
}

int sock_put_name(struct sock *s, const struct addr *a, struct sockaddr *sa,
	socklen_t *len)
{
	if (!memory_writable(len, sizeof *len))
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	if (!memory_writable(sa, *len))
		return -EFAULT;
	*len = (socklen_t)addr_put_sockaddr(a, s->family, sa, *len);
	return 0;
}

static void explain_drop(int fd, enum sw_reason why)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct addr local;

	if (sw_explaining() &&
		real.getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
		addr_from_sockaddr((struct sockaddr *)&sa, (int)len, &local))
		sw_explain(SW_LISTEN, &local, NULL, NULL, why);
}

void listener_leave(struct sock *s, int fd)
{
	if (!atomic_load(&s->listener))
		return;
	listener_drop(s);
	explain_drop(fd, SW_PASSED);
}

void listener_drop_handle(int fd)
{
	for (int i = 0; i < (int)fdtable_top(); i++) {
		struct file *f = fdtable_hold(i);

		if (!f)
			continue;
		if (file_kind(f) == FILE_LISTENER &&
			has_handle(sock_of(f), fd)) {
			listener_drop(sock_of(f));
			explain_drop(i, SW_NO_DESCRIPTORS);
		}
		file_release(f);
	}
	fdtable_unhide(fd);
}

/* ---- for fdtable.c --------------------------------------------------- */

bool file_moved(struct file *f, int from, int to)
{
	struct sock *s = sock_of(f);

	if (file_kind(f) != FILE_SAN ||
		sw_conn_handle(s->conn) != (os_handle)from)
		return false;
	sw_conn_set_handle(s->conn, to);
	return true;
}

void file_lost(struct file *f)
{
	if (file_kind(f) == FILE_SAN)
		sock_of(f)->lost = true;
}

void file_abandon(struct file *f)
{
	set_file_gone(f);
}

void file_fini(struct file *f)
{
	struct sock *s = sock_of(f);

	switch (file_kind(f)) {
	case FILE_SAN:
		if (!s->lost && heirs_inherit(s))
			break;
		if (s->lost)
			sw_close_lost(s->conn);
		else
			sw_close(s->conn);
		s->conn = NULL;
		break;
	case FILE_LISTENER:
		listener_drop(s);
		if (s->accept_lock)
			os_shared_free(s->accept_lock, sizeof *s->accept_lock);
		break;
	case FILE_SET:
		set_fini((struct epoll_set *)f);
		break;
	default:
		break;
	}
}

void file_free(struct file *f)
{
	if (file_kind(f) == FILE_SET) {
		set_free((struct epoll_set *)f);
		return;
	}
	option_release(sock_of(f)->options);
	pool_give(&socks, f);
}

struct file *file_at(uint32_t index, bool is_set)
{
	return is_set ? set_at(index) : pool_at(&socks, index);
}

void file_forked(struct file *f)
{
	if (file_kind(f) == FILE_SET) {
		set_forked((struct epoll_set *)f);
		return;
	}
	guard_reset(&sock_of(f)->guard);
	atomic_store(&sock_of(f)->listener_users, 0);
}
