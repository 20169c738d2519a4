/* SPDX-License-Identifier: MIT */
/*
 * networks.c - WSDQueryNetworks: what the transport has found.
 */
#include <stdlib.h>
#include <string.h>

#include "provider/errors.h"
#include "provider/process.h"
#include "provider/spi.h"
#include "transport/transport.h"

_Static_assert(sizeof((WSDNETWORK *)0)->szNetwork ==
		sizeof((struct transport_network *)0)->network &&
	sizeof((WSDNETWORK *)0)->szDevice ==
		sizeof((struct transport_network *)0)->device &&
	sizeof((WSDNETWORK *)0)->szReason ==
		sizeof((struct transport_network *)0)->reason,
	"text has the same room in both");

/* "192.0.2.1", "fe80::1%2": without brackets and port. */
static void put_address(const struct addr *a, CHAR *out, size_t room)
{
	char text[ADDR_TEXT_MAX], *begin = text, *end;

	if (a->family == 0)
		return;
	addr_text(a, text);
	end = strrchr(text, a->family == 6 ? ']' : ':');
	if (end)
		*end = '\0';
	if (*begin == '[')
		begin++;
	if (strlen(begin) < room)
		memcpy(out, begin, strlen(begin));
}

static void describe(const struct transport_network *n, WSDNETWORK *out)
{
	memset(out, 0, sizeof *out);
	if (n->usable)
		out->dwFlags |= WSD_NETWORK_USABLE;
	if (n->in_use)
		out->dwFlags |= WSD_NETWORK_IN_USE;
	memcpy(out->szNetwork, n->network, sizeof out->szNetwork);
	memcpy(out->szDevice, n->device, sizeof out->szDevice);
	memcpy(out->szReason, n->reason, sizeof out->szReason);
	put_address(&n->address, out->szAddress, sizeof out->szAddress);
}

/* All that there are; the caller frees them. */
static enum status survey(struct transport_network **out, unsigned *count)
{
	struct transport_network *list = NULL;
	enum status st;

	*count = 24;
	do {
		unsigned room = *count + 8; /* there may come some */
		struct transport_network *more =
			realloc(list, room * sizeof *more);

		if (!more) {
			free(list);
			return ST_NOMEM;
		}
		list = more;
		*count = room;
		st = provider_transport.survey(list, count);
	} while (st == ST_FULL);
	if (st != ST_OK)
		free(list);
	else
		*out = list;
	return st;
}

/* Records of `size` bytes, as many as there is room for. */
static void fill(char *at, DWORD size, DWORD room,
	const struct transport_network *list, unsigned count)
{
	WSDNETWORK one;
	DWORD used = size < sizeof one ? size : sizeof one;

	for (unsigned i = 0; i < count && i < room; i++) {
		describe(&list[i], &one);
		one.cbSize = used;
		memcpy(at + (size_t)i * size, &one, used);
	}
}

int WSPAPI WSDQueryNetworks(LPWSDNETWORK lpNetworks, LPDWORD lpdwCount,
	LPINT lpErrno)
{
	struct transport_network *list;
	DWORD room = lpdwCount ? *lpdwCount : 0;
	unsigned count;
	enum status st;

	if (!lpdwCount || (room && (!lpNetworks || lpNetworks->cbSize < 8)))
		return prov_result(WSAEFAULT, lpErrno);
	if (!prov_started())
		return prov_result(WSANOTINITIALISED, lpErrno);
	st = survey(&list, &count);
	if (st != ST_OK)
		return prov_result(prov_error(st), lpErrno);
	if (room)
		fill((char *)lpNetworks, lpNetworks->cbSize, room, list, count);
	free(list);
	*lpdwCount = count;
	return prov_result(count > room ? WSAENOBUFS : 0, lpErrno);
}
