/* SPDX-License-Identifier: MIT */
/*
 * epoll_wait.c - waiting on a set.
 *
 * Look at the hot members; look a little longer; let them rest; sleep in the
 * kernel, where doorbells and ordinary descriptors end the sleep alike. While
 * connections over SANs keep the program busy it never sleeps, so the kernel is
 * also asked in passing: at once as long as it has something, else every few
 * waits.
 */
#include <pthread.h>

#include "epoll_set.h"
#include "events.h"
#include "memory.h"
#include "real.h"
#include "sys.h"

#define ASK_KERNEL_EVERY 16
#define LOOKS_AT_ONCE 64 /* with the guard held */
#define ROUNDS_PER_QUESTION 16 /* while looking, the kernel is asked too */

struct waiting {
	struct epoll_set *set;
	int epfd;
	struct epoll_event *ev;
	int max;
	uint64_t timeout, deadline;
	const sigset_t *mask;
	unsigned round; /* this wait's number */
};

/* ---- the kernel ------------------------------------------------------ */

/* Whole milliseconds, rounded up. */
static int milliseconds(uint64_t ns)
{
	uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);

	return ms > 0x7fffffff ? 0x7fffffff : (int)ms;
}

static int kernel_wait(const struct waiting *w, struct epoll_event *ev,
	int max, uint64_t ns, const sigset_t *mask)
{
	struct timespec limit;
	int r;

	if (ns == OS_FOREVER || ns % 1000000 == 0 || ns > UINT64_C(1) << 60)
		return real.epoll_pwait(w->epfd, ev, max,
			ns == OS_FOREVER ? -1 : milliseconds(ns), mask);
	limit.tv_sec = (time_t)(ns / 1000000000u);
	limit.tv_nsec = (long)(ns % 1000000000u);
	r = real.epoll_pwait2(w->epfd, ev, max, &limit, mask);
	if (r < 0 && errno == ENOSYS)
		r = real.epoll_pwait(w->epfd, ev, max, milliseconds(ns), mask);
	return r;
}

/* ---- looking, guard held --------------------------------------------- */

static int take_stash(struct epoll_set *set, struct epoll_event *ev, int max)
{
	int n = 0;
	unsigned left;

	while (n < max && n < (int)set->stashed) {
		ev[n] = set->stash[n];
		n++;
	}
	left = set->stashed - (unsigned)n;
	for (unsigned i = 0; i < left; i++)
		set->stash[i] = set->stash[n + (int)i];
	set->stashed = left;
	return n;
}

/* What the kernel has now, without waiting. */
static int ask_kernel(struct waiting *w, struct epoll_event *ev, int max)
{
	int n = sys_epoll_wait(w->epfd, ev, max, 0);

	w->set->waits = 0;
	w->set->kernel_gave = n > 0;
	return n > 0 ? set_translate(w->set, ev, n) : 0;
}

/* Soon again when it had something, but not each time: with room for one event
 * only, connections would never have their turn. */
static bool is_kernels_turn(struct epoll_set *set)
{
	return ++set->waits >= (set->kernel_gave ? 2 : ASK_KERNEL_EVERY);
}

static int look(struct waiting *w)
{
	struct epoll_set *set = w->set;
	int n = take_stash(set, w->ev, w->max);

	if (n == 0 && set->hot && is_kernels_turn(set))
		n = ask_kernel(w, w->ev, w->max - w->max / 2);
	return n + set_scan(set, w->round, w->ev + n, w->max - n);
}

/* ---- looking longer -------------------------------------------------- */

static bool stirs(struct epoll_set *set)
{
	struct member *m = set->hot;

	for (unsigned left = set->hot_count; left > 0; left--) {
		if (member_stirs(m))
			return true;
		m = m->hot_next;
	}
	return false;
}

static bool stirs_soon(struct epoll_set *set, unsigned looks)
{
	do {
		if (stirs(set))
			return true;
		os_spin_hint();
		looks -= set->hot_count < looks ? set->hot_count : looks;
	} while (looks > 0);
	return false;
}

/* A round with the guard held, another without, so that others get it. */
static int look_longer(struct waiting *w, bool *entered)
{
	struct epoll_set *set = w->set;
	unsigned budget = set->hot ? sw_spin_budget() : 0;
	unsigned spent = 0, rounds = 0;
	int n = 0;

	while (spent < budget && set->hot && n == 0) {
		spent += LOOKS_AT_ONCE;
		if (stirs_soon(set, LOOKS_AT_ONCE)) {
			n = set_scan(set, w->round, w->ev, w->max);
		} else if (++rounds % ROUNDS_PER_QUESTION == 0) {
			n = ask_kernel(w, w->ev, w->max);
		} else if (guard_is_wanted(&set->guard)) {
			guard_leave(&set->guard, *entered);
			os_yield();
			*entered = guard_enter(&set->guard);
		}
	}
	if (budget > 0)
		sw_spin_result(n > 0);
	return n;
}

/* ---- sleeping -------------------------------------------------------- */

