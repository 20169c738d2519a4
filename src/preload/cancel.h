/* SPDX-License-Identifier: MIT */
/* cancel.h - blocking calls as cancellation points. */
#ifndef WSD_PRELOAD_CANCEL_H
#define WSD_PRELOAD_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

/* Has any thread of this program been cancelled? */
extern _Atomic bool cancel_used;

/*
 * After a sleep that ended with ST_INTR. LATER: it was for a cancellation, which
 * the thread does not allow now.
 */
enum cancel { CANCEL_NO, CANCEL_NOW, CANCEL_LATER };
enum cancel cancel_asked(void);

/* Nothing is held. Does not return if the thread is to be cancelled. */
void cancel_here(void);

/* The same at the begin of a call, for next to nothing. */
static inline void cancel_point(void)
{
	if (__builtin_expect(atomic_load_explicit(&cancel_used,
				     memory_order_relaxed), 0))
		cancel_here();
}

#endif
