/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - pthread_cancel reaches a thread that sleeps over a SAN.
 *
 * Such a thread sleeps in a system call that is no cancellation point, since
 * what it holds must be given back first. So it is interrupted, gives all back,
 * and is cancelled on its way out (cancel_here).
 */
#include "cancel.h"

#include "interrupt.h"
#include "real.h"

_Atomic bool cancel_used;

INTERPOSED int pthread_cancel(pthread_t thread)
{
	int e = real.pthread_cancel(thread);

	if (e == 0) {
		atomic_store(&cancel_used, true);
		os_thread_interrupt(thread);
	}
	return e;
}

static bool is_enabled(void)
{
	int former, ignored;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &former);
	pthread_setcancelstate(former, &ignored);
	return former == PTHREAD_CANCEL_ENABLE;
}

enum cancel cancel_asked(void)
{
	if (!os_thread_interrupted())
		return CANCEL_NO;
	return is_enabled() ? CANCEL_NOW : CANCEL_LATER;
}

void cancel_here(void)
{
	pthread_testcancel();
}
