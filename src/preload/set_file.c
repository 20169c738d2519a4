/* SPDX-License-Identifier: MIT */
/*
 * set_file.c - files enter epoll sets, leave them, and change while inside.
 */
#include <string.h>

#include "epoll_set.h"
#include "events.h"
#include "memory.h"
#include "sock.h"
#include "sys.h"

static struct guard links;

bool set_links_enter(void)
{
	return guard_enter(&links);
}

void set_links_leave(bool entered)
{
	guard_leave(&links, entered);
}

void set_links_reset(void)
{
	guard_reset(&links);
}

/* ---- one member; links and the set's guard held ------------------------------ */

static void find_handles(struct member *m)
{
	struct sw_listener *l = listener_get(sock_of(m->file));

	m->handle_count = 0;
	if (!l)
		return;
	m->handle_count = sw_listener_handles(l, m->handles,
		SW_LISTENER_HANDLES);
	listener_put(sock_of(m->file));
}

/* By what its file is now. */
static void set_kind(struct member *m)
{
	m->handle_count = 0;
	m->kind = MEMBER_PLAIN;
	switch (file_kind(m->file)) {
	case FILE_SAN:
		m->kind = MEMBER_SAN;
		break;
	case FILE_SET:
		m->kind = MEMBER_SET;
		break;
	case FILE_LISTENER:
		find_handles(m);
		if (m->handle_count > 0)
			m->kind = MEMBER_LISTENER;
		break;
	default:
		break;
	}
}

/* A member that the program has added or changed: everything is news. */
static void wake_up(struct member *m)
{
	m->disabled = false;
	m->edge = true;
	m->round = 0;
	if (m->kind == MEMBER_SAN || m->kind == MEMBER_SET)
		set_heat(m->set, m);
}

static int admit(struct member *m)
{
	int r;

	set_kind(m);
	if (m->kind != MEMBER_PLAIN)
		atomic_fetch_add(&m->set->watched, 1);
	r = member_register(m, EPOLL_CTL_ADD);
	if (r < 0) {
		if (m->kind != MEMBER_PLAIN)
			atomic_fetch_sub(&m->set->watched, 1);
		return r;
	}
	if (m->kind == MEMBER_SAN)
		sw_watch(sock_of(m->file)->conn, 1);
	wake_up(m);
	return 0;
}

/* Is the number still the file's? Otherwise the kernel would take another
 * file out of the set, if it has the number now. */
static bool has_number(struct member *m)
{
	return fdtable_peek(m->fd) == m->file ||
		fdtable_is(m->fd, FILE_CLOSING);
}

/* `quietly`: the kernel's part is left as it is. */
static void expel(struct member *m, bool quietly)
{
	set_drop(m->set, m);
	if (!quietly && has_number(m))
		member_unregister(m);
	else if (!quietly)
		member_forget_handles(m);
	if (m->kind == MEMBER_SAN)
		sw_watch(sock_of(m->file)->conn, -1);
	if (m->kind != MEMBER_PLAIN)
		atomic_fetch_sub(&m->set->watched, 1);
}

static void link_member(struct member *m)
{
	struct epoll_set *set = m->set;

	m->set_next = set->members;
	m->set_link = &set->members;
	if (set->members)
		set->members->set_link = &m->set_next;
	set->members = m;
	m->file_next = m->file->members;
	m->file->members = m;
}

static void unlink_member(struct member *m)
{
	struct member **link = &m->file->members;

	*m->set_link = m->set_next;
	if (m->set_next)
		m->set_next->set_link = m->set_link;
	while (*link && *link != m)
		link = &(*link)->file_next;
	if (*link)
		*link = m->file_next;
}

/* ---- epoll_ctl; links held ----------------------------------------------------- */

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
	r = admit(m);
	if (r < 0) {
		member_free(m);
		return r;
	}
	link_member(m);
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
	wake_up(m);
	return 0;
}

static void remove_member(struct member *m, bool quietly)
{
	struct epoll_set *set = m->set;
	bool entered = guard_enter(&set->guard);

	expel(m, quietly);
	unlink_member(m);
	member_free(m);
	guard_leave(&set->guard, entered);
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
		remove_member(m, false);
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

/* ---- a file changes its kind ---------------------------------------------------- */

static bool detached_by;

void set_file_detach(struct file *f)
{
	detached_by = set_links_enter();
	for (struct member *m = f->members; m; m = m->file_next) {
		bool entered = guard_enter(&m->set->guard);

		expel(m, false);
		guard_leave(&m->set->guard, entered);
	}
}

void set_file_attach(struct file *f)
{
	bool entered_links = detached_by;

	for (struct member *m = f->members; m; m = m->file_next) {
		bool entered = guard_enter(&m->set->guard);

		admit(m);
		guard_leave(&m->set->guard, entered);
	}
	set_links_leave(entered_links);
}

/* A socket that becomes plain TCP stays in the kernel's set as it is. What the
 * kernel would forget by itself, it does not when a forked process shares the
 * file; so it is told, unless the set is that process's too. */
static bool may_stay(struct member *m)
{
	return m->kind == MEMBER_PLAIN || !set_is_own(m->set);
}

void set_file_gone(struct file *f)
{
	bool entered;

	if (!f->members)
		return;
	entered = set_links_enter();
	while (f->members)
		remove_member(f->members, may_stay(f->members));
	set_links_leave(entered);
}

void set_file_unlisten(struct file *f)
{
	bool entered = set_links_enter();

	for (struct member *m = f->members; m; m = m->file_next) {
		bool inside = guard_enter(&m->set->guard);

		if (m->kind == MEMBER_LISTENER && set_is_own(m->set))
			member_forget_handles(m);
		guard_leave(&m->set->guard, inside);
	}
	set_links_leave(entered);
}

void set_fini(struct epoll_set *set)
{
	bool entered = set_links_enter();

	while (set->members)
		remove_member(set->members, true);
	set_links_leave(entered);
}

/* ---- something happens to a connection ------------------------------------------- */

static void stir(struct file *f, uint32_t interest)
{
	bool entered = set_links_enter();

	for (struct member *m = f->members; m; m = m->file_next) {
		bool inside = guard_enter(&m->set->guard);

		if (m->kind == MEMBER_SAN && !m->hot && !m->disabled &&
			(!interest || (m->events & interest))) {
			set_heat(m->set, m);
			if (atomic_load(&m->set->sleepers) > 0)
				member_kick(m);
		}
		guard_leave(&m->set->guard, inside);
	}
	set_links_leave(entered);
}

void set_file_blocked(struct file *f)
{
	stir(f, EVENTS_OUT);
}

void set_file_changed(struct file *f)
{
	if (f->members)
		stir(f, 0);
}
