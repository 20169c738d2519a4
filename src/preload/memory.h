/* SPDX-License-Identifier: MIT */
/*
 * memory.h - may the program's memory be used?
 *
 * The kernel answers EFAULT for memory that is not there; we would crash. To
 * ask before each call costs a system call, so each thread remembers pages that
 * were good. A page may go bad later, which is then not noticed; a wrong
 * pointer, though, rarely points to where a right one has just been.
 */
#ifndef WSD_PRELOAD_MEMORY_H
#define WSD_PRELOAD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_PAGE_BITS 12 /* smaller than the system's does no harm */
#define MEMORY_KNOWN 64

struct memory_known {
	uintptr_t readable[MEMORY_KNOWN]; /* numbers of pages, plus 1 */
	uintptr_t writable[MEMORY_KNOWN];
};

extern _Thread_local struct memory_known memory_known
	__attribute__((tls_model("initial-exec")));

bool memory_ask_readable(uintptr_t page);
bool memory_ask_writable(uintptr_t page);

static inline bool memory_page_readable(uintptr_t page)
{
	return __builtin_expect(
		       memory_known.readable[page % MEMORY_KNOWN] == page + 1,
		       1) ||
		memory_ask_readable(page);
}

static inline bool memory_page_writable(uintptr_t page)
{
	return __builtin_expect(
		       memory_known.writable[page % MEMORY_KNOWN] == page + 1,
		       1) ||
		memory_ask_writable(page);
}

/* Looks at the first and the last page; what lies between is rarely worse. */
static inline bool memory_readable(const void *p, size_t len)
{
	uintptr_t first = (uintptr_t)p >> MEMORY_PAGE_BITS;
	uintptr_t last = ((uintptr_t)p + len - 1) >> MEMORY_PAGE_BITS;

	if (len == 0)
		return true;
	return last >= first && memory_page_readable(first) &&
		(last == first || memory_page_readable(last));
}

static inline bool memory_writable(const void *p, size_t len)
{
	uintptr_t first = (uintptr_t)p >> MEMORY_PAGE_BITS;
	uintptr_t last = ((uintptr_t)p + len - 1) >> MEMORY_PAGE_BITS;

	if (len == 0)
		return true;
	return last >= first && memory_page_writable(first) &&
		(last == first || memory_page_writable(last));
}

#endif