static uint64_t time_left(const struct waiting *w)
{
	uint64_t now;

	if (w->timeout == OS_FOREVER || w->timeout == 0)
		return w->timeout;
	now = os_now();
	return now < w->deadline ? w->deadline - now : 0;
}

/* The thread was cancelled in its sleep. */
static void abandon(void *arg)
{
	struct epoll_set *set = arg;

	atomic_fetch_sub(&set->sleepers, 1);
	file_leave(&set->file);
}

static int kernel_sleep(struct waiting *w, uint64_t ns)
{
	int r;

	pthread_cleanup_push(abandon, w->set);
	r = kernel_wait(w, w->ev, w->max, ns, w->mask);
	pthread_cleanup_pop(0);
	return r < 0 ? -errno : r;
}

/*
 * Guard held before and after, not between. Events, 0 or -errno; *over: the
 * time is up.
 */
static int sleep_once(struct waiting *w, bool *entered, bool *over)
{
	struct epoll_set *set = w->set;
	uint64_t left = time_left(w);
	bool piece = set->uneasy > 0 && left > EVENTS_SLICE;
	int r;

	atomic_fetch_add(&set->sleepers, 1);
	guard_leave(&set->guard, *entered);
	r = kernel_sleep(w, piece ? EVENTS_SLICE : left);
	*entered = guard_enter(&set->guard);
	atomic_fetch_sub(&set->sleepers, 1);
	*over = r == 0 && !piece;
	if (r <= 0)
		return r;
	set->waits = 0;
	return set_translate(set, w->ev, r);
}

/* Sleeps until there is something. Guard held. Without a time to sleep it is
 * one look at the kernel, for which nobody needs to rest. */
static int wait_long(struct waiting *w, bool *entered)
{
	bool over = false;
	int n = 0, r = 0;

	while (n == 0 && r >= 0 && !over) {
		if (w->timeout == 0 || set_rest(w->set, 0)) {
			r = sleep_once(w, entered, &over);
			n = r > 0 ? r : 0;
		} else {
			over = time_left(w) == 0;
		}
		n += set_scan(w->set, w->round, w->ev + n, w->max - n);
		over = over || w->timeout == 0;
	}
	return n > 0 ? n : r;
}

static int wait_entered(struct waiting *w, bool *entered)
{
	int n;

	w->round = ++w->set->round;
	n = look(w);
	if (n == 0 && w->timeout > 0)
		n = look_longer(w, entered);
	if (n == 0)
		n = wait_long(w, entered);
	if (n > 0 && w->set->hot && atomic_load(&w->set->sleepers) > 0)
		set_hand_over(w->set, w->round);
	return n;
}

static int wait_watching(struct waiting *w)
{
	bool entered;
	int n;

	if (w->timeout != 0 && w->timeout != OS_FOREVER)
		w->deadline = os_now() + w->timeout;
	entered = guard_enter(&w->set->guard);
	n = wait_entered(w, &entered);
	guard_leave(&w->set->guard, entered);
	return n;
}

/* ---- sets that hold nothing of ours ---------------------------------- */

static bool has_cookie(const struct epoll_event *ev, int n)
{
	for (int i = 0; i < n; i++)
		if (member_is_cookie(ev[i].data.u64))
			return true;
	return false;
}

/*
 * Straight to the kernel. Counted as a sleeper, so that a member of ours that
 * comes meanwhile wakes us. False: look again as a watching set.
 */
static bool wait_plain(struct waiting *w, int *r)
{
	struct epoll_set *set = w->set;
	bool plain;

	atomic_fetch_add(&set->sleepers, 1);
	plain = !set_is_watching(set);
	if (plain) {
		*r = kernel_sleep(w, w->timeout);
		plain = *r < 0 || !has_cookie(w->ev, *r);
	}
	atomic_fetch_sub(&set->sleepers, 1);
	return plain;
}

/* Ordinary events that came along with a cookie are kept. */
static int translate_now(struct waiting *w, int r)
{
	bool entered = guard_enter(&w->set->guard);

	if (r > 0)
		r = set_translate(w->set, w->ev, r);
	guard_leave(&w->set->guard, entered);
	return r;
}

static int wait_held(struct waiting *w)
{
	int r = 0;

	if (!set_is_watching(w->set) && w->set->stashed == 0) {
		if (wait_plain(w, &r))
			return r;
		r = translate_now(w, r);
		if (r > 0)
			return r;
	}
	return wait_watching(w);
}

int set_wait(int epfd, struct epoll_event *ev, int max, uint64_t timeout,
	const sigset_t *mask)
{
	struct waiting w = {NULL, epfd, ev, max, timeout, 0, mask, 0};
	struct file *f = fdtable_hold(epfd);
	int r;

	if (!f || file_kind(f) != FILE_SET || max <= 0) {
		if (f)
			file_release(f);
		r = kernel_wait(&w, ev, max, timeout, mask);
		return r < 0 ? -errno : r;
	}
	inflight_push(file_undo, f);
	w.set = (struct epoll_set *)f;
	if (memory_writable(ev, sizeof *ev))
		r = wait_held(&w);
	else
		r = -EFAULT;
	file_leave(f);
	return r;
}
