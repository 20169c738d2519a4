/* SPDX-License-Identifier: MIT */
/* Processes, threads, signals and the clock. */
#ifndef SOCKET_TASK_H
#define SOCKET_TASK_H

#include "cases.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A forked process that runs `body` and ends well if that returns.  It has a
 * deadline of its own and dies with the thread that started it.
 */
pid_t child_start(void (*body)(void *), void *argument);
/* Waits for the end, which must be a good one. */
void child_join(pid_t pid);
/* Ends it by SIGKILL, and waits. */
void child_kill(pid_t pid);

pthread_t thread_start(void *(*body)(void *), void *argument);
void thread_join(pthread_t thread);

void pause_ms(int ms);
int64_t clock_ms(void);

/* Counts this signal from now on; flags as SA_RESTART. */
void signal_catch(int signal, int flags);
int signal_count(void);
void signal_block(int signal);

/* Sends SIGUSR1 to the thread that started it, again and again. */
struct pester {
	pthread_t thread;
	pthread_t victim;
	atomic_int sent;
	atomic_bool over;
};
void pester_start(struct pester *pester);
void pester_stop(struct pester *pester);

/* How many descriptors this process has. */
int descriptor_count(void);
/* The number that the next descriptor will get. */
int descriptor_next(void);

#ifndef CASE_HELPER
#define child_start(body, argument)  (CASE_HERE, child_start(body, argument))
#define child_join(pid)              (CASE_HERE, child_join(pid))
#define child_kill(pid)              (CASE_HERE, child_kill(pid))
#define thread_start(body, argument) (CASE_HERE, thread_start(body, argument))
#define thread_join(thread)          (CASE_HERE, thread_join(thread))
#endif

#endif
