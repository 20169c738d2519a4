/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <linux/futex.h>
#include <signal.h>

#include "sys.h"

/* Numbers of good pages, plus 1. */
static _Thread_local uintptr_t readable[MEMORY_BY_THREAD]
	__attribute__((tls_model("initial-exec")));
static _Thread_local uintptr_t writable[MEMORY_BY_THREAD]
	__attribute__((tls_model("initial-exec")));

/* No such way of changing the signal mask: but the kernel reads the set before
 * it says so. */
#define NO_SUCH_WAY (-1)

static bool ask_readable(uintptr_t page)
{
	uintptr_t at = page << MEMORY_PAGE_BITS;

	return page != 0 && SYS4(SYS_rt_sigprocmask, NO_SUCH_WAY, at, NULL,
				    sizeof(uint64_t)) != -EFAULT;
}

/* Nobody waits here; but the kernel adds 0 to the second word, atomically. */
static bool ask_writable(uintptr_t page)
{
	uintptr_t at = page << MEMORY_PAGE_BITS;
	uint32_t mine = 0;

	return page != 0 && SYS6(SYS_futex, &mine,
				    FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0,
				    at, FUTEX_OP(FUTEX_OP_ADD, 0,
						FUTEX_OP_CMP_EQ, 0)) != -EFAULT;
}

static bool look(uintptr_t *known, uintptr_t page, bool (*ask)(uintptr_t page))
{
	uintptr_t *slot = &known[page % MEMORY_BY_THREAD];

	if (*slot == page + 1)
		return true;
	if (!ask(page))
		return false;
	*slot = page + 1;
	return true;
}

static bool look_at_ends(uintptr_t *known, const void *p, size_t len,
	bool (*ask)(uintptr_t page))
{
	uintptr_t first = (uintptr_t)p >> MEMORY_PAGE_BITS;
	uintptr_t last = ((uintptr_t)p + len - 1) >> MEMORY_PAGE_BITS;

	if (len == 0)
		return true;
	return last >= first && look(known, first, ask) &&
		(last == first || look(known, last, ask));
}

bool memory_readable(const void *p, size_t len)
{
	return look_at_ends(readable, p, len, ask_readable);
}

bool memory_writable(const void *p, size_t len)
{
	return look_at_ends(writable, p, len, ask_writable);
}
