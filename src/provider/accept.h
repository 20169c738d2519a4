/* SPDX-License-Identifier: MIT */
/*
 * accept.h - the listening side of a socket.
 */
#ifndef WSD_PROVIDER_ACCEPT_H
#define WSD_PROVIDER_ACCEPT_H

#include <stdbool.h>

struct prov_socket;

/* True when WSPAccept may find a request. s->lock held, state LISTENING. */
bool prov_request_waits(struct prov_socket *s);

/*
 * Refuses what was taken and put back, then what is queued (R116). s->lock
 * held. Does nothing without a listener.
 */
void prov_listening_close(struct prov_socket *s);

#endif
