/* SPDX-License-Identifier: MIT */
/*
 * mapping.c - told before, as the rules say, and once more after: between the
 * two, another thread may have registered memory that was still there.
 *
 * This runs inside the heap, with its locks held. Nothing here allocates, takes
 * a lock or touches errno.
 */
#include "mapping.h"

#include "libc_watch.h"
#include "losses.h"
#include "switch/switch.h"
#include "sys.h"

_Atomic bool mapping_wanted;

static void tell(const struct os_span *lost, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		sw_memory_changes(lost[i].base, lost[i].len);
}

long mapping_call(long nr, const long a[6])
{
	struct os_span lost[LOSSES_MAX];
	unsigned count = losses_of(nr, a, lost);
	long r;

	tell(lost, count);
	r = sys_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	tell(lost, count);
	return r;
}

bool mapping_watch(void)
{
	atomic_store(&mapping_wanted, true);
	if (libc_watch())
		return true;
	atomic_store(&mapping_wanted, false);
	return false;
}
