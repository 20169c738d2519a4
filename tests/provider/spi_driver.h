/* SPDX-License-Identifier: MIT */
/*
 * spi_driver.h - a small switch for tests: loads a provider, answers its
 * upcalls, and remembers every one of them.
 *
 * A broken rule about upcalls (a completion or a close for a handle that is not
 * open, two closes, a completion of a request that wanted none) fails the case
 * when it happens.
 */
#ifndef PROVIDER_TEST_SPI_DRIVER_H
#define PROVIDER_TEST_SPI_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <openwsd/wsdext.h>

/* The provider under test. */
struct spi {
	WSPPROC_TABLE t;
	WSPDATA data;
	LPFN_WSPREGISTERMEMORY register_memory;
	LPFN_WSPDEREGISTERMEMORY deregister_memory;
	LPFN_WSPREGISTERRDMAMEMORY register_rdma;
	LPFN_WSPDEREGISTERRDMAMEMORY deregister_rdma;
	LPFN_WSPRDMAWRITE rdma_write;
	LPFN_WSPRDMAREAD rdma_read; /* NULL: not supported */
	LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK cache_callback;
	LPFN_WSDQUERYCAPABILITIES capabilities;
	LPFN_WSDGETWAITHANDLE wait_handle;
	LPFN_WSDARM arm;
	LPFN_WSDPEERIDENTITY peer_identity;
	LPFN_WSDOPENCHANNEL open_channel;
};
extern struct spi spi;

/* ---- start and stop ------------------------------------------------ */

/* WSPStartupEx, found in the library or linked. Defined by each program. */
LPWSPSTARTUPEX spi_entry(void);
/* The identifier of the provider under test. Defined by each program. */
GUID spi_own_id(void);
/* Can it reach other processes? Defined by each program. */
bool spi_crosses_processes(void);

/* What a switch passes: TCP/IP's entry, our upcalls. */
WSAPROTOCOL_INFOW spi_tcpip_info(void);
WSPUPCALLTABLEEX spi_upcalls(void);

/* Starts the provider and asks for its extensions. */
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
};

unsigned up_created(void); /* WPUCreateSocketHandle that succeeded */
unsigned up_closed(void);  /* WPUCloseSocketHandle */
unsigned up_completed(void);
/* The n-th completion, from 0. */
struct spi_completion up_completion(unsigned n);
/* How often this request was completed by upcall. */
unsigned up_completions_of(LPWSAOVERLAPPED ov);
/* Waits until there have been n; fails the case after some seconds. */
void up_wait_completed(unsigned n);
/* The handle made last, and the context it was given. */
SOCKET up_last_handle(void);
DWORD_PTR up_last_context(void);
/* From now on WPUCreateSocketHandle fails with this code; 0: works. */
void up_fail_create(int error);
/* Called inside WPUCompleteOverlappedRequest, after the result is stored; NULL
 * ends it. */
void up_hook(void (*fn)(const struct spi_completion *c));

#endif
