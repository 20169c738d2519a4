/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "defer.h"

static void *thread_main(void *arg)
{
	struct os_thread *t = arg;

	prctl(PR_SET_NAME, t->name);
	t->run(t->arg);
	return NULL;
}

/* The program's signals are the business of the program's threads. */
static int create_without_signals(struct os_thread *t)
{
	sigset_t all, old;
	int e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&t->id, NULL, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return e;
}

enum status os_thread_start(struct os_thread *t, const char *name,
	void (*run)(void *arg), void *arg)
{
	int saved = errno;
	int e;

	t->run = run;
	t->arg = arg;
	snprintf(t->name, sizeof t->name, "%s", name);
	e = create_without_signals(t);
	errno = saved;
	return e == 0 ? ST_OK : ST_NOMEM;
}

void os_thread_join(struct os_thread *t)
{
	pthread_join(t->id, NULL);
}

uint32_t os_thread_id(void)
{
	/* initial-exec: no allocation at first use, so signals may come. */
	static _Thread_local struct {
		_Atomic uint64_t epoch;
		uint32_t tid;
	} cached __attribute__((tls_model("initial-exec")));
	uint64_t epoch = os_process_epoch();
	uint64_t seen = atomic_load_explicit(&cached.epoch,
		memory_order_relaxed);

	if (seen != epoch) {
		cached.tid = sys_gettid();
		/* Only a signal handler of this thread could see the order. */
		atomic_signal_fence(memory_order_release);
		atomic_store_explicit(&cached.epoch, epoch,
			memory_order_relaxed);
	}
	return cached.tid;
}

void os_mutex_init(struct os_mutex *m)
{
	pthread_mutex_init(&m->m, NULL);
}

void os_mutex_fini(struct os_mutex *m)
{
	pthread_mutex_destroy(&m->m);
}

void os_mutex_lock(struct os_mutex *m)
{
	defer_begin();
	pthread_mutex_lock(&m->m);
}

void os_mutex_unlock(struct os_mutex *m)
{
	pthread_mutex_unlock(&m->m);
	defer_end();
}

void os_cond_init(struct os_cond *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->c, &attr);
	pthread_condattr_destroy(&attr);
}

void os_cond_fini(struct os_cond *c)
{
	pthread_cond_destroy(&c->c);
}

enum status os_cond_wait(struct os_cond *c, struct os_mutex *m, uint64_t ns)
{
	uint64_t deadline = os_deadline_after(ns);
	struct timespec t;

	if (deadline == OS_FOREVER) {
		pthread_cond_wait(&c->c, &m->m);
		return ST_OK;
	}
	t = os_timespec_of(deadline);
	if (pthread_cond_timedwait(&c->c, &m->m, &t) == ETIMEDOUT)
		return ST_TIMEDOUT;
	return ST_OK;
}

void os_cond_broadcast(struct os_cond *c)
{
	pthread_cond_broadcast(&c->c);
}

void os_once(struct os_once *once, void (*fn)(void))
{
	pthread_once(&once->o, fn);
}
