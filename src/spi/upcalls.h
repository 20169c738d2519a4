/* SPDX-License-Identifier: MIT */
/*
 * upcalls.h - the upcalls that all who drive a SAN service provider answer the
 * same way: events of the operating system, and what belongs to the ordinary
 * SPI, for which a SAN service provider has no use (section 4 of the
 * specification).
 */
#ifndef WSD_SPI_UPCALLS_H
#define WSD_SPI_UPCALLS_H

#include <openwsd/ws2san.h>

/* Stores the code where err is given; SOCKET_ERROR. */
int spi_fail(LPINT err, int code);

/* An os_event as WSAEVENT. WSAENOBUFS; WSA_INVALID_HANDLE. */
WSAEVENT WSPAPI spi_create_event(LPINT err);
BOOL WSPAPI spi_close_event(WSAEVENT e, LPINT err);
BOOL WSPAPI spi_set_event(WSAEVENT e, LPINT err);
BOOL WSPAPI spi_reset_event(WSAEVENT e, LPINT err);

/* WSAEOPNOTSUPP; those without an error code say no. */
int WSPAPI spi_no_fd_is_set(SOCKET s, fd_set *set);
int WSPAPI spi_no_provider_path(LPGUID id, WCHAR *path, LPINT len, LPINT err);
SOCKET WSPAPI spi_no_modify_handle(DWORD catalog, SOCKET s, LPINT err);
BOOL WSPAPI spi_no_post_message(HWND w, UINT m, WPARAM wp, LPARAM lp);
int WSPAPI spi_no_blocking_callback(DWORD catalog,
	LPBLOCKINGCALLBACK *callback, PDWORD_PTR context, LPINT err);
int WSPAPI spi_no_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC apc,
	DWORD_PTR context, LPINT err);
int WSPAPI spi_no_thread(LPWSATHREADID thread, LPINT err);

/* Their places in the table: all but the four of sockets and requests. */
#define SPI_UPCALLS                                                           \
	.lpWPUCloseEvent = spi_close_event,                                   \
	.lpWPUCreateEvent = spi_create_event,                                 \
	.lpWPUFDIsSet = spi_no_fd_is_set,                                     \
	.lpWPUGetProviderPath = spi_no_provider_path,                         \
	.lpWPUModifyIFSHandle = spi_no_modify_handle,                         \
	.lpWPUPostMessage = spi_no_post_message,                              \
	.lpWPUQueryBlockingCallback = spi_no_blocking_callback,               \
	.lpWPUQueueApc = spi_no_queue_apc,                                    \
	.lpWPUResetEvent = spi_reset_event,                                   \
	.lpWPUSetEvent = spi_set_event,                                       \
	.lpWPUOpenCurrentThread = spi_no_thread,                              \
	.lpWPUCloseThread = spi_no_thread

#endif
