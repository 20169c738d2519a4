/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <sched.h>

#define NS_PER_S UINT64_C(1000000000)
#define FAR_AWAY_S 1000000000 /* 31 years: no one waits longer */

uint64_t os_now(void)
{
	struct timespec t;

	/* libc's is the vDSO's: no system call, and it cannot fail. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

struct timespec os_timespec_of(uint64_t ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	if (ns / NS_PER_S > FAR_AWAY_S)
		t.tv_sec = FAR_AWAY_S;
	return t;
}

uint64_t os_deadline_after(uint64_t ns)
{
	uint64_t now = os_now();

	return ns >= OS_FOREVER - now ? OS_FOREVER : now + ns;
}

uint64_t os_deadline_left(uint64_t deadline)
{
	uint64_t now;

	if (deadline == OS_FOREVER)
		return OS_FOREVER;
	now = os_now();
	return deadline > now ? deadline - now : 0;
}

void os_sleep(uint64_t ns)
{
	uint64_t deadline = os_deadline_after(ns);
	uint64_t left = ns;

	while (left > 0) {
		struct timespec t = os_timespec_of(left);

		SYS4(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
		left = os_deadline_left(deadline);
	}
}

void os_yield(void)
{
	SYS0(SYS_sched_yield);
}

static unsigned count_cpus(void)
{
	unsigned long set[1024 / sizeof(unsigned long)];
	long bytes = SYS3(SYS_sched_getaffinity, 0, sizeof set, set);
	unsigned n = 0;

	for (long i = 0; i < bytes / (long)sizeof set[0]; i++)
		n += (unsigned)__builtin_popcountl(set[i]);
	return n > 0 ? n : 1;
}

unsigned os_cpu_count(void)
{
	static _Atomic unsigned cached;
	unsigned n = atomic_load_explicit(&cached, memory_order_relaxed);

	if (n == 0) {
		n = count_cpus();
		atomic_store_explicit(&cached, n, memory_order_relaxed);
	}
	return n;
}

unsigned os_machine_cpus(void)
{
	static _Atomic unsigned cached;
	unsigned n = atomic_load_explicit(&cached, memory_order_relaxed);

	if (n == 0) {
		int saved = errno;
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		errno = saved;
		n = online > 0 ? (unsigned)online : 1;
		atomic_store_explicit(&cached, n, memory_order_relaxed);
	}
	return n;
}
