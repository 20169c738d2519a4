/* SPDX-License-Identifier: MIT */
/*
 * init.c - the library comes to life: nothing but tables.
 *
 * Providers are loaded at the first connect or listen. What is out of reach:
 * programs without a dynamic linker, raw system calls, io_uring, and sockets
 * that come from elsewhere (by exec or in a message). All of them stay TCP, as
 * only sockets made by socket() in this program are of interest.
 */
#include <sys/auxv.h>

#include "fdtable.h"
#include "fork.h"
#include "mapping.h"
#include "real.h"
#include "switch/switch.h"

/* A program with more rights than its user must not be led by settings of
 * that user. (The dynamic linker keeps us out as well.) */
static bool is_privileged(void)
{
	return getauxval(AT_SECURE) != 0;
}

__attribute__((constructor(101))) static void start(void)
{
	real_resolve();
	if (is_privileged())
		return;
	fork_start();
	sw_memory_watch(mapping_watch);
	fdtable_start();
}
