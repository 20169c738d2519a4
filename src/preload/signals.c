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

#include "real.h"
#include "sys.h"

/* As the kernel has it, which is not as the C library has it. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

enum effect { NO_EFFECT, RESTARTS, INTERRUPTS };

static enum effect effect_of(int sig)
{
	struct kernel_sigaction a;
	bool restart;

	if (SYS4(SYS_rt_sigaction, sig, NULL, &a, sizeof a.mask) < 0)
		return NO_EFFECT;
	restart = a.flags & SA_RESTART;
	if (a.handler == SIG_DFL || a.handler == SIG_IGN)
		return NO_EFFECT;
	return restart ? RESTARTS : INTERRUPTS;
}

static unsigned effects(uint64_t signals)
{
	unsigned seen = 0;

	for (int sig = 1; sig < _NSIG; sig++)
		if (signals >> (sig - 1) & 1)
			seen |= 1u << effect_of(sig);
	return seen;
}

#define HAS(seen, effect) ((seen) >> (effect) & 1)

/* ---- handlers that agree --------------------------------------------- */

static int poll_simply(struct pollfd *fds, unsigned n,
	const struct timespec *limit, bool restart)
{
	if (real.ppoll(fds, n, limit, NULL) >= 0)
		return 0;
	return errno == EINTR && restart ? 0 : -errno;
}

/* ---- handlers that do not -------------------------------------------- */

#define BIT(sig) (UINT64_C(1) << ((sig) - 1))

/* All but those that a thread brings upon itself, which end no sleep, and those
 * that the C library's threads use among themselves. */
#define BLOCKED                                                               \
	(~(BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) |           \
		BIT(SIGTRAP) | BIT(SIGSYS) | BIT(SIGABRT) | BIT(32) |         \
		BIT(33)))

struct blocking {
	uint64_t former;
	int fd; /* reports what is blocked */
};

static void set_mask(uint64_t mask)
{
	SYS4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

static bool begin_blocking(struct blocking *b)
{
	uint64_t all = BLOCKED, wanted;

	SYS4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &b->former, sizeof all);
	wanted = all & ~b->former;
	b->fd = (int)SYS4(SYS_signalfd4, -1, &wanted, sizeof wanted,
		O_CLOEXEC);
	if (b->fd >= 0)
		return true;
	set_mask(b->former);
	return false;
}

/* Now the handlers run. */
static void end_blocking(void *arg)
{
	struct blocking *b = arg;

	sys_close(b->fd);
	set_mask(b->former);
}

static int verdict(const struct blocking *b)
{
	uint64_t pending = 0;

	SYS2(SYS_rt_sigpending, &pending, sizeof pending);
	return HAS(effects(pending & ~b->former), INTERRUPTS) ? -EINTR : 0;
}

static int poll_blocked(struct pollfd *fds, unsigned n)
{
	struct blocking b;
	int r;

	if (!begin_blocking(&b))
		return poll_simply(fds, n, NULL, false);
	fds[n] = (struct pollfd){.fd = b.fd, .events = POLLIN};
	pthread_cleanup_push(end_blocking, &b);
	r = real.ppoll(fds, n + 1, NULL, NULL);
	r = r < 0 ? -errno : fds[n].revents ? verdict(&b) : 0;
	pthread_cleanup_pop(1);
	return r;
}

int signals_poll(struct pollfd *fds, unsigned n, const struct timespec *limit)
{
	unsigned seen = limit ? 0 : effects(BLOCKED);

	if (HAS(seen, RESTARTS) && HAS(seen, INTERRUPTS))
		return poll_blocked(fds, n);
	return poll_simply(fds, n, limit, HAS(seen, RESTARTS));
}

bool signals_all_restart(void)
{
	return !HAS(effects(BLOCKED), INTERRUPTS);
}
