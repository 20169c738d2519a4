/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#define ROUNDS 20000

/* Guarded by a lock that needs no more than zeroed memory. */
struct shared {
	struct os_shared_lock lock;
	unsigned long counter; /* guarded by lock */
};

static struct shared *share(void)
{
	struct shared *s = os_shared_alloc(sizeof *s);

	CHECK(s);
	return s;
}

static void a_lock_knows_its_owner(void)
{
	struct shared *s = share();

	CHECK(!os_shared_lock_mine(&s->lock));
	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OK);
	CHECK(os_shared_lock_mine(&s->lock));
	CHECK(!os_shared_lock_try(&s->lock));
	os_shared_lock_release(&s->lock);
	CHECK(!os_shared_lock_mine(&s->lock));
	CHECK(os_shared_lock_try(&s->lock));
	os_shared_lock_release(&s->lock);
	CHECK(atomic_load(&s->lock.word) == 0);
	os_shared_free(s, sizeof *s);
	CHECK(errno == 4242);
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

static void threads_exclude_each_other(void)
{
	struct shared *s = share();
	struct os_thread t[4];

	for (int i = 0; i < 4; i++)
		CHECK_ST(os_thread_start(&t[i], "l", count_up, s), ST_OK);
	for (int i = 0; i < 4; i++)
		os_thread_join(&t[i]);
	CHECK(s->counter == 4ul * ROUNDS);
}

static void acquire_and_leave(void *arg)
{
	struct shared *s = arg;

	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OK);
}

static void the_lock_of_an_ended_thread_is_taken_over(void)
{
	struct shared *s = share();
	struct os_thread t;

	CHECK_ST(os_thread_start(&t, "l", acquire_and_leave, s), ST_OK);
	os_thread_join(&t);
	CHECK_ST(os_shared_lock_acquire(&s->lock), ST_OWNERDIED);
}

/* ---- threads ---------------------------------------------------------- */

struct rendezvous {
	struct os_mutex m;
	struct os_cond c;
	bool done;
};

static void finish(void *arg)
{
	struct rendezvous *r = arg;

	os_mutex_lock(&r->m);
	r->done = true;
	os_cond_broadcast(&r->c);
	os_mutex_unlock(&r->m);
}

static void conditions_wake_and_time_out(void)
{
	struct rendezvous r = {.done = false};
	uint64_t start = os_now();
	struct os_thread t;
	enum status st = ST_OK;

	os_mutex_init(&r.m);
	os_cond_init(&r.c);
	os_mutex_lock(&r.m);
	while (st == ST_OK)
		st = os_cond_wait(&r.c, &r.m, MS(20));
	CHECK_ST(st, ST_TIMEDOUT);
	CHECK(os_now() - start >= MS(20));
	CHECK_ST(os_thread_start(&t, "finish", finish, &r), ST_OK);
	while (!r.done)
		CHECK_ST(os_cond_wait(&r.c, &r.m, OS_FOREVER), ST_OK);
	os_mutex_unlock(&r.m);
	os_thread_join(&t);
	os_cond_fini(&r.c);
	os_mutex_fini(&r.m);
	CHECK(errno == 4242);
}

static int once_runs;

static void slowly(void)
{
	os_sleep(MS(20));
	once_runs++;
}

static void call_once(void *once)
{
	os_once(once, slowly);
	CHECK(once_runs == 1);
}

static void once_is_once_and_others_wait(void)
{
	static struct os_once once;
	struct os_thread t[4];

	for (int i = 0; i < 4; i++)
		CHECK_ST(os_thread_start(&t[i], "o", call_once, &once), ST_OK);
	for (int i = 0; i < 4; i++)
		os_thread_join(&t[i]);
	CHECK(once_runs == 1);
}

static void ask_cookie(void *out)
{
	memcpy(out, os_process_cookie(), 16);
}

static void threads_that_come_first_together_see_one_cookie(void)
{
	uint8_t cookie[8][16];
	struct os_thread t[8];

	for (int i = 0; i < 8; i++)
		CHECK_ST(os_thread_start(&t[i], "c", ask_cookie, cookie[i]),
			ST_OK);
	for (int i = 0; i < 8; i++)
		os_thread_join(&t[i]);
	for (int i = 0; i < 8; i++)
		CHECK(memcmp(cookie[i], os_process_cookie(), 16) == 0);
}

#define TEST(name) {#name, name}

const struct test thread_tests[] = {
	TEST(a_lock_knows_its_owner),
	TEST(threads_exclude_each_other),
	TEST(the_lock_of_an_ended_thread_is_taken_over),
	TEST(conditions_wake_and_time_out),
	TEST(once_is_once_and_others_wait),
	TEST(threads_that_come_first_together_see_one_cookie),
	{0},
};
