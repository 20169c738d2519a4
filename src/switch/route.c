/* SPDX-License-Identifier: MIT */
/*
 * route.c - which provider reaches an address.
 *
 * A provider that says that it serves one host only gets every address of this
 * host. Of any other provider we know its addresses (SIO_ADDRESS_LIST_QUERY,
 * asked anew each time since addresses come and go); what equals one of them
 * is on its SAN.
 */
#include <string.h>

#include "base/sockaddr.h"
#include "switch/provider.h"

#define LIST_BYTES 4096

static bool lists_address(struct sw_provider *p, const struct addr *remote)
{
	_Alignas(SOCKET_ADDRESS_LIST) char buf[LIST_BYTES];
	SOCKET_ADDRESS_LIST *list = (SOCKET_ADDRESS_LIST *)buf;
	DWORD bytes = 0;
	INT err = 0;
	struct addr a;

	if (p->spi.lpWSPIoctl(p->probe, SIO_ADDRESS_LIST_QUERY, NULL, 0, buf,
		    sizeof buf, &bytes, NULL, NULL, NULL, &err))
		return false;
	for (INT i = 0; i < list->iAddressCount; i++) {
		SOCKET_ADDRESS *sa = &list->Address[i];

		if (addr_from_sockaddr(sa->lpSockaddr, sa->iSockaddrLength, &a) &&
			addr_same_ip(&a, remote))
			return true;
	}
	return false;
}

static bool reaches(struct sw_provider *p, const struct addr *remote)
{
	if (remote->family == 6 && !(p->can.dwFlags & WSD_CAP_INET6))
		return false;
	if (p->can.dwFlags & WSD_CAP_SAME_HOST)
		return os_address_is_local(remote);
	return lists_address(p, remote);
}

struct sw_provider *sw_route(const struct addr *remote, enum sw_reason *why)
{
	unsigned n;
	struct sw_provider *const *all = sw_providers(&n, why);

	if (n == 0)
		return NULL;
	for (unsigned i = 0; i < n; i++)
		if (reaches(all[i], remote))
			return all[i];
	*why = SW_NOT_ON_SAN;
	return NULL;
}
