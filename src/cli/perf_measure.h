/* SPDX-License-Identifier: MIT */
/* perf_measure.h - what `wsd perf` measures over one connection. */
#ifndef WSD_CLI_PERF_MEASURE_H
#define WSD_CLI_PERF_MEASURE_H

#include "perf_peer.h"

/* For transfers of one size. A rate of 0: it cannot be had. */
struct perf_row {
	uint32_t bytes;
	uint64_t round_trips;
	uint64_t min_ns, median_ns, p99_ns; /* of a round trip */
	double messages;   /* bytes a second one way, by messages */
	double rdma_write; /* ... by WSPRdmaWrite */
	double rdma_read;  /* ... by WSPRdmaRead */
};

/*
 * Measures each figure for about `ns`. 0 or what ended it, as in spi_link.h;
 * WSAEPROTOTYPE also when bytes came back changed.
 */
int perf_measure(struct perf_peer *p, uint32_t bytes, uint64_t ns,
	struct perf_row *out);

/* One transfer there and back, in nanoseconds; after the command ECHO. */
int perf_round_trip(struct perf_peer *p, uint32_t bytes, uint64_t patience,
	uint64_t *ns);

#endif
