/* SPDX-License-Identifier: MIT */
/*
 * shm_name.h - the names under which listeners are found.
 *
 * "wsd-shm-1", the families served, the address and port, with slashes between:
 *
 *     4    127.0.0.1:6379   one IPv4 address
 *     4    *:6379           any IPv4 address
 *     6    [::1]:6379       one IPv6 address
 *     6    *:6379           any IPv6 address
 *     46   *:6379           any address of either family
 */
#ifndef WSD_TRANSPORT_SHM_NAME_H
#define WSD_TRANSPORT_SHM_NAME_H

#include <stdbool.h>

#include "base/addr.h"
#include "os/os.h"

#define SHM_NAME_TRIES 3

struct shm_name {
	char text[OS_NAME_MAX];
};

/* The name a listener for this address offers. */
void shm_name_offered(const struct addr *local, bool only_v6,
	struct shm_name *out);
/* The names to try for a destination, the most specific first. */
void shm_names_wanted(const struct addr *remote,
	struct shm_name out[SHM_NAME_TRIES]);
/* Does a listener with this address serve that destination? */
bool shm_name_serves(const struct addr *local, bool only_v6,
	const struct addr *to);

#endif
