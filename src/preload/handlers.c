/* SPDX-License-Identifier: MIT */
/*
 * handlers.c - the program's signal handlers are called through here.
 *
 * The kernel knows one handler, ours, which calls the program's, but not in
 * the middle of what a lock of this library guards (defer.h). The program sees
 * what it has set. Its flags and masks are the kernel's business as ever.
 *
 * Not called through here: handlers that the kernel takes away when it calls
 * them (SA_RESETHAND), and those for DEFER_NEVER.
 */
#include "handlers.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "defer.h"
#include "guard.h"
#include "real.h"

typedef void handler_fn(int sig, siginfo_t *info, void *context);

/* What the program has set. */
struct given {
	_Atomic(handler_fn *) handler;
	bool info; /* with SA_SIGINFO; lock */
};

static struct given given[_NSIG];
static struct guard lock;

static void come(int sig, siginfo_t *info, void *context)
{
	handler_fn *handler = atomic_load_explicit(&given[sig].handler,
		memory_order_relaxed);

	if (!defer_signal(sig, info, context))
		handler(sig, info, context);
}

static UNWATCHED bool concerns_us(int sig)
{
	return sig > 0 && sig < _NSIG && !(DEFER_NEVER & DEFER_BIT(sig));
}

/* Puts ours in the program's place. False: it has set no handler, or one that
 * is called without us. */
static bool put_on(int sig, struct sigaction *a)
{
	struct given *g = &given[sig];

	if (a->sa_handler == SIG_DFL || a->sa_handler == SIG_IGN ||
		a->sa_handler == SIG_ERR || (a->sa_flags & SA_RESETHAND))
		return false;
	/* Ours comes from a function that we do not know of: it stays. */
	if (a->sa_sigaction != come) {
		g->info = (a->sa_flags & SA_SIGINFO) != 0;
		atomic_store_explicit(&g->handler, a->sa_sigaction,
			memory_order_relaxed);
	}
	a->sa_sigaction = come;
	a->sa_flags |= SA_SIGINFO;
	return true;
}

/* The other way round, with what was set before. */
static void take_off(struct sigaction *a, handler_fn *handler, bool info)
{
	if (a->sa_sigaction != come)
		return;
	a->sa_sigaction = handler;
	if (!info)
		a->sa_flags &= ~SA_SIGINFO;
}

static int set(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction in, out;
	handler_fn *before;
	bool entered, info;
	int r;

	if (act)
		in = *act;
	entered = guard_enter(&lock);
	before = given[sig].handler;
	info = given[sig].info;
	if (act)
		put_on(sig, &in);
	r = real.sigaction(sig, act ? &in : NULL, &out);
	guard_leave(&lock, entered);
	if (r == 0 && old) {
		take_off(&out, before, info);
		*old = out;
	}
	return r;
}

INTERPOSED UNWATCHED int sigaction(int sig, const struct sigaction *act,
	struct sigaction *old)
{
	return concerns_us(sig) ? set(sig, act, old)
				: real.sigaction(sig, act, old);
}

static sighandler_t without_info(handler_fn *handler)
{
	struct sigaction a = {.sa_sigaction = handler};

	return a.sa_handler;
}

/* A simpler function sets the program's handler; then ours takes its place. */
static sighandler_t set_through(sighandler_t (*fn)(int, sighandler_t),
	int sig, sighandler_t handler)
{
	struct sigaction now;
	sighandler_t old, before;
	bool entered;

	if (!concerns_us(sig))
		return fn(sig, handler);
	entered = guard_enter(&lock);
	before = without_info(given[sig].handler);
	old = fn(sig, handler);
	if (old != SIG_ERR && real.sigaction(sig, NULL, &now) == 0 &&
		put_on(sig, &now))
		real.sigaction(sig, &now, NULL);
	guard_leave(&lock, entered);
	return old == without_info(come) ? before : old;
}

INTERPOSED sighandler_t signal(int sig, sighandler_t handler)
{
	return set_through(real.signal, sig, handler);
}

INTERPOSED sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	return set_through(real.sysv_signal, sig, handler);
}

INTERPOSED sighandler_t sigset(int sig, sighandler_t handler)
{
	return set_through(real.sigset, sig, handler);
}

void handlers_forked(void)
{
	guard_reset(&lock);
}

/* Other names of the same. */
INTERPOSED int __sigaction(int, const struct sigaction *, struct sigaction *)
	__attribute__((alias("sigaction"), nothrow, leaf));
INTERPOSED sighandler_t bsd_signal(int, sighandler_t)
	__attribute__((alias("signal"), nothrow, leaf));
INTERPOSED sighandler_t ssignal(int, sighandler_t)
	__attribute__((alias("signal"), nothrow, leaf));
INTERPOSED sighandler_t __sysv_signal(int, sighandler_t)
	__attribute__((alias("sysv_signal"), nothrow, leaf));
