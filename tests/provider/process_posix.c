/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

/* Where a child finds its parent. */
enum { PARENT_FD = 3 };

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static _Noreturn void become(const char *how, const char *name)
{
	execl("/proc/self/exe", "provider_test", how, name, (char *)NULL);
	perror("exec");
	_exit(CASE_FAIL);
}

int process_run_case(const char *name, unsigned seconds)
{
	siginfo_t info;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		alarm(seconds);
		become("--case", name);
	}
	setpgid(pid, pid);
	/* What it started is killed while its id is still taken. */
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	return exit_code(status);
}

/* ---- children ------------------------------------------------------ */

struct child child_start(const char *role)
{
	struct child c;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		FAIL("socketpair");
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], PARENT_FD);
		alarm(CASE_DEADLINE_SECONDS);
		become("--role", role);
	}
	close(ends[1]);
	c.id = pid;
	c.talk = ends[0];
	return c;
}

uint32_t child_pid(struct child c)
{
	return (uint32_t)c.id;
}

void child_kill(struct child c)
{
	kill((pid_t)c.id, SIGKILL);
	waitpid((pid_t)c.id, NULL, 0);
	close((int)c.talk);
}

int child_wait(struct child c)
{
	int status;

	waitpid((pid_t)c.id, &status, 0);
	close((int)c.talk);
	return exit_code(status);
}

static void tell(int fd, const char *format, va_list arguments)
{
	char line[LINE_MAX_LEN];
	int len = vsnprintf(line, sizeof line - 1, format, arguments);

	line[len++] = '\n';
	if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len)
		FAIL("nobody to talk to");
}

static bool hear(int fd, char line[LINE_MAX_LEN])
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, line + len, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		if (line[len] == '\n')
			break;
		if (len < LINE_MAX_LEN - 1)
			len++;
	}
	line[len] = 0;
	return true;
}

void child_tell(struct child c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell((int)c.talk, format, arguments);
	va_end(arguments);
}

void child_hear(struct child c, char line[LINE_MAX_LEN])
{
	if (!hear((int)c.talk, line))
		FAIL("the child has ended");
}

void parent_tell(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(PARENT_FD, format, arguments);
	va_end(arguments);
}

bool parent_hear(char line[LINE_MAX_LEN])
{
	return hear(PARENT_FD, line);
}

/* ---- this process -------------------------------------------------- */

void process_exit(int status)
{
	_exit(status);
}

void process_set(const char *name, const char *value)
{
	if (setenv(name, value, 1) < 0)
		FAIL("setenv");
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	if (!dir)
		FAIL("%s cannot be read", path);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

unsigned process_threads(void)
{
	return entries("/proc/self/task");
}

unsigned process_handles(void)
{
	return entries("/proc/self/fd") - 1; /* of the folder itself */
}

void process_limit_handles(unsigned more)
{
	struct rlimit limit;
	int lowest;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		FAIL("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	lowest = dup(0);
	if (lowest < 0)
		FAIL("dup");
	close(lowest);
	limit.rlim_cur = (rlim_t)lowest + more;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void *process_readonly_page(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);

	if (p == MAP_FAILED)
		FAIL("mmap");
	return p;
}

/* The thread sanitizer wants no threads in a child. */
#ifdef __SANITIZE_THREAD__
#define CAN_FORK 0
#else
#define CAN_FORK 1
#endif

intptr_t process_fork(void)
{
	pid_t pid = CAN_FORK ? fork() : -1;

	if (pid == 0)
		alarm(CASE_DEADLINE_SECONDS);
	return pid;
}

int process_fork_wait(intptr_t id)
{
	int status;

	waitpid((pid_t)id, &status, 0);
	return exit_code(status);
}
