/* SPDX-License-Identifier: MIT */
/* fab_connect.h - what the helper hears of a client's request. Both locks are
 * held. */
#ifndef WSD_TRANSPORT_FAB_CONNECT_H
#define WSD_TRANSPORT_FAB_CONNECT_H

#include "transport/fabric/fab_conn.h"

/* The other side has it in its queue. */
void fab_connect_up(struct transport_conn *c, const void *answer, size_t len);
/* It was rejected for this reason, or with 0 failed otherwise: tries the next
 * service or ends. */
void fab_connect_failed(struct transport_conn *c, int reason, enum status st);

#endif
