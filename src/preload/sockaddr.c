/* SPDX-License-Identifier: MIT */
#include "base/sockaddr.h"

#include <errno.h>
#include <string.h>

#include "sockaddr.h"

bool sockaddr_get(const struct sockaddr *sa, socklen_t len, struct addr *out)
{
	if (len > sizeof(struct sockaddr_storage))
		return false;
	return addr_from_sockaddr(sa, (int)len, out);
}

int sockaddr_put(const struct addr *a, int family, struct sockaddr *sa,
	socklen_t *len)
{
	union sockaddr_any any;
	socklen_t whole, room;

	if (!len || !sa)
		return -EFAULT;
	room = *len;
	if ((int)room < 0)
		return -EINVAL;
	whole = (socklen_t)(family == AF_INET6 ? addr_to_sockaddr6(a, &any)
					       : addr_to_sockaddr(a, &any));
	memcpy(sa, &any, room < whole ? room : whole);
	*len = whole;
	return 0;
}
