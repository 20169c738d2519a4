/* SPDX-License-Identifier: MIT */
/*
 * process.h - what the cases need of processes, beyond os.h; one file per
 * system implements it.
 */
#ifndef TRANSPORT_PROCESS_H
#define TRANSPORT_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "os/os.h"

/*
 * Runs fn in a process of its own, ended (with all it started) after the
 * deadline. Returns its exit status, or a negative number when it was killed.
 * fn gets a copy of the len bytes (at most PROCESS_TASK_MAX) at arg; where
 * there is fork, everything else of this process too.
 */
#define PROCESS_TASK_MAX 512
int process_run(void (*fn)(void *arg), const void *arg, size_t len,
	unsigned seconds);

/* Another process that runs fn beside this one, with a copy of arg as above. */
struct process {
	intptr_t id;
	intptr_t group; /* the system's */
};
struct process process_start(void (*fn)(void *arg), const void *arg,
	size_t len);

/*
 * For main. Where there is no fork, the other process is this program again:
 * true when it is one, and which variant the case runs in; then
 * process_do_task runs its fn. `variant` is -1 for process_run.
 */
bool process_has_task(int argc, char **argv, int *variant);
void process_do_task(char **argv);
/* Ends it as nothing else can, and returns when it is gone. */
void process_kill(struct process p);
/* Stops and continues it. */
void process_freeze(struct process p);
void process_thaw(struct process p);
/* Its exit status, or a negative number. */
int process_wait(struct process p);

/* At once, without handlers. */
_Noreturn void process_exit(int status);

/* This process becomes another, ordinary user's; false when it may not. */
bool process_change_user(void);

/* From now on this process can have so many handles more. */
void process_limit_handles(unsigned more);

/* Shared memory that is not sealed, so that its maker could shrink it. */
os_handle process_unsealed_segment(size_t len);

#endif
