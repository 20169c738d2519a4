/* SPDX-License-Identifier: MIT */
#include "spi_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sockaddr.h"
#include "install/utf16.h"
#include "os/os.h"
#include "spi_client_upcalls.h"
#include "wsa_text.h"

__attribute__((format(printf, 2, 3))) static bool fail(char why[SPI_WHY_MAX],
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, SPI_WHY_MAX, format, args);
	va_end(args);
	return false;
}

static bool fail_with(char why[SPI_WHY_MAX], const char *call, int code)
{
	char text[WSA_TEXT_MAX];

	return fail(why, "%s fails: %s", call, wsa_text(code, text));
}

/* ---- loading ---------------------------------------------------------- */

static LPWSPSTARTUPEX entry_of(struct spi_client *c)
{
	/* A function's address, whatever the system's type for it is. */
	return (LPWSPSTARTUPEX)(uintptr_t)os_library_symbol(c->library,
		"WSPStartupEx");
}

/* Some systems begin with the path, which the caller knows. */
static const char *without_path(const char *reason, const char *path)
{
	size_t n = strlen(path);

	return strncmp(reason, path, n) == 0 && reason[n] == ':' &&
		reason[n + 1] == ' ' ? reason + n + 2 : reason;
}

bool spi_client_load(struct spi_client *c, const char *path,
	char why[SPI_WHY_MAX])
{
	char reason[SPI_WHY_MAX / 2] = "";

	memset(c, 0, sizeof *c);
	switch (os_library_open(path, &c->library, reason, sizeof reason)) {
	case ST_OK:
		break;
	case ST_NOTFOUND:
		c->library = NULL;
		return fail(why, "no such file");
	default:
		c->library = NULL;
		return fail(why, "not a library that this program can load: %s",
			without_path(reason, path));
	}
	if (entry_of(c))
		return true;
	spi_client_unload(c);
	return fail(why, "not a SAN service provider: it exports no "
		"WSPStartupEx");
}

void spi_client_unload(struct spi_client *c)
{
	if (c->library)
		os_library_close(c->library);
	c->library = NULL;
}

/* ---- what it must have, and may have ---------------------------------- */

struct extension {
	const char *name;
	GUID id;
	size_t offset; /* of the pointer in struct spi_client */
	bool required;
};

