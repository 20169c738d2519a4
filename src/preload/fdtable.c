/* SPDX-License-Identifier: MIT */
/*
 * fdtable.c - which number stands for which file.
 *
 * A connection rings its doorbell through one of these numbers. So a number
 * must not go back to the kernel while a call is inside the file: the kernel
 * would give it to somebody else, who would get the doorbell. It is then put
 * on the file's list of closing numbers, and closed by whoever leaves last.
 */
#include "fdtable.h"

#include <errno.h>
#include <sys/mman.h>

#include "sock.h"
#include "sys.h"

#define NUMBERS_MAX (1u << 20)

struct fdtable fdtable;
static struct guard guard;
static _Atomic unsigned top;

/* What entries point to that have no file of their own any more. */
static struct file hidden = {.kind = FILE_HIDDEN};
static struct file closing = {.kind = FILE_CLOSING};

static unsigned numbers(void)
{
	struct rlimit limit;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return NUMBERS_MAX;
	return limit.rlim_max < NUMBERS_MAX ? (unsigned)limit.rlim_max
					    : NUMBERS_MAX;
}

void fdtable_start(void)
{
	unsigned n = numbers();
	int saved = errno;
	void *m = mmap(NULL, n * sizeof(struct fdtable_entry),
		PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	errno = saved;
	if (m == MAP_FAILED)
		return;
	fdtable.entries = m;
	fdtable.size = n;
}

unsigned fdtable_top(void)
{
	return atomic_load_explicit(&top, memory_order_relaxed);
}

static void set_entry(int fd, struct file *f)
{
	atomic_store_explicit(&fdtable.entries[fd].file, f,
		memory_order_release);
	if (f && (unsigned)fd >= fdtable_top())
		atomic_store_explicit(&top, (unsigned)fd + 1,
			memory_order_relaxed);
}

/* ---- the ring of a file's numbers; guarded --------------------------- */

static void ring_add(int fd, struct file *f)
{
	struct fdtable_entry *e = fdtable.entries;

	if (f->fd < 0) {
		e[fd].next = e[fd].prev = fd;
		f->fd = fd;
	} else {
		e[fd].prev = f->fd;
		e[fd].next = e[f->fd].next;
		e[e[fd].next].prev = fd;
		e[f->fd].next = fd;
	}
	set_entry(fd, f);
}

/* Leaves f->fd < 0 when it was the last. */
static void ring_remove(int fd, struct file *f)
{
	struct fdtable_entry *e = fdtable.entries;

	e[e[fd].prev].next = e[fd].next;
	e[e[fd].next].prev = e[fd].prev;
	if (f->fd == fd)
		f->fd = e[fd].next == fd ? -1 : e[fd].next;
	set_entry(fd, NULL);
}

/* ---- numbers that wait to be closed; guarded ------------------------- */

static void closing_add(int fd, struct file *f)
{
	struct fdtable_entry *e = &fdtable.entries[fd];

	e->next = f->closing;
	e->prev = (int)(f->pooled.index << 1 | (file_kind(f) == FILE_SET));
	f->closing = fd;
	set_entry(fd, &closing);
}

static struct file *closing_owner(int fd)
{
	unsigned who = (unsigned)fdtable.entries[fd].prev;

	return file_at(who >> 1, who & 1);
}

static void closing_remove(int fd)
{
	struct fdtable_entry *e = fdtable.entries;
	struct file *f = closing_owner(fd);
	int at = f->closing;

	if (at == fd)
		f->closing = e[fd].next;
	while (at != fd && at >= 0 && e[at].next != fd)
		at = e[at].next;
	if (at != fd && at >= 0)
		e[at].next = e[fd].next;
	set_entry(fd, NULL);
}

static void closing_end(struct file *f)
{
	while (f->closing >= 0) {
		int fd = f->closing;

		f->closing = fdtable.entries[fd].next;
		set_entry(fd, NULL);
		sys_close(fd);
	}
}

void file_close_numbers(struct file *f)
{
	bool entered = guard_enter(&guard);

	/* Without descriptors the one reference left is a call's. */
	if (f->fd >= 0 && atomic_load(&f->refs) == 1)
		closing_end(f);
	guard_leave(&guard, entered);
}

void file_finish(struct file *f)
{
	bool entered;

	atomic_store(&f->finishing, true);
	file_fini(f);
	entered = guard_enter(&guard);
	closing_end(f);
	guard_leave(&guard, entered);
	file_free(f);
}

/* ---- numbers come and go --------------------------------------------- */

/* Calls inside keep using a number that is about to become another's. */
static void give_substitute(int fd, struct file *f)
{
	int other = sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (other < 0)
		return;
	file_moved(f, fd, other);
	if ((unsigned)other < fdtable.size)
		closing_add(other, f);
}

void fdtable_vacate(int fd)
{
	bool entered, last = false;
	struct file *f;

	if (!fdtable_peek(fd))
		return;
	entered = guard_enter(&guard);
	f = fdtable_peek(fd);
	if (f == &closing) {
		f = closing_owner(fd);
		closing_remove(fd);
		give_substitute(fd, f);
	} else if (f && f != &hidden) {
		ring_remove(fd, f);
		last = f->fd < 0;
		if (!last)
			file_moved(f, fd, f->fd);
		else if (atomic_load(&f->refs) > 1)
			give_substitute(fd, f);
	}
	guard_leave(&guard, entered);
	if (last) {
		file_abandon(f);
		file_release(f);
	}
}

/* It is another's number now, so nothing may be done with it. */
void fdtable_renew(int fd)
{
	bool entered, last = false;
	struct file *f;

	fdtable_unhide(fd);
	entered = guard_enter(&guard);
	f = fdtable_peek(fd);
	if (f == &closing) {
		closing_remove(fd);
	} else if (f) {
		ring_remove(fd, f);
		last = f->fd < 0;
		if (last)
			file_lost(f);
		else
			file_moved(f, fd, f->fd);
	}
	guard_leave(&guard, entered);
	if (last) {
		file_abandon(f);
		file_release(f);
	}
}

bool fdtable_insert(int fd, struct file *f)
{
	bool entered;

	if ((unsigned)fd >= fdtable.size)
		return false;
	fdtable_fresh(fd);
	entered = guard_enter(&guard);
	ring_add(fd, f);
	guard_leave(&guard, entered);
	return true;
}

void fdtable_share(int fd, struct file *f)
{
	bool entered;

	if ((unsigned)fd >= fdtable.size)
		return;
	fdtable_fresh(fd);
	entered = guard_enter(&guard);
	/* Closed meanwhile by another thread: then the duplicate is alone. */
	if (f->fd < 0)
		atomic_fetch_add(&f->refs, 1);
	ring_add(fd, f);
	guard_leave(&guard, entered);
}

int fdtable_close(int fd)
{
	bool entered = guard_enter(&guard), last;
	struct file *f = fdtable_peek(fd);
	int r = 0;

	if (!f || f == &hidden || f == &closing) {
		guard_leave(&guard, entered);
		return f ? -EBADF : sys_close(fd);
	}
	ring_remove(fd, f);
	last = f->fd < 0;
	if (last || (file_moved(f, fd, f->fd) && atomic_load(&f->refs) > 1))
		closing_add(fd, f);
	else
		r = sys_close(fd);
	/* Whoever was inside may have left before the number was on the list. */
	if (!last && atomic_load(&f->refs) == 1)
		closing_end(f);
	guard_leave(&guard, entered);
	if (last) {
		file_abandon(f);
		file_release(f);
	}
	return r;
}

void fdtable_forget(struct file *f)
{
	bool entered = guard_enter(&guard), any = f->fd >= 0;

	while (f->fd >= 0)
		ring_remove(f->fd, f);
	guard_leave(&guard, entered);
	if (any) {
		file_abandon(f);
		file_release(f);
	}
}

void fdtable_hide(int fd)
{
	if ((unsigned)fd >= fdtable.size)
		return;
	fdtable_vacate(fd);
	set_entry(fd, &hidden);
}

void fdtable_unhide(int fd)
{
	if (fdtable_peek(fd) == &hidden)
		set_entry(fd, NULL);
}

void fdtable_each(struct file *f, void (*fn)(int fd, void *arg), void *arg)
{
	bool entered = guard_enter(&guard);
	int fd = f->fd;

	while (fd >= 0) {
		fn(fd, arg);
		fd = fdtable.entries[fd].next;
		if (fd == f->fd)
			break;
	}
	guard_leave(&guard, entered);
}

/* ---- fork ------------------------------------------------------------ */

void fdtable_fork_prepare(void)
{
	guard_enter(&guard);
}

void fdtable_fork_parent(void)
{
	guard_leave(&guard, true);
}

/* A number that waited for calls of threads that are not here. What one of them
 * was just freeing is left as it is. */
static void end_waiting(struct file *f)
{
	if (f->fd >= 0 || atomic_load(&f->finishing))
		closing_end(f);
	else
		file_finish(f);
}

/* The parent's other threads were inside some files; here nobody is, unless
 * fork was called by a signal handler. */
void fdtable_fork_child(void)
{
	guard_reset(&guard);
	for (int fd = 0; fd < (int)fdtable_top(); fd++) {
		struct file *f = fdtable_peek(fd);

		if (!f || f == &hidden)
			continue;
		if (f != &closing && f->fd == fd)
			file_forked(f);
		if (inflight_mine.depth > 0)
			continue;
		if (f == &closing)
			end_waiting(closing_owner(fd));
		else
			atomic_store(&f->refs, 1);
	}
}
