/* SPDX-License-Identifier: MIT */
/* call_poll.c - poll and ppoll. */
#include "checked.h"
#include "memory.h"
#include "os/os.h"
#include "poll_run.h"
#include "real.h"
#include "sock.h"
#include "sys.h"

/* Not inlined: libc's header says that poll only writes into the array. */
static __attribute__((noinline)) bool any_special(const struct pollfd *fds,
	nfds_t n)
{
	if (!memory_writable(fds, n * sizeof *fds))
		return false;
	for (nfds_t i = 0; i < n; i++)
		if (poll_is_special(fds[i].fd))
			return true;
	return false;
}

/* What the kernel would say to so many. */
static bool too_many(nfds_t n)
{
	struct rlimit limit;

	return n > fdtable.size && sys_getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
		n > limit.rlim_cur;
}

INTERPOSED int poll(struct pollfd *fds, nfds_t n, int ms)
{
	if (too_many(n) || !any_special(fds, n))
		return real.poll(fds, n, ms);
	return (int)result(poll_run(fds, n,
		ms < 0 ? OS_FOREVER : (uint64_t)ms * 1000000, NULL));
}

INTERPOSED int ppoll(struct pollfd *fds, nfds_t n,
	const struct timespec *limit, const sigset_t *mask)
{
	uint64_t ns = OS_FOREVER;

	if (too_many(n) || !any_special(fds, n))
		return real.ppoll(fds, n, limit, mask);
	if (limit && (limit->tv_sec < 0 || limit->tv_nsec < 0 ||
			     limit->tv_nsec >= 1000000000))
		return (int)result(-EINVAL);
	if (limit && (uint64_t)limit->tv_sec < OS_FOREVER / 2000000000u)
		ns = (uint64_t)limit->tv_sec * 1000000000u +
			(uint64_t)limit->tv_nsec;
	return (int)result(poll_run(fds, n, ns, mask));
}

/* What programs compiled with _FORTIFY_SOURCE call. */
INTERPOSED int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t room)
{
	if (room / sizeof *fds < n)
		__chk_fail();
	return poll(fds, n, ms);
}

INTERPOSED int __ppoll_chk(struct pollfd *fds, nfds_t n,
	const struct timespec *limit, const sigset_t *mask, size_t room)
{
	if (room / sizeof *fds < n)
		__chk_fail();
	return ppoll(fds, n, limit, mask);
}

INTERPOSED int __poll(struct pollfd *fds, nfds_t n, int ms)
	__attribute__((alias("poll")));
