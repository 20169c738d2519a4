/* SPDX-License-Identifier: MIT */
/*
 * send.h - the send lane: messages and RDMA in one order (R151, R152).
 */
#ifndef WSD_PROVIDER_SEND_H
#define WSD_PROVIDER_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include <openwsd/winsock2.h>

#include "base/status.h"
#include "os/os.h"

struct prov_socket;
struct prov_request;

/* Converts, and returns the sum of the lengths. */
uint64_t prov_spans(const WSABUF *buffers, DWORD count, struct os_span *out);

/* Why nothing can be sent: 0 or a Winsock code. tx.lock held. `messages`:
 * WSPSend, which a channel excludes. */
int prov_send_error(struct prov_socket *s, bool messages);

/*
 * Hands the request to the transport if its turn has come, else queues it. 0:
 * the request will complete, or has. Otherwise a Winsock code, and the request
 * has been given back. tx.lock held.
 */
int prov_send_submit(struct prov_socket *s, struct prov_request *r);

#endif
