/* SPDX-License-Identifier: MIT */
/*
 * No lock that a thread could hold while the provider is inside an upcall: a
 * failure is reported from wherever it is found.
 */
#include "trace.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "codes.h"
#include "os/os.h"

/* ---- upcalls ------------------------------------------------------- */

enum { KEPT = 64, TOLD = 12, TEXT = 180 };

static char upcall[KEPT][TEXT];
static unsigned upcalls;
static struct os_mutex lock = OS_MUTEX_INIT;

void trace_upcall(const char *name, SOCKET handle, const char *format, ...)
{
	char text[TEXT];
	va_list arguments;
	int used;

	used = snprintf(text, sizeof text, "%s(handle 0x%llx", name,
		(unsigned long long)handle);
	va_start(arguments, format);
	vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
	va_end(arguments);
	os_mutex_lock(&lock);
	snprintf(upcall[upcalls % KEPT], TEXT, "upcall %u, thread %u: %.140s",
		upcalls + 1, (unsigned)os_thread_id(), text);
	upcalls++;
	os_mutex_unlock(&lock);
}

void trace_upcalls(void)
{
	char copy[TOLD][TEXT];
	unsigned from, to;

	os_mutex_lock(&lock);
	to = upcalls;
	from = to > TOLD ? to - TOLD : 0;
	for (unsigned i = from; i < to; i++)
		memcpy(copy[i - from], upcall[i % KEPT], TEXT);
	os_mutex_unlock(&lock);
	for (unsigned i = from; i < to; i++)
		case_say(SAY_TRACE, copy[i - from]);
}

/* ---- calls --------------------------------------------------------- */

enum { THREADS = 256, DEPTH = 8 };

/* Written by its thread only; read by whoever reports. */
struct thread_calls {
	_Atomic uint32_t thread;
	_Atomic unsigned depth;
	const char *_Atomic function[DEPTH];
	const char *_Atomic last;
	_Atomic int last_code;
};

static struct thread_calls all[THREADS];
static _Atomic unsigned threads;
static _Thread_local struct thread_calls *mine;
static _Thread_local bool asked;

static struct thread_calls *my_calls(void)
{
	unsigned n;

	if (asked)
		return mine;
	asked = true;
	n = atomic_fetch_add(&threads, 1);
	if (n < THREADS) {
		mine = &all[n];
		atomic_store(&mine->thread, os_thread_id());
	}
	return mine;
}

void trace_enter(const char *function)
{
	struct thread_calls *t = my_calls();
	unsigned depth;

	if (!t)
		return;
	depth = atomic_load_explicit(&t->depth, memory_order_relaxed);
	if (depth < DEPTH)
		atomic_store_explicit(&t->function[depth], function,
			memory_order_relaxed);
	atomic_store_explicit(&t->depth, depth + 1, memory_order_release);
}

void trace_leave(int code)
{
	struct thread_calls *t = my_calls();
	unsigned depth;

	if (!t)
		return;
	depth = atomic_load_explicit(&t->depth, memory_order_relaxed) - 1;
	atomic_store_explicit(&t->depth, depth, memory_order_relaxed);
	if (depth < DEPTH) {
		t->last = t->function[depth];
		t->last_code = code;
	}
}

void trace_last_call(void)
{
	struct thread_calls *t = my_calls();
	char text[TEXT];

	if (!t || !t->last)
		return;
	snprintf(text, sizeof text, "last call of thread %u: %s: %s (%d)",
		(unsigned)t->thread, t->last, code_name(t->last_code),
		t->last_code);
	case_say(SAY_TRACE, text);
}

void trace_calls(void)
{
	unsigned n = atomic_load(&threads);
	char text[TEXT];

	for (unsigned i = 0; i < n && i < THREADS; i++) {
		unsigned depth = atomic_load(&all[i].depth);

		for (unsigned d = 0; d < depth && d < DEPTH; d++) {
			snprintf(text, sizeof text, "thread %u is inside %s",
				(unsigned)all[i].thread,
				all[i].function[d]);
			case_say(SAY_TRACE, text);
		}
	}
}
