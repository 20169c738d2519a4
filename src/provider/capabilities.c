/* SPDX-License-Identifier: MIT */
/*
 * capabilities.c - WSDQueryCapabilities.
 */
#include <string.h>

#include "provider/cache.h"
#include "provider/process.h"
#include "provider/request.h"
#include "provider/spi.h"

static DWORD flags(void)
{
	unsigned can = provider_transport.abilities;
	DWORD f = WSD_CAP_CHANNEL | WSD_CAP_INET6;

	if (can & TRANSPORT_EARLY_SEND)
		f |= WSD_CAP_EARLY_SEND;
	if (can & TRANSPORT_FORK_SHARED)
		f |= WSD_CAP_FORK_SHARED;
	if (can & TRANSPORT_RDMA_READ)
		f |= WSD_CAP_RDMA_READ;
	if (prov_keeps_pins())
		f |= WSD_CAP_PINS;
	if (prov_identity()->same_host)
		f |= WSD_CAP_SAME_HOST;
	return f;
}

static void describe(WSDCAPABILITIES *c)
{
	const struct transport_limits *limits = &provider_transport.limits;
	size_t len = strlen(provider_transport.name);

	memset(c, 0, sizeof *c);
	c->dwVersion = WSD_EXTENSION_VERSION;
	c->dwFlags = flags();
	c->dwMaxMessage = limits->max_message;
	c->dwMaxPending = PROV_MAX_PENDING;
	c->dwRdmaThreshold = limits->rdma_threshold < limits->max_rdma
		? limits->rdma_threshold
		: limits->max_rdma;
	if (len >= sizeof c->szName)
		len = sizeof c->szName - 1;
	memcpy(c->szName, provider_transport.name, len);
	c->ProviderId = prov_identity()->id;
}

int WSPAPI WSDQueryCapabilities(LPWSDCAPABILITIES lpCaps, LPINT lpErrno)
{
	WSDCAPABILITIES all;
	DWORD room;

	if (!lpCaps || lpCaps->cbSize < 8)
		return prov_result(WSAEFAULT, lpErrno);
	if (!prov_started())
		return prov_result(WSANOTINITIALISED, lpErrno);
	room = lpCaps->cbSize < sizeof all ? lpCaps->cbSize : sizeof all;
	describe(&all);
	all.cbSize = room;
	memcpy(lpCaps, &all, room);
	return 0;
}
