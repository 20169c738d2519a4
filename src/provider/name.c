/* SPDX-License-Identifier: MIT */
#include "provider/name.h"

#include <stdlib.h>
#include <string.h>

#include "base/sockaddr.h"
#include "transport/transport.h"

int prov_name_len(int family)
{
	return family == AF_INET6 ? (int)sizeof(struct sockaddr_in6)
				  : (int)sizeof(struct sockaddr_in);
}

bool prov_name_in(int family, const struct sockaddr *name, int len,
	struct addr *out)
{
	if (!name || len < prov_name_len(family) || name->sa_family != family)
		return false;
	return addr_from_sockaddr(name, len, out);
}

int prov_name_out(int family, const struct addr *a, struct sockaddr *out)
{
	union sockaddr_any any;
	int len = family == AF_INET6 ? addr_to_sockaddr6(a, &any)
				     : addr_to_sockaddr(a, &any);

	memcpy(out, &any, (size_t)len);
	return len;
}

enum status prov_addresses(struct addr **out, unsigned *count)
{
	unsigned room = 32;
	struct addr *list = NULL;
	enum status st;

	do {
		struct addr *more = realloc(list, room * sizeof *list);

		if (!more) {
			free(list);
			return ST_NOMEM;
		}
		list = more;
		*count = room;
		st = provider_transport.addresses(list, count);
		room = *count + 8; /* the host may get some meanwhile */
	} while (st == ST_FULL);
	if (st != ST_OK) {
		free(list);
		return st;
	}
	*out = list;
	return ST_OK;
}
