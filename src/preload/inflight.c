/* SPDX-License-Identifier: MIT */
#include "inflight.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "sys.h"

_Thread_local struct inflight inflight_mine;

/* A handler on a stack of its own says nothing about the other one. */
static bool on_other_stack(void)
{
	stack_t now;

	if (SYS2(SYS_sigaltstack, NULL, &now) < 0)
		return true;
	return now.ss_flags & SS_ONSTACK;
}

static bool top_is_over(const struct inflight *f, uintptr_t frame)
{
	return f->depth > 0 && f->entries[f->depth - 1].frame <= frame;
}

void inflight_sweep(uintptr_t frame)
{
	struct inflight *f = &inflight_mine;
	unsigned noted = f->depth < INFLIGHT_MAX ? f->depth : INFLIGHT_MAX;

	if (f->entries[noted - 1].frame > frame || on_other_stack())
		return;
	f->depth = noted;
	while (top_is_over(f, frame)) {
		struct inflight_entry e = f->entries[--f->depth];

		e.undo(e.arg);
	}
}
