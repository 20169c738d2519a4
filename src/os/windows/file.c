/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes, until the end or until room is full; false: it cannot be read. */
static bool read_full(HANDLE h, char *buf, size_t room, size_t *used)
{
	DWORD n = 1;

	*used = 0;
	while (*used < room && n > 0) {
		size_t left = room - *used;

		if (!ReadFile(h, buf + *used,
			    left > 1u << 30 ? 1u << 30 : (DWORD)left, &n, NULL))
			return false;
		*used += n;
	}
	return true;
}

static enum status read_whole(HANDLE h, char *buf, size_t *len)
{
	size_t used, more;
	char rest;

	/* Not a device, nor a pipe that nobody writes to. */
	if (GetFileType(h) != FILE_TYPE_DISK ||
		!read_full(h, buf, *len, &used))
		return ST_SYSTEM;
	if (used == *len && read_full(h, &rest, 1, &more) && more > 0)
		return ST_MSGSIZE;
	*len = used;
	return ST_OK;
}

static bool is_directory(const WCHAR *path)
{
	DWORD a = GetFileAttributesW(path);

	return a != INVALID_FILE_ATTRIBUTES && (a & FILE_ATTRIBUTE_DIRECTORY);
}

enum status os_file_read(const char *path, char *buf, size_t *len)
{
	WCHAR *wide = win_wide_new(path);
	enum status st;
	HANDLE h;

	if (!wide)
		return ST_NOTFOUND;
	h = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ |
			FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
		OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
	if (h == INVALID_HANDLE_VALUE) {
		st = win_status(GetLastError());
		if (is_directory(wide))
			st = ST_SYSTEM;
	} else {
		st = read_whole(h, buf, len);
		CloseHandle(h);
	}
	free(wide);
	return st;
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
	n->list[n->count] = _strdup(name);
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

static bool wanted(const WIN32_FIND_DATAW *found, const char *suffix,
	char name[4 * MAX_PATH])
{
	size_t len, end = suffix ? strlen(suffix) : 0;

	if (found->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
		return false;
	len = win_utf8(found->cFileName, name, 4 * MAX_PATH);
	if (len == 0 || --len < end)
		return false;
	return end == 0 || strcmp(name + len - end, suffix) == 0;
}

static enum status names_read(struct names *n, const WCHAR *pattern,
	const char *suffix)
{
	char name[4 * MAX_PATH];
	WIN32_FIND_DATAW found;
	enum status st = ST_OK;
	HANDLE h = FindFirstFileW(pattern, &found);

	if (h == INVALID_HANDLE_VALUE)
		return win_status(GetLastError());
	do
		if (wanted(&found, suffix, name) && !names_add(n, name))
			st = ST_NOMEM;
	while (st == ST_OK && FindNextFileW(h, &found));
	FindClose(h);
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

static WCHAR *pattern_for(const char *dir)
{
	size_t len = strlen(dir);
	char *text = malloc(len + 3);
	WCHAR *wide = NULL;

	if (text) {
		memcpy(text, dir, len);
		memcpy(text + len, "/*", 3);
		wide = win_wide_new(text);
	}
	free(text);
	return wide;
}

enum status os_directory_each(const char *dir, const char *suffix,
	bool (*fn)(void *ctx, const char *path), void *ctx)
{
	WCHAR *pattern = pattern_for(dir);
	struct names n = {0};
	enum status st;

	if (!pattern)
		return ST_NOTFOUND;
	st = names_read(&n, pattern, suffix);
	free(pattern);
	if (st == ST_OK)
		names_visit(&n, dir, fn, ctx);
	names_fini(&n);
	return st;
}
