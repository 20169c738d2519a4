/* SPDX-License-Identifier: MIT */
/*
 * spi_upcalls.c - what a provider may ask of us. Our requests are all polled,
 * so a handle means nothing to us but that it is not another's.
 */
#include "spi_upcalls.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "os/os.h"

struct handle {
	DWORD_PTR context;
};

static int fail(LPINT err, int code)
{
	if (err)
		*err = code;
	return SOCKET_ERROR;
}

static SOCKET WSPAPI create_socket_handle(DWORD catalog, DWORD_PTR context,
	LPINT err)
{
	struct handle *h = malloc(sizeof *h);

	if (!h) {
		fail(err, WSAENOBUFS);
		return INVALID_SOCKET;
	}
	h->context = context;
	return (SOCKET)(uintptr_t)h;
}

static int WSPAPI close_socket_handle(SOCKET s, LPINT err)
{
	if (s == 0 || s == INVALID_SOCKET)
		return fail(err, WSAENOTSOCK);
	free((void *)(uintptr_t)s);
	return 0;
}

static int WSPAPI query_context(SOCKET s, PDWORD_PTR context, LPINT err)
{
	if (s == 0 || s == INVALID_SOCKET)
		return fail(err, WSAENOTSOCK);
	*context = ((struct handle *)(uintptr_t)s)->context;
	return 0;
}

/* For a provider that makes it all the same: the result, the status last. */
static int WSPAPI complete_request(SOCKET s, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT err)
{
	if (!ov)
		return fail(err, WSAEINVAL);
	ov->InternalHigh = bytes;
	atomic_thread_fence(memory_order_release);
	ov->Internal = error;
	return 0;
}

static WSAEVENT WSPAPI create_event(LPINT err)
{
	void *e = NULL;

	if (os_event_create(&e) != ST_OK)
		fail(err, WSAENOBUFS);
	return e;
}

static BOOL WSPAPI close_event(WSAEVENT e, LPINT err)
{
	os_event_destroy(e);
	return TRUE;
}

static BOOL WSPAPI set_event(WSAEVENT e, LPINT err)
{
	if (os_event_set(e) == ST_OK)
		return TRUE;
	fail(err, WSA_INVALID_HANDLE);
	return FALSE;
}

static BOOL WSPAPI reset_event(WSAEVENT e, LPINT err)
{
	if (os_event_reset(e) == ST_OK)
		return TRUE;
	fail(err, WSA_INVALID_HANDLE);
	return FALSE;
}

/* ---- not for SAN ------------------------------------------------------ */

static int WSPAPI no_fd_is_set(SOCKET s, fd_set *set)
{
	return 0;
}

static int WSPAPI no_provider_path(LPGUID id, WCHAR *path, LPINT len, LPINT err)
{
	return fail(err, WSAEOPNOTSUPP);
}

static SOCKET WSPAPI no_modify_handle(DWORD catalog, SOCKET s, LPINT err)
{
	fail(err, WSAEOPNOTSUPP);
	return INVALID_SOCKET;
}

static BOOL WSPAPI no_post_message(HWND w, UINT m, WPARAM wp, LPARAM lp)
{
	return FALSE;
}

static int WSPAPI no_blocking_callback(DWORD catalog,
	LPBLOCKINGCALLBACK *callback, PDWORD_PTR context, LPINT err)
{
	return fail(err, WSAEOPNOTSUPP);
}

static int WSPAPI no_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC apc,
	DWORD_PTR context, LPINT err)
{
	return fail(err, WSAEOPNOTSUPP);
}

static int WSPAPI no_thread(LPWSATHREADID thread, LPINT err)
{
	return fail(err, WSAEOPNOTSUPP);
}

WSPUPCALLTABLEEX spi_upcalls(void)
{
	WSPUPCALLTABLEEX table = {
		.lpWPUCloseEvent = close_event,
		.lpWPUCloseSocketHandle = close_socket_handle,
		.lpWPUCreateEvent = create_event,
		.lpWPUCreateSocketHandle = create_socket_handle,
		.lpWPUFDIsSet = no_fd_is_set,
		.lpWPUGetProviderPath = no_provider_path,
		.lpWPUModifyIFSHandle = no_modify_handle,
		.lpWPUPostMessage = no_post_message,
		.lpWPUQueryBlockingCallback = no_blocking_callback,
		.lpWPUQuerySocketHandleContext = query_context,
		.lpWPUQueueApc = no_queue_apc,
		.lpWPUResetEvent = reset_event,
		.lpWPUSetEvent = set_event,
		.lpWPUOpenCurrentThread = no_thread,
		.lpWPUCloseThread = no_thread,
		.lpWPUCompleteOverlappedRequest = complete_request,
	};

	return table;
}
