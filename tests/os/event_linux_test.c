/* SPDX-License-Identifier: MIT */
/* Events, as far as descriptors and forks go. */
#include "test.h"
#include "test_linux.h"

#include <errno.h>

static void set_after_a_moment(void *event)
{
	os_sleep(MS(30));
	CHECK_ST(os_event_set(event), ST_OK);
}

static void what_is_no_event_is_never_touched(void)
{
	void *e, *copy;
	os_handle h, ends[2];

	CHECK_ST(os_event_set(NULL), ST_INVAL);
	CHECK_ST(os_event_reset((void *)(uintptr_t)0x1234), ST_INVAL);
	CHECK_ST(os_event_wait((void *)(uintptr_t)-1, 0), ST_INVAL);
	CHECK_ST(os_event_create(&e), ST_OK);
	copy = e;
	h = os_event_handle(e);
	os_event_destroy(e);
	CHECK_ST(os_event_set(copy), ST_INVAL);
	/* The number belongs to somebody else now. */
	CHECK_ST(os_link_pair(ends), ST_OK);
	CHECK(ends[0] == h || ends[1] == h);
	CHECK_ST(os_event_set(copy), ST_INVAL);
	CHECK_ST(os_event_reset(copy), ST_INVAL);
	CHECK(os_event_handle(copy) == OS_NO_HANDLE);
	os_event_destroy(copy);
	CHECK_ST(os_link_alive(ends[0]), ST_OK);
	CHECK_ST(os_link_drain(ends[0], false), ST_AGAIN);
	CHECK_ST(os_link_drain(ends[1], false), ST_AGAIN);
	CHECK(errno == 4242);
}

static void an_event_set_elsewhere_ends_a_wait(void)
{
	struct os_thread t;
	pid_t pid;
	void *e;

	CHECK_ST(os_event_create(&e), ST_OK);
	CHECK_ST(os_thread_start(&t, "setter", set_after_a_moment, e), ST_OK);
	CHECK_ST(os_event_wait(e, OS_FOREVER), ST_OK);
	os_thread_join(&t);
	CHECK_ST(os_event_reset(e), ST_OK);
	pid = spawn(set_after_a_moment, e);
	CHECK_ST(os_event_wait(e, MS(10000)), ST_OK);
	reap(pid);
}

#define TEST(name) {#name, name}

extern const struct test event_linux_tests[];

const struct test event_linux_tests[] = {
	TEST(what_is_no_event_is_never_touched),
	TEST(an_event_set_elsewhere_ends_a_wait),
	{0},
};
