/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define LINE_ROOM 1024

/*
 * The stream that the program began with; a library that is loaded later takes
 * what is there at that moment.
 */
static HANDLE at_start;

__attribute__((constructor)) static void remember_stderr(void)
{
	if (!at_start)
		at_start = GetStdHandle(STD_ERROR_HANDLE);
}

static bool write_all(HANDLE h, const char *text, size_t len)
{
	DWORD written;

	return WriteFile(h, text, (DWORD)len, &written, NULL);
}

/* In one call, so that lines of several threads do not mix; long ones are cut
 * in two. No memory is needed: that may be what the line says. */
static enum status write_line(HANDLE h, const char *text)
{
	char line[LINE_ROOM];
	size_t len = strlen(text);

	if (len >= sizeof line) {
		if (!write_all(h, text, len - sizeof line + 1))
			return ST_SYSTEM;
		text += len - sizeof line + 1;
		len = sizeof line - 1;
	}
	memcpy(line, text, len);
	line[len] = '\n';
	return write_all(h, line, len + 1) ? ST_OK : ST_SYSTEM;
}

void os_log_line(const char *text)
{
	remember_stderr();
	if (at_start && at_start != INVALID_HANDLE_VALUE &&
		GetStdHandle(STD_ERROR_HANDLE) == at_start)
		write_line(at_start, text);
}

enum status os_file_append_line(const char *path, const char *text)
{
	WCHAR *wide = win_wide_new(path);
	enum status st;
	HANDLE h;

	if (!wide)
		return ST_NOTFOUND;
	h = CreateFileW(wide, FILE_APPEND_DATA,
		FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
		OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
	st = h == INVALID_HANDLE_VALUE ? win_status(GetLastError()) : ST_OK;
	free(wide);
	if (st != ST_OK)
		return st;
	st = write_line(h, text);
	CloseHandle(h);
	return st;
}
