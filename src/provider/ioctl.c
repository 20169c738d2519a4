/* SPDX-License-Identifier: MIT */
/*
 * ioctl.c - WSPIoctl: R48 to R59.
 *
 * Everything is answered at once. A caller that gives an OVERLAPPED finds the
 * result in it too; there is no upcall, since the call itself says 0.
 */
#include <stdlib.h>
#include <string.h>

#include "provider/address.h"
#include "provider/errors.h"
#include "provider/name.h"
#include "provider/overlapped.h"
#include "provider/socket.h"
#include "provider/spi.h"

struct ioctl {
	const void *in;
	DWORD in_len;
	void *out;
	DWORD out_len;
	DWORD *returned;
};

/* ---- extension functions ------------------------------------------- */

typedef void (*any_function)(void);

struct extension {
	GUID id;
	any_function function;
};

static const struct extension extensions[] = {
	{WSAID_REGISTERMEMORY, (any_function)WSPRegisterMemory},
	{WSAID_DEREGISTERMEMORY, (any_function)WSPDeregisterMemory},
	{WSAID_REGISTERRDMAMEMORY, (any_function)WSPRegisterRdmaMemory},
	{WSAID_DEREGISTERRDMAMEMORY, (any_function)WSPDeregisterRdmaMemory},
	{WSAID_RDMAWRITE, (any_function)WSPRdmaWrite},
	{WSAID_RDMAREAD, (any_function)WSPRdmaRead},
	{WSAID_MEMORYREGISTRATIONCACHECALLBACK,
		(any_function)WSPMemoryRegistrationCacheCallback},
	{WSDID_QUERYCAPABILITIES, (any_function)WSDQueryCapabilities},
	{WSDID_GETWAITHANDLE, (any_function)WSDGetWaitHandle},
	{WSDID_ARM, (any_function)WSDArm},
	{WSDID_PEERIDENTITY, (any_function)WSDPeerIdentity},
	{WSDID_OPENCHANNEL, (any_function)WSDOpenChannel},
	{WSDID_ABANDON, (any_function)WSDAbandon},
	{WSDID_STOPLISTENING, (any_function)WSDStopListening},
	{WSDID_QUERYNETWORKS, (any_function)WSDQueryNetworks},
};

static any_function find_extension(const GUID *id)
{
	unsigned n = sizeof extensions / sizeof extensions[0];

	for (unsigned i = 0; i < n; i++)
		if (wsd_guid_equal(&extensions[i].id, id))
			return extensions[i].function;
	return NULL;
}

/* R49: without a socket. */
static int extension_pointer(const struct ioctl *c)
{
	any_function f;
	GUID id;

	if (!c->in || !c->out || !c->returned || c->in_len < sizeof id ||
		c->out_len < sizeof f)
		return WSAEFAULT; /* R53 */
	memcpy(&id, c->in, sizeof id);
	f = find_extension(&id);
	if (f == (any_function)WSPRdmaRead &&
		!(provider_transport.abilities & TRANSPORT_RDMA_READ))
		f = NULL; /* R50, R214 */
	if (!f)
		return WSAEOPNOTSUPP; /* R52 */
	memcpy(c->out, &f, sizeof f);
	*c->returned = sizeof f; /* R48 */
	return 0;
}

/* ---- addresses ----------------------------------------------------- */

/* Those of the socket's family, to the front (R56). */
static unsigned only_family(struct addr *list, unsigned count, int family)
{
	unsigned wanted = family == AF_INET6 ? 6 : 4, kept = 0;

	for (unsigned i = 0; i < count; i++)
		if (list[i].family == wanted)
			list[kept++] = list[i];
	for (unsigned i = 0; i < kept; i++)
		list[i].port = 0;
	return kept;
}

static size_t list_size(unsigned count, int family)
{
	size_t head = offsetof(SOCKET_ADDRESS_LIST, Address);

	return head + count * (sizeof(SOCKET_ADDRESS) +
			(size_t)prov_name_len(family));
}

/*
 * The caller's buffer may have any alignment: entries and names go through
 * copies. The pointers lie inside the buffer (R55).
 */
static void write_list(char *out, const struct addr *list, unsigned count,
	int family)
{
	char *entry = out + offsetof(SOCKET_ADDRESS_LIST, Address);
	char *name = entry + count * sizeof(SOCKET_ADDRESS);
	INT n = (INT)count;

	memcpy(out, &n, sizeof n);
	for (unsigned i = 0; i < count; i++) {
		struct sockaddr_storage whole;
		SOCKET_ADDRESS e;

		memset(&e, 0, sizeof e);
		e.lpSockaddr = (LPSOCKADDR)(void *)name;
		e.iSockaddrLength = prov_name_out(family, &list[i],
			(struct sockaddr *)&whole);
		memcpy(name, &whole, (size_t)e.iSockaddrLength);
		memcpy(entry, &e, sizeof e);
		name += e.iSockaddrLength;
		entry += sizeof e;
	}
}

/* R57: fresh on each call. R58: in any state, and maybe empty. */
static int address_list(const struct prov_socket *s, const struct ioctl *c)
{
	struct addr *list;
	unsigned count;
	size_t size;
	enum status st;
	int error = 0;

	if (!c->returned)
		return WSAEFAULT;
	st = prov_addresses(&list, &count);
	if (st != ST_OK)
		return prov_error(st);
	count = only_family(list, count, s->family);
	size = list_size(count, s->family);
	if (c->out && size <= c->out_len)
		write_list(c->out, list, count, s->family);
	else
		error = WSAEFAULT; /* R54: and the size all the same */
	*c->returned = (DWORD)size;
	free(list);
	return error;
}

/* ---- WSPIoctl ------------------------------------------------------ */

static int with_socket(SOCKET d, DWORD code, const struct ioctl *c,
	LPWSAOVERLAPPED ov)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error = WSAEOPNOTSUPP; /* R59, and every other code */

	if (!s)
		return WSAENOTSOCK;
	if (code == (DWORD)SIO_ADDRESS_LIST_QUERY)
		error = address_list(s, c);
	if (!error && ov)
		prov_overlapped_show(ov, 0, *c->returned, 0);
	prov_socket_release(s);
	return error;
}

int WSPAPI WSPIoctl(SOCKET d, DWORD dwIoControlCode, LPVOID lpvInBuffer,
	DWORD cbInBuffer, LPVOID lpvOutBuffer, DWORD cbOutBuffer,
	LPDWORD lpcbBytesReturned, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno)
{
	const struct ioctl c = {lpvInBuffer, cbInBuffer, lpvOutBuffer,
		cbOutBuffer, lpcbBytesReturned};
	int error;

	if (dwIoControlCode == (DWORD)SIO_GET_EXTENSION_FUNCTION_POINTER)
		error = extension_pointer(&c);
	else
		error = with_socket(d, dwIoControlCode, &c, lpOverlapped);
	return prov_result(error, lpErrno);
}
