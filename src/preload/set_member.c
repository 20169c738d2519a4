/* SPDX-License-Identifier: MIT */
/* set_member.c - members come into a set and leave it. */
#include "epoll_set.h"
#include "sock.h"
#include "sys.h"

static void find_handles(struct member *m)
{
	struct sw_listener *l;

	listener_serve(sock_of(m->file));
	l = listener_get(sock_of(m->file));
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

void set_wake_member(struct member *m)
{
	m->disabled = false;
	m->edge = true;
	m->round = 0;
	m->quiet = false;
	if (m->kind == MEMBER_SAN || m->kind == MEMBER_SET)
		set_heat(m->set, m);
}

int set_admit(struct member *m)
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
	set_wake_member(m);
	return 0;
}

/* Is the number still the file's? Otherwise the kernel would take another
 * file out of the set, if it has the number now. */
static bool has_number(struct member *m)
{
	return fdtable_peek(m->fd) == m->file ||
		fdtable_is(m->fd, FILE_CLOSING);
}

void set_expel(struct member *m, bool quietly)
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

void set_link_member(struct member *m)
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

void set_unlink_member(struct member *m)
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

void set_remove_member(struct member *m, bool quietly)
{
	struct epoll_set *set = m->set;
	bool entered = guard_enter(&set->guard);

	set_expel(m, quietly);
	set_unlink_member(m);
	member_free(m);
	guard_leave(&set->guard, entered);
}
