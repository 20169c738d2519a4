/* SPDX-License-Identifier: MIT */
/* call_epoll.c - epoll_create, epoll_ctl, epoll_wait. */
#include "epoll_set.h"
#include "foreign.h"
#include "real.h"
#include "sock.h"

/* Tracked from the start, so that duplicates of the descriptor are known. */
static int track(int epfd)
{
	struct epoll_set *set;
	int saved = errno;

	if (epfd < 0 || fdtable.size == 0)
		return epfd;
	set = set_create();
	if (set && !fdtable_insert(epfd, &set->file))
		file_release(&set->file);
	errno = saved;
	return epfd;
}

INTERPOSED int epoll_create(int size)
{
	int fd = real.epoll_create(size);

	return foreign_code(__builtin_return_address(0)) ? foreign_take(fd)
							  : track(fd);
}

INTERPOSED int epoll_create1(int flags)
{
	int fd = real.epoll_create1(flags);

	return foreign_code(__builtin_return_address(0)) ? foreign_take(fd)
							  : track(fd);
}

INTERPOSED int epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	if (__builtin_expect(!fdtable_peek(fd), 1))
		return real.epoll_ctl(epfd, op, fd, ev);
	return (int)result(set_control(epfd, op, fd, ev));
}

static uint64_t of_milliseconds(int ms)
{
	return ms < 0 ? OS_FOREVER : (uint64_t)ms * 1000000;
}

INTERPOSED int epoll_pwait(int epfd, struct epoll_event *ev, int max, int ms,
	const sigset_t *mask)
{
	if (!fdtable_is(epfd, FILE_SET))
		return real.epoll_pwait(epfd, ev, max, ms, mask);
	return (int)result(
		set_wait(epfd, ev, max, of_milliseconds(ms), mask));
}

INTERPOSED int epoll_wait(int epfd, struct epoll_event *ev, int max, int ms)
{
	if (!fdtable_is(epfd, FILE_SET))
		return real.epoll_wait(epfd, ev, max, ms);
	return (int)result(
		set_wait(epfd, ev, max, of_milliseconds(ms), NULL));
}

static bool is_valid(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

INTERPOSED int epoll_pwait2(int epfd, struct epoll_event *ev, int max,
	const struct timespec *limit, const sigset_t *mask)
{
	uint64_t ns = OS_FOREVER;

	if (!fdtable_is(epfd, FILE_SET) || (limit && !is_valid(limit)))
		return real.epoll_pwait2(epfd, ev, max, limit, mask);
	if (limit && (uint64_t)limit->tv_sec < OS_FOREVER / 2000000000u)
		ns = (uint64_t)limit->tv_sec * 1000000000u +
			(uint64_t)limit->tv_nsec;
	return (int)result(set_wait(epfd, ev, max, ns, mask));
}
