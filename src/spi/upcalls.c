/* SPDX-License-Identifier: MIT */
#include "spi/upcalls.h"

#include "os/os.h"

int spi_fail(LPINT err, int code)
{
	if (err)
		*err = code;
	return SOCKET_ERROR;
}

/* ---- events ----------------------------------------------------------- */

WSAEVENT WSPAPI spi_create_event(LPINT err)
{
	void *e = NULL;

	if (os_event_create(&e) != ST_OK)
		spi_fail(err, WSAENOBUFS);
	return e;
}

BOOL WSPAPI spi_close_event(WSAEVENT e, LPINT err)
{
	os_event_destroy(e);
	return TRUE;
}

BOOL WSPAPI spi_set_event(WSAEVENT e, LPINT err)
{
	if (os_event_set(e) == ST_OK)
		return TRUE;
	spi_fail(err, WSA_INVALID_HANDLE);
	return FALSE;
}

BOOL WSPAPI spi_reset_event(WSAEVENT e, LPINT err)
{
	if (os_event_reset(e) == ST_OK)
		return TRUE;
	spi_fail(err, WSA_INVALID_HANDLE);
	return FALSE;
}

/* ---- not for SAN ------------------------------------------------------ */

int WSPAPI spi_no_fd_is_set(SOCKET s, fd_set *set)
{
	return 0;
}

int WSPAPI spi_no_provider_path(LPGUID id, WCHAR *path, LPINT len, LPINT err)
{
	return spi_fail(err, WSAEOPNOTSUPP);
}

SOCKET WSPAPI spi_no_modify_handle(DWORD catalog, SOCKET s, LPINT err)
{
	spi_fail(err, WSAEOPNOTSUPP);
	return INVALID_SOCKET;
}

BOOL WSPAPI spi_no_post_message(HWND w, UINT m, WPARAM wp, LPARAM lp)
{
	return FALSE;
}

int WSPAPI spi_no_blocking_callback(DWORD catalog,
	LPBLOCKINGCALLBACK *callback, PDWORD_PTR context, LPINT err)
{
	return spi_fail(err, WSAEOPNOTSUPP);
}

int WSPAPI spi_no_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC apc,
	DWORD_PTR context, LPINT err)
{
	return spi_fail(err, WSAEOPNOTSUPP);
}

int WSPAPI spi_no_thread(LPWSATHREADID thread, LPINT err)
{
	return spi_fail(err, WSAEOPNOTSUPP);
}
