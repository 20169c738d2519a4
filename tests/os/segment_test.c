/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#define LEN 65536

static void two_views_of_a_segment_show_the_same(void)
{
	size_t len = LEN, any = 0;
	char *a, *b;
	os_handle h;

	CHECK_ST(os_segment_create(LEN, &h), ST_OK);
	CHECK_ST(os_segment_map(h, 0, &len, (void **)&a), ST_OK);
	CHECK_ST(os_segment_map(h, LEN, &any, (void **)&b), ST_OK);
	CHECK(any == LEN && a != b && a[LEN - 1] == 0);
	strcpy(a, "shared");
	CHECK(strcmp(b, "shared") == 0);
	os_handle_close(h);
	CHECK(strcmp(b, "shared") == 0);
	os_segment_unmap(a, LEN);
	os_segment_unmap(b, LEN);
}

static void what_is_no_segment_is_refused(void)
{
	os_handle ends[2];
	size_t len = LEN;
	void *event, *p;

	CHECK_ST(os_link_pair(ends), ST_OK);
	CHECK_ST(os_event_create(&event), ST_OK);
	CHECK_ST(os_segment_map(ends[0], LEN, &len, &p), ST_PROTOCOL);
	CHECK_ST(os_segment_map(os_event_handle(event), LEN, &len, &p),
		ST_PROTOCOL);
	CHECK_ST(os_segment_map(OS_NO_HANDLE, LEN, &len, &p), ST_PROTOCOL);
	CHECK(len == LEN);
}

static void a_size_other_than_expected_is_refused(void)
{
	size_t less = LEN - 4096, any = 0;
	os_handle h;
	void *p;

	CHECK_ST(os_segment_create(LEN, &h), ST_OK);
	CHECK_ST(os_segment_map(h, LEN, &less, &p), ST_PROTOCOL);
	CHECK_ST(os_segment_map(h, LEN - 1, &any, &p), ST_PROTOCOL);
	CHECK(any == 0);
	CHECK_ST(os_segment_create(0, &h), ST_INVAL);
}

static void a_large_segment_costs_nothing_until_touched(void)
{
	size_t len = (size_t)1 << 30;
	os_handle h;
	char *p;

	CHECK_ST(os_segment_create(len, &h), ST_OK);
	CHECK_ST(os_segment_map(h, len, &len, (void **)&p), ST_OK);
	p[len - 1] = 1;
	os_segment_unmap(p, len);
}

static void expect_valid(const char *p, size_t len, bool readable,
	bool writable)
{
	CHECK(os_memory_valid(p, len, false) == readable);
	CHECK(os_memory_valid(p, len, true) == writable);
	CHECK(errno == 4242);
}

static void pages_are_valid_as_far_as_their_protection_goes(void)
{
	size_t len = 8 * os_page_size();
	void *none = NULL, *read = NULL, *write = NULL;

	CHECK_ST(os_pages_alloc(&none, len, OS_PAGES_NONE), ST_OK);
	CHECK_ST(os_pages_alloc(&read, len, OS_PAGES_READ), ST_OK);
	CHECK_ST(os_pages_alloc(&write, len, OS_PAGES_WRITE), ST_OK);
	expect_valid(none, 1, false, false);
	expect_valid(read, len, true, false);
	expect_valid(write, len, true, true);
	os_pages_free(write, len);
	expect_valid(write, len, false, false);
	CHECK_ST(os_pages_alloc(&write, len, OS_PAGES_WRITE), ST_OK);
	expect_valid(write, len, true, true);
}

static void odd_ranges_are_answered_too(void)
{
	static char here[10];

	expect_valid(NULL, 1, false, false);
	expect_valid(NULL, 0, true, true);
	expect_valid(here, sizeof here, true, true);
	expect_valid(here, SIZE_MAX, false, false);
	expect_valid((char *)UINTPTR_MAX - 5, 5, false, false);
	expect_valid("constant", 9, true, false);
}

static void looking_changes_nothing(void)
{
	static char bytes[3 * 65536];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 31);
	expect_valid(bytes, sizeof bytes, true, true);
	expect_valid(bytes, 1000, true, true);
	for (size_t i = 0; i < sizeof bytes; i++)
		CHECK(bytes[i] == (char)(i * 31));
}

#define TEST(name) {#name, name}

const struct test segment_tests[] = {
	TEST(two_views_of_a_segment_show_the_same),
	TEST(what_is_no_segment_is_refused),
	TEST(a_size_other_than_expected_is_refused),
	TEST(a_large_segment_costs_nothing_until_touched),
	TEST(pages_are_valid_as_far_as_their_protection_goes),
	TEST(odd_ranges_are_answered_too),
	TEST(looking_changes_nothing),
	{0},
};
