/* SPDX-License-Identifier: MIT */
/*
 * duplicate.h - handing a socket to another process (section 12).
 *
 * WSPDuplicateSocket packs the socket into a hand-off and leaves it with the
 * engine, under a name that the token gives. The next process connects to that
 * name; the kernel says who it is; it gets one message with everything in it.
 * From then on the hand-off does not exist any more (R201). A hand-off that
 * nobody fetches in time, or whose process has died, is an ordinary end of the
 * connection (R210).
 */
#ifndef WSD_PROVIDER_DUPLICATE_H
#define WSD_PROVIDER_DUPLICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "os/os.h"
#include "transport/transport.h"

struct prov_socket;

struct prov_handoff {
	struct prov_handoff *next; /* the engine's */
	bool open;                 /* the engine's: complete, may be fetched */
	uint32_t token;
	uint32_t pid; /* who may fetch it */
	uint64_t deadline;
	os_handle door; /* listens under the token's name */
	struct transport_conn *conn;         /* one of the two */
	struct transport_listener *listener;
	uint8_t message[OS_LINK_MESSAGE_MAX];
	size_t len;
	os_handle handles[TRANSPORT_HANDOFF_HANDLES]; /* the transport's */
	unsigned count;
};

/* Somebody knocks. True: it was the right one and has everything. */
bool prov_handoff_answer(struct prov_handoff *h);
/* Its time is over, or nobody is left to fetch it. */
bool prov_handoff_expired(const struct prov_handoff *h, uint64_t now);
/* Closes and frees; unless it was `fetched`, the peer is told. */
void prov_handoff_end(struct prov_handoff *h, bool fetched);

/* WSPSocket with a token: a new socket in the state of the old one, with a
 * reference; 0 or a Winsock code (R202, R204). */
int prov_take_over(uint32_t token, struct prov_socket **out);

#endif
