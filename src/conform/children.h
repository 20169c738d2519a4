/* SPDX-License-Identifier: MIT */
/*
 * children.h - child processes of a case. A child is this very program again,
 * told by name which ROLE to play. What goes wrong in here fails the case.
 */
#ifndef WSD_CONFORM_CHILDREN_H
#define WSD_CONFORM_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>

#include "os/os_child.h"

#define LINE_MAX_LEN OS_LINE_MAX

struct child {
	struct os_child os;
};

struct child child_start(const char *role);
uint32_t child_pid(struct child c);
/* Ends it as nothing else can, and returns when it is gone. */
void child_kill(struct child c);
/* Its exit status; negative when it did not end by itself. */
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

/* What the system must be able to do for a case. */
void process_set(const char *name, const char *value);
void process_limit_handles(unsigned more);
/* So many pages of a kind. Never freed. */
void *process_pages(unsigned count, enum os_pages_kind kind);

#endif
