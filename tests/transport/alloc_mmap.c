/* SPDX-License-Identifier: MIT */
/* Mappings run out as well, where they are made by mmap. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "alloc.h"

void *__real_mmap(void *at, size_t len, int prot, int flags, int fd,
	off_t offset);
void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd,
	off64_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd,
	off_t offset);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd,
	off64_t offset);

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd,
	off_t offset)
{
	if (!alloc_fails())
		return __real_mmap(at, len, prot, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

/* What mmap is called where files may be large. */
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd,
	off64_t offset)
{
	if (!alloc_fails())
		return __real_mmap64(at, len, prot, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}
