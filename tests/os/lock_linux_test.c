/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "test_linux.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define ROUNDS 20000

/* In memory that parent and child share. */
struct shared {
	struct os_shared_lock lock;
	unsigned long counter; /* guarded by lock */
	_Atomic bool ready;
};

static struct shared *share(void)
{
	struct shared *s = os_shared_alloc(sizeof *s);

	CHECK(s);
	return s;
}

static void wait_ready(struct shared *s)
{
	while (!atomic_load(&s->ready))
		os_sleep(MS(1));
}

static void count_up(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OK);
		s->counter++;
		os_shared_lock_release(&s->lock);
	}
}

static void processes_exclude_each_other(void)
{
	struct shared *s = share();
	pid_t pid[3];

	for (int i = 0; i < 3; i++)
		pid[i] = spawn(count_up, s);
	count_up(s);
	for (int i = 0; i < 3; i++)
		reap(pid[i]);
	CHECK(s->counter == 4ul * ROUNDS);
}

static void die_inside(void *arg)
{
	struct shared *s = arg;

	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OK);
	atomic_store(&s->ready, true);
	hang(NULL);
}

static void a_child_does_not_hold_what_its_parent_holds(void *arg)
{
	struct shared *s = arg;

	CHECK(!os_shared_lock_mine(&s->lock) && !os_shared_lock_try(&s->lock));
}

static void ownership_is_not_inherited(void)
{
	struct shared *s = share();

	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OK);
	reap(spawn(a_child_does_not_hold_what_its_parent_holds, s));
	CHECK(os_shared_lock_mine(&s->lock));
}

/* The child becomes a zombie, as this process does not reap it. */
static void the_lock_of_a_killed_owner_is_taken_over(void)
{
	struct shared *s = share();
	pid_t pid = spawn(die_inside, s);
	uint64_t start;

	wait_ready(s);
	CHECK(!os_shared_lock_try(&s->lock));
	kill(pid, SIGKILL);
	start = os_now();
	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OWNERDIED);
	CHECK(os_now() - start < MS(1000));
	CHECK(os_shared_lock_mine(&s->lock));
	os_shared_lock_release(&s->lock);
	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OK);
	os_shared_lock_release(&s->lock);
	waitpid(pid, NULL, 0);
	CHECK(errno == 4242);
}

static void the_lock_of_a_reaped_owner_is_taken_over(void)
{
	struct shared *s = share();
	pid_t pid = spawn(die_inside, s);

	wait_ready(s);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OWNERDIED);
}

static void hold_a_while(void *arg)
{
	struct shared *s = arg;

	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OK);
	atomic_store(&s->ready, true);
	os_sleep(MS(300));
	s->counter = 1;
	os_shared_lock_release(&s->lock);
}

static void a_slow_owner_is_not_robbed(void)
{
	struct shared *s = share();
	pid_t pid = spawn(hold_a_while, s);

	wait_ready(s);
	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OK);
	CHECK(s->counter == 1);
	os_shared_lock_release(&s->lock);
	reap(pid);
}

/* Sleepers and owners die at random; somebody always gets on. */
static void sudden_deaths_never_block_the_living(void)
{
	struct shared *s = share();

	for (int i = 0; i < 30; i++) {
		pid_t pid = spawn(count_up, s), other = spawn(count_up, s);
		enum status st;

		os_sleep(MS(1 + i % 3));
		kill(pid, SIGKILL);
		kill(other, SIGKILL);
		st = os_shared_lock_acquire(&s->lock);
		CHECK(st == ST_OK || st == ST_OWNERDIED);
		os_shared_lock_release(&s->lock);
		waitpid(pid, NULL, 0);
		waitpid(other, NULL, 0);
	}
}

#define TEST(name) {#name, name}

extern const struct test lock_tests[];

const struct test lock_tests[] = {
	TEST(processes_exclude_each_other),
	TEST(ownership_is_not_inherited),
	TEST(the_lock_of_a_killed_owner_is_taken_over),
	TEST(the_lock_of_a_reaped_owner_is_taken_over),
	TEST(a_slow_owner_is_not_robbed),
	TEST(sudden_deaths_never_block_the_living),
	{0},
};
