/* SPDX-License-Identifier: MIT */
/*
 * process.h - what the cases need of processes, beyond os.h; one file per
 * system implements it.
 *
 * A child is this very program again, told what to do by name, so that it
 * starts without anything of its parent's. Parent and child talk in lines.
 */
#ifndef PROVIDER_TEST_PROCESS_H
#define PROVIDER_TEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_LEN 256

/*
 * Runs this program with `--case name` under a deadline and with all that it
 * starts ended afterwards. Its exit status, or minus the signal.
 */
int process_run_case(const char *name, unsigned seconds);

struct child {
	intptr_t id;
	intptr_t talk;
};

/* Runs this program with `--role name`. */
struct child child_start(const char *role);
uint32_t child_pid(struct child c);
/* Ends it as nothing else can, and returns when it is gone. */
void child_kill(struct child c);
/* Its exit status, or minus the signal. */
int child_wait(struct child c);
/* Lines to and from the child; reading waits, and fails the case at the end. */
void child_tell(struct child c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void child_hear(struct child c, char line[LINE_MAX_LEN]);

/* The same from inside the child. */
void parent_tell(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
/* False when the parent is gone. */
bool parent_hear(char line[LINE_MAX_LEN]);

/* At once, without handlers. */
_Noreturn void process_exit(int status);
/* In this process's environment, and its children's. */
void process_set(const char *name, const char *value);
/* Threads of this process. */
unsigned process_threads(void);
/* Handles (descriptors) this process has open. */
unsigned process_handles(void);
/* From now on this process can have so many handles more. */
void process_limit_handles(unsigned more);
/* Memory that is mapped but cannot be written. Never freed. */
void *process_readonly_page(void);

/* fork, where there is one: 0 in the child. -1: the system has none. */
intptr_t process_fork(void);
/* Of process_fork: its exit status, or minus the signal. */
int process_fork_wait(intptr_t id);

#endif
