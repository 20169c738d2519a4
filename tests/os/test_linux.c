/* SPDX-License-Identifier: MIT */
#include "test_linux.h"

#include <sys/wait.h>

pid_t spawn(void (*fn)(void *arg), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(TEST_SECONDS);
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	return pid;
}

void reap(pid_t pid)
{
	int how;

	CHECK(waitpid(pid, &how, 0) == pid);
	CHECK(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

void hang(void *unused)
{
	for (;;)
		pause();
}
