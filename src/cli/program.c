/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "elf_file.h"

enum {
	SCRIPTS_DEEP = 4, /* as many as the kernel follows */
	SCRIPT_LINE = 256,
};

const char *obstacle_code(enum obstacle o)
{
	static const char *const codes[] = {
#define OBSTACLE_CODE(name, code, text) [name] = code,
		OBSTACLE_LIST(OBSTACLE_CODE)
#undef OBSTACLE_CODE
	};

	return codes[o];
}

const char *obstacle_text(enum obstacle o)
{
	static const char *const texts[] = {
#define OBSTACLE_TEXT(name, code, text) [name] = text,
		OBSTACLE_LIST(OBSTACLE_TEXT)
#undef OBSTACLE_TEXT
	};

	return texts[o];
}

/* ---- finding ---------------------------------------------------------- */

static int runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static int copy_path(char path[PATH_MAX], const char *dir, size_t len,
	const char *name)
{
	const char *slash = len > 0 ? "/" : "";
	int n;

	if (len >= PATH_MAX)
		return ENAMETOOLONG;
	n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)len, dir, slash, name);
	return n < PATH_MAX ? 0 : ENAMETOOLONG;
}

static int search(const char *dirs, const char *name, char path[PATH_MAX])
{
	int why = ENOENT, error;
	const char *end;

	for (;; dirs = end + 1) {
		end = strchrnul(dirs, ':');
		error = copy_path(path, dirs, (size_t)(end - dirs), name);
		if (error == 0)
			error = runnable(path);
		if (error == 0)
			return 0;
		if (error == EACCES)
			why = EACCES;
		if (*end == '\0')
			return why;
	}
}

int program_find(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	int error;

	if (*name == '\0')
		return ENOENT;
	if (!strchr(name, '/'))
		return search(dirs ? dirs : "/bin:/usr/bin", name, path);
	error = copy_path(path, "", 0, name);
	return error ? error : runnable(path);
}

/* ---- obstacles -------------------------------------------------------- */

static bool has_capabilities(int fd)
{
	static const char name[] = "security.capability";

	return geteuid() != 0 && fgetxattr(fd, name, NULL, 0) > 0;
}

static bool changes_user(const struct stat *st)
{
	bool group = (st->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);

	return ((st->st_mode & S_ISUID) && st->st_uid != geteuid()) ||
		(group && st->st_gid != getegid());
}

static bool privileges_are_ignored(int fd)
{
	struct statvfs fs;

	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
		(fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOSUID));
}

/* The dynamic loader then ignores LD_PRELOAD. */
static bool gains_privileges(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || privileges_are_ignored(fd))
		return false;
	return changes_user(&st) || has_capabilities(fd);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What fits us can be loaded beside our library: compare with ourselves. */
static bool same_kind(const struct elf_facts *f)
{
	struct elf_facts own;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool known = fd >= 0 && elf_read(fd, &own);

	if (fd >= 0)
		close(fd);
	if (!known)
		return f->native;
	return f->native && f->machine == own.machine &&
		(f->interpreter[0] == '\0' || own.interpreter[0] == '\0' ||
			strcmp(base_name(f->interpreter),
				base_name(own.interpreter)) == 0);
}

static enum obstacle obstacle_of_elf(int fd, const struct elf_facts *f)
{
	if (f->go)
		return OBSTACLE_GO;
	if (!same_kind(f))
		return OBSTACLE_FOREIGN;
	if (f->interpreter[0] == '\0')
		return OBSTACLE_STATIC;
	return gains_privileges(fd) ? OBSTACLE_SETUID : OBSTACLE_NONE;
}

/* "#! /bin/sh -e" gives "/bin/sh". */
static bool script_interpreter(int fd, char path[SCRIPT_LINE])
{
	char line[SCRIPT_LINE];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	char *start;

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	start = line + 2 + strspn(line + 2, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	strcpy(path, start);
	return *start != '\0';
}

/* An interpreter may be named that is a pipe: never wait in open. */
static int open_to_read(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static enum obstacle obstacle_at(int fd, unsigned deep);

static enum obstacle obstacle_of_script(int fd, unsigned deep)
{
	char path[SCRIPT_LINE];

	if (deep == 0 || !script_interpreter(fd, path))
		return OBSTACLE_NONE;
	return obstacle_at(open_to_read(path), deep - 1);
}

/* Takes fd. A file that cannot be read is none of our business. */
static enum obstacle obstacle_at(int fd, unsigned deep)
{
	struct elf_facts facts;
	enum obstacle found;

	if (fd < 0)
		return OBSTACLE_NONE;
	if (elf_read(fd, &facts))
		found = obstacle_of_elf(fd, &facts);
	else
		found = obstacle_of_script(fd, deep);
	close(fd);
	return found;
}

enum obstacle program_obstacle(const char *path)
{
	return obstacle_at(open_to_read(path), SCRIPTS_DEEP);
}
