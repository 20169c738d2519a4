/* SPDX-License-Identifier: MIT */
/*
 * fab_rdma.h - descriptors of exposed memory, and transfers.
 *
 * A descriptor is 40 bytes, little-endian: key (8), base (8: what offset 0 is
 * for libfabric, a virtual address or 0), length (8), 8 random bytes, rights
 * (4), and a sum over these (4), which guards against slips only. The side that owns the memory trusts none of it when it comes
 * back; the adapter checks key, range and rights of every access.
 */
#ifndef WSD_TRANSPORT_FAB_RDMA_H
#define WSD_TRANSPORT_FAB_RDMA_H

#include <stdbool.h>
#include <stdint.h>

enum {
	FAB_DESCRIPTOR_LEN = 40,
	FAB_RDMA_MAX = 1 << 30,
	FAB_RDMA_THRESHOLD = 256 * 1024,
};

struct fab_descriptor {
	uint64_t key, base, len;
	uint32_t rights; /* 1 read, 2 write */
	uint64_t nonce;
};

void fab_descriptor_put(const struct fab_descriptor *d, uint8_t *out);
bool fab_descriptor_get(const uint8_t *in, uint32_t len,
	struct fab_descriptor *out);

#endif
