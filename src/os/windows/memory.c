/* SPDX-License-Identifier: MIT */
#include "internal.h"

size_t os_page_size(void)
{
	SYSTEM_INFO info;

	GetSystemInfo(&info);
	return info.dwPageSize;
}

void *os_shared_alloc(size_t len)
{
	return VirtualAlloc(NULL, len, MEM_RESERVE | MEM_COMMIT,
		PAGE_READWRITE);
}

void os_shared_free(void *p, size_t len)
{
	if (p)
		VirtualFree(p, 0, MEM_RELEASE);
}

static bool allows(DWORD protection, bool writable)
{
	const DWORD write = PAGE_READWRITE | PAGE_WRITECOPY |
		PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
	const DWORD read = PAGE_READONLY | PAGE_EXECUTE_READ | write;

	if (protection & PAGE_GUARD) /* touching it would take the guard away */
		return false;
	return protection & (writable ? write : read);
}

bool os_memory_valid(const void *p, size_t len, bool writable)
{
	uintptr_t at = (uintptr_t)p, end = at + len;
	MEMORY_BASIC_INFORMATION info;

	if (len == 0)
		return true;
	if (end < at)
		return false;
	while (at < end) {
		if (!VirtualQuery((void *)at, &info, sizeof info) ||
			info.State != MEM_COMMIT ||
			!allows(info.Protect, writable))
			return false;
		at = (uintptr_t)info.BaseAddress + info.RegionSize;
		if (at == 0) /* the end of the address space */
			break;
	}
	return true;
}
