/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "test_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/wsd-os-test-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void make_file(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void make_dir(void)
{
	CHECK(mkdtemp(dir));
	make_file("b.conf", "two\n");
	make_file("a.conf", "one\n");
	make_file("c.txt", "three\n");
	make_file("conf", "");
	CHECK(mkdir(in_dir("d.conf"), 0700) == 0);
	errno = 4242;
}

static void remove_dir(void)
{
	unlink(in_dir("b.conf"));
	unlink(in_dir("a.conf"));
	unlink(in_dir("c.txt"));
	unlink(in_dir("conf"));
	rmdir(in_dir("d.conf"));
	CHECK(rmdir(dir) == 0);
}

struct seen {
	char text[512];
	int left;
};

static bool note_path(void *ctx, const char *path)
{
	struct seen *s = ctx;

	CHECK(strncmp(path, dir, strlen(dir)) == 0);
	strcat(s->text, path + strlen(dir));
	return --s->left > 0;
}

static void expect_files(const char *suffix, int limit, const char *want)
{
	struct seen s = {.left = limit};

	CHECK_ST(os_directory_each(dir, suffix, note_path, &s), ST_OK);
	if (strcmp(s.text, want) != 0)
		check_failed(__FILE__, __LINE__, s.text);
	CHECK(errno == 4242);
}

static void files_come_in_the_order_of_their_names(void)
{
	unsigned before;

	make_dir();
	before = os_handle_count();
	expect_files(".conf", 100, "/a.conf/b.conf");
	expect_files(".conf", 1, "/a.conf");
	expect_files(NULL, 100, "/a.conf/b.conf/c.txt/conf");
	expect_files(".none", 100, "");
	CHECK(os_handle_count() == before);
	CHECK_ST(os_directory_each("/nowhere", "", note_path, NULL),
		ST_NOTFOUND);
	CHECK_ST(os_directory_each(in_dir("conf"), "", note_path, NULL),
		ST_NOTFOUND);
	remove_dir();
}

static void a_small_file_is_read_whole(void)
{
	char buf[16];
	size_t len = sizeof buf;

	make_dir();
	CHECK_ST(os_file_read(in_dir("c.txt"), buf, &len), ST_OK);
	CHECK(len == 6 && memcmp(buf, "three\n", 6) == 0);
	CHECK_ST(os_file_read(in_dir("c.txt"), buf, &len), ST_OK);
	len = 5;
	CHECK_ST(os_file_read(in_dir("c.txt"), buf, &len), ST_MSGSIZE);
	CHECK(len == 5);
	CHECK_ST(os_file_read(in_dir("none"), buf, &len), ST_NOTFOUND);
	CHECK_ST(os_file_read(dir, buf, &len), ST_SYSTEM);
	len = 0;
	CHECK_ST(os_file_read(in_dir("conf"), buf, &len), ST_OK);
	CHECK(len == 0 && errno == 4242);
	remove_dir();
}

static void a_file_of_others_is_denied(void)
{
	char buf[16];
	size_t len = sizeof buf;

	make_dir();
	CHECK(chmod(in_dir("conf"), 0) == 0);
	if (getuid() == 0 && seteuid(65534) != 0)
		SKIP("cannot become another user");
	CHECK_ST(os_file_read(in_dir("conf"), buf, &len), ST_ACCESS);
	CHECK(seteuid(getuid()) == 0);
	remove_dir();
}

static void libraries_open_and_say_why_not(void)
{
	char err[80] = "";
	void *lib;

	CHECK_ST(os_library_open("libm.so.6", &lib, err, sizeof err), ST_OK);
	CHECK(os_library_symbol(lib, "cos"));
	CHECK(!os_library_symbol(lib, "no_such_symbol"));
	os_library_close(lib);
	CHECK_ST(os_library_open("/nowhere/lib.so", &lib, err, sizeof err),
		ST_NOTFOUND);
	CHECK(strstr(err, "/nowhere/lib.so") && !strchr(err, '\n'));
	CHECK_ST(os_library_open("/etc/passwd", &lib, err, sizeof err),
		ST_SYSTEM);
	CHECK_ST(os_library_open("/nowhere/lib.so", &lib, NULL, 0),
		ST_NOTFOUND);
	CHECK(errno == 4242);
}

static void the_path_of_this_program_is_known(void)
{
	char path[4096], small[2];
	struct stat a, b;

	CHECK_ST(os_module_path(path, sizeof path), ST_OK);
	CHECK(path[0] == '/' && stat(path, &a) == 0);
	CHECK(stat("/proc/self/exe", &b) == 0 && a.st_ino == b.st_ino);
	CHECK_ST(os_module_path(small, sizeof small), ST_MSGSIZE);
	CHECK(errno == 4242);
}

/* What a program started with this standard error does. */
void log_lines(void)
{
	int kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
	FILE *file = tmpfile();
	int other = file ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 3) : -1;

	errno = 4242;
	os_log_line("a line");
	os_log_line("another");
	close(2);
	os_log_line("nobody reads this");
	CHECK(errno == 4242);

	CHECK(dup2(other, 2) == 2);
	os_log_line("not into a file of the program's");
	CHECK(lseek(2, 0, SEEK_END) == 0);
	CHECK(kept < 0 || dup2(kept, 2) == 2);
	os_log_line("back again");
}

static void become_logger(void *err)
{
	char self[4096] = "", role[] = "--role", word[] = "log_lines";
	char *argv[] = {self, role, word, NULL};

	CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	if (err)
		CHECK(dup2(*(int *)err, 2) == 2);
	else
		close(2);
	execv(self, argv);
	_exit(1);
}

static void expect_line(int fd, const char *want)
{
	char buf[64];
	long n = read(fd, buf, sizeof buf - 1);

	CHECK(n >= 0);
	buf[n] = 0;
	if (strcmp(buf, want) != 0)
		check_failed(__FILE__, __LINE__, buf);
}

static void a_log_line_is_one_write_to_the_stream_of_the_start(void)
{
	int p[2];
	pid_t pid;

	CHECK(pipe2(p, O_DIRECT | O_CLOEXEC) == 0); /* keeps writes apart */
	pid = spawn(become_logger, &p[1]);
	close(p[1]);
	expect_line(p[0], "a line\n");
	expect_line(p[0], "another\n");
	expect_line(p[0], "back again\n");
	expect_line(p[0], "");
	reap(pid);
}

static void without_a_stream_at_the_start_no_log_line_is_written(void)
{
	reap(spawn(become_logger, NULL));
}

#define TEST(name) {#name, name}

extern const struct test file_linux_tests[];

const struct test file_linux_tests[] = {
	TEST(files_come_in_the_order_of_their_names),
	TEST(a_small_file_is_read_whole),
	TEST(a_file_of_others_is_denied),
	TEST(libraries_open_and_say_why_not),
	TEST(the_path_of_this_program_is_known),
	TEST(a_log_line_is_one_write_to_the_stream_of_the_start),
	TEST(without_a_stream_at_the_start_no_log_line_is_written),
	{0},
};
