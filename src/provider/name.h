/* SPDX-License-Identifier: MIT */
/*
 * name.h - addresses as the SPI passes them.
 */
#ifndef WSD_PROVIDER_NAME_H
#define WSD_PROVIDER_NAME_H

#include <stdbool.h>

#include <openwsd/winsock2.h>

#include "base/addr.h"

/* Bytes of a name in this family: 16 or 28. */
int prov_name_len(int family);

/*
 * A name given to a socket of that family. False: NULL, too short, or another
 * family (R35, R77). An IPv6 socket takes v4-mapped names.
 */
bool prov_name_in(int family, const struct sockaddr *name, int len,
	struct addr *out);

/* As the family has it, v4-mapped if need be; returns the length. */
int prov_name_out(int family, const struct addr *a, struct sockaddr *out);

#endif
