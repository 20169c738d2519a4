/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <string.h>

void os_log_line(const char *text)
{
	struct iovec line[2] = {
		{(void *)(uintptr_t)text, strlen(text)},
		{(void *)(uintptr_t) "\n", 1},
	};

	/* One call, so that lines of several threads do not mix. */
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
