/* SPDX-License-Identifier: MIT */
/* sockaddr.h - addresses as the program gives and gets them. */
#ifndef WSD_PRELOAD_SOCKADDR_H
#define WSD_PRELOAD_SOCKADDR_H

#include <sys/socket.h>

#include "base/addr.h"

/* False when it is no internet address. */
bool sockaddr_get(const struct sockaddr *sa, socklen_t len, struct addr *out);

/* Stores a for a socket of this family (AF_INET6: IPv4 in mapped form) as the
 * kernel does: cut at *len, then *len is the true length. 0 or -errno. */
int sockaddr_put(const struct addr *a, int family, struct sockaddr *sa,
	socklen_t *len);

#endif
