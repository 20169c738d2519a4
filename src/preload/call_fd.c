/* SPDX-License-Identifier: MIT */
/* call_fd.c - descriptors are closed and duplicated. */
#include <limits.h>
#include <linux/close_range.h>
#include <unistd.h>

#include "foreign.h"
#include "real.h"
#include "sock.h"
#include "sys.h"

INTERPOSED int close(int fd)
{
	if (__builtin_expect(!fdtable_peek(fd), 1)) {
		foreign_drop(fd);
		return real.close(fd);
	}
	inflight_check();
	return (int)result(fdtable_close(fd));
}

/* ---- ranges ---------------------------------------------------------- */

/* Closes one by one where the kernel has no close_range. */
static int close_span(unsigned first, unsigned last, int flags)
{
	int r = real.close_range(first, last, flags);

	if (r == 0 || errno != ENOSYS || last == UINT_MAX)
		return r;
	for (unsigned fd = first; fd <= last; fd++)
		sys_close((int)fd);
	return 0;
}

/* Everything below `end` that is tracked in a way of its own, the rest by the
 * kernel. What is hidden stays. */
static int close_below(unsigned first, unsigned end, int flags)
{
	unsigned begin = first;

	for (unsigned fd = first; fd < end; fd++) {
		struct file *f = fdtable_peek((int)fd);

		if (!f)
			continue;
		if (fd > begin && close_span(begin, fd - 1, flags) < 0)
			return -1;
		if (file_kind(f) != FILE_HIDDEN)
			fdtable_close((int)fd);
		begin = fd + 1;
	}
	return end > begin ? close_span(begin, end - 1, flags) : 0;
}

INTERPOSED int close_range(unsigned first, unsigned last, int flags)
{
	unsigned end = fdtable_top();

	if (first > last || first >= end || (flags & CLOSE_RANGE_CLOEXEC))
		return real.close_range(first, last, flags);
	inflight_check();
	if (last < end)
		return close_below(first, last + 1, flags);
	if (close_below(first, end, flags) < 0)
		return -1;
	return real.close_range(end, last, flags);
}

INTERPOSED void closefrom(int low)
{
	unsigned first = low < 0 ? 0 : (unsigned)low, end = fdtable_top();

	inflight_check();
	if (first < end) {
		close_below(first, end, 0);
		first = end;
	}
	real.closefrom((int)first);
}

/* ---- duplicates ------------------------------------------------------ */

INTERPOSED int dup(int fd)
{
	struct file *f = fdtable_hold(fd);
	int r = real.dup(fd);

	fdtable_fresh(r);
	if (!f)
		return r;
	if (r >= 0)
		fdtable_share(r, f);
	file_release(f);
	return r;
}

/* The target's former file is closed first, by our rules, since the kernel
 * would close it by its own. */
static int replace(int from, int to, int flags)
{
	struct file *f;
	int r;

	if (sys_fcntl(from, F_GETFD, 0) < 0 || (unsigned)to >= fdtable.size)
		return real.dup3(from, to, flags);
	inflight_check();
	f = fdtable_hold(from);
	if (fdtable_is(to, FILE_HIDDEN))
		listener_drop_handle(to);
	fdtable_vacate(to);
	r = real.dup3(from, to, flags);
	if (f && r >= 0)
		fdtable_share(r, f);
	if (f)
		file_release(f);
	return r;
}

INTERPOSED int dup2(int from, int to)
{
	if (from == to || (!fdtable_peek(from) && !fdtable_peek(to)))
		return real.dup2(from, to);
	return replace(from, to, 0);
}

INTERPOSED int dup3(int from, int to, int flags)
{
	if (from == to || (flags & ~O_CLOEXEC) ||
		(!fdtable_peek(from) && !fdtable_peek(to)))
		return real.dup3(from, to, flags);
	return replace(from, to, flags);
}

INTERPOSED int __close(int fd) __attribute__((alias("close")));
INTERPOSED int __dup2(int from, int to) __attribute__((alias("dup2"), nothrow,
	leaf));
