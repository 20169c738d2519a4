/* SPDX-License-Identifier: MIT */
/*
 * close.h - the end of a socket (section 13), for WSPCloseSocket and for the
 * last WSPCleanup.
 */
#ifndef WSD_PROVIDER_CLOSE_H
#define WSD_PROVIDER_CLOSE_H

struct prov_socket;

/*
 * Closes the socket if nobody has yet, and releases the caller's reference in
 * any case. Makes upcalls: no locks held.
 */
void prov_close_held(struct prov_socket *s);

#endif
