/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define KEPT 4

static _Atomic(void *) kept[KEPT];

static size_t rounded(size_t len)
{
	return len <= SCRATCH_BYTES ? SCRATCH_BYTES : len;
}

static void *take_kept(void)
{
	for (int i = 0; i < KEPT; i++) {
		void *p = NULL;

		if (atomic_load_explicit(&kept[i], memory_order_relaxed))
			p = atomic_exchange(&kept[i], NULL);
		if (p)
			return p;
	}
	return NULL;
}

static void *map(size_t len)
{
	int saved = errno;
	void *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = saved;
	return m == MAP_FAILED ? NULL : m;
}

void *scratch_take(size_t len)
{
	void *p = len <= SCRATCH_BYTES ? take_kept() : NULL;

	return p ? p : map(rounded(len));
}

static int keep(void *p)
{
	for (int i = 0; i < KEPT; i++) {
		void *none = NULL;

		if (atomic_compare_exchange_strong(&kept[i], &none, p))
			return 1;
	}
	return 0;
}

void scratch_give(void *p, size_t len)
{
	if (!p || (len <= SCRATCH_BYTES && keep(p)))
		return;
	munmap(p, rounded(len));
}
