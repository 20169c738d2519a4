/* SPDX-License-Identifier: MIT */
/*
 * fake_san.c - a SAN service provider for a network that leads nowhere, to see
 * which way the switch goes. The environment says how:
 *
 *   FAKE_SAN_NAME       what it calls itself; fabric
 *   FAKE_SAN_ADDRESSES  IPv4 addresses of this host that it serves, with blanks
 *                       between them; 127.0.0.1
 *   FAKE_SAN_ANSWER     what a connect ends with: reset, unreachable, memory
 *                       or silence; reset
 *   FAKE_SAN_LOG        a file that gets a line "SOURCE DESTINATION PORT" for
 *                       each connect
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openwsd/wsdext.h>

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value ? value : otherwise;
}

static bool answers(const char *how)
{
	return strcmp(setting("FAKE_SAN_ANSWER", "reset"), how) == 0;
}

static int fail(LPINT err, int code)
{
	*err = code;
	return SOCKET_ERROR;
}

/* ---- extensions ------------------------------------------------------- */

static int WSPAPI query(LPWSDCAPABILITIES caps, LPINT err)
{
	memset(caps, 0, sizeof *caps);
	caps->cbSize = sizeof *caps;
	caps->dwVersion = WSD_EXTENSION_VERSION;
	caps->dwFlags = WSD_CAP_CHANNEL | WSD_CAP_FORK_SHARED;
	snprintf(caps->szName, sizeof caps->szName, "%s",
		setting("FAKE_SAN_NAME", "fabric"));
	return 0;
}

/* There is no connection that anybody could call this for. */
static void nothing(void)
{
}

static int extension(const GUID *wanted, void *out, LPINT err)
{
	static const GUID capabilities = WSDID_QUERYCAPABILITIES;
	static const GUID there[] = {WSAID_REGISTERMEMORY,
		WSAID_DEREGISTERMEMORY, WSDID_OPENCHANNEL};
	LPFN_WSDQUERYCAPABILITIES answer = query;
	void (*any)(void) = nothing;

	if (wsd_guid_equal(wanted, &capabilities)) {
		memcpy(out, &answer, sizeof answer);
		return 0;
	}
	for (unsigned i = 0; i < sizeof there / sizeof there[0]; i++) {
		if (!wsd_guid_equal(wanted, &there[i]))
			continue;
		memcpy(out, &any, sizeof any);
		return 0;
	}
	return fail(err, WSAEOPNOTSUPP);
}

/* ---- addresses -------------------------------------------------------- */

enum { ADDRESSES_MAX = 8 };

struct address_list {
	union {
		SOCKET_ADDRESS_LIST list;
		char room[sizeof(SOCKET_ADDRESS_LIST) +
			ADDRESSES_MAX * sizeof(SOCKET_ADDRESS)];
	} u;
	struct sockaddr_in in[ADDRESSES_MAX];
};

static int addresses(LPVOID out, DWORD room, LPDWORD bytes, LPINT err)
{
	struct address_list *l = out;
	char text[200], *rest = text, *word;
	INT n = 0;

	*bytes = sizeof *l;
	if (room < sizeof *l)
		return fail(err, WSAEFAULT);
	memset(l, 0, sizeof *l);
	snprintf(text, sizeof text, "%s",
		setting("FAKE_SAN_ADDRESSES", "127.0.0.1"));
	while (n < ADDRESSES_MAX && (word = strtok_r(rest, " ", &rest))) {
		l->in[n].sin_family = AF_INET;
		inet_pton(AF_INET, word, &l->in[n].sin_addr);
		l->u.list.Address[n].lpSockaddr =
			(struct sockaddr *)&l->in[n];
		l->u.list.Address[n].iSockaddrLength = sizeof l->in[n];
		n++;
	}
	l->u.list.iAddressCount = n;
	return 0;
}

/* ---- sockets ---------------------------------------------------------- */

/* Where the socket is bound; the programs of a test connect one by one. */
static struct sockaddr_in bound;

static SOCKET WSPAPI make_socket(int af, int type, int protocol,
	LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags, LPINT err)
{
	return 1;
}

static int WSPAPI bind_socket(SOCKET s, const struct sockaddr *sa, int len,
	LPINT err)
{
	if (sa->sa_family != AF_INET)
		return fail(err, WSAEAFNOSUPPORT);
	memcpy(&bound, sa, sizeof bound);
	return 0;
}

static void log_connect(const struct sockaddr_in *to)
{
	const char *path = getenv("FAKE_SAN_LOG");
	char from_text[INET_ADDRSTRLEN], to_text[INET_ADDRSTRLEN];
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return;
	fprintf(file, "%s %s %u\n",
		inet_ntop(AF_INET, &bound.sin_addr, from_text,
			sizeof from_text),
		inet_ntop(AF_INET, &to->sin_addr, to_text, sizeof to_text),
		ntohs(to->sin_port));
	fclose(file);
}

static int WSPAPI connect_socket(SOCKET s, const struct sockaddr *sa, int len,
	LPWSABUF caller, LPWSABUF callee, LPQOS sqos, LPQOS gqos, LPINT err)
{
	log_connect((const struct sockaddr_in *)(const void *)sa);
	if (answers("unreachable"))
		return fail(err, WSAEHOSTUNREACH);
	if (answers("memory"))
		return fail(err, WSAENOBUFS);
	return fail(err, answers("silence") ? WSAEWOULDBLOCK : WSAECONNRESET);
}

static int WSPAPI select_events(SOCKET s, WSAEVENT event, LONG mask, LPINT err)
{
	return 0;
}

static int WSPAPI no_events(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS out,
	LPINT err)
{
	memset(out, 0, sizeof *out);
	return 0;
}

static int WSPAPI listen_socket(SOCKET s, int backlog, LPINT err)
{
	return fail(err, WSAEADDRNOTAVAIL);
}

static int WSPAPI close_socket(SOCKET s, LPINT err)
{
	return 0;
}

static int WSPAPI clean_up(LPINT err)
{
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

__attribute__((visibility("default"))) int WSPAPI WSPStartupEx(WORD version,
	LPWSPDATA data, LPWSAPROTOCOL_INFOW info, LPWSPUPCALLTABLEEX upcalls,
	LPWSPPROC_TABLE table)
{
	memset(data, 0, sizeof *data);
	data->wVersion = data->wHighVersion = MAKEWORD(2, 2);
	memset(table, 0, sizeof *table);
	table->lpWSPSocket = make_socket;
	table->lpWSPBind = bind_socket;
	table->lpWSPConnect = connect_socket;
	table->lpWSPListen = listen_socket;
	table->lpWSPEventSelect = select_events;
	table->lpWSPEnumNetworkEvents = no_events;
	table->lpWSPCloseSocket = close_socket;
	table->lpWSPCleanup = clean_up;
	table->lpWSPIoctl = io_control;
	return 0;
}
