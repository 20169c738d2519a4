/* SPDX-License-Identifier: MIT */
/*
 * poll_run.c - poll, when some of the descriptors are ours.
 *
 * The kernel gets a copy of the program's array. Connections over SANs are
 * blanked in it and asked here; for the time of a sleep their handles take
 * their places. Behind the copy come entries for the SAN handles of listeners
 * and one for connections that can only be waited for by edges.
 */
#include "poll_run.h"

#include <pthread.h>
#include <string.h>

#include "epoll_set.h"
#include "events.h"
#include "real.h"
#include "scratch.h"
#include "sleep.h"
#include "sock.h"
#include "sys.h"

/* One of our descriptors. */
struct watch {
	struct file *file; /* held */
	enum file_kind kind;
	unsigned index;    /* in the program's array */
	unsigned item;     /* FILE_SAN: in items */
	unsigned handles;  /* FILE_LISTENER: its first entry; how many */
	unsigned handle_count;
};

struct poll_call {
	struct pollfd *fds; /* the program's */
	unsigned n;
	struct pollfd *kernel; /* the copy; then handles; then edges */
	unsigned kernel_count;
	struct watch *watches;
	unsigned watch_count;
	struct sleep_item *items;
	unsigned item_count;
	struct sleep_edges edges;
	size_t bytes; /* of the scratch memory that this lies in */
};

bool poll_is_special(int fd)
{
	struct file *f = fdtable_peek(fd);

	if (__builtin_expect(!f, 1))
		return false;
	switch (file_kind(f)) {
	case FILE_SAN:
		return true;
	case FILE_LISTENER:
		return atomic_load(&sock_of(f)->listener) != NULL;
	case FILE_SET:
		return set_is_watching((struct epoll_set *)f);
	default:
		return false;
	}
}

/* ---- begin and end --------------------------------------------------- */

static unsigned count_special(const struct pollfd *fds, unsigned n)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += poll_is_special(fds[i].fd);
	return count;
}

static struct poll_call *call_create(struct pollfd *fds, unsigned n)
{
	unsigned special = count_special(fds, n);
	unsigned slots = n + special * SW_LISTENER_HANDLES + 1;
	size_t bytes = sizeof(struct poll_call) +
		special * (sizeof(struct watch) + sizeof(struct sleep_item)) +
		slots * sizeof(struct pollfd);
	struct poll_call *c = scratch_take(bytes);

	if (!c)
		return NULL;
	memset(c, 0, sizeof *c);
	c->bytes = bytes;
	c->fds = fds;
	c->n = n;
	c->edges.epfd = -1;
	c->items = (struct sleep_item *)(c + 1);
	c->watches = (struct watch *)(c->items + special);
	c->kernel = (struct pollfd *)(c->watches + special);
	c->kernel_count = n;
	/* What becomes special from now on is left to the kernel. */
	c->watch_count = special;
	memcpy(c->kernel, fds, n * sizeof *fds);
	return c;
}

static void add_san(struct poll_call *c, struct watch *w)
{
	struct sleep_item *item = &c->items[c->item_count];

	memset(item, 0, sizeof *item);
	item->conn = sock_of(w->file)->conn;
	item->fd = c->fds[w->index].fd;
	item->interest = events_interest((uint16_t)c->fds[w->index].events);
	item->slot = &c->kernel[w->index];
	item->slot->fd = -1;
	w->item = c->item_count++;
}

static void add_listener(struct poll_call *c, struct watch *w)
{
	os_handle handles[SW_LISTENER_HANDLES];
	struct sw_listener *l;

	listener_serve(sock_of(w->file));
	l = listener_get(sock_of(w->file));
	w->handles = c->kernel_count;
	w->handle_count = 0;
	if (!l)
		return;
	w->handle_count = sw_listener_handles(l, handles, SW_LISTENER_HANDLES);
	listener_put(sock_of(w->file));
	for (unsigned i = 0; i < w->handle_count; i++)
		c->kernel[c->kernel_count++] = (struct pollfd){
			.fd = (int)handles[i], .events = POLLIN};
}

