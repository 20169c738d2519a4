/* SPDX-License-Identifier: MIT */
/*
 * Segments are sealed memfds. Only a memfd can carry the SHRINK seal, so a
 * file on some mount of the peer's making, where a page might be missing when
 * we touch it, never passes the check; huge pages, which run out, are refused
 * by their file system's type.
 */
#include "internal.h"

#include <linux/magic.h>
#include <sys/mman.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

/* Beyond the limit ftruncate would not fail but raise SIGXFSZ. */
static bool file_size_allowed(size_t len)
{
	struct rlimit lim;

	if (len > INT64_MAX)
		return false;
	return sys_getrlimit(RLIMIT_FSIZE, &lim) < 0 ||
		lim.rlim_cur == RLIM_INFINITY || len <= lim.rlim_cur;
}

/* Finds out now what the mapping would find out later. */
static bool address_space_allowed(size_t len)
{
	int saved = errno;
	struct rlimit lim;
	void *p;

	if (sys_getrlimit(RLIMIT_AS, &lim) < 0 ||
		lim.rlim_cur == RLIM_INFINITY)
		return true;
	p = mmap(NULL, len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p != MAP_FAILED)
		munmap(p, len);
	errno = saved;
	return p != MAP_FAILED;
}

static int new_memfd(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = sys_memfd_create("wsd", flags | MFD_NOEXEC_SEAL);

	if (fd == -EINVAL) /* before Linux 6.3 */
		fd = sys_memfd_create("wsd", flags);
	return sys_above_stdio(fd);
}

enum status os_segment_create(size_t len, os_handle *out)
{
	int fd, r;

	if (len == 0)
		return ST_INVAL;
	if (!file_size_allowed(len) || !address_space_allowed(len))
		return ST_NOMEM;
	fd = new_memfd();
	if (fd < 0)
		return sys_status(fd);
	r = sys_ftruncate(fd, (off_t)len);
	if (r == 0)
		r = sys_fcntl(fd, F_ADD_SEALS, SIZE_SEALS | F_SEAL_SEAL);
	if (r < 0) {
		sys_close(fd);
		/* EFBIG, EINVAL: larger than the system can do. */
		return r == -EFBIG || r == -EINVAL ? ST_NOMEM : sys_status(r);
	}
	*out = fd;
	return ST_OK;
}

static bool size_is_fixed(int fd)
{
	struct statfs fs;
	int seals = sys_fcntl(fd, F_GET_SEALS, 0);

	return seals >= 0 && (seals & SIZE_SEALS) == SIZE_SEALS &&
		sys_fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/* Asked after the seals are known to be there: from then on it stays true. */
static bool size_is_right(int fd, size_t max, size_t *len)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0 || st.st_size <= 0)
		return false;
	if (*len != 0)
		return (uint64_t)st.st_size == *len;
	*len = (size_t)st.st_size;
	return *len <= max;
}

enum status os_segment_map(os_handle h, size_t max, size_t *len, void **base)
{
	size_t size = *len;
	int saved = errno, e;
	void *p;

	if (!size_is_fixed((int)h) || !size_is_right((int)h, max, &size))
		return ST_PROTOCOL;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, (int)h, 0);
	e = errno;
	errno = saved;
	if (p == MAP_FAILED)
		/* Sealed against writing, or opened for reading only. */
		return e == EPERM || e == EACCES ? ST_PROTOCOL : ST_NOMEM;
	*len = size;
	*base = p;
	return ST_OK;
}

void os_segment_unmap(void *base, size_t len)
{
	os_shared_free(base, len);
}
