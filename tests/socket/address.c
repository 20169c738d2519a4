/* SPDX-License-Identifier: MIT */
#define CASE_HELPER
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct address address_ipv4(uint32_t host, int port)
{
	struct address made = {.length = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (struct sockaddr_in *)&made.storage;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(host);
	in->sin_port = htons(port);
	return made;
}

struct address address_ipv6(const char *text, int port)
{
	struct address made = {.length = sizeof(struct sockaddr_in6)};
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)&made.storage;

	in->sin6_family = AF_INET6;
	in->sin6_port = htons(port);
	CHECK_EQ(inet_pton(AF_INET6, text, &in->sin6_addr), 1);
	return made;
}

struct address address_local(int fd)
{
	struct address made = {.length = sizeof(made.storage)};

	CHECK_OK(getsockname(
	        fd, (struct sockaddr *)&made.storage, &made.length));
	return made;
}

struct address address_peer(int fd)
{
	struct address made = {.length = sizeof(made.storage)};

	CHECK_OK(getpeername(
	        fd, (struct sockaddr *)&made.storage, &made.length));
	return made;
}

int address_port(const struct address *address)
{
	const struct sockaddr_in *in = (const void *)&address->storage;
	const struct sockaddr_in6 *in6 = (const void *)&address->storage;

	if (address->storage.ss_family == AF_INET6)
		return ntohs(in6->sin6_port);
	return ntohs(in->sin_port);
}

/* A v4-mapped address and the IPv4 address in it are the same host. */
static const void *host_of(const struct address *address)
{
	const struct sockaddr_in *in = (const void *)&address->storage;
	const struct sockaddr_in6 *in6 = (const void *)&address->storage;

	if (address->storage.ss_family == AF_INET)
		return &in->sin_addr;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return in6->sin6_addr.s6_addr + 12;
	return &in6->sin6_addr;
}

static size_t host_length(const struct address *address)
{
	const struct sockaddr_in6 *in6 = (const void *)&address->storage;

	if (address->storage.ss_family == AF_INET)
		return 4;
	return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? 4 : 16;
}

void address_match(struct address got, struct address want)
{
	CHECK_EQ(address_port(&got), address_port(&want));
	CHECK_EQ(host_length(&got), host_length(&want));
	CHECK_BYTES(host_of(&got), host_of(&want), host_length(&got));
}
