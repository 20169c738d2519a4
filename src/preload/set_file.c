/* SPDX-License-Identifier: MIT */
/* set_file.c - what happens to a file is told to the sets that watch it. */
#include "epoll_set.h"
#include "events.h"
#include "sock.h"

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

/* ---- a file changes its kind ----------------------------------------- */

static bool detached_by;

void set_file_detach(struct file *f)
{
	detached_by = set_links_enter();
	for (struct member *m = f->members; m; m = m->file_next) {
		bool entered = guard_enter(&m->set->guard);

		set_expel(m, false);
		guard_leave(&m->set->guard, entered);
	}
}

void set_file_attach(struct file *f)
{
	bool entered_links = detached_by;

	for (struct member *m = f->members; m; m = m->file_next) {
		bool entered = guard_enter(&m->set->guard);

		set_admit(m);
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
		set_remove_member(f->members, may_stay(f->members));
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
		set_remove_member(set->members, true);
	set_links_leave(entered);
}

/* ---- something happens to a connection ------------------------------- */

static void stir(struct file *f, uint32_t interest)
{
	bool entered = set_links_enter();

	for (struct member *m = f->members; m; m = m->file_next) {
		bool inside = guard_enter(&m->set->guard);

		m->quiet = false;
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
