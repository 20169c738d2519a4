/* SPDX-License-Identifier: MIT */
/* test_linux.h - children that are forks of the test. */
#ifndef WSD_TESTS_OS_TEST_LINUX_H
#define WSD_TESTS_OS_TEST_LINUX_H

#include <sys/types.h>
#include <unistd.h>

#include "test.h"

/* Forks; the child runs fn and ends. */
pid_t spawn(void (*fn)(void *arg), void *arg);
/* Waits for the child; it must have ended well. */
void reap(pid_t pid);
/* Sleeps in the kernel until killed. */
void hang(void *unused);

/* A role: writes to the log. */
void log_lines(void);

#endif
