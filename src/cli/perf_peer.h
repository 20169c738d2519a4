/* SPDX-License-Identifier: MIT */
/*
 * perf_peer.h - one end of a connection of `wsd perf`: its memory, and
 * messages over it. Results are as in spi_link.h; WSAEPROTOTYPE also stands
 * for "the other side is no wsd perf".
 */
#ifndef WSD_CLI_PERF_PEER_H
#define WSD_CLI_PERF_PEER_H

#include "perf_protocol.h"

/* How long the other side may take to answer. */
#define PERF_PATIENCE (10 * UINT64_C(1000000000))
/* How long a client may be silent. */
#define PERF_IDLE (60 * UINT64_C(1000000000))

/* Transfers by RDMA under way at once. */
enum { PERF_RDMA_DEPTH = 8 };

/* The provider writes to these, perhaps later than we like. */
struct perf_requests {
	struct link_request receive[PERF_WINDOW], send[PERF_WINDOW];
	struct link_request rdma[PERF_RDMA_DEPTH];
};

struct perf_peer {
	struct link link;
	uint32_t longest; /* piece that both can send and take */
	uint32_t slot;    /* bytes of one slot of the pools */
	HANDLE handle;    /* of all of the memory that follows */
	char *receives, *sends; /* PERF_WINDOW slots each */
	char *rdma;             /* PERF_SIZE_MAX */
	struct perf_requests *requests;
	unsigned next_receive, next_send; /* slots */
	struct link_exposed their_memory; /* len 0: they expose none */
};

/* Memory and receives for a connected link, which the peer then owns; it is
 * closed when this fails. */
int perf_peer_open(struct perf_peer *p, const struct link *l);
void perf_peer_close(struct perf_peer *p);

/* What the other side lets us reach, both ways of saying hello. */
int perf_peer_greet(struct perf_peer *p);   /* client */
int perf_peer_welcome(struct perf_peer *p); /* server */

/* The slot that the next message is sent from; waits until it is free. */
int perf_peer_slot(struct perf_peer *p, char **out);
/* Starts to send the first len bytes of that slot. */
int perf_peer_send(struct perf_peer *p, uint32_t len);
int perf_peer_command(struct perf_peer *p, const struct perf_command *c);

/*
 * Waits for the next message, which stays where it is until perf_peer_taken,
 * which posts that receive again.
 */
int perf_peer_receive(struct perf_peer *p, uint64_t ns, char **data,
	uint32_t *len);
int perf_peer_taken(struct perf_peer *p);
int perf_peer_receive_command(struct perf_peer *p, uint64_t ns,
	struct perf_command *out);

#endif
