/* SPDX-License-Identifier: MIT */
#define CASE_HELPER
#include "task.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_int caught;

pid_t child_start(void (*body)(void *), void *argument)
{
	pid_t parent = getpid(), pid = CHECK_OK(fork());

	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CASE_FAIL);
	alarm(CASE_DEADLINE_SECONDS);
	body(argument);
	_exit(CASE_PASS);
}

static int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		CHECK_EQ(errno, EINTR);
	return status;
}

void child_join(pid_t pid)
{
	int status = child_wait(pid);

	if (WIFSIGNALED(status))
		FAIL("child was killed by signal %d (%s)", WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != CASE_PASS)
		FAIL("child ended with %d, expected %d", WEXITSTATUS(status),
		        CASE_PASS);
}

void child_kill(pid_t pid)
{
	CHECK_OK(kill(pid, SIGKILL));
	child_wait(pid);
}

pthread_t thread_start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
	return thread;
}

void thread_join(pthread_t thread)
{
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

void pause_ms(int ms)
{
	struct timespec rest = {
	        .tv_sec = ms / 1000,
	        .tv_nsec = ms % 1000 * 1000000L,
	};

	while (nanosleep(&rest, &rest) < 0)
		CHECK_EQ(errno, EINTR);
}

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_signal(int signal)
{
	atomic_fetch_add(&caught, 1);
}

void signal_catch(int signal, int flags)
{
	struct sigaction action = {
	        .sa_handler = on_signal,
	        .sa_flags = flags,
	};

	CHECK_OK(sigaction(signal, &action, NULL));
}

int signal_count(void)
{
	return atomic_load(&caught);
}

void signal_block(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
}

static void *pester_body(void *argument)
{
	struct pester *pester = argument;

	while (!atomic_load(&pester->over)) {
		pthread_kill(pester->victim, SIGUSR1);
		atomic_fetch_add(&pester->sent, 1);
		pause_ms(5);
	}
	return NULL;
}

void pester_start(struct pester *pester)
{
	pester->victim = pthread_self();
	atomic_init(&pester->sent, 0);
	atomic_init(&pester->over, false);
	pester->thread = thread_start(pester_body, pester);
}

void pester_stop(struct pester *pester)
{
	atomic_store(&pester->over, true);
	thread_join(pester->thread);
}

int descriptor_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	CHECK(directory != NULL);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int descriptor_next(void)
{
	int fd = CHECK_OK(open("/dev/null", O_RDONLY));

	CHECK_OK(close(fd));
	return fd;
}
