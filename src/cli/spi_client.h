/* SPDX-License-Identifier: MIT */
/*
 * spi_client.h - a provider, as a command drives it: loaded from a path,
 * started through WSPStartupEx as a switch starts it, asked for what it has.
 * The SPI is the only door, and OpenWSD's extension functions are optional.
 */
#ifndef WSD_CLI_SPI_CLIENT_H
#define WSD_CLI_SPI_CLIENT_H

#include <stdbool.h>

#include <openwsd/wsdext.h>

#include "base/addr.h"

#define SPI_WHY_MAX 1024
#define SPI_ADDRESSES_MAX 64
/* A switch's first message has so many bytes at most: all must carry that. */
#define SPI_MESSAGE_MIN 256

struct spi_client {
	void *library;
	WSPPROC_TABLE t;
	WSPDATA data;
	char description[256]; /* szDescription in UTF-8 */
	WSAPROTOCOL_INFOW tcpip; /* what a switch passes */
	SOCKET probe;            /* for questions; never bound */

	/* NULL: the provider does not have it. */
	LPFN_WSPREGISTERMEMORY register_memory;
	LPFN_WSPDEREGISTERMEMORY deregister_memory;
	LPFN_WSPREGISTERRDMAMEMORY register_rdma;
	LPFN_WSPDEREGISTERRDMAMEMORY deregister_rdma;
	LPFN_WSPRDMAWRITE rdma_write;
	LPFN_WSPRDMAREAD rdma_read;
	LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK cache_callback;
	LPFN_WSDQUERYCAPABILITIES query_capabilities;
	LPFN_WSDGETWAITHANDLE wait_handle;
	LPFN_WSDARM arm;
	LPFN_WSDPEERIDENTITY peer_identity;
	LPFN_WSDOPENCHANNEL open_channel;
	LPFN_WSDABANDON abandon;
	LPFN_WSDSTOPLISTENING stop_listening;
	LPFN_WSDQUERYNETWORKS query_networks;

	WSDCAPABILITIES can; /* cbSize 0: it does not tell */
	bool id_known;       /* can.ProviderId is set */
	/* Bytes; UINT32_MAX: no limit, or the provider does not say. */
	DWORD max_message, max_rdma, rdma_threshold;
	/* Those of the SAN, port 0. */
	struct addr addresses[SPI_ADDRESSES_MAX];
	unsigned address_count;
};

/*
 * Loads the library and finds WSPStartupEx. On failure, here and below, `why`
 * is one line that says what is wrong, without the path. Blocks for the file.
 */
bool spi_client_load(struct spi_client *c, const char *path,
	char why[SPI_WHY_MAX]);
void spi_client_unload(struct spi_client *c);

/*
 * Starts the loaded provider and asks for all of the above. Blocks as long as
 * the provider does. After success spi_client_stop has to be called, which
 * ends all its sockets.
 */
bool spi_client_start(struct spi_client *c, char why[SPI_WHY_MAX]);
void spi_client_stop(struct spi_client *c);

/* A new socket for this family; INVALID_SOCKET with *code. */
SOCKET spi_client_socket(struct spi_client *c, int family, int *code);

/* The name of a function of the SPI that is missing though every SAN provider
 * must have it (R12, section 7), or an extension (section 8); NULL: none. */
const char *spi_client_missing(const struct spi_client *c);

/* Names of the extension functions, and whether it has them; false after the
 * last. */
bool spi_client_extension(const struct spi_client *c, unsigned n,
	const char **name, bool *there, bool *required);

/* "shm", or what the library calls itself. */
const char *spi_client_name(const struct spi_client *c);

#endif
