/* SPDX-License-Identifier: MIT */
/*
 * os_child.h - child processes, and what a process is made of.
 *
 * The part of the contract with the system that os.h does not have, because
 * the libraries do not need it: our programs that try something out in a
 * process of its own (the conformance kit, the tests). Never called from
 * libwsd-preload or a provider. Conventions as in os.h.
 *
 * A child is this very program again with other arguments, so that it starts
 * without anything of its parent's. Parent and child talk in lines.
 */
#ifndef WSD_OS_OS_CHILD_H
#define WSD_OS_OS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"

/* ---- children --------------------------------------------------------- */

/* A line's longest, with the 0 that ends it and without a newline. */
#define OS_LINE_MAX 2048

/* What each means is the system's matter, but for `pid`. */
struct os_child {
	uint32_t pid; /* as os_process_alive and WSPDuplicateSocket take it */
	intptr_t process;
	intptr_t talk, hear; /* may be the same */
	intptr_t group;
};

/*
 * Starts this program with these arguments (what main gets from argv[1] on, at
 * most 15, NULL after the last). The child inherits the standard streams, the
 * environment, and its line to us; nothing else. After `seconds` it is ended
 * whatever it does, and when the thread that called this ends, it is too (so
 * that nothing is left when a program is interrupted).
 * ST_NOHANDLES, ST_NOMEM, ST_INVAL too many arguments, ST_SYSTEM.
 */
enum status os_child_start(const char *const *arguments, unsigned seconds,
	struct os_child *out);

/*
 * Waits at most ns until it has ended by itself, and stores its exit status:
 * what main returned, or a negative number when a signal or an exception ended
 * it. ST_OK, ST_TIMEDOUT. After ST_OK it can still be heard; os_child_end has
 * to be called all the same.
 */
enum status os_child_wait(struct os_child *c, uint64_t ns, int *status);
/*
 * Ends it as nothing else can, and with `all` also every process that it has
 * started; returns when it is gone, and gives back what `c` holds.
 */
void os_child_end(struct os_child *c, bool all);
/* What such a status means, in words: "exit status 3", "signal 11 (...)". */
void os_child_fate(int status, char *text, size_t len);

/*
 * Lines to and from it; `line` has no newline. Telling does not block for long
 * (a few lines fit). ST_OK, ST_CLOSED the other side is gone, and hearing:
 * ST_TIMEDOUT. A line too long is cut.
 */
enum status os_child_tell(struct os_child *c, const char *line);
enum status os_child_hear(struct os_child *c, char line[OS_LINE_MAX],
	uint64_t ns);
/* The same from inside the child; ST_CLOSED too when there is no parent. */
enum status os_parent_tell(const char *line);
enum status os_parent_hear(char line[OS_LINE_MAX], uint64_t ns);

/* Ends this process at once, without handlers. */
_Noreturn void os_exit_now(int status);

/*
 * A copy of this process that goes on from here: 0 in the copy, which lives
 * at most `seconds`; in this process its number, for os_fork_wait, which gives
 * the exit status as os_child_wait does. -1: there is no such thing here.
 */
intptr_t os_fork(unsigned seconds);
int os_fork_wait(intptr_t number);

/* ---- what this process is made of ------------------------------------- */

/* In this process's environment, and that of children started later. */
enum status os_environment_set(const char *name, const char *value);
/* Threads, and open handles. 0: the system does not tell. */
unsigned os_thread_count(void);
unsigned os_handle_count(void);
/* Bytes of memory that this process has for itself. 0: not told. */
uint64_t os_memory_used(void);
/* From now on only so many more handles can be had. ST_UNSUPPORTED. */
enum status os_handle_limit(unsigned more);

/*
 * Listens with the system's own TCP at this address and port; nothing is ever
 * accepted. Ends with the process or os_tcp_unlisten. ST_EXISTS, ST_NOTLOCAL,
 * ST_SYSTEM.
 */
enum status os_tcp_listen(const struct addr *at, intptr_t *out);
void os_tcp_unlisten(intptr_t listener);

/*
 * Whole pages, zeroed: at this address (ST_EXISTS when something is there), or
 * anywhere when *at is NULL. len is a multiple of os_page_size(). ST_NOMEM.
 * Where addresses are given out in larger units than pages, an address that
 * came from here can be asked for again after os_pages_free.
 */
enum os_pages_kind { OS_PAGES_NONE, OS_PAGES_READ, OS_PAGES_WRITE };
enum status os_pages_alloc(void **at, size_t len, enum os_pages_kind kind);
void os_pages_free(void *at, size_t len);

#endif
