/* SPDX-License-Identifier: MIT */
/* spi_client_upcalls.h - the upcall table of a command that drives a provider. */
#ifndef WSD_CLI_SPI_CLIENT_UPCALLS_H
#define WSD_CLI_SPI_CLIENT_UPCALLS_H

#include <openwsd/ws2san.h>

/* All 16 entries. */
WSPUPCALLTABLEEX spi_client_upcalls(void);

#endif
