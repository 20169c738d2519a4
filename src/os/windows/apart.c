/* SPDX-License-Identifier: MIT */
/* apart.c - a process has one table of handles here, and room for millions. */
#include "internal.h"

enum status os_run_apart(os_handle keep, void (*fn)(void *arg), void *arg)
{
	return ST_UNSUPPORTED;
}
