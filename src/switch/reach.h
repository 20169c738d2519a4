/* SPDX-License-Identifier: MIT */
/*
 * reach.h - which networks the providers are in.
 *
 * A provider tells the addresses of this host that it serves
 * (SIO_ADDRESS_LIST_QUERY), the system the subnet of each. The table of both is
 * kept for a second and made anew by the first connect after that, or after
 * reach_expire: nothing listens for changes, nothing happens while nobody
 * connects (docs/rationale.md).
 */
#ifndef WSD_SWITCH_REACH_H
#define WSD_SWITCH_REACH_H

#include "os/os.h"
#include "switch/provider.h"

#define REACH_MAX 128 /* entries; what is beyond is not reached */

/* A provider has this address, and reaches the subnet that it is in. */
struct reach_entry {
	unsigned provider; /* its place in sw_providers */
	struct os_subnet own;
};

struct reach_table {
	unsigned count;
	struct reach_entry entries[REACH_MAX];
};

/* ---- pure ------------------------------------------------------------- */

/*
 * Adds that the provider serves `own`: with the subnets that the system has for
 * this address, or alone when it has none.
 */
void reach_add(struct reach_table *t, unsigned provider,
	const struct addr *own, const struct os_subnet *subnets,
	unsigned count);
/* The provider's own address nearest to `remote` (the longest prefix). False:
 * it is in no subnet with it. */
bool reach_find(const struct reach_table *t, unsigned provider,
	const struct addr *remote, struct addr *own);
/* Does the provider serve this address of ours? */
bool reach_serves(const struct reach_table *t, unsigned provider,
	const struct addr *own);

/* Does it serve any address? */
bool reach_lists(const struct reach_table *t, unsigned provider);

/* ---- the table of this process ---------------------------------------- */

/* A copy, at most a second old. */
void reach_now(struct reach_table *out);
/* Something has failed: the next one is fresh. */
void reach_expire(void);

/* Around a fork; sw_fork_prepare tells. */
void reach_fork_prepare(void);
void reach_fork_parent(void);
void reach_fork_child(void);

#endif
