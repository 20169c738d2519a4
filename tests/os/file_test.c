/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

static const char *in_dir(const char *dir, const char *name)
{
	static char path[4200];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

/* The folder that this program is in. */
static void own_dir(char dir[4096])
{
	char *end;

	CHECK_ST(os_module_path(dir, 4096), ST_OK);
	end = strrchr(dir, '/');
	if (!end)
		end = strrchr(dir, '\\');
	CHECK(end);
	*end = 0;
}

static bool first_one(void *ctx, const char *path)
{
	snprintf(ctx, 4200, "%s", path);
	return false;
}

static void this_program_is_found_in_its_folder(void)
{
	char dir[4096], path[4200] = "", small[2];

	own_dir(dir);
	CHECK_ST(os_directory_each(dir, NULL, first_one, path), ST_OK);
	CHECK(strncmp(path, dir, strlen(dir)) == 0);
	CHECK_ST(os_module_path(small, sizeof small), ST_MSGSIZE);
	CHECK_ST(os_directory_each(in_dir(dir, "nowhere"), "", first_one,
		path), ST_NOTFOUND);
	CHECK(errno == 4242);
}

static void lines_are_appended_and_read_back(void)
{
	char dir[4096], name[64], buf[64];
	size_t len = sizeof buf;
	const char *path;

	own_dir(dir);
	snprintf(name, sizeof name, "lines-%u.txt",
		(unsigned)os_process_id());
	path = in_dir(dir, name);
	CHECK_ST(os_file_read(path, buf, &len), ST_NOTFOUND);
	CHECK_ST(os_file_append_line(path, "one"), ST_OK);
	CHECK_ST(os_file_append_line(path, "two"), ST_OK);
	CHECK_ST(os_file_read(path, buf, &len), ST_OK);
	CHECK(len == 8 && memcmp(buf, "one\ntwo\n", 8) == 0);
	len = 7;
	CHECK_ST(os_file_read(path, buf, &len), ST_MSGSIZE);
	CHECK(len == 7);
	len = sizeof buf;
	CHECK_ST(os_file_read(dir, buf, &len), ST_SYSTEM);
	CHECK(remove(path) == 0);
}

static void what_is_no_library_is_told(void)
{
	char dir[4096], err[200] = "";
	void *lib;

	own_dir(dir);
	CHECK_ST(os_library_open(in_dir(dir, "no-such-library"), &lib, err,
		sizeof err), ST_NOTFOUND);
	CHECK(strstr(err, "no-such-library") && !strchr(err, '\n'));
	CHECK_ST(os_library_open(in_dir(dir, "no-such-library"), &lib, NULL,
		0), ST_NOTFOUND);
}

static void this_program_knows_its_name(void)
{
	char name[64] = "", small[3];

	CHECK_ST(os_program_name(name, sizeof name), ST_OK);
	CHECK(strncmp(name, "os_test", 7) == 0 && !strpbrk(name, "/\\"));
	CHECK_ST(os_program_name(small, sizeof small), ST_MSGSIZE);
	CHECK(errno == 4242);
}

#define TEST(name) {#name, name}

const struct test file_tests[] = {
	TEST(this_program_is_found_in_its_folder),
	TEST(lines_are_appended_and_read_back),
	TEST(this_program_knows_its_name),
	TEST(what_is_no_library_is_told),
	{0},
};
