/* SPDX-License-Identifier: MIT */
/*
 * text.c - code is exchanged by the page.
 *
 * To store into code that runs is a matter of what each processor promises of
 * fetches that meet a store, and takes pages that can be written and executed.
 * Neither is needed: the pages are copied, the copy is changed while it is
 * ordinary memory, made executable, and then moved to where the old ones are
 * (mremap). The kernel takes the old translation away, has all processors that
 * run this process forget it, by an interrupt that also empties what they have
 * fetched, and then puts the new one in. A thread that comes between faults,
 * and waits in the kernel until the move is complete. So each fetch sees the
 * old page or the new page; they differ in one instruction; and where a thread
 * stands in the middle of the old page it goes on at the same place of the new
 * one. All of this also holds for an instruction that reaches into the next
 * page, since both pages move in one step.
 *
 * A policy against executable memory that is not from a file (SELinux's
 * execmem), sealed mappings and the like make one of the calls fail.
 */
#include "text.h"

#include <string.h>
#include <sys/mman.h>

#include "os/os.h"
#include "sys.h"

static bool failed(long r)
{
	return r < 0 && r > -4096;
}

static char *copy_of(const char *from, size_t size)
{
	long r = SYS6(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (failed(r))
		return NULL;
	return memcpy((char *)r, from, size);
}

static bool move(char *copy, size_t size, const char *to)
{
	__builtin___clear_cache(copy, copy + size);
	if (SYS3(SYS_mprotect, copy, size, PROT_READ | PROT_EXEC) < 0)
		return false;
	return !failed(SYS5(SYS_mremap, copy, size, size,
		MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

bool text_replace(const void *at, const void *bytes, size_t len)
{
	uintptr_t page = os_page_size(), place = (uintptr_t)at;
	uintptr_t from = place & ~(page - 1);
	size_t size = (place + len - from + page - 1) & ~(page - 1);
	char *copy = copy_of((const char *)from, size);

	if (!copy)
		return false;
	memcpy(copy + (place - from), bytes, len);
	if (move(copy, size, (const char *)from))
		return true;
	SYS2(SYS_munmap, copy, size);
	return false;
}
