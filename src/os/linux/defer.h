/* SPDX-License-Identifier: MIT */
/*
 * defer.h - no signal handler runs in a thread that holds a lock of ours.
 *
 * A handler may send, receive, close. Had it interrupted its own thread inside
 * a section that a lock guards, it would wait for that lock for ever, which no
 * program has to fear of the kernel. So a handler that comes in a section is
 * put off until its thread has left the last one. All sections are short, and
 * nothing sleeps in them.
 *
 * The locks of os.h begin and end sections by themselves; the front end, which
 * sees the program's handlers come, asks defer_signal.
 */
#ifndef WSD_OS_LINUX_DEFER_H
#define WSD_OS_LINUX_DEFER_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct defer {
	unsigned depth; /* sections that the thread is in */
	bool waiting;   /* a signal is put off: */
	int signal;
	siginfo_t info;
	uint64_t mask; /* the thread's, before all signals were blocked */
};

extern _Thread_local struct defer defer_mine
	__attribute__((tls_model("initial-exec")));

/* Signals whose handlers are never put off: those that a thread brings upon
 * itself, and those that the C library's threads use among themselves. */
#define DEFER_BIT(sig) (UINT64_C(1) << ((sig) - 1))
#define DEFER_NEVER                                                           \
	(DEFER_BIT(SIGSEGV) | DEFER_BIT(SIGBUS) | DEFER_BIT(SIGFPE) |         \
		DEFER_BIT(SIGILL) | DEFER_BIT(SIGTRAP) | DEFER_BIT(SIGSYS) |  \
		DEFER_BIT(SIGABRT) | DEFER_BIT(32) | DEFER_BIT(33))

void defer_deliver(void);

static inline void defer_begin(void)
{
	defer_mine.depth++;
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void defer_end(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	defer_mine.depth--;
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(defer_mine.waiting, 0) && defer_mine.depth == 0)
		defer_deliver();
}

/*
 * In a handler, with what the kernel has given it. True: the thread is in a
 * section, and the handler must return at once; the signal comes again when the
 * section ends. Until then all signals but DEFER_NEVER are blocked.
 */
bool defer_signal(int sig, const siginfo_t *info, void *context);

/* In a forked child: in no section, and what was put off is the parent's. */
void defer_forked(void);

#endif
