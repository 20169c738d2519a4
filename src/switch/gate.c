/* SPDX-License-Identifier: MIT */
#include "switch/gate.h"

#include "os/os.h"

static struct os_mutex lock = OS_MUTEX_INIT;

void gate_enter(void)
{
	os_mutex_lock(&lock);
}

void gate_leave(void)
{
	os_mutex_unlock(&lock);
}

void gate_forked(void)
{
	os_mutex_init(&lock);
}
