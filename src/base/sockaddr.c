/* SPDX-License-Identifier: MIT */
#include "base/sockaddr.h"

#include <string.h>

static bool is_v4_mapped(const uint8_t ip[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip, prefix, sizeof prefix) == 0;
}

static bool from_in(const struct sockaddr *sa, int len, struct addr *out)
{
	struct sockaddr_in in;
	uint8_t b[4];

	if (len < (int)sizeof in)
		return false;
	memcpy(&in, sa, sizeof in);
	memcpy(b, &in.sin_addr, sizeof b);
	*out = addr_v4(b[0], b[1], b[2], b[3], ntohs(in.sin_port));
	return true;
}

static bool from_in6(const struct sockaddr *sa, int len, struct addr *out)
{
	struct sockaddr_in6 in6;

	/* Some programs leave out the scope id. */
	if (len < (int)offsetof(struct sockaddr_in6, sin6_scope_id))
		return false;
	memset(&in6, 0, sizeof in6);
	memcpy(&in6, sa, len < (int)sizeof in6 ? (size_t)len : sizeof in6);
	memset(out, 0, sizeof *out);
	memcpy(out->ip, &in6.sin6_addr, sizeof out->ip);
	out->port = ntohs(in6.sin6_port);
	out->family = is_v4_mapped(out->ip) ? 4 : 6;
	out->scope = out->family == 6 ? in6.sin6_scope_id : 0;
	return true;
}

bool addr_from_sockaddr(const struct sockaddr *sa, int len, struct addr *out)
{
	if (!sa || len < (int)sizeof sa->sa_family)
		return false;
	if (sa->sa_family == AF_INET)
		return from_in(sa, len, out);
	if (sa->sa_family == AF_INET6)
		return from_in6(sa, len, out);
	return false;
}

int addr_to_sockaddr6(const struct addr *a, union sockaddr_any *out)
{
	memset(out, 0, sizeof *out);
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(a->port);
	out->in6.sin6_scope_id = a->scope;
	memcpy(&out->in6.sin6_addr, a->ip, sizeof a->ip);
	return (int)sizeof out->in6;
}

int addr_to_sockaddr(const struct addr *a, union sockaddr_any *out)
{
	if (a->family != 4)
		return addr_to_sockaddr6(a, out);
	memset(out, 0, sizeof *out);
	out->in.sin_family = AF_INET;
	out->in.sin_port = htons(a->port);
	memcpy(&out->in.sin_addr, a->ip + 12, 4);
	return (int)sizeof out->in;
}

int addr_put_sockaddr(const struct addr *a, int family, struct sockaddr *sa,
	size_t room)
{
	union sockaddr_any any;
	int whole = family == AF_INET6 ? addr_to_sockaddr6(a, &any)
				       : addr_to_sockaddr(a, &any);

	if (room > 0)
		memcpy(sa, &any, room < (size_t)whole ? room : (size_t)whole);
	return whole;
}
