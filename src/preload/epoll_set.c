/* SPDX-License-Identifier: MIT */
#include "epoll_set.h"

#include <string.h>

#include "events.h"
#include "sock.h"
#include "sys.h"

static struct pool sets = POOL_INIT(struct epoll_set);
static unsigned generation; /* counts forks from the first ancestor */

/* After so many waits in vain a hot member rests even if nobody sleeps. */
#define IDLE_WAITS 128

struct epoll_set *set_create(void)
{
	struct epoll_set *set = pool_take(&sets);

	if (!set)
		return NULL;
	set->generation = generation;
	atomic_store(&set->watched, 0);
	set->members = NULL;
	set->hot = NULL;
	set->hot_count = 0;
	set->uneasy = 0;
	set->waits = 0;
	set->kernel_gave = true;
	set->stashed = 0;
	file_start(&set->file, FILE_SET);
	return set;
}

void set_free(struct epoll_set *set)
{
	pool_give(&sets, set);
}

struct file *set_at(uint32_t index)
{
	return pool_at(&sets, index);
}

void set_forked(struct epoll_set *set)
{
	guard_reset(&set->guard);
	atomic_store(&set->sleepers, 0);
}

void set_child(void)
{
	generation++;
}

bool set_is_own(struct epoll_set *set)
{
	return set->generation == generation;
}

/* ---- hot and resting ------------------------------------------------- */

void set_heat(struct epoll_set *set, struct member *m)
{
	if (m->hot || m->disabled)
		return;
	if (m->uneasy)
		set->uneasy--;
	m->uneasy = false;
	m->hot = true;
	m->idle = 0;
	if (!set->hot) {
		set->hot = m->hot_next = m->hot_prev = m;
	} else {
		m->hot_next = set->hot;
		m->hot_prev = set->hot->hot_prev;
		m->hot_prev->hot_next = m;
		set->hot->hot_prev = m;
	}
	set->hot_count++;
}

/* A member that rests uneasily is counted. */
void set_cool(struct epoll_set *set, struct member *m)
{
	if (!m->hot)
		return;
	m->hot = false;
	if (m->uneasy)
		set->uneasy++;
	m->hot_prev->hot_next = m->hot_next;
	m->hot_next->hot_prev = m->hot_prev;
	if (set->hot == m)
		set->hot = m->hot_next == m ? NULL : m->hot_next;
	set->hot_count--;
}

void set_drop(struct epoll_set *set, struct member *m)
{
	bool was_hot = m->hot;

	if (!was_hot && m->uneasy)
		set->uneasy--;
	m->uneasy = false;
	set_cool(set, m);
}

static void heat_uneasy(struct epoll_set *set)
{
	struct member *m = set->uneasy ? set->members : NULL;

	for (; m; m = m->set_next)
		if (!m->hot && m->uneasy)
			set_heat(set, m);
}

/* ---- looking --------------------------------------------------------- */

static void store(struct epoll_event *ev, uint32_t events, uint64_t data)
{
	ev->events = events;
	ev->data.u64 = data;
}

/* Reports a member, or lets it rest when it has been looked at too often. */
static int scan_one(struct epoll_set *set, struct member *m, unsigned round,
	struct epoll_event *ev)
{
	uint32_t events = member_look(m, 0);

	if (events) {
		store(ev, events, m->data);
		member_told(m, events);
		m->round = round;
		if (m->disabled) {
			m->uneasy = false;
			set_cool(set, m);
		}
		return 1;
	}
	if (++m->idle > IDLE_WAITS && member_rest(m, 0))
		set_cool(set, m);
	return 0;
}

int set_scan(struct epoll_set *set, unsigned round, struct epoll_event *ev,
	int max)
{
	struct member *m, *next;
	int n = 0;

	heat_uneasy(set);
	m = set->hot;
	for (unsigned left = set->hot_count; left > 0 && n < max; left--) {
		next = m->hot_next;
		if (m->round != round)
			n += scan_one(set, m, round, &ev[n]);
		m = next;
	}
	/* Who was not reached this time is first next time. */
	if (set->hot && m && m->hot)
		set->hot = m;
	return n;
}

/* ---- what the kernel says -------------------------------------------- */

