/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

static void an_event_stays_set_until_reset(void)
{
	uint64_t start = os_now();
	void *e;

	CHECK_ST(os_event_create(&e), ST_OK);
	CHECK(((uintptr_t)e & 3) == 0 && e);
	CHECK_ST(os_event_wait(e, 0), ST_TIMEDOUT);
	CHECK_ST(os_event_wait(e, MS(20)), ST_TIMEDOUT);
	CHECK(os_now() - start >= MS(20));
	CHECK_ST(os_event_set(e), ST_OK);
	CHECK_ST(os_event_set(e), ST_OK);
	CHECK_ST(os_event_wait(e, OS_FOREVER), ST_OK);
	CHECK_ST(os_event_wait(e, 0), ST_OK);
	CHECK_ST(os_handle_wait(os_event_handle(e), 0), ST_OK);
	CHECK_ST(os_event_reset(e), ST_OK);
	CHECK_ST(os_event_reset(e), ST_OK);
	CHECK_ST(os_event_wait(e, 0), ST_TIMEDOUT);
	CHECK(errno == 4242);
}

static void the_low_bits_of_an_event_are_ignored(void)
{
	void *e;

	CHECK_ST(os_event_create(&e), ST_OK);
	CHECK_ST(os_event_set((char *)e + 1), ST_OK);
	CHECK_ST(os_event_wait((char *)e + 3, 0), ST_OK);
}

static void set_after_a_moment(void *event)
{
	os_sleep(MS(30));
	CHECK_ST(os_event_set(event), ST_OK);
}

static void an_event_that_is_none_is_an_error(void)
{
	void *e, *copy;
	os_handle ends[2];

	CHECK_ST(os_event_set(NULL), ST_INVAL);
	CHECK_ST(os_event_reset((void *)(uintptr_t)0x1234), ST_INVAL);
	CHECK_ST(os_event_wait((void *)(uintptr_t)-1, 0), ST_INVAL);
	CHECK_ST(os_event_create(&e), ST_OK);
	copy = e;
	os_event_destroy(e);
	CHECK_ST(os_event_set(copy), ST_INVAL);
	/* The number may belong to somebody else now. */
	CHECK_ST(os_link_pair(ends), ST_OK);
	CHECK_ST(os_event_set(copy), ST_INVAL);
	CHECK_ST(os_event_reset(copy), ST_INVAL);
	CHECK(os_event_handle(copy) == OS_NO_HANDLE);
	os_event_destroy(copy);
	CHECK_ST(os_link_alive(ends[0]), ST_OK);
	CHECK_ST(os_link_drain(ends[0], false), ST_AGAIN);
	CHECK_ST(os_link_drain(ends[1], false), ST_AGAIN);
	CHECK(errno == 4242);
}

static void another_thread_ends_a_wait_for_an_event(void)
{
	struct os_thread t;
	void *e;

	CHECK_ST(os_event_create(&e), ST_OK);
	CHECK_ST(os_thread_start(&t, "setter", set_after_a_moment, e), ST_OK);
	CHECK_ST(os_event_wait(e, OS_FOREVER), ST_OK);
	os_thread_join(&t);
	os_event_destroy(e);
}

static void a_poller_takes_more_events_than_one_wait_can(void)
{
	enum { EVENTS = 150 };
	void *e[EVENTS];
	uint64_t got[4];
	struct os_thread t;
	os_handle p;

	CHECK_ST(os_poller_create(&p), ST_OK);
	for (uint64_t i = 0; i < EVENTS; i++) {
		CHECK_ST(os_event_create(&e[i]), ST_OK);
		CHECK_ST(os_poller_add(p, os_event_handle(e[i]), i), ST_OK);
	}
	CHECK(os_poller_wait(p, got, 4, MS(5)) == 0);
	for (unsigned i = 0; i < EVENTS; i += 49) {
		CHECK_ST(os_thread_start(&t, "setter", set_after_a_moment,
			e[i]), ST_OK);
		CHECK(os_poller_wait(p, got, 4, OS_FOREVER) == 1);
		CHECK(got[0] == i);
		os_thread_join(&t);
		CHECK_ST(os_event_reset(e[i]), ST_OK);
	}
	os_handle_close(p);
}

static void remove_after_a_moment(void *arg)
{
	os_handle *h = arg;

	os_sleep(MS(30));
	os_poller_remove(h[0], h[1]);
	os_handle_close(h[1]);
	CHECK_ST(os_poller_add(h[0], h[2], 7), ST_OK);
}

