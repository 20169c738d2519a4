/* SPDX-License-Identifier: MIT */
/*
 * file.h - what a descriptor of interest stands for: an open file description,
 * as the kernel calls it, shared by all descriptors that dup made.
 *
 * References: all descriptors together have one, each call that is inside has
 * one. The last to go finishes the file, so a close by another thread never
 * pulls anything from under a call, exactly as in the kernel.
 */
#ifndef WSD_PRELOAD_FILE_H
#define WSD_PRELOAD_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#else
#define __libc_single_threaded 0 /* an older C library does not tell */
#endif

#include "inflight.h"
#include "pool.h"

enum file_kind {
	FILE_FRESH,    /* struct sock: a TCP socket, neither of the next two */
	FILE_LISTENER, /* struct sock: listening, perhaps on SANs too */
	FILE_SAN,      /* struct sock: connected over a SAN */
	FILE_SET,      /* struct epoll_set */
	FILE_HIDDEN,   /* a descriptor of ours that the program must not hurt */
	FILE_CLOSING,  /* closed, but a call is still inside */
};

struct member;

struct file {
	struct pooled pooled;
	_Atomic uint32_t refs;
	_Atomic uint8_t kind;
	int fd;      /* one of its descriptors, -1 none; fdtable's lock */
	/* List of numbers to close at the end; changed under fdtable's lock. */
	_Atomic int closing;
	_Atomic bool finishing; /* a thread is freeing it */
	struct member *members; /* where epoll sets watch it; set_links lock */
};

static inline enum file_kind file_kind(struct file *f)
{
	return atomic_load_explicit(&f->kind, memory_order_acquire);
}

static inline void file_set_kind(struct file *f, enum file_kind kind)
{
	atomic_store_explicit(&f->kind, kind, memory_order_release);
}

/* False when nothing is left of it. */
static inline bool file_try_hold(struct file *f)
{
	uint32_t n = atomic_load_explicit(&f->refs, memory_order_relaxed);

	if (__libc_single_threaded) {
		if (n > 0)
			atomic_store_explicit(&f->refs, n + 1,
				memory_order_relaxed);
		return n > 0;
	}
	/* Pairs with the release in file_release. */
	while (n > 0)
		if (atomic_compare_exchange_weak_explicit(&f->refs, &n, n + 1,
			    memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

/* The descriptors are gone and nobody is inside: frees everything. */
void file_finish(struct file *f);
/* One reference is left, and numbers wait to be closed. */
void file_close_numbers(struct file *f);

static inline void file_release(struct file *f)
{
	uint32_t left;

	if (__libc_single_threaded) {
		left = atomic_load_explicit(&f->refs, memory_order_relaxed) - 1;
		atomic_store_explicit(&f->refs, left, memory_order_relaxed);
	} else {
		left = atomic_fetch_sub_explicit(&f->refs, 1,
			memory_order_acq_rel) - 1;
	}
	if (__builtin_expect(left == 0, 0))
		file_finish(f);
	else if (__builtin_expect(left == 1 && f->closing >= 0, 0))
		file_close_numbers(f);
}

/* For inflight_push. */
void file_undo(void *file);

/* Ends a call's stay. */
static inline void file_leave(struct file *f)
{
	inflight_pop();
	file_release(f);
}

/* Fills the header of a new file with one reference, the descriptors'. */
void file_start(struct file *f, enum file_kind kind);

#endif
