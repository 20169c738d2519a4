/* SPDX-License-Identifier: MIT */
#include "defer.h"

#include <ucontext.h>

#include "internal.h"

_Thread_local struct defer defer_mine
	__attribute__((tls_model("initial-exec")));

bool defer_signal(int sig, const siginfo_t *info, void *context)
{
	struct defer *d = &defer_mine;
	/* The kernel's mask, which is the first word of the C library's. */
	uint64_t *mask = (uint64_t *)&((ucontext_t *)context)->uc_sigmask;

	/* A second one can only come where something else calls handlers. */
	if (d->depth == 0 || d->waiting)
		return false;
	d->signal = sig;
	d->info = *info;
	d->mask = *mask;
	*mask |= ~DEFER_NEVER;
	d->waiting = true;
	return true;
}

/* Sent again with all that was said of it; its handler runs when the mask is
 * the thread's own. */
void defer_deliver(void)
{
	struct defer *d = &defer_mine;
	uint64_t mask = d->mask;
	int sig = d->signal;
	siginfo_t info = d->info;
	uint32_t pid = os_process_id();
	long tid = sys_gettid();

	d->waiting = false;
	if (SYS4(SYS_rt_tgsigqueueinfo, pid, tid, sig, &info) < 0)
		SYS3(SYS_tgkill, pid, tid, sig);
	sys_set_sigmask(mask);
}

void defer_forked(void)
{
	struct defer *d = &defer_mine;

	d->depth = 0;
	if (d->waiting)
		sys_set_sigmask(d->mask);
	d->waiting = false;
}
