/* SPDX-License-Identifier: MIT */
/* fab_memory.h - what is registered of a connection. Lock held. */
#ifndef WSD_TRANSPORT_FAB_MEMORY_H
#define WSD_TRANSPORT_FAB_MEMORY_H

struct transport_conn;

/* All exposures and pins end. */
void fab_memory_fini(struct transport_conn *c);

#endif
