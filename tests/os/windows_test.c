/* SPDX-License-Identifier: MIT */
/* What only Windows has: kinds of sections, libraries with exports. */
#include "test.h"

#include <string.h>

#include <winsock2.h>
#include <windows.h>

#define LEN 65536

static void expect_hostile(HANDLE h)
{
	size_t len = LEN;
	void *p;

	CHECK(h && h != INVALID_HANDLE_VALUE);
	CHECK_ST(os_segment_map((os_handle)h, LEN, &len, &p), ST_PROTOCOL);
	CloseHandle(h);
}

static HANDLE file_section(void)
{
	WCHAR dir[MAX_PATH], path[MAX_PATH];
	HANDLE file, h;

	CHECK(GetTempPathW(MAX_PATH, dir) > 0);
	CHECK(GetTempFileNameW(dir, L"wsd", 0, path) != 0);
	file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL,
		CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
	h = CreateFileMappingW(file, NULL, PAGE_READWRITE, 0, LEN, NULL);
	CloseHandle(file);
	return h;
}

static void sections_whose_pages_may_be_missing_are_refused(void)
{
	HANDLE self = GetCurrentProcess(), whole, reading;
	os_handle h;

	expect_hostile(file_section());
	expect_hostile(CreateFileMappingW(INVALID_HANDLE_VALUE, NULL,
		PAGE_READWRITE | SEC_RESERVE, 0, LEN, NULL));
	expect_hostile(CreateFileMappingW(INVALID_HANDLE_VALUE, NULL,
		PAGE_READONLY, 0, LEN, NULL));
	CHECK_ST(os_segment_create(LEN, &h), ST_OK);
	whole = (HANDLE)h;
	CHECK(DuplicateHandle(self, whole, self, &reading,
		SECTION_MAP_READ | SECTION_QUERY, FALSE, 0));
	expect_hostile(reading);
	CloseHandle(whole);
}

static void the_system_has_libraries(void)
{
	char err[200] = "";
	void *lib;

	CHECK_ST(os_library_open("kernel32.dll", &lib, err, sizeof err),
		ST_OK);
	CHECK(os_library_symbol(lib, "CreateFileW"));
	CHECK(!os_library_symbol(lib, "no_such_symbol"));
	os_library_close(lib);
}

static void an_argument_arrives_as_it_was(void)
{
	const char *arguments[] = {"--role", "a \\\"b\" c\\", NULL};
	struct os_child c;
	int status = 0;

	/* It is no role; that it is one argument is what counts. */
	CHECK_ST(os_child_start(arguments, 20, &c), ST_OK);
	CHECK_ST(os_child_wait(&c, MS(20000), &status), ST_OK);
	CHECK(status == 2);
	os_child_end(&c, true);
}

static void sleep_a_moment(void *link)
{
	CHECK(os_thread_kick());
	CHECK_ST(os_link_sleep(*(os_handle *)link, MS(1)), ST_TIMEDOUT);
}

static void threads_leave_no_handles_behind(void)
{
	os_handle ends[2];
	struct os_thread t;
	unsigned before = 0;

	CHECK_ST(os_link_pair(ends), ST_OK);
	for (int i = 0; i < 50; i++) {
		if (i == 10)
			before = os_handle_count();
		CHECK_ST(os_thread_start(&t, "t", sleep_a_moment, &ends[0]),
			ST_OK);
		os_thread_join(&t);
	}
	CHECK(os_handle_count() == before);
}

#define TEST(name) {#name, name}

extern const struct test windows_tests[];

const struct test windows_tests[] = {
	TEST(sections_whose_pages_may_be_missing_are_refused),
	TEST(the_system_has_libraries),
	TEST(an_argument_arrives_as_it_was),
	TEST(threads_leave_no_handles_behind),
	{0},
};
