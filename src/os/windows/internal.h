/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of src/os/windows share among themselves. */
#ifndef WSD_OS_WINDOWS_INTERNAL_H
#define WSD_OS_WINDOWS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <winsock2.h>
#include <windows.h>

#include "os/os.h"

#define WIN_NAME_MAX 256 /* of an object or a pipe, in UTF-16 units */
#define WIN_PATH_MAX 32768

/* ---- errors, text (error.c) ------------------------------------------- */

/* What GetLastError said, for the cases that have no better name. */
enum status win_status(DWORD error);
/* UTF-8 to UTF-16; false when it does not fit or is no UTF-8. */
bool win_wide(const char *text, WCHAR *out, unsigned room);
/* The other way round; bytes with the 0, or 0 when it does not fit. */
size_t win_utf8(const WCHAR *text, char *out, size_t room);
/* The same, from the heap; NULL: no memory or no UTF-8. */
WCHAR *win_wide_new(const char *text);

/* ---- time (time.c) ---------------------------------------------------- */

/* A point in time, ns nanoseconds from now; OS_FOREVER stays for ever. */
uint64_t win_deadline_after(uint64_t ns);
/* Milliseconds until then, rounded up; 0 when it has passed; INFINITE. */
DWORD win_deadline_ms(uint64_t deadline);

/* ---- waiting (wait.c) ------------------------------------------------- */

/*
 * Waits for one of n (at most 64) handles, no longer and no shorter than
 * until the deadline: its index, -1 timed out, -2 a handle is none.
 */
int win_wait(const HANDLE *h, unsigned n, uint64_t deadline);
static inline bool win_is_pipe(HANDLE h)
{
	return GetFileType(h) == FILE_TYPE_PIPE;
}

/* ---- who (identity.c) ------------------------------------------------- */

/* For objects that only this user may open. NULL: no memory. */
SECURITY_ATTRIBUTES *win_own_user_only(void);
/* Does this process run as our user, and with no fewer rights than we? */
bool win_process_is_ours(uint32_t pid);

/* ---- pipes (pipe.c) --------------------------------------------------- */

struct win_pipe_look {
	bool listening; /* no client has come yet */
	bool open;      /* both ends are there */
	bool server;    /* this is the server's end */
	unsigned bytes; /* to be read */
};

/* ST_OK, ST_CLOSED it is no pipe. */
enum status win_pipe_look(HANDLE h, struct win_pipe_look *out);
/* All or nothing, without blocking: ST_OK, ST_FULL, ST_CLOSED. */
enum status win_pipe_write(HANDLE h, const void *data, size_t len);
/* What is there, at most len bytes: ST_OK, ST_AGAIN, ST_CLOSED. */
enum status win_pipe_read(HANDLE h, void *data, size_t len, size_t *got);
/* The same, and it stays there. */
enum status win_pipe_peek(HANDLE h, void *data, size_t len, size_t *got);
/*
 * Until there is something to read, or the other end is closed, or `kick` (may
 * be NULL) is set. ST_OK, ST_CLOSED, ST_TIMEDOUT.
 */
enum status win_pipe_wait(HANDLE h, uint64_t ns, HANDLE kick);
/* The process at the other end, as the kernel noted it when it came; 0. */
uint32_t win_pipe_peer(HANDLE h, bool server);

/* An instance of a pipe that only this user can open. `first`: nobody else may
 * have one of that name. INVALID_HANDLE_VALUE: GetLastError tells. */
HANDLE win_pipe_create(const WCHAR *name, bool first, unsigned instances);
/* Its other end, or INVALID_HANDLE_VALUE. */
HANDLE win_pipe_open(const WCHAR *name);

/* ---- objects that are more than a handle (registry.c) ----------------- */

enum win_kind { WIN_LISTENER = 1, WIN_POLLER, WIN_VISITOR };

/* First in each such object. `key` is what callers know it by. */
struct win_object {
	struct win_object *next;
	HANDLE key;
	enum win_kind kind;
};

void win_object_add(struct win_object *o);
struct win_object *win_object_find(HANDLE key, enum win_kind kind);
void win_object_remove(struct win_object *o);

void win_poller_close(struct win_object *o);
void win_listener_close(struct win_object *o);

/* Tells a listener that this link has come to it, unless it knows. */
void win_announce(HANDLE link);

/* ---- handles that travel (passing.c, listen_pass.c) ------------------- */

/* Closes what a message that was never received has brought. */
void win_drop_unread(HANDLE link);
/*
 * Copies a listener, with what is queued, into another process. *out is a
 * handle there, from which win_listener_unpack makes the listener.
 */
enum status win_listener_pack(struct win_object *o, HANDLE process,
	HANDLE *out);
enum status win_listener_unpack(HANDLE packed, os_handle *out);
/* The listener here is only closed from now on: another process has it. */
void win_listener_passed(struct win_object *o);

/* Copies one of our handles into another process. ST_OK, ST_INVAL, ... */
enum status win_give(HANDLE process, HANDLE h, HANDLE *out);
/* Takes back what was given. */
void win_give_back(HANDLE process, HANDLE h);

/* ---- the rest ---------------------------------------------------------- */

static inline HANDLE win_handle(os_handle h)
{
	return (HANDLE)h;
}

#endif
