/* SPDX-License-Identifier: MIT */
/*
 * spi_driver.h - a small switch: loads a provider, answers its upcalls, and
 * remembers every one of them.
 *
 * It looks at each call and each upcall as it passes. A rule that always holds
 * and is broken there is a violation (cases.h), whatever the case is about:
 * completions of requests that are not pending, wanted none, or belong to a
 * handle that is closed; codes that a function never gives; and so on.
 */
#ifndef WSD_CONFORM_SPI_DRIVER_H
#define WSD_CONFORM_SPI_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <openwsd/ws2san.h>

#include "base/addr.h"

/* ---- which provider ------------------------------------------------ */

struct spi_target {
	LPWSPSTARTUPEX entry;
	const GUID *own_id;  /* NULL: not known */
	bool one_process;    /* cannot reach other processes */
	struct addr address; /* one of its own; the port does not matter */
};
extern struct spi_target spi_target;

/* ---- the provider, started ----------------------------------------- */

struct spi {
	WSPPROC_TABLE t;   /* what cases call: watches, then calls `raw` */
	WSPPROC_TABLE raw; /* as the provider filled it */
	WSPDATA data;
	LPFN_WSPREGISTERMEMORY register_memory;
	LPFN_WSPDEREGISTERMEMORY deregister_memory;
	LPFN_WSPREGISTERRDMAMEMORY register_rdma;
	LPFN_WSPDEREGISTERRDMAMEMORY deregister_rdma;
	LPFN_WSPRDMAWRITE rdma_write;
	LPFN_WSPRDMAREAD rdma_read; /* NULL: not supported */
	LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK cache_callback; /* or NULL */
};
extern struct spi spi;

/* What a switch passes: TCP/IP's entry, our upcalls. */
WSAPROTOCOL_INFOW spi_tcpip_info(void);
WSPUPCALLTABLEEX spi_upcall_table(void);

/* WSPStartupEx of this version as a caller with this identifier, NULL for
 * TCP/IP's. Its code; when it is 0 spi.t can be used. */
int spi_startup(WORD version, const GUID *id);
/* Starts the provider and asks for its extensions; must succeed. */
void spi_start(void);
/* The last clean-up, and what must be true then: no handle open, no request
 * pending, no thread left (R19, R20). */
void spi_stop(void);
/* Threads beyond those there were before the first start. */
unsigned spi_threads(void);
/* One extension pointer; NULL with *error. */
void *spi_extension(const GUID *id, int *error);

/* ---- upcalls ------------------------------------------------------- */

struct spi_completion {
	SOCKET handle;
	LPWSAOVERLAPPED overlapped;
	DWORD error, bytes;
	uint32_t thread;
};

unsigned up_created(void); /* WPUCreateSocketHandle that succeeded */
unsigned up_closed(void);  /* WPUCloseSocketHandle */
unsigned up_completed(void);
/* Calls of WPUCloseSocketHandle and of WPUCompleteOverlappedRequest, those with
 * arguments that make no sense too. */
unsigned up_close_calls(void);
unsigned up_complete_calls(void);
/* The n-th completion, from 0. */
struct spi_completion up_completion(unsigned n);
/* How often this request was completed by upcall. */
unsigned up_completions_of(LPWSAOVERLAPPED ov);
/* Waits until there have been n; fails the case after some seconds. */
void up_wait_completed(unsigned n);
/* Waits until every handle is closed, or n have been; the same. */
void up_wait_closed(void);
void up_wait_closed_by(unsigned n);
/* Waits for that of this descriptor, a short time; false: it is still open. */
bool up_handle_closed(SOCKET s);
/* The handle made last, and the context it was given. */
SOCKET up_last_handle(void);
DWORD_PTR up_last_context(void);
/* From now on WPUCreateSocketHandle fails with this code; 0: works. */
void up_fail_create(int error);
/* Called inside WPUCompleteOverlappedRequest, after the result is stored; NULL
 * ends it. */
void up_hook(void (*fn)(const struct spi_completion *c));
/* Called inside WPUCreateSocketHandle and WPUCloseSocketHandle, when it is
 * done; NULL ends it. */
void up_handle_hook(void (*fn)(SOCKET handle, bool created));

#endif
