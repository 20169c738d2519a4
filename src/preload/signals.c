/* SPDX-License-Identifier: MIT */
/*
 * signals.c - which handler has ended a sleep?
 *
 * poll is never restarted, and does not say which signal has come. As long as
 * all handlers agree about SA_RESTART that does not matter. When they do not,
 * signals are blocked for the time of the sleep and waited for as a descriptor:
 * then it can be seen which one comes, before its handler runs.
 */
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "defer.h"
#include "real.h"
#include "sys.h"

/* As the kernel has it, which is not as the C library has it. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* Signals that have handlers. */
struct handlers {
	uint64_t restarting, interrupting;
};

static struct handlers handlers_now(void)
{
	struct handlers h = {0, 0};
	struct kernel_sigaction a;

	for (int sig = 1; sig < _NSIG; sig++) {
		if (DEFER_NEVER & DEFER_BIT(sig) ||
			SYS4(SYS_rt_sigaction, sig, NULL, &a,
				sizeof a.mask) < 0 ||
			a.handler == SIG_DFL || a.handler == SIG_IGN)
			continue;
		if (a.flags & SA_RESTART)
			h.restarting |= DEFER_BIT(sig);
		else
			h.interrupting |= DEFER_BIT(sig);
	}
	return h;
}

/* ---- handlers that agree --------------------------------------------- */

static int poll_simply(struct pollfd *fds, unsigned n,
	const struct timespec *limit, bool restart)
{
	if (real.ppoll(fds, n, limit, NULL) >= 0)
		return 0;
	return errno == EINTR && restart ? 0 : -errno;
}

/* ---- handlers that do not -------------------------------------------- */

struct blocking {
	uint64_t former;
	int fd; /* reports what is blocked */
};

/*
 * What has no handler is not blocked: the kernel forgets a signal that is
 * ignored, unless it is blocked in the first thread; then it ends the sleep of
 * another one that does not block it.
 */
static bool begin_blocking(struct blocking *b, const struct handlers *h)
{
	uint64_t all = h->restarting | h->interrupting, wanted;

	SYS4(SYS_rt_sigprocmask, SIG_BLOCK, &all, &b->former, sizeof all);
	wanted = all & ~b->former;
	b->fd = (int)SYS4(SYS_signalfd4, -1, &wanted, sizeof wanted,
		O_CLOEXEC);
	if (b->fd >= 0)
		return true;
	sys_set_sigmask(b->former);
	return false;
}

/* Now the handlers run. */
static void end_blocking(void *arg)
{
	struct blocking *b = arg;

	sys_close(b->fd);
	sys_set_sigmask(b->former);
}

static int verdict(const struct blocking *b, const struct handlers *h)
{
	uint64_t pending = 0;

	SYS2(SYS_rt_sigpending, &pending, sizeof pending);
	return pending & ~b->former & h->interrupting ? -EINTR : 0;
}

static int poll_blocked(struct pollfd *fds, unsigned n,
	const struct handlers *h)
{
	struct blocking b;
	int r;

	if (!begin_blocking(&b, h))
		return poll_simply(fds, n, NULL, false);
	fds[n] = (struct pollfd){.fd = b.fd, .events = POLLIN};
	pthread_cleanup_push(end_blocking, &b);
	r = real.ppoll(fds, n + 1, NULL, NULL);
	r = r < 0 ? -errno : fds[n].revents ? verdict(&b, h) : 0;
	pthread_cleanup_pop(1);
	return r;
}

int signals_poll(struct pollfd *fds, unsigned n, const struct timespec *limit)
{
	struct handlers h = {0, 0};

	if (!limit)
		h = handlers_now();
	if (h.restarting && h.interrupting)
		return poll_blocked(fds, n, &h);
	return poll_simply(fds, n, limit, h.restarting != 0);
}

bool signals_all_restart(void)
{
	return handlers_now().interrupting == 0;
}
