/* SPDX-License-Identifier: MIT */
/* spi_upcalls.h - the upcall table of a command that drives a provider. */
#ifndef WSD_CLI_SPI_UPCALLS_H
#define WSD_CLI_SPI_UPCALLS_H

#include <openwsd/ws2san.h>

/* All 16 entries; those that a SAN provider has no use for answer
 * WSAEOPNOTSUPP. */
WSPUPCALLTABLEEX spi_upcalls(void);

#endif
