/* SPDX-License-Identifier: MIT */
#include "switch/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/catalog.h"
#include "switch/memory.h"
#include "switch/settings.h"
#include "switch/upcall.h"

static struct sw_provider *providers[SW_PROVIDERS_MAX];
static unsigned provider_count;
static bool catalog_readable;
static struct os_once once = OS_ONCE_INIT;

typedef int (WSPAPI *startup_fn)(WORD version, LPWSPDATA data,
	LPWSAPROTOCOL_INFOW info, LPWSPUPCALLTABLEEX upcalls,
	LPWSPPROC_TABLE table);

/* The TCP/IP provider's description: a SAN provider sees by it that a switch
 * calls (section 4 of the specification). */
static void tcp_protocol_info(WSAPROTOCOL_INFOW *info)
{
	static const GUID tcpip = {0xe70f1aa0, 0xab8b, 0x11cf,
		{0x8c, 0xa3, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92}};
	static const char name[] = "TCP/IP";

	memset(info, 0, sizeof *info);
	info->dwServiceFlags1 = XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER |
		XP1_GRACEFUL_CLOSE | XP1_EXPEDITED_DATA;
	info->ProviderId = tcpip;
	info->ProtocolChain.ChainLen = 1;
	info->iVersion = 2;
	info->iAddressFamily = AF_INET;
	info->iMaxSockAddr = 16;
	info->iMinSockAddr = 16;
	info->iSocketType = SOCK_STREAM;
	info->iProtocol = IPPROTO_TCP;
	for (unsigned i = 0; i < sizeof name; i++)
		info->szProtocol[i] = (WCHAR)name[i];
}

/* R48, R49: extension pointers are asked for on any socket. */
static void *extension(struct sw_provider *p, GUID id)
{
	void *fn = NULL;
	DWORD bytes = 0;
	INT err = 0;

	if (p->spi.lpWSPIoctl(p->probe, SIO_GET_EXTENSION_FUNCTION_POINTER, &id,
		    sizeof id, &fn, sizeof fn, &bytes, NULL, NULL, NULL, &err))
		return NULL;
	return fn;
}

static void ask_extensions(struct sw_provider *p)
{
	static const GUID reg = WSAID_REGISTERMEMORY;
	static const GUID dereg = WSAID_DEREGISTERMEMORY;
	static const GUID reg_rdma = WSAID_REGISTERRDMAMEMORY;
	static const GUID dereg_rdma = WSAID_DEREGISTERRDMAMEMORY;
	static const GUID read = WSAID_RDMAREAD;
	static const GUID cache = WSAID_MEMORYREGISTRATIONCACHECALLBACK;
	static const GUID caps = WSDID_QUERYCAPABILITIES;
	static const GUID wait = WSDID_GETWAITHANDLE;
	static const GUID arm = WSDID_ARM;
	static const GUID peer = WSDID_PEERIDENTITY;
	static const GUID channel = WSDID_OPENCHANNEL;
	static const GUID abandon = WSDID_ABANDON;
	static const GUID stop = WSDID_STOPLISTENING;
	LPFN_WSDQUERYCAPABILITIES query;
	INT err;

	p->register_memory = (LPFN_WSPREGISTERMEMORY)extension(p, reg);
	p->deregister_memory = (LPFN_WSPDEREGISTERMEMORY)extension(p, dereg);
	p->register_rdma = (LPFN_WSPREGISTERRDMAMEMORY)extension(p, reg_rdma);
	p->deregister_rdma =
		(LPFN_WSPDEREGISTERRDMAMEMORY)extension(p, dereg_rdma);
	p->rdma_read = (LPFN_WSPRDMAREAD)extension(p, read);
	p->cache_callback =
		(LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK)extension(p, cache);
	p->wait_handle = (LPFN_WSDGETWAITHANDLE)extension(p, wait);
	p->arm = (LPFN_WSDARM)extension(p, arm);
	p->peer_identity = (LPFN_WSDPEERIDENTITY)extension(p, peer);
	p->open_channel = (LPFN_WSDOPENCHANNEL)extension(p, channel);
	p->abandon = (LPFN_WSDABANDON)extension(p, abandon);
	p->stop_listening = (LPFN_WSDSTOPLISTENING)extension(p, stop);
	query = (LPFN_WSDQUERYCAPABILITIES)extension(p, caps);
	p->can.cbSize = sizeof p->can;
	if (!query || query(&p->can, &err))
		memset(&p->can, 0, sizeof p->can);
	p->can.szName[sizeof p->can.szName - 1] = 0;
	snprintf(p->name, sizeof p->name, "%s",
		p->can.szName[0] ? p->can.szName : "san");
}

