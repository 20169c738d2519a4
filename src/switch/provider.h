/* SPDX-License-Identifier: MIT */
/*
 * provider.h - SAN service providers as the switch sees them: loaded from the
 * catalog, started through WSPStartupEx, asked for their extension functions.
 * The SPI is the only door; nothing of a provider's inside is known here.
 */
#ifndef WSD_SWITCH_PROVIDER_H
#define WSD_SWITCH_PROVIDER_H

#include <openwsd/winsock2.h>
#include <openwsd/ws2spi.h>
#include <openwsd/ws2san.h>
#include <openwsd/wsdext.h>

#include "base/addr.h"
#include "os/os.h"
#include "switch/reason.h"

#define SW_PROVIDERS_MAX 8

struct sw_provider {
	char name[32];       /* "shm" */
	void *library;
	WSPPROC_TABLE spi;   /* what WSPStartupEx filled in */
	WSDCAPABILITIES can; /* all zero when the provider does not tell */
	/* Extension functions, NULL where the provider has none. */
	LPFN_WSPREGISTERMEMORY register_memory;
	LPFN_WSPDEREGISTERMEMORY deregister_memory;
	LPFN_WSPREGISTERRDMAMEMORY register_rdma;
	LPFN_WSPDEREGISTERRDMAMEMORY deregister_rdma;
	LPFN_WSPRDMAREAD rdma_read;
	LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK cache_callback;
	LPFN_WSDGETWAITHANDLE wait_handle;
	LPFN_WSDARM arm;
	LPFN_WSDPEERIDENTITY peer_identity;
	LPFN_WSDABANDON abandon;
	LPFN_WSDSTOPLISTENING stop_listening;
	LPFN_WSDOPENCHANNEL open_channel;
	uint32_t max_rdma; /* SO_MAX_RDMA_SIZE; what can be when it is silent */
	/* Its socket for queries, never bound; see section 4 of the specification. */
	SOCKET probe;
	SOCKET probe6; /* the same for IPv6; INVALID_SOCKET when it has none */
};

/*
 * All usable providers, in catalog order; loads them at the first call (blocks
 * for that). When there is none, *why says why.
 */
struct sw_provider *const *sw_providers(unsigned *count, enum sw_reason *why);

/* Channels are used unless the setting "channel" is off. */
bool sw_provider_uses_channel(const struct sw_provider *p);
/*
 * May programs have connections of it? Overlapped requests belong to one
 * process and cannot be used after a fork; a user who knows that a program does
 * not fork can say "channel = off" and use any provider.
 */
bool sw_provider_fits(const struct sw_provider *p);
/* Its connections and listeners belong to the process that made them; a forked
 * child cannot use them. */
bool sw_provider_is_private(const struct sw_provider *p);

/* Loads one library. On failure one line in err says what is wrong with it. */
struct sw_provider *sw_provider_load(const char *path, char *err,
	size_t errlen);

#endif
