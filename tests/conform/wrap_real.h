/* SPDX-License-Identifier: MIT */
/* wrap_real.h - the real provider, for the wrapping itself; not for faults. */
#ifndef WSD_TEST_CONFORM_WRAP_REAL_H
#define WSD_TEST_CONFORM_WRAP_REAL_H

#include "wrap.h"

struct provider {
	LPWSPSTARTUPEX start;
	WSPPROC_TABLE t;
	LPFN_WSPREGISTERMEMORY register_memory;
	LPFN_WSPDEREGISTERMEMORY deregister_memory;
	LPFN_WSPREGISTERRDMAMEMORY register_rdma;
	LPFN_WSPDEREGISTERRDMAMEMORY deregister_rdma;
	LPFN_WSPRDMAWRITE rdma_write;
	LPFN_WSPRDMAREAD rdma_read;
	LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK cache_callback;
};
extern struct provider provider;

/* Starts it with our upcalls, and fills the switch's table with ours. */
intptr_t wrap_start(struct call *c);
/* One clean-up has succeeded. */
void wrap_count_out(void);
/* Puts our function in the place of the one just asked for. */
void wrap_extension(const void *id, void *out);
/* wrap_table.c: the entries as the SPI has them. */
void wrap_table(LPWSPPROC_TABLE table);

#endif
