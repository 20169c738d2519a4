/* SPDX-License-Identifier: MIT */
/* apart.c - a thread with a descriptor table of its own. */
#include <sched.h>

#include "internal.h"

#define ROOM 16

struct apart {
	int keep;
	void (*fn)(void *arg);
	void *arg;
	bool done;
};

/* The standard streams stay. Older kernels close only one by one. */
static void make_room(int keep)
{
	if (keep > 3)
		SYS3(SYS_close_range, 3, keep - 1, 0);
	if (SYS3(SYS_close_range, keep + 1, ~0u, 0) == 0)
		return;
	for (int fd = 3; fd < 3 + ROOM; fd++)
		if (fd != keep)
			sys_close(fd);
}

static void run(void *arg)
{
	struct apart *a = arg;

	/* What is left in the copy the kernel closes when the thread ends. */
	if (SYS1(SYS_unshare, CLONE_FILES) < 0)
		return;
	make_room(a->keep);
	a->fn(a->arg);
	a->done = true;
}

enum status os_run_apart(os_handle keep, void (*fn)(void *arg), void *arg)
{
	struct apart a = {(int)keep, fn, arg, false};
	struct os_thread t;
	enum status st = os_thread_start(&t, "wsd-apart", run, &a);

	if (st != ST_OK)
		return st;
	os_thread_join(&t);
	return a.done ? ST_OK : ST_UNSUPPORTED;
}
