/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static pid_t start(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	return pid;
}

int process_run(void (*fn)(void *arg), const void *arg, size_t len,
	unsigned seconds)
{
	pid_t pid = start();
	siginfo_t info;
	int status;

	if (pid == 0) {
		setpgid(0, 0);
		alarm(seconds);
		fn((void *)(uintptr_t)arg);
		exit(0); /* with the sanitizers' last checks */
	}
	setpgid(pid, pid);
	/* What it started is killed while its id is still taken. */
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	return exit_code(status);
}

struct process process_start(void (*fn)(void *arg), const void *arg,
	size_t len)
{
	struct process p = {.id = start()};

	if (p.id == 0) {
		fn((void *)(uintptr_t)arg);
		exit(0);
	}
	return p;
}

bool process_has_task(int argc, char **argv, int *variant)
{
	return false;
}

void process_do_task(char **argv)
{
}

void process_kill(struct process p)
{
	kill((pid_t)p.id, SIGKILL);
	waitpid((pid_t)p.id, NULL, 0);
}

void process_freeze(struct process p)
{
	kill((pid_t)p.id, SIGSTOP);
	waitpid((pid_t)p.id, NULL, WUNTRACED);
}

void process_thaw(struct process p)
{
	kill((pid_t)p.id, SIGCONT);
}

int process_wait(struct process p)
{
	int status;

	waitpid((pid_t)p.id, &status, 0);
	return exit_code(status);
}

void process_exit(int status)
{
	_exit(status);
}

bool process_change_user(void)
{
	return setgid(65534) == 0 && setuid(65534) == 0;
}

void process_limit_handles(unsigned more)
{
	struct rlimit limit;
	int lowest = dup(0);

	if (lowest < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		perror("limit");
		exit(1);
	}
	close(lowest);
	limit.rlim_cur = (rlim_t)lowest + more;
	setrlimit(RLIMIT_NOFILE, &limit);
}

os_handle process_unsealed_segment(size_t len)
{
	int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)len) < 0) {
		perror("memfd");
		exit(1);
	}
	return fd;
}
