/* SPDX-License-Identifier: MIT */
#include "losses.h"

#include <sys/mman.h>
#include <sys/shm.h>

#include "sys.h"

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* Where a segment may be put when the address is rounded, at most. */
#define SHM_ALIGNMENT 65536u

/* To the end of all addresses: for what has a length only the kernel knows. */
#define TO_THE_END UINTPTR_MAX

static unsigned range(uintptr_t from, uintptr_t len, struct os_span *out)
{
	uintptr_t page = os_page_size(), to = from + len;

	if (len == 0)
		return 0;
	from &= ~(page - 1);
	to = to < from || to > UINTPTR_MAX - page ? UINTPTR_MAX
						  : (to + page - 1) & ~(page - 1);
	*out = (struct os_span){(void *)from, to - from};
	return 1;
}

/* The rest, and what may be new, is believed to do so. */
static bool leaves_pages(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return true;
	default:
		return false;
	}
}

static unsigned of_mremap(const long a[6], struct os_span *out)
{
	uintptr_t was = (uintptr_t)a[1], is = (uintptr_t)a[2];
	unsigned n = 0;

	if ((a[3] & MREMAP_MAYMOVE) || is < was)
		n += range((uintptr_t)a[0], was, &out[n]);
	if (a[3] & MREMAP_FIXED)
		n += range((uintptr_t)a[4], is, &out[n]);
	return n;
}

/* 0 only asks where the end is. */
static unsigned of_brk(uintptr_t to, struct os_span *out)
{
	uintptr_t end = to ? (uintptr_t)SYS1(SYS_brk, 0) : 0;

	return to < end ? range(to, end - to, out) : 0;
}

static unsigned of_shmat(const long a[6], struct os_span *out)
{
	uintptr_t at = (uintptr_t)a[1] & ~(uintptr_t)(SHM_ALIGNMENT - 1);

	return a[2] & SHM_REMAP ? range(at, TO_THE_END - at, out) : 0;
}

unsigned losses_of(long nr, const long a[6], struct os_span out[LOSSES_MAX])
{
	uintptr_t at = (uintptr_t)a[0], len = (uintptr_t)a[1];

	switch (nr) {
	case SYS_munmap:
	case SYS_remap_file_pages:
		return range(at, len, out);
	case SYS_mmap:
		return a[3] & MAP_FIXED ? range(at, len, out) : 0;
	case SYS_mremap:
		return of_mremap(a, out);
	case SYS_madvise:
		return leaves_pages((int)a[2]) ? 0 : range(at, len, out);
	case SYS_process_madvise: /* of any ranges, also of this process */
		return leaves_pages((int)a[3]) ? 0 : range(0, TO_THE_END, out);
	case SYS_brk:
		return of_brk(at, out);
	case SYS_shmdt:
		return range(at, TO_THE_END - at, out);
	case SYS_shmat:
		return of_shmat(a, out);
	default:
		return 0;
	}
}