#define EXTENSION(name, id, member, required)                                 \
	{#name, id, offsetof(struct spi_client, member), required}

static const struct extension extensions[] = {
	EXTENSION(WSPRegisterMemory, WSAID_REGISTERMEMORY, register_memory,
		true),
	EXTENSION(WSPDeregisterMemory, WSAID_DEREGISTERMEMORY,
		deregister_memory, true),
	EXTENSION(WSPRegisterRdmaMemory, WSAID_REGISTERRDMAMEMORY,
		register_rdma, true),
	EXTENSION(WSPDeregisterRdmaMemory, WSAID_DEREGISTERRDMAMEMORY,
		deregister_rdma, true),
	EXTENSION(WSPRdmaWrite, WSAID_RDMAWRITE, rdma_write, true),
	EXTENSION(WSPRdmaRead, WSAID_RDMAREAD, rdma_read, false),
	EXTENSION(WSPMemoryRegistrationCacheCallback,
		WSAID_MEMORYREGISTRATIONCACHECALLBACK, cache_callback, false),
	EXTENSION(WSDQueryCapabilities, WSDID_QUERYCAPABILITIES,
		query_capabilities, false),
	EXTENSION(WSDGetWaitHandle, WSDID_GETWAITHANDLE, wait_handle, false),
	EXTENSION(WSDArm, WSDID_ARM, arm, false),
	EXTENSION(WSDPeerIdentity, WSDID_PEERIDENTITY, peer_identity, false),
	EXTENSION(WSDOpenChannel, WSDID_OPENCHANNEL, open_channel, false),
	EXTENSION(WSDAbandon, WSDID_ABANDON, abandon, false),
	EXTENSION(WSDStopListening, WSDID_STOPLISTENING, stop_listening,
		false),
	EXTENSION(WSDQueryNetworks, WSDID_QUERYNETWORKS, query_networks,
		false),
};

enum { EXTENSIONS = sizeof(extensions) / sizeof(extensions[0]) };

/* Every one is a function pointer; they are all of one size. */
static bool is_there(const struct spi_client *c, size_t offset)
{
	void *f;

	memcpy(&f, (const char *)c + offset, sizeof f);
	return f != NULL;
}

bool spi_client_extension(const struct spi_client *c, unsigned n,
	const char **name, bool *there, bool *required)
{
	if (n >= EXTENSIONS)
		return false;
	*name = extensions[n].name;
	*there = is_there(c, extensions[n].offset);
	*required = extensions[n].required;
	return true;
}

#define REQUIRED(name) {#name, offsetof(struct spi_client, t.lp##name)}

const char *spi_client_missing(const struct spi_client *c)
{
	static const struct {
		const char *name;
		size_t offset;
	} table[] = {
		REQUIRED(WSPAccept), REQUIRED(WSPBind), REQUIRED(WSPCleanup),
		REQUIRED(WSPCloseSocket), REQUIRED(WSPConnect),
		REQUIRED(WSPDuplicateSocket), REQUIRED(WSPEnumNetworkEvents),
		REQUIRED(WSPEventSelect), REQUIRED(WSPGetOverlappedResult),
		REQUIRED(WSPGetSockOpt), REQUIRED(WSPGetQOSByName),
		REQUIRED(WSPIoctl), REQUIRED(WSPListen), REQUIRED(WSPRecv),
		REQUIRED(WSPSend), REQUIRED(WSPSetSockOpt),
		REQUIRED(WSPSocket),
	};

	for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
		if (!is_there(c, table[i].offset))
			return table[i].name;
	for (unsigned i = 0; i < EXTENSIONS; i++)
		if (extensions[i].required &&
			!is_there(c, extensions[i].offset))
			return extensions[i].name;
	return NULL;
}

/* R48, R49: asked for on any socket. */
static void ask_extensions(struct spi_client *c)
{
	for (unsigned i = 0; i < EXTENSIONS; i++) {
		GUID id = extensions[i].id;
		void *f = NULL;
		DWORD bytes = 0;
		INT err = 0;

		if (c->t.lpWSPIoctl(c->probe,
			    SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id,
			    &f, sizeof f, &bytes, NULL, NULL, NULL, &err))
			f = NULL;
		memcpy((char *)c + extensions[i].offset, &f, sizeof f);
	}
}

static void ask_capabilities(struct spi_client *c)
{
	static const GUID none;
	INT err = 0;

	c->can.cbSize = sizeof c->can;
	if (!c->query_capabilities || c->query_capabilities(&c->can, &err))
		memset(&c->can, 0, sizeof c->can);
	c->can.szName[sizeof c->can.szName - 1] = '\0';
	c->id_known = c->can.cbSize >= sizeof c->can &&
		!wsd_guid_equal(&c->can.ProviderId, &none);
}

static DWORD ask_limit(struct spi_client *c, int name)
{
	DWORD value = 0;
	INT len = sizeof value, err = 0;

	if (c->t.lpWSPGetSockOpt(c->probe, SOL_SOCKET, name, (char *)&value,
		    &len, &err))
		return UINT32_MAX;
	return value;
}

/* ---- addresses -------------------------------------------------------- */

static void take_addresses(struct spi_client *c,
	const SOCKET_ADDRESS_LIST *list)
{
	for (INT i = 0; i < list->iAddressCount &&
		c->address_count < SPI_ADDRESSES_MAX; i++) {
		const SOCKET_ADDRESS *a = &list->Address[i];

		if (a->lpSockaddr && addr_from_sockaddr(a->lpSockaddr,
				a->iSockaddrLength,
				&c->addresses[c->address_count]))
			c->address_count++;
	}
}

/* R54, R58: the list of the socket's family, in room of the size that the
 * provider asks for. */
static int ask_addresses_of(struct spi_client *c, SOCKET s)
{
	DWORD room = 4096, bytes = 0;
	INT err = 0;

	for (int tries = 0; tries < 4; tries++) {
		SOCKET_ADDRESS_LIST *list = malloc(room);
		int r;

		if (!list)
			return WSAENOBUFS;
		r = c->t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0,
			list, room, &bytes, NULL, NULL, NULL, &err);
		if (r == 0)
			take_addresses(c, list);
		free(list);
		if (r == 0 || err != WSAEFAULT || bytes <= room)
			return r == 0 ? 0 : err;
		room = bytes;
	}
	return err;
}

/* Those of IPv6 only a socket of that family tells, where there are such. */
static int ask_addresses(struct spi_client *c)
{
	int code = ask_addresses_of(c, c->probe), ignored = 0;
	SOCKET s;

	if (code || !(c->can.dwFlags & WSD_CAP_INET6))
		return code;
	s = spi_client_socket(c, AF_INET6, &ignored);
	if (s == INVALID_SOCKET)
		return 0;
	code = ask_addresses_of(c, s);
	c->t.lpWSPCloseSocket(s, &ignored);
	return code;
}

