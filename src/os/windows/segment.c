/* SPDX-License-Identifier: MIT */
/*
 * segment.c - segments are sections of the paging file. Their size is fixed
 * when they are made, every page of them is there, and a view cannot lose any.
 * Sections of other kinds are refused: pages of a file may fail to be read,
 * reserved ones are not there at all.
 */
#include "internal.h"

#include <winternl.h>

/* SectionBasicInformation, which <winternl.h> does not have. */
struct section_information {
	PVOID base;
	ULONG attributes;
	LARGE_INTEGER size;
};

NTSTATUS NTAPI NtQuerySection(HANDLE section, int class, void *info, SIZE_T len,
	SIZE_T *used);

static size_t whole_pages(size_t len)
{
	size_t page = os_page_size();

	return (len + page - 1) & ~(page - 1);
}

enum status os_segment_create(size_t len, os_handle *out)
{
	HANDLE h;

	if (len == 0)
		return ST_INVAL;
	h = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL,
		PAGE_READWRITE | SEC_COMMIT, (DWORD)((uint64_t)len >> 32),
		(DWORD)len, NULL);
	if (!h) {
		DWORD error = GetLastError();

		/* Larger than the system can do. */
		return error == ERROR_INVALID_PARAMETER ? ST_NOMEM
							: win_status(error);
	}
	*out = (os_handle)h;
	return ST_OK;
}

/* The system's own account of it, whoever made it. */
static bool size_is_right(HANDLE h, size_t max, size_t *len)
{
	const ULONG other = SEC_FILE | SEC_IMAGE | SEC_RESERVE;
	struct section_information info;

	if (NtQuerySection(h, 0, &info, sizeof info, NULL) < 0 ||
		(info.attributes & other) || !(info.attributes & SEC_COMMIT) ||
		info.size.QuadPart <= 0)
		return false;
	if (*len != 0)
		return whole_pages(*len) ==
			whole_pages((size_t)info.size.QuadPart);
	if ((uint64_t)info.size.QuadPart > max)
		return false;
	*len = (size_t)info.size.QuadPart;
	return true;
}

enum status os_segment_map(os_handle h, size_t max, size_t *len, void **base)
{
	size_t size = *len;
	DWORD error;
	void *p;

	if (!size_is_right(win_handle(h), max, &size))
		return ST_PROTOCOL;
	p = MapViewOfFile(win_handle(h), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0,
		size);
	error = p ? ERROR_SUCCESS : GetLastError();
	if (!p)
		return error == ERROR_ACCESS_DENIED ||
				error == ERROR_INVALID_HANDLE
			? ST_PROTOCOL : ST_NOMEM;
	if (!os_memory_valid(p, size, true)) {
		UnmapViewOfFile(p);
		return ST_PROTOCOL;
	}
	*len = size;
	*base = p;
	return ST_OK;
}

void os_segment_unmap(void *base, size_t len)
{
	if (base)
		UnmapViewOfFile(base);
}
