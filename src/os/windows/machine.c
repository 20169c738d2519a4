/* SPDX-License-Identifier: MIT */
/* machine.c - what a process is made of: the second half of os_child.h. */
#include "os/os_child.h"

#include "internal.h"

#include <psapi.h>
#include <stdlib.h>
#include <tlhelp32.h>
#include <winternl.h>

#include "base/sockaddr.h"

enum status os_environment_set(const char *name, const char *value)
{
	/* The C library has a copy, and tells the system. */
	return _putenv_s(name, value) == 0 ? ST_OK : ST_NOMEM;
}

unsigned os_thread_count(void)
{
	HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
	THREADENTRY32 e = {.dwSize = sizeof e};
	DWORD pid = GetCurrentProcessId();
	unsigned n = 0;

	if (all == INVALID_HANDLE_VALUE)
		return 0;
	for (BOOL more = Thread32First(all, &e); more;
		more = Thread32Next(all, &e))
		n += e.th32OwnerProcessID == pid;
	CloseHandle(all);
	return n;
}

/* SystemExtendedHandleInformation, which <winternl.h> does not have. */
#define ALL_HANDLES 64
#define ALL_HANDLES_TRIES 6
struct all_handles {
	ULONG_PTR count, reserved;
	struct {
		PVOID object;
		ULONG_PTR pid, handle;
		ULONG access;
		USHORT backtrace, type;
		ULONG attributes, reserved;
	} handle[];
};

/* Of the whole system; ours are among them. */
static unsigned count_among_all(void)
{
	DWORD pid = GetCurrentProcessId();
	ULONG room = 1 << 16, used;
	unsigned n = 0;

	for (int i = 0; i < ALL_HANDLES_TRIES && n == 0; i++, room *= 4) {
		struct all_handles *all = malloc(room);

		if (all && NtQuerySystemInformation(
				   (SYSTEM_INFORMATION_CLASS)ALL_HANDLES, all,
				   room, &used) >= 0)
			for (ULONG_PTR k = 0; k < all->count; k++)
				n += all->handle[k].pid == pid;
		free(all);
	}
	return n;
}

/* Wine 8 answers the short question with 0. */
unsigned os_handle_count(void)
{
	DWORD n = 0;

	if (!GetProcessHandleCount(GetCurrentProcess(), &n) || n == 0)
		n = count_among_all();
	return n;
}

uint64_t os_memory_used(void)
{
	PROCESS_MEMORY_COUNTERS_EX m = {.cb = sizeof m};

	return GetProcessMemoryInfo(GetCurrentProcess(),
		(PROCESS_MEMORY_COUNTERS *)&m, sizeof m) ? m.PrivateUsage : 0;
}

enum status os_handle_limit(unsigned more)
{
	return ST_UNSUPPORTED;
}

/* ---- the system's TCP ---------------------------------------------- */

static enum status listen_at(SOCKET s, const struct addr *at)
{
	union sockaddr_any name;
	int len = addr_to_sockaddr(at, &name);
	BOOL mine = TRUE;

	setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&mine,
		sizeof mine);
	if (bind(s, &name.sa, len) == 0 && listen(s, 1) == 0)
		return ST_OK;
	switch (WSAGetLastError()) {
	case WSAEADDRINUSE:
	case WSAEACCES:
		return ST_EXISTS;
	case WSAEADDRNOTAVAIL:
		return ST_NOTLOCAL;
	default:
		return ST_SYSTEM;
	}
}

enum status os_tcp_listen(const struct addr *at, intptr_t *out)
{
	WSADATA data;
	enum status st;
	SOCKET s;

	if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
		return ST_SYSTEM;
	s = socket(at->family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	st = s == INVALID_SOCKET ? ST_SYSTEM : listen_at(s, at);
	if (st == ST_OK) {
		*out = (intptr_t)s;
		return ST_OK;
	}
	if (s != INVALID_SOCKET)
		closesocket(s);
	WSACleanup();
	return st;
}

void os_tcp_unlisten(intptr_t listener)
{
	closesocket((SOCKET)listener);
	WSACleanup();
}

/* ---- pages --------------------------------------------------------- */

static DWORD protection(enum os_pages_kind kind)
{
	switch (kind) {
	case OS_PAGES_NONE:
		return PAGE_NOACCESS;
	case OS_PAGES_READ:
		return PAGE_READONLY;
	case OS_PAGES_WRITE:
		break;
	}
	return PAGE_READWRITE;
}

enum status os_pages_alloc(void **at, size_t len, enum os_pages_kind kind)
{
	void *p = VirtualAlloc(*at, len, MEM_RESERVE | MEM_COMMIT,
		protection(kind));

	if (!p)
		return *at ? ST_EXISTS : ST_NOMEM;
	*at = p;
	return ST_OK;
}

void os_pages_free(void *at, size_t len)
{
	VirtualFree(at, 0, MEM_RELEASE);
}
