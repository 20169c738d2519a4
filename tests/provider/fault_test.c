/* SPDX-License-Identifier: MIT */
/*
 * provider_fault_test [PART]: memory, threads and handles run out at every
 * place in turn (R29, R83, R84, R113, R164): never a crash, always a documented
 * code, and nothing is left.
 *
 * The provider core and the shared-memory transport themselves, linked with
 * --wrap=NAME for each function below.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <openwsd/winsock2.h>

#include "../transport/alloc.h"
#include "conform/runner.h"
#include "fault_life.h"
#include "os/os.h"
#include "os/os_child.h"
#include "transport/shm/shm_rdma.h"

/* The n-th allocation fails; 0: none. */
static unsigned fail_at;
static _Atomic unsigned countdown;

bool alloc_fails(void)
{
	unsigned n = atomic_load(&countdown);

	while (n > 0)
		if (atomic_compare_exchange_weak(&countdown, &n, n - 1))
			return n == 1;
	return false;
}

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *p, size_t len);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *how,
	void *(*run)(void *), void *arg);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *p, size_t len);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *how,
	void *(*run)(void *), void *arg);

void *__wrap_malloc(size_t len)
{
	return alloc_fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
	return alloc_fails() ? NULL : __real_calloc(n, len);
}

void *__wrap_realloc(void *p, size_t len)
{
	return alloc_fails() ? NULL : __real_realloc(p, len);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *how,
	void *(*run)(void *), void *arg)
{
	return alloc_fails() ? EAGAIN :
		__real_pthread_create(t, how, run, arg);
}

/* ---- one allocation at a time -------------------------------------- */

static void arm_memory(void)
{
	atomic_store(&countdown, fail_at);
}

static bool failed_in_time;

static void disarm_memory(void)
{
	failed_in_time = atomic_exchange(&countdown, 0) == 0;
}

/* What these pages name for "no resources"; and for a network that cannot be
 * watched for want of a thread. */
static void check_code_of(const struct fate *o)
{
	switch (o->code) {
	case 0:
	case WSAENOBUFS:
	case WSAEMFILE:
	case WSAENETDOWN:
		return;
	default:
		FAIL("%s gives %d", o->step, o->code);
	}
}

static void each_allocation_in_turn(bool served)
{
	unsigned told = 0;

	shm_rdma_forbid_direct(served);
	fail_at = 0;
	CHECK_EQ(life(arm_memory, disarm_memory).code, 0);
	do {
		struct fate o;

		fail_at++;
		o = life(arm_memory, disarm_memory);
		check_code_of(&o);
		told += o.code != 0;
	} while (failed_in_time);
	CHECK(told >= 20);
}

CASE(R29_R83_R84_R113_R164_each_failing_allocation_is_told_and_leaves_nothing)
{
	each_allocation_in_turn(false);
}

CASE(R29_R164_also_where_the_peer_has_to_serve_the_transfers)
{
	each_allocation_in_turn(true);
}

/* ---- handles ------------------------------------------------------- */

static unsigned handles_left;

static void arm_handles(void)
{
	CHECK_EQ(os_handle_limit(handles_left), 0);
}

static void disarm_handles(void)
{
	CHECK_EQ(os_handle_limit(200), 0);
}

CASE(R83_R84_R111_R113_handles_that_run_out_anywhere_are_told)
{
	struct fate o;
	unsigned told = 0;

	for (handles_left = 0; handles_left < 100; handles_left++) {
		o = life(arm_handles, disarm_handles);
		check_code_of(&o);
		if (!o.code)
			break;
		told++;
	}
	CHECK_EQ(o.code, 0);
	CHECK(told >= 8);
}

/* ---- nothing runs out ---------------------------------------------- */

static void arm_nothing(void)
{
}

/* A sanitizer keeps what is freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAY_GROW (UINT64_C(1) << 30)
#else
#define MAY_GROW (UINT64_C(256) << 10)
#endif

/* To a few bytes in each: as many as there is time for. */
CASE(R20_R215_thousands_of_lives_leave_the_memory_as_it_was)
{
	uint64_t limit = os_now() + 10 * UINT64_C(1000000000), before = 0;

	for (unsigned i = 0; i < 5000 && os_now() < limit; i++) {
		CHECK_EQ(life(arm_nothing, arm_nothing).code, 0);
		if (i == 100)
			before = os_memory_used();
	}
	if (before && os_memory_used() > before + MAY_GROW)
		FAIL("%llu bytes more", (unsigned long long)(os_memory_used() -
			before));
}

int main(int argc, char **argv)
{
	return runner_main(argc, argv);
}
