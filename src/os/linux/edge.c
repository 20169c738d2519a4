/* SPDX-License-Identifier: MIT */
/*
 * edge.c - sleeping on a link whose doorbells must stay for others.
 *
 * A private edge-triggered epoll instance reports the state at set-up once,
 * which is swallowed, and from then on each arrival.
 */
#include "internal.h"

#define STEP_NS 2000000u

/* What the instance reports now; 0 nothing. */
static uint32_t report(int ep)
{
	struct epoll_event ev[2];
	uint32_t all = 0;

	for (int n = sys_epoll_wait(ep, ev, 2, 0); n > 0; n--)
		all |= ev[n - 1].events;
	return all;
}

static enum status wait_edge(int ep, uint64_t ns)
{
	int n = os_poll_one(ep, POLLIN, ns);

	if (n == 0)
		return ST_TIMEDOUT;
	if (n < 0)
		return n == -EINTR ? ST_INTR : ST_SYSTEM;
	return report(ep) & EPOLLHUP ? ST_CLOSED : ST_OK;
}

enum status os_link_sleep_edge(os_handle link, uint64_t ns,
	bool (*still)(void *ctx), void *ctx, void *kick)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
	struct epoll_event on_kick = {.events = EPOLLIN};
	int ep = sys_epoll_create(EPOLL_CLOEXEC);
	enum status st = ST_OK;

	if (ep < 0 || sys_epoll_ctl(ep, EPOLL_CTL_ADD, (int)link, &ev) < 0) {
		if (ep >= 0)
			sys_close(ep);
		os_sleep(ns < STEP_NS ? ns : STEP_NS);
		return ST_OK;
	}
	if (kick)
		sys_epoll_ctl(ep, EPOLL_CTL_ADD, (int)os_event_handle(kick),
			&on_kick);
	if (report(ep) & EPOLLHUP)
		st = ST_CLOSED;
	else if (kick && os_kick_interrupts())
		st = ST_INTR;
	else if (still(ctx))
		st = wait_edge(ep, ns);
	sys_close(ep);
	return st == ST_OK && kick && os_kick_interrupts() ? ST_INTR : st;
}