/* R40 */
static uint32_t ask_max_rdma(struct sw_provider *p)
{
	uint32_t value = 0;
	int len = sizeof value;
	INT err;

	if (!p->spi.lpWSPGetSockOpt ||
		p->spi.lpWSPGetSockOpt(p->probe, SOL_SOCKET, SO_MAX_RDMA_SIZE,
			(char *)&value, &len, &err) || value == 0)
		return UINT32_MAX;
	return value;
}

static bool is_complete(const struct sw_provider *p, char *err, size_t errlen)
{
	if (!p->register_memory || !p->deregister_memory) {
		snprintf(err, errlen, "it lacks the memory registration "
			"functions that every SAN service provider must have");
		return false;
	}
	if (memory_is_kept_by(p) && !p->cache_callback) {
		snprintf(err, errlen, "it keeps memory registered, but lacks "
			"the cache callback");
		return false;
	}
	return true;
}

static bool start(struct sw_provider *p, startup_fn startup, char *err,
	size_t errlen)
{
	WSAPROTOCOL_INFOW info;
	WSPDATA data;
	INT code;

	tcp_protocol_info(&info);
	code = startup(0x0202, &data, &info, sw_upcalls(), &p->spi);
	if (code) {
		snprintf(err, errlen, "WSPStartupEx failed with code %d", code);
		return false;
	}
	p->probe = p->spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &info,
		0, WSA_FLAG_OVERLAPPED, &code);
	if (p->probe == INVALID_SOCKET) {
		snprintf(err, errlen, "WSPSocket failed with code %d", code);
		p->spi.lpWSPCleanup(&code);
		return false;
	}
	ask_extensions(p);
	p->max_rdma = ask_max_rdma(p);
	p->probe6 = INVALID_SOCKET;
	if (p->can.dwFlags & WSD_CAP_INET6)
		p->probe6 = p->spi.lpWSPSocket(AF_INET6, SOCK_STREAM,
			IPPROTO_TCP, &info, 0, WSA_FLAG_OVERLAPPED, &code);
	if (is_complete(p, err, errlen))
		return true;
	p->spi.lpWSPCloseSocket(p->probe, &code);
	if (p->probe6 != INVALID_SOCKET)
		p->spi.lpWSPCloseSocket(p->probe6, &code);
	p->spi.lpWSPCleanup(&code);
	return false;
}

struct sw_provider *sw_provider_load(const char *path, char *err, size_t errlen)
{
	struct sw_provider *p = calloc(1, sizeof *p);
	startup_fn startup;

	if (!p) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	if (os_library_open(path, &p->library, err, errlen) != ST_OK) {
		free(p);
		return NULL;
	}
	startup = (startup_fn)os_library_symbol(p->library, "WSPStartupEx");
	if (!startup)
		snprintf(err, errlen, "it is not a SAN service provider (no "
			"WSPStartupEx)");
	if (!startup || !start(p, startup, err, errlen)) {
		os_library_close(p->library);
		free(p);
		return NULL;
	}
	return p;
}

static bool add(void *ctx, const char *path)
{
	char err[300], line[SW_PATH_MAX + 400];
	struct sw_provider *p = sw_provider_load(path, err, sizeof err);

	if (!p) {
		snprintf(line, sizeof line,
			"wsd: cannot use provider %s: %s; using TCP", path, err);
		os_log_line(line);
		return true;
	}
	if (!sw_provider_fits(p)) {
		snprintf(line, sizeof line, "wsd: provider %s has no channels;"
			" set WSD_CHANNEL=off to use it for programs that do "
			"not fork", path);
		os_log_line(line);
		return true;
	}
	memory_add(p);
	providers[provider_count++] = p;
	return provider_count < SW_PROVIDERS_MAX;
}

static void load_all(void)
{
	catalog_readable = sw_catalog_each(add, NULL);
}

struct sw_provider *const *sw_providers(unsigned *count, enum sw_reason *why)
{
	os_once(&once, load_all);
	*count = provider_count;
	if (provider_count == 0)
		*why = catalog_readable ? SW_NO_PROVIDER : SW_NO_CATALOG;
	return providers;
}

bool sw_provider_uses_channel(const struct sw_provider *p)
{
	return sw_settings()->channel && p->open_channel &&
		(p->can.dwFlags & WSD_CAP_CHANNEL);
}

bool sw_provider_fits(const struct sw_provider *p)
{
	return !sw_settings()->channel || sw_provider_uses_channel(p);
}

bool sw_provider_is_private(const struct sw_provider *p)
{
	return sw_provider_uses_channel(p) &&
		!(p->can.dwFlags & WSD_CAP_FORK_SHARED);
}