/* ---- start and stop --------------------------------------------------- */

/* TCP/IP's description: by it a provider sees that a switch calls (R13). */
static WSAPROTOCOL_INFOW tcpip_info(void)
{
	static const GUID tcpip = {0xe70f1aa0, 0xab8b, 0x11cf,
		{0x8c, 0xa3, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92}};
	WSAPROTOCOL_INFOW info;

	memset(&info, 0, sizeof info);
	info.dwServiceFlags1 = XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER |
		XP1_GRACEFUL_CLOSE | XP1_EXPEDITED_DATA;
	info.ProviderId = tcpip;
	info.ProtocolChain.ChainLen = BASE_PROTOCOL;
	info.iVersion = 2;
	info.iAddressFamily = AF_INET;
	info.iMaxSockAddr = sizeof(struct sockaddr_in);
	info.iMinSockAddr = sizeof(struct sockaddr_in);
	info.iSocketType = SOCK_STREAM;
	info.iProtocol = IPPROTO_TCP;
	utf16_from_utf8("TCP/IP", info.szProtocol, WSAPROTOCOL_LEN + 1);
	return info;
}

SOCKET spi_client_socket(struct spi_client *c, int family, int *code)
{
	WSAPROTOCOL_INFOW info = c->tcpip;

	return c->t.lpWSPSocket(family, SOCK_STREAM, IPPROTO_TCP, &info, 0,
		WSA_FLAG_OVERLAPPED, code);
}

/* The functions that the questions need, before they are called. */
static bool can_be_asked(const struct spi_client *c)
{
	return c->t.lpWSPSocket && c->t.lpWSPIoctl && c->t.lpWSPGetSockOpt &&
		c->t.lpWSPCloseSocket && c->t.lpWSPCleanup;
}

static bool ask_all(struct spi_client *c, char why[SPI_WHY_MAX])
{
	int code = 0;

	if (!can_be_asked(c))
		return fail(why, "its table lacks %s", spi_client_missing(c));
	c->probe = spi_client_socket(c, AF_INET, &code);
	if (c->probe == INVALID_SOCKET)
		return fail_with(why, "WSPSocket", code);
	ask_extensions(c);
	ask_capabilities(c);
	c->max_message = ask_limit(c, SO_MAX_MSG_SIZE);
	c->max_rdma = ask_limit(c, SO_MAX_RDMA_SIZE);
	c->rdma_threshold = ask_limit(c, SO_RDMA_THRESHOLD_SIZE);
	code = ask_addresses(c);
	return code == 0 || fail_with(why, "SIO_ADDRESS_LIST_QUERY", code);
}

static void clean_up(struct spi_client *c)
{
	INT err = 0;

	if (c->t.lpWSPCleanup)
		c->t.lpWSPCleanup(&err);
}

bool spi_client_start(struct spi_client *c, char why[SPI_WHY_MAX])
{
	WSPUPCALLTABLEEX upcalls = spi_client_upcalls();
	int code;

	c->tcpip = tcpip_info();
	c->address_count = 0;
	c->probe = INVALID_SOCKET;
	code = entry_of(c)(MAKEWORD(2, 2), &c->data, &c->tcpip, &upcalls,
		&c->t);
	if (code)
		return fail_with(why, "WSPStartupEx", code);
	c->data.szDescription[WSPDESCRIPTION_LEN] = 0;
	utf16_to_utf8(c->data.szDescription, WSPDESCRIPTION_LEN,
		c->description, sizeof c->description);
	if (c->data.wVersion != MAKEWORD(2, 2)) { /* R9 */
		clean_up(c);
		return fail(why, "it speaks version %u.%u of the SPI, 2.2 is "
			"needed", LOBYTE(c->data.wVersion),
			HIBYTE(c->data.wVersion));
	}
	if (ask_all(c, why))
		return true;
	clean_up(c);
	return false;
}

void spi_client_stop(struct spi_client *c)
{
	INT err = 0;

	c->t.lpWSPCloseSocket(c->probe, &err);
	clean_up(c);
}

const char *spi_client_name(const struct spi_client *c)
{
	if (c->can.szName[0])
		return c->can.szName;
	return c->description[0] ? c->description : "provider";
}
