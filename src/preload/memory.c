/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <linux/futex.h>
#include <signal.h>

#include "sys.h"

_Thread_local struct memory_known memory_known;

/* No such way of changing the signal mask: but the kernel reads the set before
 * it says so. */
#define NO_SUCH_WAY (-1)

bool memory_ask_readable(uintptr_t page)
{
	uintptr_t at = page << MEMORY_PAGE_BITS;

	if (page == 0 || SYS4(SYS_rt_sigprocmask, NO_SUCH_WAY, at, NULL,
				 sizeof(uint64_t)) == -EFAULT)
		return false;
	memory_known.readable[page % MEMORY_KNOWN] = page + 1;
	return true;
}

/* Nobody waits here; but the kernel adds 0 to the second word, atomically. */
bool memory_ask_writable(uintptr_t page)
{
	uintptr_t at = page << MEMORY_PAGE_BITS;
	uint32_t mine = 0;

	if (page == 0 || SYS6(SYS_futex, &mine,
				 FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, at,
				 FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ,
					 0)) == -EFAULT)
		return false;
	memory_known.writable[page % MEMORY_KNOWN] = page + 1;
	return true;
}
