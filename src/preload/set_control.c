/* SPDX-License-Identifier: MIT */
/* set_control.c - epoll_ctl for descriptors of ours. All under set_links. */
#include <string.h>

#include "epoll_set.h"
#include "memory.h"
#include "sock.h"
#include "sys.h"

static struct member *find(struct epoll_set *set, struct file *f, int fd)
{
	struct member *m = f->members;

	while (m && (m->set != set || m->fd != fd))
		m = m->file_next;
	return m;
}

static int add(struct epoll_set *set, struct file *f, int fd,
	const struct epoll_event *ev)
{
	struct member *m;
	int r;

	if (find(set, f, fd))
		return -EEXIST;
	m = member_create();
	if (!m)
		return -ENOMEM;
	memset((char *)m + sizeof m->pooled, 0, sizeof *m - sizeof m->pooled);
	m->set = set;
	m->file = f;
	m->fd = fd;
	m->events = ev->events;
	m->data = ev->data.u64;
	r = set_admit(m);
	if (r < 0) {
		member_free(m);
		return r;
	}
	set_link_member(m);
	return 0;
}

static int modify(struct member *m, const struct epoll_event *ev)
{
	struct member before = *m;
	int r;

	if ((m->events | ev->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	m->events = ev->events;
	m->data = ev->data.u64;
	/* What the kernel watches for a connection does not change. */
	if (m->kind == MEMBER_SAN && atomic_load(&m->set->sleepers) == 0)
		r = 0;
	else
		r = member_register(m, EPOLL_CTL_MOD);
	if (r < 0) {
		m->events = before.events;
		m->data = before.data;
		return r;
	}
	set_wake_member(m);
	return 0;
}

/* What the kernel would refuse for a socket. */
static int check_events(uint32_t events)
{
	const uint32_t allowed = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP |
		EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

	if ((events & EPOLLEXCLUSIVE) && (events & ~allowed))
		return -EINVAL;
	return 0;
}

static int change(struct epoll_set *set, struct file *f, int op, int fd,
	struct epoll_event *ev)
{
	struct member *m = find(set, f, fd);
	bool entered;
	int r = -EINVAL;

	if (op == EPOLL_CTL_DEL) {
		if (!m)
			return sys_epoll_ctl(set->file.fd, op, fd, ev);
		set_remove_member(m, false);
		return 0;
	}
	if (!memory_readable(ev, sizeof *ev))
		return -EFAULT;
	if (check_events(ev->events) < 0)
		return -EINVAL;
	entered = guard_enter(&set->guard);
	if (op == EPOLL_CTL_ADD)
		r = add(set, f, fd, ev);
	else if (op == EPOLL_CTL_MOD)
		r = m ? modify(m, ev)
		      : sys_epoll_ctl(set->file.fd, op, fd, ev);
	guard_leave(&set->guard, entered);
	return r;
}

/* An instance from before our time (inherited): tracked when it gets its first
 * member that needs it. */
static struct epoll_set *adopt_set(int epfd, int fd)
{
	struct epoll_set *set;

	if (sys_epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL) != -ENOENT)
		return NULL;
	set = set_create();
	if (!set)
		return NULL;
	if (!fdtable_insert(epfd, &set->file)) {
		file_release(&set->file);
		return NULL;
	}
	return (struct epoll_set *)fdtable_hold(epfd);
}

static struct epoll_set *set_hold(int epfd, int op, int fd)
{
	struct file *f = fdtable_hold(epfd);

	if (!f)
		return op == EPOLL_CTL_ADD ? adopt_set(epfd, fd) : NULL;
	if (file_kind(f) == FILE_SET)
		return (struct epoll_set *)f;
	file_release(f);
	return NULL;
}

int set_control(int epfd, int op, int fd, struct epoll_event *ev)
{
	struct file *f = fdtable_hold(fd);
	struct epoll_set *set = NULL;
	bool entered;
	int r;

	if (f && epfd != fd)
		set = set_hold(epfd, op, fd);
	if (!set) {
		if (f)
			file_release(f);
		return sys_epoll_ctl(epfd, op, fd, ev);
	}
	entered = set_links_enter();
	r = change(set, f, op, fd, ev);
	set_links_leave(entered);
	file_release(&set->file);
	file_release(f);
	return r;
}
