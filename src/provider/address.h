/* SPDX-License-Identifier: MIT */
/*
 * address.h - the addresses of the provider's network adapters.
 */
#ifndef WSD_PROVIDER_ADDRESS_H
#define WSD_PROVIDER_ADDRESS_H

#include "base/addr.h"
#include "base/status.h"

/*
 * The transport's addresses now, in memory the caller frees. *count may be 0.
 * Connections from an address that was there the last time and is not any more
 * end (R213): no locks held. ST_NOMEM, and the transport's.
 */
enum status prov_addresses(struct addr **out, unsigned *count);

/* The last clean-up: nothing is known any more. */
void prov_addresses_forget(void);

#endif
