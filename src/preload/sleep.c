/* SPDX-License-Identifier: MIT */
#include "sleep.h"

#include "events.h"
#include "sys.h"

#define DOORBELLS (EPOLLIN | EPOLLRDHUP | EPOLLET)
#define GONE (EPOLLHUP | EPOLLERR | EPOLLRDHUP)
#define EDGES_AT_ONCE 32

static void is_gone(struct sleep_item *item)
{
	item->gone = true;
	sw_peer_gone(item->conn);
}

/* ---- the edge-triggered ones ----------------------------------------- */

static bool watch_edge(struct sleep_item *item, unsigned index,
	struct sleep_edges *edges)
{
	struct epoll_event ev = {.events = DOORBELLS, .data.u32 = index};
	int r;

	if (edges->epfd < 0)
		edges->epfd = sys_epoll_create(EPOLL_CLOEXEC);
	if (edges->epfd < 0)
		return false;
	r = sys_epoll_ctl(edges->epfd, EPOLL_CTL_ADD, item->fd, &ev);
	/* The same connection twice, by the same number. */
	return r == 0 || r == -EEXIST;
}

/* Takes what the instance reports. */
static void take_edges(struct sleep_item *items, struct sleep_edges *edges)
{
	struct epoll_event ev[EDGES_AT_ONCE];
	int n;

	do {
		n = sys_epoll_wait(edges->epfd, ev, EDGES_AT_ONCE, 0);
		for (int i = 0; i < n; i++)
			if (ev[i].events & GONE)
				is_gone(&items[ev[i].data.u32]);
	} while (n == EDGES_AT_ONCE);
}

static bool is_ready(const struct sleep_item *item)
{
	return sw_ready(item->conn) & (item->interest | SW_HUP | SW_ERR);
}

/* The first report, at set-up, says nothing: so look once more. */
static bool edges_are_quiet(struct sleep_item *items, unsigned count,
	struct sleep_edges *edges)
{
	bool any = false;

	for (unsigned i = 0; i < count; i++)
		any |= items[i].mode == SW_SLEEP_EDGE;
	if (!any)
		return true;
	if (edges->epfd >= 0)
		take_edges(items, edges);
	for (unsigned i = 0; i < count; i++)
		if (items[i].mode == SW_SLEEP_EDGE && is_ready(&items[i]))
			return false;
	return true;
}

/* ---- all ------------------------------------------------------------- */

/* When the switch cannot promise a doorbell though nothing of interest holds,
 * the sleep is cut short. */
static bool begin_one(struct sleep_item *item, unsigned index,
	struct sleep_edges *edges)
{
	item->slot->fd = -1;
	if (item->gone)
		return !is_ready(item);
	item->mode = sw_sleep_begin(item->conn, item->interest);
	item->begun = item->mode != SW_READY;
	if (!item->begun && is_ready(item))
		return false;
	if (item->mode == SW_SLEEP_LEVEL) {
		item->slot->fd = item->fd;
		item->slot->events = POLLIN | POLLRDHUP;
	} else if (item->mode != SW_SLEEP_EDGE ||
		!watch_edge(item, index, edges)) {
		edges->uncertain = true;
	}
	return true;
}

static void end_all(struct sleep_item *items, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (items[i].begun)
			sw_sleep_end(items[i].conn);
		items[i].begun = false;
		items[i].slot->fd = -1;
	}
}

bool sleep_begin(struct sleep_item *items, unsigned count,
	struct sleep_edges *edges, struct pollfd *edges_slot)
{
	bool quiet = true;

	edges->uncertain = false;
	for (unsigned i = 0; quiet && i < count; i++)
		quiet = begin_one(&items[i], i, edges);
	quiet = quiet && edges_are_quiet(items, count, edges);
	if (!quiet)
		end_all(items, count);
	edges_slot->fd = edges->epfd;
	edges_slot->events = POLLIN;
	return quiet;
}

void sleep_end(struct sleep_item *items, unsigned count,
	struct sleep_edges *edges)
{
	for (unsigned i = 0; i < count; i++)
		if (items[i].slot->fd >= 0 &&
			(items[i].slot->revents &
				(POLLHUP | POLLERR | POLLRDHUP)))
			is_gone(&items[i]);
	if (edges->epfd >= 0)
		take_edges(items, edges);
	end_all(items, count);
}