static void call_fill(struct poll_call *c)
{
	unsigned room = c->watch_count;

	c->watch_count = 0;
	for (unsigned i = 0; i < c->n && c->watch_count < room; i++) {
		struct watch *w = &c->watches[c->watch_count];

		if (!poll_is_special(c->fds[i].fd))
			continue;
		w->file = fdtable_hold(c->fds[i].fd);
		if (!w->file)
			continue;
		w->kind = file_kind(w->file);
		w->index = i;
		if (w->kind == FILE_SAN)
			add_san(c, w);
		else if (w->kind == FILE_LISTENER)
			add_listener(c, w);
		c->watch_count++;
	}
	c->kernel[c->kernel_count++] = (struct pollfd){.fd = -1};
}

/* Also for a call that was left by longjmp. */
static void call_destroy(void *arg)
{
	struct poll_call *c = arg;

	for (unsigned i = 0; i < c->item_count; i++)
		if (c->items[i].begun)
			sw_sleep_end(c->items[i].conn);
	for (unsigned i = 0; i < c->watch_count; i++)
		file_release(c->watches[i].file);
	if (c->edges.epfd >= 0)
		sys_close(c->edges.epfd);
	scratch_give(c, c->bytes);
}

/* ---- looking --------------------------------------------------------- */

static short look_san(struct poll_call *c, struct watch *w)
{
	uint32_t events = events_of(sw_ready(c->items[w->item].conn));
	uint32_t wanted = (uint16_t)c->fds[w->index].events;

	return (short)(events & (wanted | EVENTS_ALWAYS));
}

/* A SAN handle that can be read is a connection to accept. */
static short look_listener(struct poll_call *c, struct watch *w)
{
	short seen = c->kernel[w->index].revents;
	short wanted = c->fds[w->index].events & (POLLIN | POLLRDNORM);

	for (unsigned i = 0; i < w->handle_count; i++)
		if (c->kernel[w->handles + i].revents & POLLIN)
			seen |= wanted;
	return seen;
}

/* The kernel speaks for a set's ordinary members, and of doorbells. */
static short look_set(struct poll_call *c, struct watch *w)
{
	short kernel = c->kernel[w->index].revents;
	short wanted = c->fds[w->index].events & (POLLIN | POLLRDNORM);

	if (set_ready((struct epoll_set *)w->file, kernel & POLLIN, 1))
		return (short)(kernel | wanted);
	return (short)(kernel & ~(POLLIN | POLLRDNORM));
}

static short look_at(struct poll_call *c, struct watch *w)
{
	switch (w->kind) {
	case FILE_SAN:
		return look_san(c, w);
	case FILE_LISTENER:
		return look_listener(c, w);
	case FILE_SET:
		return look_set(c, w);
	default:
		return c->kernel[w->index].revents;
	}
}

/* Stores what is known about all entries; how many have something. */
static int look(struct poll_call *c)
{
	int n = 0;

	for (unsigned i = 0; i < c->n; i++)
		c->fds[i].revents = c->kernel[i].revents;
	for (unsigned i = 0; i < c->watch_count; i++)
		c->fds[c->watches[i].index].revents =
			look_at(c, &c->watches[i]);
	for (unsigned i = 0; i < c->n; i++)
		n += c->fds[i].revents != 0;
	return n;
}

/* What nobody asked the kernel about says nothing. */
static void forget_kernel(struct poll_call *c)
{
	for (unsigned i = 0; i < c->kernel_count; i++)
		c->kernel[i].revents = 0;
}

/* Connections need no kernel; is there anything else? */
static bool asks_kernel(struct poll_call *c)
{
	return c->n > c->item_count;
}

static int look_now(struct poll_call *c)
{
	forget_kernel(c);
	if (asks_kernel(c)) {
		struct timespec none = {0, 0};

		sys_ppoll(c->kernel, c->kernel_count, &none);
	}
	return look(c);
}

/* ---- looking longer -------------------------------------------------- */

