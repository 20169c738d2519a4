/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - ending a thread's sleep so that it can be cancelled; for the
 * front end, where programs have threads of their own.
 */
#ifndef WSD_OS_LINUX_INTERRUPT_H
#define WSD_OS_LINUX_INTERRUPT_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Ends the sleep of that thread of this process that a kick can end, or the
 * next one if it does not sleep: ST_INTR. May end one sleep too many; is
 * forgotten when many threads are interrupted that never slept.
 */
void os_thread_interrupt(pthread_t thread);

/* Did that end the calling thread's last sleep? */
bool os_thread_interrupted(void);

#endif
