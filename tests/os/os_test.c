/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

void check_failed(const char *file, int line, const char *what)
{
	printf("# %s:%d: %s\n", file, line, what);
	fflush(stdout);
	os_exit_now(1);
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

void test_skip(const char *why)
{
	printf("# skipped: %s\n", why);
	fflush(stdout);
	os_exit_now(TEST_SKIPPED);
}

static struct os_child start(const char *how, const char *name)
{
	const char *arguments[] = {how, name, NULL};
	struct os_child c;

	CHECK_ST(os_child_start(arguments, TEST_SECONDS, &c), ST_OK);
	return c;
}

struct os_child role_start(const char *name)
{
	return start("--role", name);
}

/* 0 passed, TEST_SKIPPED, else failed. */
static int outcome(const char *name)
{
	struct os_child c;
	int status = 1;
	char fate[64];

	fflush(stdout);
	c = start("--test", name);
	os_child_wait(&c, OS_FOREVER, &status);
	os_child_end(&c, true);
	if (status < 0) {
		os_child_fate(status, fate, sizeof fate);
		printf("# %s\n", fate);
	}
	return status;
}

static void fail(void)
{
	CHECK(!"this line is expected: a failing test must be noticed");
}

static void the_harness_notices_a_failure(void)
{
	CHECK(outcome("fail") == 1);
}

static const struct test harness_tests[] = {
	{"the_harness_notices_a_failure", the_harness_notices_a_failure},
	{0},
};
static const struct test harness_more[] = {
	{"fail", fail},
	{0},
};

static bool run_in(const struct test *t, const char *name)
{
	for (; t->name; t++) {
		if (strcmp(t->name, name) != 0)
			continue;
		/* No function of ours may leave it changed. */
		errno = 4242;
		t->fn();
		return true;
	}
	return false;
}

static int run_named(const struct test *const *groups, const char *name)
{
	bool found = run_in(harness_tests, name) || run_in(harness_more, name);

	for (; *groups && !found; groups++)
		found = run_in(*groups, name);
	return found ? 0 : 2;
}

static unsigned run_group(const struct test *t, const char *only, unsigned *n)
{
	unsigned failed = 0;

	for (; t->name; t++) {
		int r;

		if (only && !strstr(t->name, only))
			continue;
		r = outcome(t->name);
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
	const char *only = argc > 1 ? argv[1] : NULL;
	unsigned n = 0, failed;

	if (argc > 2 && !strcmp(argv[1], "--test"))
		return run_named(test_groups, argv[2]);
	if (argc > 2 && !strcmp(argv[1], "--role"))
		return run_named(test_roles, argv[2]);
	failed = run_group(harness_tests, only, &n);
	for (const struct test *const *g = test_groups; *g; g++)
		failed += run_group(*g, only, &n);
	printf("1..%u\n", n);
	return failed != 0;
}