static bool is_ready(const struct sleep_item *item)
{
	return sw_ready(item->conn) & (item->interest | SW_HUP | SW_ERR);
}

static bool any_ready(struct poll_call *c)
{
	for (unsigned i = 0; i < c->item_count; i++)
		if (is_ready(&c->items[i]))
			return true;
	return false;
}

static bool look_longer(struct poll_call *c)
{
	unsigned budget = c->item_count ? sw_spin_budget() : 0;
	bool found = false;

	/* A full look costs several of those that the budget counts. */
	for (unsigned i = 0; i < budget && !found; i += 4 * c->item_count) {
		found = any_ready(c);
		os_spin_hint();
	}
	if (budget > 0)
		sw_spin_result(found);
	return found;
}

/* ---- sleeping -------------------------------------------------------- */

/* Before sleep, sets must ask for doorbells too. */
static bool sets_rest(struct poll_call *c)
{
	for (unsigned i = 0; i < c->watch_count; i++)
		if (c->watches[i].kind == FILE_SET &&
			!set_rest_inside(
				(struct epoll_set *)c->watches[i].file, 1))
			return false;
	return true;
}

static void cancelled(void *call)
{
	inflight_pop();
	call_destroy(call);
}

static int kernel_sleep(struct poll_call *c, uint64_t ns, const sigset_t *mask)
{
	struct timespec limit = {(time_t)(ns / 1000000000u),
		(long)(ns % 1000000000u)};
	int r;

	pthread_cleanup_push(cancelled, c);
	r = real.ppoll(c->kernel, c->kernel_count,
		ns == OS_FOREVER ? NULL : &limit, mask);
	pthread_cleanup_pop(0);
	return r < 0 ? -errno : r;
}

/* 0 look again, or -errno; *over: the time is up. */
static int sleep_once(struct poll_call *c, uint64_t left, const sigset_t *mask,
	bool *over)
{
	bool piece;
	int r;

	forget_kernel(c);
	if (!sets_rest(c) || !sleep_begin(c->items, c->item_count, &c->edges,
				    &c->kernel[c->kernel_count - 1])) {
		*over = left == 0;
		return 0;
	}
	piece = c->edges.uncertain && left > EVENTS_SLICE;
	r = kernel_sleep(c, piece ? EVENTS_SLICE : left, mask);
	sleep_end(c->items, c->item_count, &c->edges);
	*over = r == 0 && !piece;
	return r < 0 ? r : 0;
}

static uint64_t time_left(uint64_t timeout, uint64_t deadline)
{
	uint64_t now;

	if (timeout == OS_FOREVER || timeout == 0)
		return timeout;
	now = os_now();
	return now < deadline ? deadline - now : 0;
}

/* Nothing is there and there is no time: only signals that the mask lets in
 * could still be of interest. */
static int poll_signals(const sigset_t *mask)
{
	struct timespec none = {0, 0};

	if (!mask)
		return 0;
	return real.ppoll(NULL, 0, &none, mask) < 0 ? -errno : 0;
}

static int call_run(struct poll_call *c, uint64_t timeout,
	const sigset_t *mask)
{
	uint64_t deadline = 0;
	bool over = false;
	int n = look_now(c), r = 0;

	if (n > 0)
		return n;
	if (timeout == 0)
		return poll_signals(mask);
	if (timeout != OS_FOREVER)
		deadline = os_now() + timeout;
	if (look_longer(c))
		n = look_now(c);
	while (n == 0 && r == 0 && !over) {
		r = sleep_once(c, time_left(timeout, deadline), mask, &over);
		n = look(c);
	}
	return n > 0 ? n : r;
}

int poll_run(struct pollfd *fds, nfds_t n, uint64_t timeout,
	const sigset_t *mask)
{
	struct poll_call *c = call_create(fds, (unsigned)n);
	int r;

	if (!c)
		return -ENOMEM;
	call_fill(c);
	inflight_push(call_destroy, c);
	r = call_run(c, timeout, mask);
	inflight_pop();
	call_destroy(c);
	return r;
}
