/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Until the end or until room is full; bytes or -errno. */
static long read_full(int fd, char *buf, size_t room)
{
	size_t used = 0;

	while (used < room) {
		long n = sys_read(fd, buf + used, room - used);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (long)used;
}

long os_read_text(const char *path, char *buf, size_t room)
{
	int fd = sys_open(path, O_RDONLY);
	long n;

	if (fd < 0)
		return fd;
	n = read_full(fd, buf, room - 1);
	sys_close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

enum status os_file_read(const char *path, char *buf, size_t *len)
{
	/* Not to hang on a pipe that nobody writes to. */
	int fd = sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	char more;
	long n;

	if (fd < 0)
		return sys_status(fd);
	n = read_full(fd, buf, *len);
	if (n == (long)*len && read_full(fd, &more, 1) > 0) {
		sys_close(fd);
		return ST_MSGSIZE;
	}
	sys_close(fd);
	if (n < 0)
		return ST_SYSTEM; /* a directory, for one */
	*len = (size_t)n;
	return ST_OK;
}

/* ---- directories ------------------------------------------------------ */

struct names {
	char **list;
	size_t count, room;
};

static bool names_add(struct names *n, const char *name)
{
	if (n->count == n->room) {
		size_t room = n->room ? 2 * n->room : 16;
		char **list = realloc(n->list, room * sizeof *list);

		if (!list)
			return false;
		n->list = list;
		n->room = room;
	}
	n->list[n->count] = strdup(name);
	return n->list[n->count] ? n->count++, true : false;
}

static void names_fini(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool wanted(int dir, const char *name, const char *suffix)
{
	size_t len = strlen(name), end = suffix ? strlen(suffix) : 0;
	struct stat st;

	if (len < end || (end && strcmp(name + len - end, suffix) != 0))
		return false;
	return fstatat(dir, name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

static enum status names_read(struct names *n, const char *path,
	const char *suffix)
{
	DIR *dir = opendir(path);
	enum status st = ST_OK;
	struct dirent *e;

	if (!dir)
		return sys_status(-errno);
	while (st == ST_OK && (e = readdir(dir)))
		if (wanted(dirfd(dir), e->d_name, suffix) &&
			!names_add(n, e->d_name))
			st = ST_NOMEM;
	closedir(dir);
	if (n->count > 1)
		qsort(n->list, n->count, sizeof *n->list, by_name);
	return st;
}

static void names_visit(const struct names *n, const char *dir,
	bool (*fn)(void *ctx, const char *path), void *ctx)
{
	for (size_t i = 0; i < n->count; i++) {
		char path[4096];
		int len = snprintf(path, sizeof path, "%s/%s", dir, n->list[i]);

		if (len < (int)sizeof path && !fn(ctx, path))
			return;
	}
}

enum status os_directory_each(const char *dir, const char *suffix,
	bool (*fn)(void *ctx, const char *path), void *ctx)
{
	struct names n = {0};
	int saved = errno;
	enum status st = names_read(&n, dir, suffix);

	if (st == ST_OK)
		names_visit(&n, dir, fn, ctx);
	names_fini(&n);
	errno = saved;
	return st;
}
