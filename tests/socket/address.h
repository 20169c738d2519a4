/* SPDX-License-Identifier: MIT */
/* Loopback addresses as values. */
#ifndef SOCKET_ADDRESS_H
#define SOCKET_ADDRESS_H

#include "cases.h"

#include <stdint.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

/* The two arguments that bind, connect and sendto want. */
#define ADDRESS(a) (struct sockaddr *)&(a).storage, (a).length

/* host in host byte order, as INADDR_LOOPBACK is. */
struct address address_ipv4(uint32_t host, int port);
/* text as inet_pton wants it, such as "::1". */
struct address address_ipv6(const char *text, int port);
/* What getsockname and getpeername say. */
struct address address_local(int fd);
struct address address_peer(int fd);
int address_port(const struct address *address);
void address_match(struct address got, struct address want);

#ifndef CASE_HELPER
#define address_local(fd)        (CASE_HERE, address_local(fd))
#define address_peer(fd)         (CASE_HERE, address_peer(fd))
#define address_match(got, want) (CASE_HERE, address_match(got, want))
#endif

#endif
