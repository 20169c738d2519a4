/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - what the provider owes: each descriptor with its switch handle,
 * each request with its completion. What does not balance is a violation.
 * All functions may be called from any thread and call nothing else.
 */
#ifndef WSD_CONFORM_LEDGER_H
#define WSD_CONFORM_LEDGER_H

#include <stdbool.h>

#include <openwsd/ws2spi.h>

/* ---- descriptors --------------------------------------------------- */

/* The provider has given s; handle is INVALID_SOCKET when it made none. */
void ledger_opened(SOCKET s, SOCKET handle);
/* WSPCloseSocket begins; and it has failed after all. */
void ledger_closing(SOCKET s);
void ledger_not_closed(SOCKET s);
bool ledger_is_descriptor(SOCKET value);
/* The switch handle of s; INVALID_SOCKET when it is not known. */
SOCKET ledger_handle_of(SOCKET s);

/* ---- requests ------------------------------------------------------ */

/* A data function is called with this request; and it has returned: `code` is
 * 0, WSA_IO_PENDING or why nothing was started. */
void ledger_post(LPWSAOVERLAPPED ov, SOCKET s);
void ledger_posted(LPWSAOVERLAPPED ov, const char *function, int code);
/* WPUCompleteOverlappedRequest. False: it is none that can be looked into. */
bool ledger_complete(LPWSAOVERLAPPED ov, SOCKET handle);
/* Requests that wait for an upcall. */
unsigned ledger_owed(void);

/* The provider was cleaned up: it knows no descriptor and no request. */
void ledger_clear(void);

#endif
