/* SPDX-License-Identifier: MIT */
/*
 * inflight.h - what a thread has begun inside this library and must undo.
 *
 * Usually a call undoes it itself. But a signal handler may leave by longjmp,
 * as programs of old do to give a read a time limit; then what the interrupted
 * call held would be held for ever, and a close would never be final. So each
 * call notes what it holds and where on the stack it runs. The thread's next
 * call sees from its own place on the stack which of the earlier ones cannot
 * be running any more, and undoes for them.
 *
 * At most one entry per stack frame.
 */
#ifndef WSD_PRELOAD_INFLIGHT_H
#define WSD_PRELOAD_INFLIGHT_H

#include <stdint.h>

#define INFLIGHT_MAX 8

struct inflight_entry {
	uintptr_t frame; /* stacks grow down: inner calls have lower ones */
	void (*undo)(void *arg);
	void *arg;
};

struct inflight {
	unsigned depth; /* may exceed the maximum; those beyond are not noted */
	struct inflight_entry entries[INFLIGHT_MAX];
};

extern _Thread_local struct inflight inflight_mine
	__attribute__((tls_model("initial-exec")));

/* Undoes for the calls that `frame` shows to be over. */
void inflight_sweep(uintptr_t frame);

/* For calls that hold nothing, but wait for what earlier ones hold. */
static inline __attribute__((always_inline)) void inflight_check(void)
{
	if (__builtin_expect(inflight_mine.depth > 0, 0))
		inflight_sweep((uintptr_t)__builtin_frame_address(0));
}

static inline __attribute__((always_inline)) void inflight_push(
	void (*undo)(void *arg), void *arg)
{
	struct inflight *f = &inflight_mine;
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	if (__builtin_expect(f->depth > 0, 0))
		inflight_sweep(frame);
	if (__builtin_expect(f->depth < INFLIGHT_MAX, 1))
		f->entries[f->depth] =
			(struct inflight_entry){frame, undo, arg};
	f->depth++;
}

/* The newest entry is done with. */
static inline void inflight_pop(void)
{
	inflight_mine.depth--;
}

#endif
