/* SPDX-License-Identifier: MIT */
#include "provider/name.h"

#include "base/sockaddr.h"

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
	return addr_put_sockaddr(a, family, out, sizeof(union sockaddr_any));
}