/* One event for a listener, though it may have several handles. */
static int translate_listener(struct member *m, const struct epoll_event *from,
	struct epoll_event *ev, int n)
{
	uint32_t events = from->events;

	if (m->disabled)
		return n;
	if (m->batch == m->set->batch) {
		ev[m->place].events |= events;
		return n;
	}
	m->batch = m->set->batch;
	m->place = n;
	store(&ev[n], events, m->data);
	if (m->events & EPOLLONESHOT) {
		m->disabled = true;
		member_silence(m);
	}
	return n + 1;
}

static void translate_doorbell(struct epoll_set *set, struct member *m,
	uint32_t events)
{
	if (m->kind == MEMBER_SET) {
		m->signalled = true;
	} else {
		if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
			sw_peer_gone(sock_of(m->file)->conn);
		member_unkick(m);
	}
	set_heat(set, m);
}

int set_translate(struct epoll_set *set, struct epoll_event *ev, int n)
{
	struct member *m;
	int kept = 0;

	set->batch++;
	for (int i = 0; i < n; i++) {
		struct epoll_event from = ev[i];

		if (!member_is_cookie(from.data.u64)) {
			ev[kept++] = from;
			continue;
		}
		m = member_of_cookie(from.data.u64, set);
		if (m && m->kind == MEMBER_LISTENER)
			kept = translate_listener(m, &from, ev, kept);
		else if (m && m->kind != MEMBER_PLAIN)
			translate_doorbell(set, m, from.events);
	}
	return kept;
}

/* ---- before sleep ---------------------------------------------------- */

bool set_rest(struct epoll_set *set, int depth)
{
	struct member *m = set->hot, *next;

	for (unsigned left = set->hot_count; left > 0; left--) {
		next = m->hot_next;
		if (!member_rest(m, depth))
			return false;
		set_cool(set, m);
		m = next;
	}
	return true;
}

static void kick_one(struct epoll_set *set)
{
	struct member *m;

	for (m = set->members; m; m = m->set_next) {
		if (m->kind != MEMBER_SAN)
			continue;
		member_kick(m);
		return;
	}
}

/*
 * What rests wakes a sleeper by its doorbell. What has more to report stays
 * hot, and a sleeper is woken to look, unless it is what has just been
 * reported: that is the returning thread's business first.
 */
void set_hand_over(struct epoll_set *set, unsigned round)
{
	struct member *m = set->hot, *next;
	bool more = false;

	for (unsigned left = set->hot_count; left > 0; left--) {
		next = m->hot_next;
		if (member_rest(m, 0)) {
			set_cool(set, m);
		} else {
			member_ask_for_news(m);
			more |= m->round != round;
		}
		m = next;
	}
	if (more)
		kick_one(set);
}

/* ---- as part of something else --------------------------------------- */

static bool has_ready_member(struct epoll_set *set, int depth)
{
	struct member *m = set->hot;

	for (unsigned left = set->hot_count; left > 0; left--) {
		if (member_look(m, depth))
			return true;
		m = m->hot_next;
	}
	return false;
}

/* Takes what the kernel has: doorbells make members hot, the rest waits in the
 * stash for the program's own wait. */
static void collect(struct epoll_set *set)
{
	int n;

	if (set->stashed > 0)
		return;
	n = sys_epoll_wait(set->file.fd, set->stash, SET_STASH, 0);
	if (n > 0)
		set->stashed = (unsigned)set_translate(set, set->stash, n);
}

bool set_ready(struct epoll_set *set, bool kernel, int depth)
{
	bool entered = guard_enter(&set->guard), ready;

	/* Without members of ours the kernel's word is enough. */
	if (kernel && set_is_watching(set))
		collect(set);
	heat_uneasy(set);
	ready = set->stashed > 0 || has_ready_member(set, depth) ||
		(kernel && !set_is_watching(set));
	guard_leave(&set->guard, entered);
	return ready;
}

bool set_rest_inside(struct epoll_set *set, int depth)
{
	bool entered = guard_enter(&set->guard);
	bool rests = set->stashed == 0 && set_rest(set, depth);

	guard_leave(&set->guard, entered);
	return rests;
}
