/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <assert.h>
#include <process.h>

static_assert(sizeof(SRWLOCK) == sizeof(struct os_mutex), "os_types.h");
static_assert(sizeof(CONDITION_VARIABLE) == sizeof(struct os_cond),
	"os_types.h");
static_assert(sizeof(INIT_ONCE) == sizeof(struct os_once), "os_types.h");

static unsigned __stdcall thread_main(void *arg)
{
	struct os_thread *t = arg;

	t->run(t->arg);
	return 0;
}

/* The name is for debuggers, which have no use for ours. */
enum status os_thread_start(struct os_thread *t, const char *name,
	void (*run)(void *arg), void *arg)
{
	uintptr_t handle;

	t->run = run;
	t->arg = arg;
	/* Not CreateThread: the C library wants to know its threads. */
	handle = _beginthreadex(NULL, 0, thread_main, t, 0, NULL);
	if (!handle)
		return ST_NOMEM;
	t->handle = (HANDLE)handle;
	return ST_OK;
}

void os_thread_join(struct os_thread *t)
{
	WaitForSingleObject(t->handle, INFINITE);
	CloseHandle(t->handle);
	t->handle = NULL;
}

uint32_t os_thread_id(void)
{
	return GetCurrentThreadId();
}

/* The system starts threads in any process. */
bool os_has_threads(void)
{
	return true;
}

void os_mutex_init(struct os_mutex *m)
{
	InitializeSRWLock((SRWLOCK *)m);
}

void os_mutex_fini(struct os_mutex *m)
{
}

void os_mutex_lock(struct os_mutex *m)
{
	AcquireSRWLockExclusive((SRWLOCK *)m);
}

void os_mutex_unlock(struct os_mutex *m)
{
	ReleaseSRWLockExclusive((SRWLOCK *)m);
}

void os_cond_init(struct os_cond *c)
{
	InitializeConditionVariable((CONDITION_VARIABLE *)c);
}

void os_cond_fini(struct os_cond *c)
{
}

enum status os_cond_wait(struct os_cond *c, struct os_mutex *m, uint64_t ns)
{
	uint64_t deadline = win_deadline_after(ns);
	DWORD ms = win_deadline_ms(deadline);

	do
		if (SleepConditionVariableSRW((CONDITION_VARIABLE *)c,
			    (SRWLOCK *)m, ms, 0))
			return ST_OK;
	while ((ms = win_deadline_ms(deadline)) > 0);
	return ST_TIMEDOUT;
}

void os_cond_broadcast(struct os_cond *c)
{
	WakeAllConditionVariable((CONDITION_VARIABLE *)c);
}

static BOOL CALLBACK run_once(INIT_ONCE *once, void *fn, void **context)
{
	void (*run)(void);

	*(void **)&run = fn;
	run();
	return TRUE;
}

void os_once(struct os_once *once, void (*fn)(void))
{
	InitOnceExecuteOnce((INIT_ONCE *)once, run_once,
		(void *)(uintptr_t)fn, NULL);
}
