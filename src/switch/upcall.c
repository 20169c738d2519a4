/* SPDX-License-Identifier: MIT */
/*
 * A switch handle is a small object that remembers the provider's context
 * (R23, R30). Providers are code of this process and trusted with it, but a
 * handle that was never made, or was closed, is told from a live one.
 */
#include "switch/upcall.h"

#include <stdlib.h>

#include "os/os.h"

#define HANDLE_ALIVE 0x57534448u /* "WSDH" */
#define HANDLE_DEAD 0xDEADDEADu

struct switch_handle {
	uint32_t magic;
	DWORD_PTR context;
};

static int fail(LPINT err, int code)
{
	if (err)
		*err = code;
	return SOCKET_ERROR;
}

static struct switch_handle *handle_of(SOCKET s)
{
	struct switch_handle *h = (struct switch_handle *)s;

	if (s == 0 || s == INVALID_SOCKET || h->magic != HANDLE_ALIVE)
		return NULL;
	return h;
}

static SOCKET WSPAPI create_socket_handle(DWORD catalog, DWORD_PTR context,
	LPINT err)
{
	struct switch_handle *h = malloc(sizeof *h);

	if (!h) {
		fail(err, WSAENOBUFS);
		return INVALID_SOCKET;
	}
	h->magic = HANDLE_ALIVE;
	h->context = context;
	return (SOCKET)h;
}

static int WSPAPI close_socket_handle(SOCKET s, LPINT err)
{
	struct switch_handle *h = handle_of(s);

	if (!h)
		return fail(err, WSAENOTSOCK);
	h->magic = HANDLE_DEAD;
	free(h);
	return 0;
}

static int WSPAPI query_context(SOCKET s, PDWORD_PTR context, LPINT err)
{
	struct switch_handle *h = handle_of(s);

	if (!h)
		return fail(err, WSAENOTSOCK);
	*context = h->context;
	return 0;
}

/* Stores the byte count first and the status last, as the SPI promises. */
static int WSPAPI complete_request(SOCKET s, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT err)
{
	struct sw_notified *n = (struct sw_notified *)ov;

	if (!handle_of(s) || !ov)
		return fail(err, WSAEINVAL);
	ov->InternalHigh = bytes;
	atomic_thread_fence(memory_order_release);
	ov->Internal = error;
	n->done(n, error, bytes);
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

/* The rest belongs to the ordinary SPI; a SAN provider has no use for it. */
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

static int WSPAPI no_open_thread(LPWSATHREADID thread, LPINT err)
{
	return fail(err, WSAEOPNOTSUPP);
}

static int WSPAPI no_close_thread(LPWSATHREADID thread, LPINT err)
{
	return fail(err, WSAEOPNOTSUPP);
}

static WSPUPCALLTABLEEX table = {
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
	.lpWPUOpenCurrentThread = no_open_thread,
	.lpWPUCloseThread = no_close_thread,
	.lpWPUCompleteOverlappedRequest = complete_request,
};

LPWSPUPCALLTABLEEX sw_upcalls(void)
{
	return &table;
}
