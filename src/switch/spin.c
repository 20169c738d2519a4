/* SPDX-License-Identifier: MIT */
/*
 * spin.c - how long to look before sleeping.
 *
 * Looking costs a CPU that another thread may need; sleeping costs microseconds
 * of wake-up. Each thread learns: looking in vain makes the next look shorter,
 * down to almost nothing; looking that paid makes it full again. Now and then a
 * full look is tried, so that a peer that has become quick is noticed. (Growing
 * step by step does not work: between two sides that both sleep, only a look
 * longer than a wake-up ever pays.)
 */
#include "switch/settings.h"
#include "switch/switch.h"

#define LOOKS_MAX 4000u
#define LOOKS_MIN 16u
#define TRY_FULL_EVERY 16u

static _Thread_local unsigned looks = LOOKS_MAX;
static _Thread_local unsigned failures;

unsigned sw_spin_budget(void)
{
	long long set = sw_settings()->spin;

	if (set >= 0)
		return (unsigned)set;
	/* Pinned to one CPU, the peer may run on another. */
	if (os_machine_cpus() < 2)
		return 0;
	return failures % TRY_FULL_EVERY == TRY_FULL_EVERY - 1 ? LOOKS_MAX
							       : looks;
}

void sw_spin_result(bool paid)
{
	if (paid) {
		looks = LOOKS_MAX;
		failures = 0;
		return;
	}
	looks = looks / 2 < LOOKS_MIN ? LOOKS_MIN : looks / 2;
	failures++;
}
