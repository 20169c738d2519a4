/* SPDX-License-Identifier: MIT */
/*
 * The bytes go to another file in the same folder first, whose name no reader
 * of the catalog looks at. Its second name, the real one, is given by link(),
 * which fails where a file is; some file systems have no second names, and
 * there rename() must do.
 */
#include "install/linux/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

/* Some disks tell only now that they are full. */
static int fill(int fd, const char *text)
{
	int error = write_all(fd, text);

	if (!error && fchmod(fd, 0644) < 0)
		error = errno;
	if (!error && fsync(fd) < 0 && errno != EINVAL)
		error = errno;
	if (close(fd) < 0 && !error)
		error = errno;
	return error;
}

static int give_name(const char *temporary, const char *path)
{
	if (link(temporary, path) == 0)
		return 0;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
		return errno;
	if (access(path, F_OK) == 0)
		return EEXIST;
	return rename(temporary, path) == 0 ? 0 : errno;
}

static void sync_folder(const char *path)
{
	char folder[PATH_MAX];
	char *slash;
	int fd;

	snprintf(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return;
	*slash = 0;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int atomic_file_create(const char *path, const char *text)
{
	char temporary[PATH_MAX];
	int fd, error;

	if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >=
		(int)sizeof temporary)
		return ENAMETOOLONG;
	signal(SIGXFSZ, SIG_IGN); /* a limit is an error, not the end */
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return errno;
	error = fill(fd, text);
	if (!error)
		error = give_name(temporary, path);
	unlink(temporary);
	if (!error)
		sync_folder(path);
	return error;
}

int folder_create(const char *path)
{
	char part[PATH_MAX];
	struct stat st;

	if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
		return ENAMETOOLONG;
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return errno;
		*at = '/';
	}
	if (mkdir(part, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return errno;
	return stat(part, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}
