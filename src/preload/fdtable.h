/* SPDX-License-Identifier: MIT */
/*
 * fdtable.h - from descriptors to files.
 *
 * A sparse array over all numbers; what is not of interest costs one load. The
 * entries of one file form a ring, so a file always knows another of its
 * descriptors.
 */
#ifndef WSD_PRELOAD_FDTABLE_H
#define WSD_PRELOAD_FDTABLE_H

#include "file.h"

struct fdtable_entry {
	_Atomic(struct file *) file;
	int next, prev; /* ring of the file's descriptors; lock */
};

struct fdtable {
	struct fdtable_entry *entries;
	unsigned size; /* 0 until started: nothing is of interest */
};

extern struct fdtable fdtable;

/* Makes the array. Without memory nothing is ever tracked. */
void fdtable_start(void);

static inline struct file *fdtable_peek(int fd)
{
	if (__builtin_expect((unsigned)fd >= fdtable.size, 0))
		return NULL;
	return atomic_load_explicit(&fdtable.entries[fd].file,
		memory_order_acquire);
}

/* Is the number tracked by kind? One look, no reference. */
static inline bool fdtable_is(int fd, enum file_kind kind)
{
	struct file *f = fdtable_peek(fd);

	return f && file_kind(f) == kind;
}

/* The descriptor's file, with a reference; NULL if it has none (also when it
 * is hidden or closing). */
static inline struct file *fdtable_hold(int fd)
{
	struct file *f;

	while ((f = fdtable_peek(fd)) && file_kind(f) < FILE_HIDDEN) {
		if (!file_try_hold(f))
			continue;
		if (fdtable_peek(fd) == f)
			return f;
		file_release(f);
	}
	return NULL;
}

/* The kernel has just given the number fd to this new file. False: beyond the
 * table, the file is the caller's. */
bool fdtable_insert(int fd, struct file *f);
/* fd is a new duplicate; f is held by the caller. */
void fdtable_share(int fd, struct file *f);

/* close() of a tracked number. 0 or -errno. */
int fdtable_close(int fd);
/*
 * The number stops standing for its file, but stays open: something else is
 * about to be put there (dup2), or it is no longer of interest.
 */
void fdtable_vacate(int fd);
/* The file is no longer of interest under any number. */
void fdtable_forget(struct file *f);

/*
 * The kernel has just given this number to the program, for something that is
 * not of interest. What stood there was closed without our knowing.
 */
void fdtable_renew(int fd);
static inline void fdtable_fresh(int fd)
{
	if (__builtin_expect(fd >= 0 && fdtable_peek(fd), 0))
		fdtable_renew(fd);
}

/* A number that the program does not know of: its close() must not hurt. */
void fdtable_hide(int fd);
void fdtable_unhide(int fd);

/* Calls fn for each of the file's descriptors. */
void fdtable_each(struct file *f, void (*fn)(int fd, void *arg), void *arg);
/* One past the highest number that ever had an entry. */
unsigned fdtable_top(void);

/* Around fork. */
void fdtable_fork_prepare(void);
void fdtable_fork_parent(void);
void fdtable_fork_child(void);

#endif
