/* SPDX-License-Identifier: MIT */
/* call_select.c - select and pselect, by way of poll. */
#include <limits.h>
#include <string.h>

#include "fdtable.h"
#include "memory.h"
#include "os/os.h"
#include "poll_run.h"
#include "real.h"
#include "scratch.h"
#include "sock.h"

/* The kernel's idea of the three sets. */
#define READ_EVENTS (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define WRITE_EVENTS (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)

#define WORD_BITS (sizeof(unsigned long) * CHAR_BIT)

/* The program's sets as words; they may be longer than an fd_set. */
struct selection {
	int n;
	unsigned long *read, *write, *except;
};

static unsigned long word_at(const unsigned long *set, int fd)
{
	return set ? set[(unsigned)fd / WORD_BITS] : 0;
}

static bool has(const unsigned long *set, int fd)
{
	return word_at(set, fd) >> ((unsigned)fd % WORD_BITS) & 1;
}

static unsigned long all_at(const struct selection *s, int fd)
{
	unsigned long bits = word_at(s->read, fd) | word_at(s->write, fd) |
		word_at(s->except, fd);
	int left = s->n - fd;

	return left < (int)WORD_BITS ? bits & ((1ul << left) - 1) : bits;
}

/* How many descriptors are asked about; is one of them ours? */
static unsigned count(const struct selection *s, bool *special)
{
	unsigned total = 0;

	for (int fd = 0; fd < s->n; fd += (int)WORD_BITS) {
		unsigned long bits = all_at(s, fd);

		total += (unsigned)__builtin_popcountl(bits);
		for (; bits; bits &= bits - 1)
			*special |= poll_is_special(
				fd + __builtin_ctzl(bits));
	}
	return total;
}

static void to_poll(const struct selection *s, struct pollfd *fds)
{
	for (int fd = 0; fd < s->n; fd += (int)WORD_BITS) {
		unsigned long bits = all_at(s, fd);

		for (; bits; bits &= bits - 1, fds++) {
			int one = fd + __builtin_ctzl(bits);

			fds->fd = one;
			fds->revents = 0;
			fds->events = (short)((has(s->read, one) ? POLLIN : 0) |
				(has(s->write, one) ? POLLOUT : 0) |
				(has(s->except, one) ? POLLPRI : 0));
		}
	}
}

static size_t bytes_of(const struct selection *s)
{
	return ((size_t)s->n + WORD_BITS - 1) / WORD_BITS *
		sizeof(unsigned long);
}

static bool sets_usable(const struct selection *s)
{
	size_t bytes = bytes_of(s);

	return (!s->read || memory_writable(s->read, bytes)) &&
		(!s->write || memory_writable(s->write, bytes)) &&
		(!s->except || memory_writable(s->except, bytes));
}

static void clear(const struct selection *s)
{
	size_t bytes = bytes_of(s);

	if (s->read)
		memset(s->read, 0, bytes);
	if (s->write)
		memset(s->write, 0, bytes);
	if (s->except)
		memset(s->except, 0, bytes);
}

static int put(unsigned long *set, const struct pollfd *p, short asked,
	short seen)
{
	if (!(p->events & asked) || !(p->revents & seen))
		return 0;
	set[(unsigned)p->fd / WORD_BITS] |= 1ul << (unsigned)p->fd % WORD_BITS;
	return 1;
}

static int from_poll(const struct selection *s, const struct pollfd *fds,
	unsigned n)
{
	int bits = 0;

	for (unsigned i = 0; i < n; i++)
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
	clear(s);
	for (unsigned i = 0; i < n; i++) {
		bits += put(s->read, &fds[i], POLLIN, READ_EVENTS);
		bits += put(s->write, &fds[i], POLLOUT, WRITE_EVENTS);
		bits += put(s->except, &fds[i], POLLPRI, POLLPRI);
	}
	return bits;
}

