/* SPDX-License-Identifier: MIT */
#include "internal.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
/* The counter's usual rate: then a tick is exactly so many nanoseconds. */
#define USUAL_RATE 10000000

uint64_t os_now(void)
{
	LARGE_INTEGER rate, now;
	uint64_t ticks;

	QueryPerformanceFrequency(&rate);
	QueryPerformanceCounter(&now);
	ticks = (uint64_t)now.QuadPart;
	if (rate.QuadPart == USUAL_RATE)
		return ticks * (NS_PER_S / USUAL_RATE);
	return ticks / (uint64_t)rate.QuadPart * NS_PER_S +
		ticks % (uint64_t)rate.QuadPart * NS_PER_S /
			(uint64_t)rate.QuadPart;
}

uint64_t win_deadline_after(uint64_t ns)
{
	uint64_t now = os_now();

	return ns >= OS_FOREVER - now ? OS_FOREVER : now + ns;
}

DWORD win_deadline_ms(uint64_t deadline)
{
	uint64_t now, ms;

	if (deadline == OS_FOREVER)
		return INFINITE;
	now = os_now();
	if (now >= deadline)
		return 0;
	ms = (deadline - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms >= INFINITE ? INFINITE - 1 : (DWORD)ms;
}

void os_yield(void)
{
	SwitchToThread();
}

void os_sleep(uint64_t ns)
{
	uint64_t deadline = win_deadline_after(ns);
	DWORD ms = win_deadline_ms(deadline);

	/* The system counts in ticks and may be a little early. */
	while (ms > 0) {
		Sleep(ms);
		ms = win_deadline_ms(deadline);
	}
}

unsigned os_cpu_count(void)
{
	DWORD_PTR ours = 0, all = 0;
	unsigned n = 0;

	if (GetProcessAffinityMask(GetCurrentProcess(), &ours, &all))
		for (; ours; ours &= ours - 1)
			n++;
	return n > 0 ? n : 1;
}

unsigned os_machine_cpus(void)
{
	DWORD n = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);

	return n > 0 ? n : 1;
}
