/* SPDX-License-Identifier: MIT */
/*
 * A switch handle is a small object that remembers the provider's context
 * (R23, R30). Providers are code of this process and trusted with it, but a
 * handle that was never made, or was closed, is told from a live one.
 */
#include "switch/upcall.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "spi/upcalls.h"

#define HANDLE_ALIVE 0x57534448u /* "WSDH" */
#define HANDLE_DEAD 0xDEADDEADu

struct switch_handle {
	uint32_t magic;
	DWORD_PTR context;
};

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
		spi_fail(err, WSAENOBUFS);
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
		return spi_fail(err, WSAENOTSOCK);
	h->magic = HANDLE_DEAD;
	free(h);
	return 0;
}

static int WSPAPI query_context(SOCKET s, PDWORD_PTR context, LPINT err)
{
	struct switch_handle *h = handle_of(s);

	if (!h)
		return spi_fail(err, WSAENOTSOCK);
	*context = h->context;
	return 0;
}

/* Stores the byte count first and the status last, as the SPI promises. */
static int WSPAPI complete_request(SOCKET s, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT err)
{
	struct sw_notified *n = (struct sw_notified *)ov;

	if (!handle_of(s) || !ov)
		return spi_fail(err, WSAEINVAL);
	ov->InternalHigh = bytes;
	atomic_thread_fence(memory_order_release);
	ov->Internal = error;
	n->done(n, error, bytes);
	return 0;
}

static WSPUPCALLTABLEEX table = {
	SPI_UPCALLS,
	.lpWPUCloseSocketHandle = close_socket_handle,
	.lpWPUCreateSocketHandle = create_socket_handle,
	.lpWPUQuerySocketHandleContext = query_context,
	.lpWPUCompleteOverlappedRequest = complete_request,
};

LPWSPUPCALLTABLEEX sw_upcalls(void)
{
	return &table;
}
