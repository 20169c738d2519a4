/* SPDX-License-Identifier: MIT */
/*
 * os_types.h - the structs that os.h leaves to the system: Windows.
 *
 * Without <windows.h>, so that whoever includes os.h decides about that. The
 * sizes are those of SRWLOCK, CONDITION_VARIABLE and INIT_ONCE, which is
 * checked in thread.c. Zeroed memory is a valid, unlocked mutex, a condition,
 * and a once that has not run.
 */
#ifndef WSD_OS_WINDOWS_OS_TYPES_H
#define WSD_OS_WINDOWS_OS_TYPES_H

struct os_thread {
	void *handle;
	void (*run)(void *arg);
	void *arg;
};

struct os_mutex {
	void *srw;
};

#define OS_MUTEX_INIT {0}

struct os_cond {
	void *cv;
};

struct os_once {
	void *once;
};

#define OS_ONCE_INIT {0}

#endif
