/* SPDX-License-Identifier: MIT */
#include "switch/avoid.h"

#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"
#include "switch_test.h"

/* Two providers, as far as the table is concerned. */
static const char one, two;

/* The clock of a test begins where the last one's entries have expired. */
static uint64_t start_clock(void)
{
	static uint64_t now = 1000;

	now += 1000000;
	return now;
}

static struct addr host(unsigned n, uint16_t port)
{
	return addr_v4(10, 0, (uint8_t)(n >> 8), (uint8_t)n, port);
}

static void a_refusal_counts_for_its_port(void)
{
	uint64_t t = start_clock();
	struct addr a = host(1, 80), b = host(1, 81), c = host(2, 80);

	CHECK(!avoid_is_known(&one, &a, t));
	avoid_remember(&one, &a, false, t, t + 100);
	CHECK(avoid_is_known(&one, &a, t) && avoid_is_known(&one, &a, t + 99));
	CHECK(!avoid_is_known(&one, &b, t) && !avoid_is_known(&one, &c, t));
	CHECK(!avoid_is_known(&two, &a, t));
}

static void silence_counts_for_the_whole_address(void)
{
	uint64_t t = start_clock();
	struct addr a = host(1, 80), b = host(1, 81), c = host(2, 80);

	avoid_remember(&one, &a, true, t, t + 100);
	CHECK(avoid_is_known(&one, &a, t) && avoid_is_known(&one, &b, t));
	CHECK(!avoid_is_known(&one, &c, t) && !avoid_is_known(&two, &a, t));
}

static void what_is_known_expires(void)
{
	uint64_t t = start_clock();
	struct addr a = host(1, 80);

	avoid_remember(&one, &a, false, t, t + 100);
	CHECK(!avoid_is_known(&one, &a, t + 100));
	CHECK(!avoid_is_known(&one, &a, t)); /* forgotten for good */
	avoid_remember(&one, &a, false, t, t + 100);
	avoid_remember(&one, &a, false, t + 50, t + 150);
	CHECK(avoid_is_known(&one, &a, t + 149));
	CHECK(!avoid_is_known(&one, &a, t + 150));
}

static void no_time_is_never_remembered(void)
{
	uint64_t t = start_clock();
	struct addr a = host(1, 80);

	avoid_remember(&one, &a, true, t, t);
	CHECK(!avoid_is_known(&one, &a, t));
}

static void a_success_forgets_the_port_and_the_address(void)
{
	uint64_t t = start_clock();
	struct addr a = host(1, 80), b = host(1, 81);

	avoid_remember(&one, &a, false, t, t + 100);
	avoid_remember(&one, &b, false, t, t + 100);
	avoid_remember(&one, &b, true, t, t + 100);
	avoid_remember(&two, &a, false, t, t + 100);
	avoid_forget(&one, &a);
	CHECK(!avoid_is_known(&one, &a, t));
	CHECK(avoid_is_known(&one, &b, t)); /* refused by itself */
	CHECK(avoid_is_known(&two, &a, t));
}

static void the_oldest_makes_room(void)
{
	uint64_t t = start_clock();
	struct addr a;

	for (unsigned i = 0; i < AVOID_ENTRIES + 10; i++) {
		a = host(i, 80);
		avoid_remember(&one, &a, false, t + i, t + 100000);
	}
	for (unsigned i = 0; i < AVOID_ENTRIES + 10; i++) {
		a = host(i, 80);
		CHECK(avoid_is_known(&one, &a, t + 1000) == (i >= 10));
	}
}

static void families_and_scopes_are_different_hosts(void)
{
	uint64_t t = start_clock();
	struct addr a = addr_any(6, 80), b = a;

	a.ip[15] = b.ip[15] = 7;
	a.scope = 1;
	b.scope = 2;
	avoid_remember(&one, &a, true, t, t + 100);
	CHECK(avoid_is_known(&one, &a, t) && !avoid_is_known(&one, &b, t));
}

/* ---- threads and processes -------------------------------------------- */

static _Atomic bool stop;

static void work(void *arg)
{
	uint64_t t = *(uint64_t *)arg;

	for (unsigned i = 0; !atomic_load(&stop); i++) {
		struct addr a = host(i % 200, 80);
		uint64_t now = t + i % 1000;

		avoid_remember(&one, &a, i % 3 == 0, now, now + 5);
		avoid_is_known(&one, &a, now + i % 10);
		if (i % 7 == 0)
			avoid_forget(&one, &a);
	}
}

/* In the child: 0 when it knows what it should, and can use the table. */
static int child_status(const struct addr *a, uint64_t t)
{
	struct addr b = host(301, 80);

	avoid_fork_child();
	alarm(20);
	avoid_remember(&two, &b, false, t, t + 100);
	return avoid_is_known(&two, a, t) && avoid_is_known(&two, &b, t) ? 0
									  : 1;
}

static void forks_beside_busy_threads_leave_a_table_that_works(void)
{
	uint64_t t = start_clock();
	struct addr a = host(300, 80);
	struct os_thread threads[2];

	atomic_store(&stop, false);
	for (int i = 0; i < 2; i++)
		CHECK(os_thread_start(&threads[i], "avoid", work, &t) == ST_OK);
	for (int i = 0; i < 50; i++) {
		int status;
		pid_t pid;

		avoid_remember(&two, &a, false, t + 1000000, t + 2000000);
		avoid_fork_prepare();
		pid = fork();
		if (pid == 0)
			_exit(child_status(&a, t));
		avoid_fork_parent();
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		os_thread_join(&threads[i]);
}

#define TEST(name) {#name, name}

const struct test avoid_tests[] = {
	TEST(a_refusal_counts_for_its_port),
	TEST(silence_counts_for_the_whole_address),
	TEST(what_is_known_expires),
	TEST(no_time_is_never_remembered),
	TEST(a_success_forgets_the_port_and_the_address),
	TEST(the_oldest_makes_room),
	TEST(families_and_scopes_are_different_hosts),
	TEST(forks_beside_busy_threads_leave_a_table_that_works),
	{NULL, NULL}};
