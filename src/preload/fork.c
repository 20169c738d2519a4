/* SPDX-License-Identifier: MIT */
/*
 * fork.c - processes multiply.
 *
 * The C library calls our handlers around each fork, its own included (daemon,
 * forkpty). They are not told whether the fork has worked; but the C library
 * leaves errno alone between them, so it says.
 *
 * Not seen: clone() and raw system calls. A child made so must not use
 * connections over a SAN.
 */
#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "carry.h"
#include "defer.h"
#include "epoll_set.h"
#include "foreign.h"
#include "handlers.h"
#include "heir.h"
#include "real.h"
#include "relay.h"
#include "sock.h"

static bool links_entered;
static int saved_errno;

static void prepare(void)
{
	saved_errno = errno;
	heirs_fork_prepare();
	relays_fork_prepare();
	links_entered = set_links_enter();
	fdtable_fork_prepare();
	sw_fork_prepare();
	errno = 0;
}

static bool has_failed(int error)
{
	return error == EAGAIN || error == ENOMEM || error == ENOSYS ||
		error == EPERM;
}

static void parent(void)
{
	bool failed = has_failed(errno);

	sw_fork_parent(!failed);
	fdtable_fork_parent();
	set_links_leave(links_entered);
	relays_fork_parent();
	heirs_fork_parent(!failed);
	if (!failed)
		errno = saved_errno;
}

static void child(void)
{
	sw_fork_child();
	pools_forked();
	set_links_reset();
	set_child();
	fdtable_fork_child();
	heirs_fork_child();
	relays_fork_child();
	foreign_fork_child();
	carry_note_process();
	handlers_forked();
	defer_forked();
	errno = saved_errno;
}

void fork_start(void)
{
	carry_note_process();
	pthread_atfork(prepare, parent, child);
}

/*
 * A child of vfork runs in its parent's memory until it executes a program; if
 * it closed a descriptor on the way, it would be closed in our tables only. A
 * child with memory of its own is right, if slower.
 */
INTERPOSED pid_t vfork(void)
{
	return fork();
}

/* The one that calls no handlers. */
INTERPOSED pid_t _Fork(void)
{
	pid_t pid;

	prepare();
	pid = real._Fork();
	if (pid == 0)
		child();
	else
		parent();
	return pid;
}

/* The C library puts the null device in place of the standard streams by
 * itself, out of our sight. */
INTERPOSED int daemon(int nochdir, int noclose)
{
	int r = real.daemon(nochdir, noclose);

	for (int fd = 0; fd <= 2 && r == 0 && !noclose; fd++)
		fdtable_vacate(fd);
	return r;
}

INTERPOSED pid_t __vfork(void) __attribute__((alias("vfork"), nothrow, leaf));
