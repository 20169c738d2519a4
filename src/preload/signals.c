/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <signal.h>

#include "sys.h"

/* As the kernel has it, which is not as the C library has it. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static bool interrupts(int sig)
{
	struct kernel_sigaction a;

	if (SYS4(SYS_rt_sigaction, sig, NULL, &a, sizeof a.mask) < 0)
		return false;
	/* A handler for one time is gone now, but its flags have stayed. */
	if (a.handler == SIG_DFL && (a.flags & SA_RESETHAND))
		return !(a.flags & SA_RESTART);
	return a.handler != SIG_DFL && a.handler != SIG_IGN &&
		!(a.flags & SA_RESTART);
}

bool signals_all_restart(void)
{
	for (int sig = 1; sig < _NSIG; sig++)
		if (interrupts(sig))
			return false;
	return true;
}
