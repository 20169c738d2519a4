/* SPDX-License-Identifier: MIT */
/*
 * Runs each case as a program of its own, in a process group of its own, and
 * prints the Test Anything Protocol.  What a case leaves behind is killed.
 */
#include "cases.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HARD_DEADLINE_SECONDS = CASE_DEADLINE_SECONDS + 5 };

static void block_sigchld(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(how, &set, NULL);
}

static pid_t start(const struct socket_case *chosen, int messages)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(CASE_FAIL);
	}
	if (pid == 0) {
		block_sigchld(SIG_UNBLOCK);
		setpgid(0, 0);
		dup2(messages, STDERR_FILENO);
		close(messages);
		execl("/proc/self/exe", "socket_cases", chosen->name, NULL);
		perror("exec");
		_exit(CASE_FAIL);
	}
	setpgid(pid, pid);
	return pid;
}

static int has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid == pid;
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* The group is killed while its leader is unreaped, so the id is still ours. */
static int finish(pid_t pid)
{
	time_t deadline = seconds() + HARD_DEADLINE_SECONDS;
	struct timespec look = {.tv_nsec = 200 * 1000 * 1000};
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (!has_ended(pid) && seconds() < deadline)
		sigtimedwait(&set, NULL, &look);
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return CASE_FAIL;
	return status;
}

/* Copies what the case said, as comments. */
static void print_messages(int messages)
{
	FILE *file = fdopen(messages, "r");
	char line[1200];

	if (!file)
		return;
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		printf("# %s\n", line);
	}
	fclose(file);
}

static int report(int number, const char *name, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code == CASE_PASS)
		printf("ok %d - %s\n", number, name);
	else if (code == CASE_SKIP)
		printf("ok %d - %s # SKIP\n", number, name);
	else
		printf("not ok %d - %s\n", number, name);
	if (WIFSIGNALED(status))
		printf("# killed by signal %d (%s)\n", WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
	return code == CASE_PASS || code == CASE_SKIP;
}

static int count_chosen(const char *part)
{
	int count = 0;

	for (const struct socket_case *c = case_first(); c; c = c->next)
		count += strstr(c->name, part) != NULL;
	return count;
}

static int run_chosen(int number, const struct socket_case *chosen)
{
	int messages = memfd_create("messages", MFD_CLOEXEC);
	int status = finish(start(chosen, messages));
	int good = report(number, chosen->name, status);

	print_messages(messages);
	fflush(stdout);
	return good;
}

int tap_run(const char *part)
{
	int number = 0, good = 0;

	block_sigchld(SIG_BLOCK);
	printf("1..%d\n", count_chosen(part));
	fflush(stdout);
	for (const struct socket_case *c = case_first(); c; c = c->next)
		if (strstr(c->name, part))
			good += run_chosen(++number, c);
	return good == number ? CASE_PASS : CASE_FAIL;
}
