/* SPDX-License-Identifier: MIT */
/*
 * odd_provider.c - a SAN service provider that gets no further than questions,
 * and answers them as the environment variable ODD says:
 *
 *   version   speaks SPI 1.1          missing   has no WSPConnect
 *   down      network is not ready    mute      does not tell its GUID
 *   lonely    has no addresses        short     messages of 100 bytes
 *   socket    cannot make a socket    extension has no WSPRdmaWrite
 *   crash     does not survive        hang      does not come back
 *
 * and otherwise has nothing wrong with it. To see what `wsd provider` makes of
 * each.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openwsd/wsdext.h>

static bool is_odd(const char *how)
{
	const char *odd = getenv("ODD");

	return odd && strcmp(odd, how) == 0;
}

static int fail(LPINT err, int code)
{
	*err = code;
	return SOCKET_ERROR;
}

/* ---- extensions ------------------------------------------------------- */

static int WSPAPI query(LPWSDCAPABILITIES caps, LPINT err)
{
	static const GUID id = {0x0dd00dd0, 0x1111, 0x2222,
		{3, 3, 4, 4, 5, 5, 6, 6}};

	if (is_odd("mute")) { /* as before there was ProviderId */
		caps->cbSize = offsetof(WSDCAPABILITIES, ProviderId);
		strcpy(caps->szName, "odd");
		return 0;
	}
	memset(caps, 0, sizeof *caps);
	caps->cbSize = sizeof *caps;
	caps->ProviderId = id;
	strcpy(caps->szName, "odd");
	return 0;
}

/* Something to point to; nobody calls it. */
static void nothing(void)
{
}

static int extension(const GUID *wanted, void *out, LPINT err)
{
	static const GUID capabilities = WSDID_QUERYCAPABILITIES;
	static const GUID required[] = {WSAID_REGISTERMEMORY,
		WSAID_DEREGISTERMEMORY, WSAID_REGISTERRDMAMEMORY,
		WSAID_DEREGISTERRDMAMEMORY, WSAID_RDMAWRITE};
	static const GUID write = WSAID_RDMAWRITE;
	LPFN_WSDQUERYCAPABILITIES answer = query;
	void (*any)(void) = nothing;

	if (wsd_guid_equal(wanted, &capabilities)) {
		memcpy(out, &answer, sizeof answer);
		return 0;
	}
	if (is_odd("extension") && wsd_guid_equal(wanted, &write))
		return fail(err, WSAEOPNOTSUPP);
	for (unsigned i = 0; i < sizeof required / sizeof required[0]; i++) {
		if (!wsd_guid_equal(wanted, &required[i]))
			continue;
		memcpy(out, &any, sizeof any);
		return 0;
	}
	return fail(err, WSAEOPNOTSUPP);
}

/* ---- the table -------------------------------------------------------- */

static SOCKET WSPAPI make_socket(int af, int type, int protocol,
	LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags, LPINT err)
{
	if (!is_odd("socket"))
		return 1;
	*err = WSAENOBUFS;
	return INVALID_SOCKET;
}

static int WSPAPI close_socket(SOCKET s, LPINT err)
{
	return 0;
}

static int WSPAPI clean_up(LPINT err)
{
	return 0;
}

/* More addresses than the first room has place for. */
static int addresses(LPVOID out, DWORD room, LPDWORD bytes, LPINT err)
{
	enum { MANY = 200 };
	int count = is_odd("lonely") ? 0 : MANY;
	SOCKET_ADDRESS_LIST *list = out;
	struct sockaddr_in *in;

	*bytes = (DWORD)(sizeof *list + MANY * (sizeof list->Address[0] +
		sizeof *in));
	if (room < *bytes)
		return fail(err, WSAEFAULT);
	memset(out, 0, *bytes);
	in = (struct sockaddr_in *)(void *)&list->Address[MANY];
	list->iAddressCount = count;
	for (int i = 0; i < count; i++) {
		in[i].sin_family = AF_INET;
		in[i].sin_addr.s_addr = htonl(0x0a000001u + (unsigned)i);
		list->Address[i].lpSockaddr = (struct sockaddr *)&in[i];
		list->Address[i].iSockaddrLength = sizeof in[i];
	}
	return 0;
}

static int WSPAPI io_control(SOCKET s, DWORD code, LPVOID in, DWORD in_len,
	LPVOID out, DWORD out_len, LPDWORD bytes, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT err)
{
	if (code == SIO_GET_EXTENSION_FUNCTION_POINTER)
		return extension(in, out, err);
	if (code == SIO_ADDRESS_LIST_QUERY)
		return addresses(out, out_len, bytes, err);
	return fail(err, WSAEOPNOTSUPP);
}

static int WSPAPI get_option(SOCKET s, int level, int name, char *value,
	LPINT len, LPINT err)
{
	DWORD bytes = 100;

	if (!is_odd("short") || name != SO_MAX_MSG_SIZE)
		return fail(err, WSAENOPROTOOPT);
	memcpy(value, &bytes, sizeof bytes);
	return 0;
}

/* Every entry points somewhere. */
static void fill(LPWSPPROC_TABLE t)
{
	void (*any)(void) = nothing;

	for (size_t at = 0; at < sizeof *t; at += sizeof any)
		memcpy((char *)t + at, &any, sizeof any);
	t->lpWSPSocket = make_socket;
	t->lpWSPCloseSocket = close_socket;
	t->lpWSPCleanup = clean_up;
	t->lpWSPIoctl = io_control;
	t->lpWSPGetSockOpt = get_option;
	if (is_odd("missing"))
		t->lpWSPConnect = NULL;
}

PROV_EXPORT int WSPAPI WSPStartupEx(WORD version,
	LPWSPDATA data, LPWSAPROTOCOL_INFOW info, LPWSPUPCALLTABLEEX upcalls,
	LPWSPPROC_TABLE table)
{
	if (is_odd("crash"))
		abort();
	while (is_odd("hang"))
		;
	if (is_odd("down"))
		return WSASYSNOTREADY;
	memset(data, 0, sizeof *data);
	data->wVersion = is_odd("version") ? MAKEWORD(1, 1) : MAKEWORD(2, 2);
	data->wHighVersion = data->wVersion;
	data->szDescription[0] = 'O';
	data->szDescription[1] = '#';
	data->szDescription[2] = '\n';
	fill(table);
	return 0;
}
