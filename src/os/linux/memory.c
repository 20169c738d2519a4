/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* Up to here it is quicker to touch pages than to read the list of maps. */
#define TOUCH_PAGES 32

size_t os_page_size(void)
{
	static _Atomic size_t cached;
	size_t n = atomic_load_explicit(&cached, memory_order_relaxed);

	if (n == 0) {
		n = (size_t)sysconf(_SC_PAGESIZE);
		atomic_store_explicit(&cached, n, memory_order_relaxed);
	}
	return n;
}

void *os_shared_alloc(size_t len)
{
	int saved = errno;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	errno = saved;
	return p == MAP_FAILED ? NULL : p;
}

void os_shared_free(void *p, size_t len)
{
	int saved = errno;

	if (p)
		munmap(p, len);
	errno = saved;
}

/* ---- is it mapped? ---------------------------------------------------- */

/* What is still to be found, walking up the list of maps. */
struct walk {
	uintptr_t next, end;
	bool writable;
	bool hole;
};

static bool walk_done(const struct walk *w)
{
	return w->hole || w->next >= w->end;
}

/* "55d0-55e0 rw-p ..." */
static void walk_map(struct walk *w, uintptr_t from, uintptr_t to,
	const char *rights)
{
	if (to <= w->next)
		return;
	if (from > w->next || rights[0] != 'r' ||
		(w->writable && rights[1] != 'w'))
		w->hole = true;
	w->next = to;
}

static uintptr_t parse_hex(const char **p)
{
	uintptr_t v = 0;

	for (;; (*p)++) {
		if (**p >= '0' && **p <= '9')
			v = v << 4 | (uintptr_t)(**p - '0');
		else if (**p >= 'a' && **p <= 'f')
			v = v << 4 | (uintptr_t)(**p - 'a' + 10);
		else
			return v;
	}
}

static void walk_line(struct walk *w, const char *line)
{
	uintptr_t from = parse_hex(&line), to;

	line++;
	to = parse_hex(&line);
	walk_map(w, from, to, line + 1);
}

#define LINE_HEAD 48 /* two addresses and the rights; the rest is skipped */

static bool walk_file(struct walk *w, int fd)
{
	char buf[4096], head[LINE_HEAD + 1] = "";
	size_t used = 0;
	long n = 0;

	while (!walk_done(w) && (n = sys_read(fd, buf, sizeof buf)) > 0) {
		for (long i = 0; i < n && !walk_done(w); i++) {
			if (buf[i] != '\n') {
				if (used < LINE_HEAD)
					head[used++] = buf[i];
				continue;
			}
			head[used] = '\0';
			walk_line(w, head);
			used = 0;
		}
	}
	return n >= 0 && !w->hole && w->next >= w->end;
}

static bool touch(uintptr_t from, uintptr_t to, bool writable)
{
	return SYS3(SYS_madvise, from, to - from, writable ?
		MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0;
}

/*
 * Faulting the pages in, as an access would, answers yes in one short call.
 * Its no has many meanings, so then, and for long ranges that need not be
 * faulted in, the list of maps decides. Not /proc/self: that is the first
 * thread's, which may have ended.
 */
bool os_memory_valid(const void *p, size_t len, bool writable)
{
	uintptr_t page = os_page_size(), start = (uintptr_t)p;
	struct walk w = {
		.next = start & ~(page - 1),
		.end = start + len,
		.writable = writable,
	};
	bool valid;
	int fd;

	if (len == 0)
		return true;
	if (w.end < start || w.end > UINTPTR_MAX - page)
		return false;
	w.end = (w.end + page - 1) & ~(page - 1);
	if ((w.end - w.next) / page <= TOUCH_PAGES &&
		touch(w.next, w.end, writable))
		return true;
	fd = sys_open("/proc/thread-self/maps", O_RDONLY);
	if (fd < 0)
		return touch(w.next, w.end, writable);
	valid = walk_file(&w, fd);
	sys_close(fd);
	return valid;
}