/* POLLHUP alone makes nothing writable: poll reports it, select may not. */
static int run(const struct selection *s, struct pollfd *fds, unsigned n,
	uint64_t timeout, const sigset_t *mask)
{
	uint64_t deadline = 0;
	int r;

	if (timeout != OS_FOREVER && timeout > 0)
		deadline = os_now() + timeout;
	for (;;) {
		r = poll_run(fds, n, timeout, mask);
		if (r <= 0)
			break;
		r = from_poll(s, fds, n);
		if (r != 0 || timeout == 0)
			return r;
		/* Not what was asked about; nor will it go away. */
		for (unsigned i = 0; i < n; i++)
			if (fds[i].revents)
				fds[i].fd = -1 - fds[i].fd;
		if (deadline) {
			uint64_t now = os_now();

			timeout = now < deadline ? deadline - now : 0;
		}
	}
	if (r == 0)
		clear(s);
	return r;
}

static int select_ours(const struct selection *s, unsigned n, uint64_t timeout,
	const sigset_t *mask)
{
	size_t bytes = (n ? n : 1) * sizeof(struct pollfd);
	struct pollfd *fds = scratch_take(bytes);
	int r;

	if (!fds)
		return -ENOMEM;
	to_poll(s, fds);
	r = run(s, fds, n, timeout, mask);
	scratch_give(fds, bytes);
	return r;
}

static struct selection selection_of(int n, fd_set *r, fd_set *w, fd_set *x)
{
	struct selection s = {n, (unsigned long *)r, (unsigned long *)w,
		(unsigned long *)x};

	/* The kernel looks no further than there are descriptors. */
	if (fdtable.size > 0 && n > (int)fdtable.size)
		s.n = (int)fdtable.size;
	return s;
}

/* True: the kernel can do it alone, or has to complain. */
static bool is_kernels(const struct selection *s, int64_t sec, int64_t sub,
	int64_t per_second, unsigned *n)
{
	bool special = false;

	if (s->n < 0 || fdtable.size == 0)
		return true;
	if (sec < 0 || sub < 0 || sub >= per_second || !sets_usable(s))
		return true;
	*n = count(s, &special);
	return !special;
}

static uint64_t nanoseconds(uint64_t sec, uint64_t ns)
{
	if (sec >= OS_FOREVER / 2000000000u)
		return OS_FOREVER;
	return sec * 1000000000u + ns;
}

INTERPOSED int pselect(int nfds, fd_set *r, fd_set *w, fd_set *x,
	const struct timespec *limit, const sigset_t *mask)
{
	struct selection s = selection_of(nfds, r, w, x);
	uint64_t timeout = OS_FOREVER;
	unsigned n;

	if (is_kernels(&s, limit ? limit->tv_sec : 0,
		    limit ? limit->tv_nsec : 0, 1000000000, &n))
		return real.pselect(nfds, r, w, x, limit, mask);
	if (limit)
		timeout = nanoseconds((uint64_t)limit->tv_sec,
			(uint64_t)limit->tv_nsec);
	return (int)result(select_ours(&s, n, timeout, mask));
}

/* Linux tells how much time was left. */
static void put_time_left(struct timeval *limit, uint64_t timeout,
	uint64_t start)
{
	uint64_t spent = os_now() - start;
	uint64_t left = spent < timeout ? timeout - spent : 0;

	limit->tv_sec = (time_t)(left / 1000000000u);
	limit->tv_usec = (suseconds_t)(left % 1000000000u / 1000);
}

INTERPOSED int select(int nfds, fd_set *r, fd_set *w, fd_set *x,
	struct timeval *limit)
{
	struct selection s = selection_of(nfds, r, w, x);
	uint64_t timeout = OS_FOREVER, start;
	unsigned n;
	int got;

	/* select takes more microseconds than a second has. */
	if (is_kernels(&s, limit ? limit->tv_sec : 0,
		    limit ? limit->tv_usec : 0, INT64_MAX, &n))
		return real.select(nfds, r, w, x, limit);
	start = limit ? os_now() : 0;
	if (limit)
		timeout = nanoseconds((uint64_t)limit->tv_sec,
			(uint64_t)limit->tv_usec * 1000);
	got = select_ours(&s, n, timeout, NULL);
	if (limit && timeout != OS_FOREVER)
		put_time_left(limit, timeout, start);
	return (int)result(got);
}

INTERPOSED int __select(int nfds, fd_set *r, fd_set *w, fd_set *x,
	struct timeval *limit) __attribute__((alias("select")));
