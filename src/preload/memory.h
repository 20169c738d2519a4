/* SPDX-License-Identifier: MIT */
/*
 * memory.h - may the program's memory be used?
 *
 * The kernel answers EFAULT for memory that is not there; we would crash. To
 * ask before each call costs a system call, so pages that were good are
 * remembered: a few by each socket, since programs use a connection's buffers
 * again and again, and some by each thread. A page may go bad later, which is
 * then not noticed; a wrong pointer, though, rarely points to where a right one
 * has just been.
 */
#ifndef WSD_PRELOAD_MEMORY_H
#define WSD_PRELOAD_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_PAGE_BITS 12 /* smaller than the system's does no harm */
#define MEMORY_BY_THREAD 64
#define MEMORY_BY_SOCKET 2

/* Numbers of good pages, plus 1. Any value is safe to read at any time. */
struct memory_pages {
	_Atomic uintptr_t readable[MEMORY_BY_SOCKET];
	_Atomic uintptr_t writable[MEMORY_BY_SOCKET];
};

/* The first and the last page of the range; what lies between is rarely worse.
 * These ask the kernel, or remember having asked. */
bool memory_readable(const void *p, size_t len);
bool memory_writable(const void *p, size_t len);

static inline bool memory_is_page(const _Atomic uintptr_t *known,
	uintptr_t page)
{
	return atomic_load_explicit(&known[page % MEMORY_BY_SOCKET],
		       memory_order_relaxed) == page + 1;
}

static inline bool memory_is_known(const _Atomic uintptr_t *known,
	const void *p, size_t len)
{
	uintptr_t first = (uintptr_t)p >> MEMORY_PAGE_BITS;
	uintptr_t last = ((uintptr_t)p + len - 1) >> MEMORY_PAGE_BITS;

	return memory_is_page(known, first) && memory_is_page(known, last);
}

static inline void memory_know(_Atomic uintptr_t *known, const void *p,
	size_t len)
{
	uintptr_t first = (uintptr_t)p >> MEMORY_PAGE_BITS;
	uintptr_t last = ((uintptr_t)p + len - 1) >> MEMORY_PAGE_BITS;

	atomic_store_explicit(&known[first % MEMORY_BY_SOCKET], first + 1,
		memory_order_relaxed);
	atomic_store_explicit(&known[last % MEMORY_BY_SOCKET], last + 1,
		memory_order_relaxed);
}

/* For a socket's buffers; len is not 0. */
static inline bool memory_readable_for(struct memory_pages *pages,
	const void *p, size_t len)
{
	if (__builtin_expect(memory_is_known(pages->readable, p, len), 1))
		return true;
	if (!memory_readable(p, len))
		return false;
	memory_know(pages->readable, p, len);
	return true;
}

static inline bool memory_writable_for(struct memory_pages *pages,
	const void *p, size_t len)
{
	if (__builtin_expect(memory_is_known(pages->writable, p, len), 1))
		return true;
	if (!memory_writable(p, len))
		return false;
	memory_know(pages->writable, p, len);
	return true;
}

#endif
