/* SPDX-License-Identifier: MIT */
/* call_exec.c - the program is replaced by another one. */
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "carry.h"
#include "real.h"

extern char **environ;

static void carry(void)
{
	carry_listeners();
	carry_standard_streams();
}

INTERPOSED int execve(const char *path, char *const argv[], char *const env[])
{
	carry();
	return real.execve(path, argv, env);
}

INTERPOSED int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

INTERPOSED int execvp(const char *file, char *const argv[])
{
	carry();
	return real.execvpe(file, argv, environ);
}

INTERPOSED int execvpe(const char *file, char *const argv[], char *const env[])
{
	carry();
	return real.execvpe(file, argv, env);
}

INTERPOSED int fexecve(int fd, char *const argv[], char *const env[])
{
	carry();
	return real.fexecve(fd, argv, env);
}

/* ---- arguments one by one --------------------------------------------- */

static size_t count(const char *first, va_list ap)
{
	size_t n = first != NULL;
	va_list rest;

	va_copy(rest, ap);
	while (first && va_arg(rest, char *))
		n++;
	va_end(rest);
	return n;
}

/* Into list, which has room for all and the NULL. */
static void gather(char **list, const char *first, va_list *ap)
{
	size_t n = 0;

	list[n++] = (char *)(uintptr_t)first;
	while (list[n - 1])
		list[n++] = va_arg(*ap, char *);
}

/* On the stack: this may be between vfork and exec. */
#define ROOM(first, ap) __builtin_alloca((count(first, ap) + 1) * sizeof(char *))

INTERPOSED int execl(const char *path, const char *first, ...)
{
	char **list;
	va_list ap;
	int r;

	va_start(ap, first);
	list = ROOM(first, ap);
	gather(list, first, &ap);
	r = execve(path, list, environ);
	va_end(ap);
	return r;
}

INTERPOSED int execlp(const char *file, const char *first, ...)
{
	char **list;
	va_list ap;
	int r;

	va_start(ap, first);
	list = ROOM(first, ap);
	gather(list, first, &ap);
	r = execvpe(file, list, environ);
	va_end(ap);
	return r;
}

INTERPOSED int execle(const char *path, const char *first, ...)
{
	char **list;
	va_list ap;
	int r;

	va_start(ap, first);
	list = ROOM(first, ap);
	gather(list, first, &ap);
	r = execve(path, list, va_arg(ap, char **));
	va_end(ap);
	return r;
}

/* ---- in one call with the fork ---------------------------------------- */

INTERPOSED int posix_spawn(pid_t *pid, const char *path,
	const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[],
	char *const env[])
{
	carry_listeners();
	return real.posix_spawn(pid, path, actions, attributes, argv, env);
}

INTERPOSED int posix_spawnp(pid_t *pid, const char *file,
	const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[],
	char *const env[])
{
	carry_listeners();
	return real.posix_spawnp(pid, file, actions, attributes, argv, env);
}
