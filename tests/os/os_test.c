/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#define DEADLINE_S 60

void check_failed(const char *file, int line, const char *what)
{
	printf("# %s:%d: %s\n", file, line, what);
	fflush(stdout);
	_exit(1);
}

void check_status(const char *file, int line, const char *what,
	enum status got, enum status want)
{
	char text[256];

	if (got == want)
		return;
	snprintf(text, sizeof text, "%s is %s, not %s", what,
		status_name(got), status_name(want));
	check_failed(file, line, text);
}

pid_t spawn(void (*fn)(void *arg), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(DEADLINE_S);
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

unsigned count_handles(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void run(void *test)
{
	/* No function of ours may leave it changed. */
	errno = 4242;
	((const struct test *)test)->fn();
}

/* 0 passed, TEST_SKIPPED, else failed. */
static int outcome(const struct test *t)
{
	pid_t pid = spawn(run, (void *)(uintptr_t)t);
	int how;

	if (waitpid(pid, &how, 0) != pid)
		return 1;
	if (WIFSIGNALED(how))
		printf("# ended by signal %d (%s)\n", WTERMSIG(how),
			strsignal(WTERMSIG(how)));
	return WIFEXITED(how) ? WEXITSTATUS(how) : 1;
}

static void fail(void)
{
	CHECK(!"this line is expected: a failing test must be noticed");
}

static const struct test failing = {"fails", fail};

static void the_harness_notices_a_failure(void)
{
	CHECK(outcome(&failing) == 1);
}

static const struct test harness_tests[] = {
	{"the_harness_notices_a_failure", the_harness_notices_a_failure},
	{0},
};

static unsigned run_group(const struct test *t, const char *only, unsigned *n)
{
	unsigned failed = 0;

	for (; t->name; t++) {
		int r;

		if (only && !strstr(t->name, only))
			continue;
		r = outcome(t);
		failed += r != 0 && r != TEST_SKIPPED;
		printf("%sok %u - %s%s\n",
			r == 0 || r == TEST_SKIPPED ? "" : "not ", ++*n,
			t->name, r == TEST_SKIPPED ? " # SKIP" : "");
		fflush(stdout);
	}
	return failed;
}

/* With an argument: only tests whose name contains it. */
int main(int argc, char **argv)
{
	const struct test *groups[] = {harness_tests, link_tests, wait_tests,
		process_tests, lock_tests, memory_tests, net_tests,
		file_tests};
	unsigned n = 0, failed = 0;

	if (argc > 1 && !strcmp(argv[1], "log_lines"))
		return log_lines();
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
		failed += run_group(groups[i], argc > 1 ? argv[1] : NULL, &n);
	printf("1..%u\n", n);
	return failed != 0;
}
