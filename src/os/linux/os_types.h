/* SPDX-License-Identifier: MIT */
/*
 * os_types.h - the structs that os.h leaves to the system: Linux.
 *
 * Zeroed memory is a valid, unlocked mutex and a once that has not run. A
 * condition needs os_cond_init, because its clock is not the default one.
 *
 * Fork: a forked child has only the thread that called fork. An os_thread of
 * the parent means nothing there (never join it), and a mutex that another
 * thread held stays locked for ever; os_once copes.
 */
#ifndef WSD_OS_LINUX_OS_TYPES_H
#define WSD_OS_LINUX_OS_TYPES_H

#include <pthread.h>

struct os_thread {
	pthread_t id;
	void (*run)(void *arg);
	void *arg;
	char name[16]; /* the kernel keeps 15 characters */
};

struct os_mutex {
	pthread_mutex_t m;
};

#define OS_MUTEX_INIT {PTHREAD_MUTEX_INITIALIZER}

struct os_cond {
	pthread_cond_t c;
};

struct os_once {
	pthread_once_t o;
};

#define OS_ONCE_INIT {PTHREAD_ONCE_INIT}

#endif
