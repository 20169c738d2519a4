/* SPDX-License-Identifier: MIT */
/*
 * descriptor.h - from SOCKET values to sockets, for any value a caller may
 * come up with (R189).
 *
 * A descriptor is the index of a slot and the slot's generation. The slot
 * counts references; the generation changes when a socket ends, so that a stale
 * descriptor finds nothing for a very long time (2^31 sockets in one slot, 2^17
 * where SOCKET has 32 bits). A look-up takes no lock: one compare-and-swap.
 *
 * The table itself has one reference to each open socket. close takes it away
 * and gives it to its caller; when the last reference is gone the socket's end
 * function runs, in the thread that released it, and the slot is free again.
 */
#ifndef WSD_PROVIDER_DESCRIPTOR_H
#define WSD_PROVIDER_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <openwsd/winsock2.h>

#include "base/status.h"

struct prov_socket;

/*
 * Opens a descriptor for the socket, which then belongs to the table.
 * ST_NOHANDLES: no slot left. ST_NOMEM.
 */
enum status prov_descriptor_open(struct prov_socket *s, SOCKET *out);

/* The socket, with a reference for the caller; NULL: no open descriptor. */
struct prov_socket *prov_descriptor_hold(SOCKET d);

/* One more reference for somebody who has one. */
void prov_descriptor_hold_again(SOCKET d);
void prov_descriptor_release(SOCKET d);

/*
 * From now on a look-up finds nothing. The socket with the table's reference,
 * to be released by the caller; NULL when it was not open: of several callers
 * one gets it.
 */
struct prov_socket *prov_descriptor_close(SOCKET d);

/* A held open socket; *cursor starts at 0. NULL: there are no more. */
struct prov_socket *prov_descriptor_next(unsigned *cursor);

/* Sockets that have not ended yet, open or not. */
unsigned prov_descriptor_count(void);
/* Waits until there are none; ST_TIMEDOUT. */
enum status prov_descriptor_wait_none(uint64_t ns);

#endif
