/* SPDX-License-Identifier: MIT */
/* spi_source.h - which of a provider's addresses leads to another. */
#ifndef WSD_CLI_SPI_SOURCE_H
#define WSD_CLI_SPI_SOURCE_H

#include "spi_client.h"

/*
 * Where to connect from, port 0: `to` itself on this host, else the provider's
 * address in the same subnet, else its first of that family, for networks with
 * routers. False: the provider has none.
 */
bool spi_source(const struct spi_client *c, const struct addr *to,
	struct addr *out);

/* Does a switch use this provider for `to`: is it this host, for one that
 * serves this host only, or in a subnet with an address of the provider? */
bool spi_reaches(const struct spi_client *c, const struct addr *to);

#endif
