/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

static bool file_is_missing(const char *path)
{
	return strchr(path, '/') &&
		SYS4(SYS_faccessat, AT_FDCWD, path, F_OK, 0) == -ENOENT;
}

static void first_line(char *out, size_t room, const char *text)
{
	if (room == 0)
		return;
	snprintf(out, room, "%s", text);
	out[strcspn(out, "\n")] = '\0';
}

/*
 * Libraries that are loaded may take signals for themselves (PSM's, which
 * libfabric brings along, prints on a fault where it is). They are the
 * program's.
 */
static void *open_quietly(const char *path)
{
	struct sigaction before[NSIG];
	void *handle;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, NULL, &before[s]);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	for (int s = 1; s < NSIG; s++) {
		struct sigaction now;

		if (sigaction(s, NULL, &now) == 0 &&
			now.sa_sigaction != before[s].sa_sigaction)
			sigaction(s, &before[s], NULL);
	}
	return handle;
}

enum status os_library_open(const char *path, void **lib, char *err,
	size_t errlen)
{
	int saved = errno;
	void *handle = open_quietly(path);
	const char *why = handle ? NULL : dlerror();

	errno = saved;
	if (!handle) {
		first_line(err, errlen, why ? why : "unknown reason");
		return file_is_missing(path) ? ST_NOTFOUND : ST_SYSTEM;
	}
	*lib = handle;
	return ST_OK;
}

void *os_library_symbol(void *lib, const char *name)
{
	int saved = errno;
	void *p = dlsym(lib, name);

	errno = saved;
	return p;
}

void os_library_close(void *lib)
{
	int saved = errno;

	dlclose(lib);
	errno = saved;
}

/* The program's own headers lie at the start of its image. */
static bool is_main_program(const void *base)
{
	uintptr_t headers = (uintptr_t)getauxval(AT_PHDR);

	return headers - (uintptr_t)base < 4096;
}

static enum status path_of_program(char *buf, size_t len)
{
	long n = SYS4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", buf, len);

	if (n < 0)
		return ST_SYSTEM;
	if ((size_t)n >= len)
		return ST_MSGSIZE;
	buf[n] = '\0';
	return ST_OK;
}

static enum status name_in(const char *path, char *buf, size_t len)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (strlen(name) >= len)
		return ST_MSGSIZE;
	strcpy(buf, name);
	return *name ? ST_OK : ST_SYSTEM;
}

/*
 * What was executed, as users know it: not where a symbolic link leads (as
 * redis-server may be), nor a script's interpreter. Some names are none.
 */
static const char *executed_as(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);

	if (!name || strncmp(name, "/dev/fd/", 8) == 0 ||
		strncmp(name, "/proc/", 6) == 0)
		return "";
	return name;
}

enum status os_program_name(char *buf, size_t len)
{
	const char *executed = executed_as();
	char path[4096];
	enum status st;

	if (*executed)
		return name_in(executed, buf, len);
	st = path_of_program(path, sizeof path);
	return st == ST_OK ? name_in(path, buf, len) : st;
}

/* A library may have been named relative to where the program started. */
static enum status path_of_library(const char *name, char *buf, size_t len)
{
	char *full = realpath(name, NULL);
	int n = full ? snprintf(buf, len, "%s", full) : -1;

	free(full);
	if (n < 0)
		return ST_NOTFOUND;
	return (size_t)n < len ? ST_OK : ST_MSGSIZE;
}

enum status os_module_path(char *buf, size_t len)
{
	static const char here;
	int saved = errno;
	enum status st;
	Dl_info info;

	if (!dladdr(&here, &info) || !info.dli_fname)
		st = ST_SYSTEM;
	else if (is_main_program(info.dli_fbase))
		st = path_of_program(buf, len);
	else
		st = path_of_library(info.dli_fname, buf, len);
	errno = saved;
	return st;
}
