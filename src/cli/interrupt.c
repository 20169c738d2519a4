/* SPDX-License-Identifier: MIT */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>

static atomic_bool asked;

static void on_signal(int number)
{
	atomic_store(&asked, true);
	signal(number, SIG_DFL);
}

void interrupt_catch(void)
{
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}

bool interrupted(void)
{
	return atomic_load(&asked);
}