static void handles_come_and_go_while_a_poller_waits(void)
{
	os_handle a[2], b[2], h[3];
	struct os_thread t;
	uint64_t got[2];

	CHECK_ST(os_poller_create(&h[0]), ST_OK);
	CHECK_ST(os_link_pair(a), ST_OK);
	CHECK_ST(os_link_pair(b), ST_OK);
	CHECK_ST(os_link_ring(b[0]), ST_OK);
	h[1] = a[1];
	h[2] = b[1];
	CHECK_ST(os_poller_add(h[0], a[1], 1), ST_OK);
	CHECK_ST(os_thread_start(&t, "remover", remove_after_a_moment, h),
		ST_OK);
	CHECK(os_poller_wait(h[0], got, 2, OS_FOREVER) == 1 && got[0] == 7);
	os_thread_join(&t);
	CHECK_ST(os_link_alive(a[0]), ST_CLOSED);
	os_handle_close(h[0]);
	CHECK_ST(os_link_drain(b[1], false), ST_OK);
}

static void a_poller_tells_which_handles_are_ready(void)
{
	uint64_t got[4] = {0};
	os_handle p, a[2], b[2];

	CHECK_ST(os_poller_create(&p), ST_OK);
	CHECK_ST(os_link_pair(a), ST_OK);
	CHECK_ST(os_link_pair(b), ST_OK);
	CHECK_ST(os_poller_add(p, a[1], 1), ST_OK);
	CHECK_ST(os_poller_add(p, b[1], UINT64_MAX), ST_OK);
	CHECK_ST(os_poller_add(p, b[1], 3), ST_EXISTS);
	CHECK_ST(os_poller_add(p, 999, 3), ST_INVAL);
	CHECK(os_poller_wait(p, got, 4, 0) == 0);
	CHECK_ST(os_link_ring(b[0]), ST_OK);
	CHECK(os_poller_wait(p, got, 4, OS_FOREVER) == 1);
	CHECK(got[0] == UINT64_MAX);
	CHECK(os_poller_wait(p, got, 4, 0) == 1); /* level-triggered */
	os_handle_close(a[0]);
	CHECK(os_poller_wait(p, got, 1, 0) == 1);
	CHECK(os_poller_wait(p, got, 4, 0) == 2);
	CHECK(got[0] + got[1] == 0); /* 1 and UINT64_MAX, in any order */
	os_poller_remove(p, a[1]);
	CHECK_ST(os_link_drain(b[1], false), ST_OK);
	CHECK(os_poller_wait(p, got, 4, MS(5)) == 0);
	CHECK(errno == 4242);
}

static void a_poller_takes_any_number_of_cookies(void)
{
	uint64_t got[200];
	os_handle p, h[2];

	CHECK_ST(os_poller_create(&p), ST_OK);
	CHECK_ST(os_link_pair(h), ST_OK);
	CHECK_ST(os_link_ring(h[0]), ST_OK);
	for (uint64_t i = 0; i < 100; i++) {
		os_handle copy;

		CHECK_ST(os_handle_duplicate(h[1], &copy), ST_OK);
		CHECK_ST(os_poller_add(p, copy, i), ST_OK);
	}
	CHECK(os_poller_wait(p, got, 200, 0) > 0);
	CHECK(os_poller_wait(p, got, 3, 0) == 3);
}

static void time_goes_on_and_sleeps_last(void)
{
	uint64_t start = os_now();

	os_sleep(MS(20));
	CHECK(os_now() - start >= MS(20));
	os_sleep(0);
	os_yield();
	CHECK(os_cpu_count() >= 1);
	CHECK_ST(os_handle_wait(999, 0), ST_INVAL);
	CHECK(errno == 4242);
}

static void random_bytes_differ(void)
{
	uint8_t a[1000] = {0}, b[1000] = {0};

	CHECK_ST(os_random(a, sizeof a), ST_OK);
	CHECK_ST(os_random(b, sizeof b), ST_OK);
	CHECK(memcmp(a, b, sizeof a) != 0);
}

#define TEST(name) {#name, name}

const struct test wait_tests[] = {
	TEST(an_event_stays_set_until_reset),
	TEST(the_low_bits_of_an_event_are_ignored),
	TEST(an_event_that_is_none_is_an_error),
	TEST(another_thread_ends_a_wait_for_an_event),
	TEST(a_poller_tells_which_handles_are_ready),
	TEST(a_poller_takes_more_events_than_one_wait_can),
	TEST(handles_come_and_go_while_a_poller_waits),
	TEST(a_poller_takes_any_number_of_cookies),
	TEST(time_goes_on_and_sleeps_last),
	TEST(random_bytes_differ),
	{0},
};
