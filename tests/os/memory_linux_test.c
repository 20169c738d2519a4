/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "test_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define LEN 65536

static void a_segment_is_shared_and_of_fixed_size(void)
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
	CHECK(errno == 4242);
	CHECK(ftruncate((int)h, 0) == -1 && ftruncate((int)h, 2 * LEN) == -1);
	CHECK(fcntl((int)h, F_ADD_SEALS, F_SEAL_WRITE) == -1);
	os_handle_close(h);
	CHECK(strcmp(b, "shared") == 0);
	os_segment_unmap(a, LEN);
	os_segment_unmap(b, LEN);
}

static void expect_hostile(int fd)
{
	size_t len = LEN;
	void *p;

	CHECK(fd >= 0);
	CHECK_ST(os_segment_map(fd, LEN, &len, &p), ST_PROTOCOL);
	close(fd);
}

static int sealed(int seals, off_t len)
{
	int fd = memfd_create("hostile", MFD_ALLOW_SEALING);

	CHECK(fd >= 0 && ftruncate(fd, len) == 0);
	CHECK(fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static void what_the_peer_could_shrink_is_refused(void)
{
	int fd = memfd_create("plain", 0);
	int fixed = F_SEAL_SHRINK | F_SEAL_GROW;
	char path[64];

	CHECK(ftruncate(fd, LEN) == 0);
	expect_hostile(fd);
	expect_hostile(sealed(F_SEAL_GROW, LEN));
	expect_hostile(sealed(F_SEAL_SHRINK, LEN));
	expect_hostile(sealed(fixed | F_SEAL_WRITE, LEN));
	expect_hostile(sealed(fixed, 0));
	expect_hostile(open("/dev/zero", O_RDWR | O_CLOEXEC));
	expect_hostile(dup(1));
	fd = sealed(fixed, LEN);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	expect_hostile(open(path, O_RDONLY));
}

static void a_file_size_limit_is_an_error_and_no_signal(void)
{
	struct rlimit small = {LEN, LEN};
	os_handle h;

	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK_ST(os_segment_create(LEN + 1, &h), ST_NOMEM);
	CHECK_ST(os_segment_create(LEN, &h), ST_OK);
	CHECK(errno == 4242);
}

static void an_address_space_limit_is_found_at_once(void)
{
	struct rlimit old, lim;
	os_handle h;

	CHECK_ST(os_segment_create(SIZE_MAX, &h), ST_NOMEM);
	CHECK(getrlimit(RLIMIT_AS, &old) == 0);
	lim = old;
	lim.rlim_cur = (rlim_t)1 << 44;
	CHECK(setrlimit(RLIMIT_AS, &lim) == 0);
	CHECK_ST(os_segment_create((size_t)1 << 45, &h), ST_NOMEM);
	CHECK(errno == 4242);
	setrlimit(RLIMIT_AS, &old); /* a sanitizer still wants memory */
}

static void note(void *p)
{
	strcpy(p, "from the child");
}

static void shared_memory_is_shared_with_a_child(void)
{
	char *p = os_shared_alloc(100);

	CHECK(p && p[0] == 0 && p[99] == 0);
	reap(spawn(note, p));
	CHECK(strcmp(p, "from the child") == 0);
	os_shared_free(p, 100);
	os_shared_free(NULL, 100);
	CHECK(os_shared_alloc(SIZE_MAX) == NULL);
}

static void expect_valid(const char *p, size_t len, bool readable,
	bool writable)
{
	CHECK(os_memory_valid(p, len, false) == readable);
	CHECK(os_memory_valid(p, len, true) == writable);
	CHECK(errno == 4242);
}

/* A place where nothing else gets mapped while we make holes. */
#define LONELY ((void *)0x7ea000000000)

/* `pages` pages: all of them good but the last one, which has `rights`. */
static void try_ranges(size_t pages, int rights)
{
	size_t page = os_page_size(), len = pages * page, good = len - page;
	bool r = rights & PROT_READ, w = rights & PROT_WRITE;
	char *p = mmap(LONELY, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED && mprotect(p + good, page, rights) == 0);
	expect_valid(p, good, true, true);
	expect_valid(p + 1, good - 1, true, true);
	expect_valid(p + good - 1, 1, true, true);
	expect_valid(p, good + 1, r, w);
	expect_valid(p + good - 1, 2, r, w);
	expect_valid(p + len - 1, 1, r, w);
	munmap(p + good, page);
	expect_valid(p, good, true, true);
	expect_valid(p, good + 1, false, false);
	munmap(p, good);
	expect_valid(p, 1, false, false);
}

static void memory_is_valid_where_it_is_mapped(void)
{
	for (size_t pages = 2; pages < 200; pages += 33) {
		try_ranges(pages, PROT_NONE);
		try_ranges(pages, PROT_READ);
		try_ranges(pages, PROT_READ | PROT_WRITE);
	}
}

static void memory_of_several_mappings_is_valid(void)
{
	size_t page = os_page_size(), len = 300 * page;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < 300; i += 2)
		CHECK(mprotect(p + i * page, page, PROT_READ) == 0);
	expect_valid(p, len, true, false);
	expect_valid(p + page, page, true, true);
}

#define TEST(name) {#name, name}

extern const struct test memory_tests[];

const struct test memory_tests[] = {
	TEST(a_segment_is_shared_and_of_fixed_size),
	TEST(what_the_peer_could_shrink_is_refused),
	TEST(a_file_size_limit_is_an_error_and_no_signal),
	TEST(an_address_space_limit_is_found_at_once),
	TEST(shared_memory_is_shared_with_a_child),
	TEST(memory_is_valid_where_it_is_mapped),
	TEST(memory_of_several_mappings_is_valid),
	{0},
};
