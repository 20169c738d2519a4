/* SPDX-License-Identifier: MIT */
/*
 * sockaddr.h - between struct addr and the system's struct sockaddr.
 */
#ifndef WSD_BASE_SOCKADDR_H
#define WSD_BASE_SOCKADDR_H

#include <stdbool.h>

#include <openwsd/winsock2.h>

#include "base/addr.h"

/* Room for either family. */
union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* False when the family is neither, or len is too short for it. */
bool addr_from_sockaddr(const struct sockaddr *sa, int len, struct addr *out);

/* Stores a (as IPv4, or as IPv6 for family 6); returns the length. */
int addr_to_sockaddr(const struct addr *a, union sockaddr_any *out);

/* As above, but always as IPv6, IPv4 addresses in v4-mapped form. */
int addr_to_sockaddr6(const struct addr *a, union sockaddr_any *out);

/*
 * Stores a as a socket of this family (AF_INET, AF_INET6) tells it, cut to
 * `room` bytes as system calls do; returns the length it has uncut.
 */
int addr_put_sockaddr(const struct addr *a, int family, struct sockaddr *sa,
	size_t room);

#endif
