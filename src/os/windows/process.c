/* SPDX-License-Identifier: MIT */
/*
 * process.c - who we are, who lives, and reaching into another process.
 *
 * Copying. The system copies in one step and compares in none, so the cookie
 * is read first, then the data copied, both through one handle. Nothing can
 * come between that matters: the handle stands for one process for ever, dead
 * or alive, whatever becomes of its number; and a process here never becomes
 * another program. When it dies in between, the copy fails.
 */
#include "internal.h"

#include <string.h>

#define COOKIE_LEN 16
#define COPY_MAX (UINT64_C(1) << 30)

static uint8_t cookie[COOKIE_LEN];
static struct os_once cookie_once = OS_ONCE_INIT;

static void make_cookie(void)
{
	/* Without a secure source a guess must do: it detects accidents. */
	if (os_random(cookie, sizeof cookie) != ST_OK) {
		uint64_t guess[2] = {os_now() * UINT64_C(0x9E3779B97F4A7C15),
			GetCurrentProcessId()};

		memcpy(cookie, guess, sizeof cookie);
	}
}

const uint8_t *os_process_cookie(void)
{
	os_once(&cookie_once, make_cookie);
	return cookie;
}

uint32_t os_process_id(void)
{
	return GetCurrentProcessId();
}

/* ---- life ------------------------------------------------------------- */

bool os_process_alive(uint32_t pid)
{
	HANDLE h;
	bool alive;

	/* The low bits would be ignored: 5 would be 4. */
	if (pid == 0 || pid % 4 != 0)
		return false;
	h = OpenProcess(SYNCHRONIZE, FALSE, pid);
	if (!h)
		return GetLastError() == ERROR_ACCESS_DENIED;
	alive = WaitForSingleObject(h, 0) == WAIT_TIMEOUT;
	CloseHandle(h);
	return alive;
}

/* ---- copies ----------------------------------------------------------- */

static enum status open_process(uint32_t pid, DWORD rights, HANDLE *out)
{
	DWORD error;

	*out = OpenProcess(rights | PROCESS_VM_READ | SYNCHRONIZE, FALSE, pid);
	if (*out)
		return ST_OK;
	error = GetLastError();
	return error == ERROR_ACCESS_DENIED ? ST_ACCESS : ST_NOTFOUND;
}

static bool is_gone(HANDLE process)
{
	return WaitForSingleObject(process, 0) != WAIT_TIMEOUT;
}

static enum status check_cookie(HANDLE process, uint64_t at,
	const uint8_t want[COOKIE_LEN])
{
	uint8_t seen[COOKIE_LEN];
	SIZE_T n = 0;

	if (is_gone(process) ||
		!ReadProcessMemory(process, (void *)(uintptr_t)at, seen,
			sizeof seen, &n) ||
		n != sizeof seen)
		return ST_NOTFOUND;
	return memcmp(seen, want, COOKIE_LEN) == 0 ? ST_OK : ST_NOTFOUND;
}

static enum status read_one(HANDLE process, const struct os_span *s,
	uint64_t remote)
{
	SIZE_T n = 0;

	/* The system stores into local memory on its own authority. */
	if (!os_memory_valid(s->base, s->len, true) ||
		!ReadProcessMemory(process, (void *)(uintptr_t)remote, s->base,
			s->len, &n) ||
		n != s->len)
		return ST_FAULT;
	return ST_OK;
}

static enum status write_one(HANDLE process, const struct os_span *s,
	uint64_t remote)
{
	SIZE_T n = 0;

	if (!os_memory_valid(s->base, s->len, false) ||
		!WriteProcessMemory(process, (void *)(uintptr_t)remote,
			s->base, s->len, &n) ||
		n != s->len)
		return ST_FAULT;
	return ST_OK;
}

static bool lengths_agree(const struct os_span *local, unsigned count,
	size_t len)
{
	size_t left = len;

	if (len > COPY_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (local[i].len > left)
			return false;
		left -= local[i].len;
	}
	return left == 0;
}

typedef enum status (*copy_fn)(HANDLE process, const struct os_span *s,
	uint64_t remote);

static enum status copy(copy_fn one, HANDLE process,
	const struct os_span *local, unsigned count, uint64_t remote)
{
	enum status st = ST_OK;

	for (unsigned i = 0; i < count && st == ST_OK; i++) {
		if (local[i].len > 0)
			st = one(process, &local[i], remote);
		remote += local[i].len;
	}
	return st == ST_FAULT && is_gone(process) ? ST_NOTFOUND : st;
}

static enum status reach(copy_fn one, DWORD rights, uint32_t pid,
	uint64_t cookie_addr, const uint8_t *want, const struct os_span *local,
	unsigned count, uint64_t remote, size_t len)
{
	HANDLE process;
	enum status st;

	if (pid == 0 || !lengths_agree(local, count, len))
		return ST_INVAL;
	if (cookie_addr > UINTPTR_MAX || remote > UINTPTR_MAX - len)
		return ST_NOTFOUND; /* of a wider process: out of reach */
	st = open_process(pid, rights, &process);
	if (st != ST_OK)
		return st;
	st = check_cookie(process, cookie_addr, want);
	if (st == ST_OK)
		st = copy(one, process, local, count, remote);
	CloseHandle(process);
	return st;
}

enum status os_process_read(uint32_t pid, uint64_t cookie_addr,
	const uint8_t want[16], const struct os_span *local, unsigned count,
	uint64_t remote, size_t len)
{
	return reach(read_one, 0, pid, cookie_addr, want, local, count, remote,
		len);
}

enum status os_process_write(uint32_t pid, uint64_t cookie_addr,
	const uint8_t want[16], const struct os_span *local, unsigned count,
	uint64_t remote, size_t len)
{
	return reach(write_one, PROCESS_VM_WRITE | PROCESS_VM_OPERATION, pid,
		cookie_addr, want, local, count, remote, len);
}
