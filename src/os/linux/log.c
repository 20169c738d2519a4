/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <string.h>

/*
 * A daemon closes its standard error, and the number becomes one of its own
 * files or connections. What was there at the start is remembered, and nothing
 * is written to anything else. A library that is loaded later takes what is
 * there at that moment.
 */
static struct stat at_start;
static enum { UNKNOWN, OPEN, CLOSED } start = UNKNOWN;

/* Runs before main, and before threads; constructors may log even earlier. */
__attribute__((constructor)) static void remember_stderr(void)
{
	if (start == UNKNOWN)
		start = sys_fstat(2, &at_start) == 0 ? OPEN : CLOSED;
}

static bool is_still_stderr(void)
{
	struct stat now;

	remember_stderr();
	return start == OPEN && sys_fstat(2, &now) == 0 &&
		now.st_dev == at_start.st_dev && now.st_ino == at_start.st_ino;
}

void os_log_line(const char *text)
{
	struct iovec line[2] = {
		{(void *)(uintptr_t)text, strlen(text)},
		{(void *)(uintptr_t) "\n", 1},
	};

	/* One call, so that lines of several threads do not mix. */
	if (is_still_stderr())
		sys_writev(2, line, 2);
}

enum status os_file_append_line(const char *path, const char *text)
{
	struct iovec line[2] = {
		{(void *)(uintptr_t)text, strlen(text)},
		{(void *)(uintptr_t) "\n", 1},
	};
	int fd = sys_open_mode(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY |
			O_NONBLOCK, 0666);
	long n;

	if (fd < 0)
		return sys_status(fd);
	n = sys_writev(fd, line, 2);
	sys_close(fd);
	return n < 0 ? sys_status((int)n) : ST_OK;
}
