/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <limits.h>

#define POLLER_BATCH 64

int os_poll_one(int fd, short events, uint64_t ns)
{
	struct pollfd p = {.fd = fd, .events = events};
	struct timespec limit = os_timespec_of(ns);
	int r = sys_ppoll(&p, 1, ns == OS_FOREVER ? NULL : &limit);

	return r > 0 ? p.revents : r;
}

int os_poll_one_through(int fd, short events, uint64_t ns)
{
	uint64_t deadline = os_deadline_after(ns);
	int r = os_poll_one(fd, events, ns);

	while (r == -EINTR)
		r = os_poll_one(fd, events, os_deadline_left(deadline));
	return r;
}

enum status os_handle_wait(os_handle h, uint64_t ns)
{
	int r = os_poll_one((int)h, POLLIN, ns);

	if (r == 0)
		return ST_TIMEDOUT;
	if (r < 0)
		return sys_status(r);
	return r & POLLNVAL ? ST_INVAL : ST_OK;
}

void os_handle_close(os_handle h)
{
	if (h != OS_NO_HANDLE)
		sys_close((int)h);
}

enum status os_handle_duplicate(os_handle h, os_handle *out)
{
	int fd = sys_fcntl((int)h, F_DUPFD_CLOEXEC, 3);

	/* EINVAL: the limit on descriptors is below 3. */
	if (fd == -EINVAL)
		return ST_NOHANDLES;
	if (fd < 0)
		return sys_status(fd);
	*out = fd;
	return ST_OK;
}

enum status os_poller_create(os_handle *out)
{
	int fd = sys_above_stdio(sys_epoll_create(EPOLL_CLOEXEC));

	if (fd < 0)
		return sys_status(fd);
	*out = fd;
	return ST_OK;
}

enum status os_poller_add(os_handle poller, os_handle h, uint64_t cookie)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = cookie};
	int r = sys_epoll_ctl((int)poller, EPOLL_CTL_ADD, (int)h, &ev);

	if (r == -EEXIST)
		return ST_EXISTS;
	if (r == -EPERM) /* a file that is always ready */
		return ST_INVAL;
	return sys_status(r);
}

void os_poller_remove(os_handle poller, os_handle h)
{
	sys_epoll_ctl((int)poller, EPOLL_CTL_DEL, (int)h, NULL);
}

/* Rounded up: waking early would make the caller spin. */
static int milliseconds(uint64_t ns)
{
	uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);

	if (ns == OS_FOREVER)
		return -1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

unsigned os_poller_wait(os_handle poller, uint64_t *cookies, unsigned max,
	uint64_t ns)
{
	struct epoll_event ev[POLLER_BATCH];
	int n;

	if (max > POLLER_BATCH)
		max = POLLER_BATCH;
	n = sys_epoll_wait((int)poller, ev, (int)max, milliseconds(ns));
	for (int i = 0; i < n; i++)
		cookies[i] = ev[i].data.u64;
	return n > 0 ? (unsigned)n : 0;
}
