/* SPDX-License-Identifier: MIT */
/*
 * fab_alive.h - is the other host still there?
 *
 * A host that has lost its link or its power says nothing. A connection whose
 * other host has not been heard of for the time limit (WSD_FABRIC_TIMEOUT_MS,
 * 10 s) ends with ST_ABORTED. It is the host that must answer, not the program: one that is
 * stopped or busy loses nothing. Over TCP the kernels answer each other's
 * probes; hardware answers a transfer of no bytes.
 */
#ifndef WSD_TRANSPORT_FAB_ALIVE_H
#define WSD_TRANSPORT_FAB_ALIVE_H

#include "transport/fabric/fab_conn.h"

/* How often fab_alive_look is to be called. */
uint64_t fab_alive_interval(void);
/* The handshake is finished. Lock held. */
void fab_alive_start(struct transport_conn *c);
/* Ends it when it is time. Lock held. */
void fab_alive_look(struct transport_conn *c);

#endif
