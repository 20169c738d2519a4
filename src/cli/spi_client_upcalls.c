/* SPDX-License-Identifier: MIT */
/*
 * spi_client_upcalls.c - what a provider may ask of us. Our requests are all
 * polled, so a handle means nothing to us but that it is not another's.
 */
#include "spi_client_upcalls.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "spi/upcalls.h"

struct handle {
	DWORD_PTR context;
};

static SOCKET WSPAPI create_socket_handle(DWORD catalog, DWORD_PTR context,
	LPINT err)
{
	struct handle *h = malloc(sizeof *h);

	if (!h) {
		spi_fail(err, WSAENOBUFS);
		return INVALID_SOCKET;
	}
	h->context = context;
	return (SOCKET)(uintptr_t)h;
}

static int WSPAPI close_socket_handle(SOCKET s, LPINT err)
{
	if (s == 0 || s == INVALID_SOCKET)
		return spi_fail(err, WSAENOTSOCK);
	free((void *)(uintptr_t)s);
	return 0;
}

static int WSPAPI query_context(SOCKET s, PDWORD_PTR context, LPINT err)
{
	if (s == 0 || s == INVALID_SOCKET)
		return spi_fail(err, WSAENOTSOCK);
	*context = ((struct handle *)(uintptr_t)s)->context;
	return 0;
}

/* For a provider that makes it all the same: the result, the status last. */
static int WSPAPI complete_request(SOCKET s, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT err)
{
	if (!ov)
		return spi_fail(err, WSAEINVAL);
	ov->InternalHigh = bytes;
	atomic_thread_fence(memory_order_release);
	ov->Internal = error;
	return 0;
}

WSPUPCALLTABLEEX spi_client_upcalls(void)
{
	WSPUPCALLTABLEEX table = {
		SPI_UPCALLS,
		.lpWPUCloseSocketHandle = close_socket_handle,
		.lpWPUCreateSocketHandle = create_socket_handle,
		.lpWPUQuerySocketHandleContext = query_context,
		.lpWPUCompleteOverlappedRequest = complete_request,
	};

	return table;
}
