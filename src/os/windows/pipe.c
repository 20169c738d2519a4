/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - named pipes as links need them: byte streams of which no operation
 * blocks but the wait.
 *
 * All are opened for overlapped operations. One that does not end at once is
 * cancelled: a write that finds the pipe full, a read that came too late. The
 * wait is a read of no bytes at all, which the system ends when there is
 * something to read or the other end is closed, and which takes nothing.
 */
#include "internal.h"

#include <winternl.h>

#define BUFFER_BYTES 8192

/* FilePipeLocalInformation, which <winternl.h> does not have. */
#define PIPE_LOCAL_INFORMATION 24
struct pipe_local_information {
	ULONG type, configuration, most_instances, instances;
	ULONG inbound_quota, read_available;
	ULONG outbound_quota, write_available;
	ULONG state, end;
};
enum { STATE_LISTENING = 2, STATE_CONNECTED = 3 };

NTSTATUS NTAPI NtQueryInformationFile(HANDLE file, IO_STATUS_BLOCK *io,
	void *info, ULONG len, FILE_INFORMATION_CLASS class);

enum status win_pipe_look(HANDLE h, struct win_pipe_look *out)
{
	struct pipe_local_information info;
	IO_STATUS_BLOCK io;

	if (NtQueryInformationFile(h, &io, &info, sizeof info,
		    (FILE_INFORMATION_CLASS)PIPE_LOCAL_INFORMATION) < 0)
		return ST_CLOSED;
	out->listening = info.state == STATE_LISTENING;
	out->open = info.state == STATE_CONNECTED;
	out->server = info.end != 0;
	out->bytes = info.read_available;
	return ST_OK;
}

/* ---- operations ------------------------------------------------------- */

static bool is_over(OVERLAPPED *ov)
{
	return *(volatile ULONG_PTR *)&ov->Internal != STATUS_PENDING;
}

/* Ends an operation that goes on, unless it ends by itself first. */
static void stop(HANDLE h, OVERLAPPED *ov)
{
	if (!is_over(ov))
		CancelIoEx(h, ov);
	while (!is_over(ov))
		WaitForSingleObject(ov->hEvent ? ov->hEvent : h, 1);
	atomic_thread_fence(memory_order_acquire);
}

/* After ReadFile or WriteFile: the bytes, or which error. */
static DWORD finish(HANDLE h, OVERLAPPED *ov, BOOL good, size_t *bytes)
{
	DWORD error = good ? ERROR_SUCCESS : GetLastError();
	DWORD n = 0;

	*bytes = 0;
	if (error != ERROR_SUCCESS && error != ERROR_IO_PENDING)
		return error;
	stop(h, ov);
	if (!GetOverlappedResult(h, ov, &n, FALSE))
		return GetLastError();
	*bytes = n;
	return ERROR_SUCCESS;
}

enum status win_pipe_write(HANDLE h, const void *data, size_t len)
{
	OVERLAPPED ov = {0};
	size_t done;
	BOOL good = WriteFile(h, data, (DWORD)len, NULL, &ov);
	DWORD error = finish(h, &ov, good, &done);

	if (error == ERROR_SUCCESS)
		return done == len ? ST_OK : ST_SYSTEM;
	if (error == ERROR_OPERATION_ABORTED)
		return ST_FULL;
	return error == ERROR_INVALID_HANDLE ? ST_CLOSED : win_status(error);
}

enum status win_pipe_read(HANDLE h, void *data, size_t len, size_t *got)
{
	OVERLAPPED ov = {0};
	BOOL good = ReadFile(h, data, (DWORD)len, NULL, &ov);
	DWORD error = finish(h, &ov, good, got);

	if (error == ERROR_SUCCESS)
		return *got > 0 ? ST_OK : ST_AGAIN;
	if (error == ERROR_OPERATION_ABORTED)
		return ST_AGAIN;
	return error == ERROR_INVALID_HANDLE ? ST_CLOSED : win_status(error);
}

enum status win_pipe_peek(HANDLE h, void *data, size_t len, size_t *got)
{
	DWORD n = 0;

	*got = 0;
	if (!PeekNamedPipe(h, data, (DWORD)len, &n, NULL, NULL))
		return ST_CLOSED;
	*got = n;
	return n > 0 ? ST_OK : ST_AGAIN;
}

/* ---- waiting ---------------------------------------------------------- */

/* What the end of the read of no bytes means. */
static enum status readable(HANDLE h, OVERLAPPED *ov)
{
	struct win_pipe_look look;
	DWORD n;

	if (GetOverlappedResult(h, ov, &n, FALSE))
		return ST_OK;
	if (GetLastError() == ERROR_OPERATION_ABORTED)
		return ST_TIMEDOUT;
	/* At its end; but what was written before comes first. */
	return win_pipe_look(h, &look) == ST_OK && look.bytes > 0 ? ST_OK
								   : ST_CLOSED;
}

static enum status wait_for_bytes(HANDLE h, HANDLE event, uint64_t deadline,
	HANDLE kick)
{
	OVERLAPPED ov = {.hEvent = event};
	HANDLE both[2] = {event, kick};
	char nothing;
	int which;

	if (!ReadFile(h, &nothing, 0, NULL, &ov) &&
		GetLastError() != ERROR_IO_PENDING)
		return ST_CLOSED;
	which = win_wait(both, kick ? 2 : 1, deadline);
	stop(h, &ov);
	return which == 1 ? ST_OK : readable(h, &ov);
}

enum status win_pipe_wait(HANDLE h, uint64_t ns, HANDLE kick)
{
	struct win_pipe_look look;
	enum status st;
	HANDLE event;

	if (win_pipe_look(h, &look) != ST_OK)
		return ST_CLOSED;
	if (look.bytes > 0)
		return ST_OK;
	if (!look.open)
		return ST_CLOSED;
	if (ns == 0)
		return ST_TIMEDOUT;
	/* Made each time: who goes to sleep can spare a microsecond, and an
	 * event per thread would have to be given back some time. */
	event = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (!event)
		return ST_NOHANDLES;
	st = wait_for_bytes(h, event, win_deadline_after(ns), kick);
	CloseHandle(event);
	return st;
}

/* ---- making ----------------------------------------------------------- */

uint32_t win_pipe_peer(HANDLE h, bool server)
{
	ULONG pid = 0;
	BOOL good = server ? GetNamedPipeClientProcessId(h, &pid)
			   : GetNamedPipeServerProcessId(h, &pid);

	return good ? pid : 0;
}

HANDLE win_pipe_create(const WCHAR *name, bool first, unsigned instances)
{
	SECURITY_ATTRIBUTES *own = win_own_user_only();

	if (!own) {
		SetLastError(ERROR_ACCESS_DENIED);
		return INVALID_HANDLE_VALUE;
	}
	return CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX |
			FILE_FLAG_OVERLAPPED |
			(first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0),
		PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT |
			PIPE_REJECT_REMOTE_CLIENTS,
		instances, BUFFER_BYTES, BUFFER_BYTES, 0, own);
}

/* Whoever made the name may learn who we are, and nothing more. */
HANDLE win_pipe_open(const WCHAR *name)
{
	return CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL,
		OPEN_EXISTING, FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT |
			SECURITY_IDENTIFICATION, NULL);
}
