/* SPDX-License-Identifier: MIT */
/* What crosses at a hand-off, with whatever the other process sends: R204. */
#include <string.h>

#include "conform/cases.h"
#include "os/os.h"
#include "provider/parcel.h"

static struct prov_parcel full(void)
{
	struct prov_parcel p = {.kind = PROV_PARCEL_CONN, .family = 4,
		.debug = 7, .only_v6 = 1, .backlog = 99,
		.local = addr_v4(1, 2, 3, 4, 5), .remote = addr_any(6, 80),
		.blob_len = TRANSPORT_HANDOFF_MAX};

	p.remote.scope = 3;
	for (int i = 0; i < TRANSPORT_HANDOFF_MAX; i++)
		p.blob[i] = (uint8_t)(i * 7);
	return p;
}

CASE(R202_a_parcel_arrives_as_it_was_sent)
{
	uint8_t bytes[OS_LINK_MESSAGE_MAX];
	struct prov_parcel sent = full(), got;
	size_t len = prov_parcel_encode(&sent, bytes, sizeof bytes);

	CHECK(len > 0);
	CHECK_EQ(prov_parcel_decode(bytes, len, &got), ST_OK);
	CHECK_EQ(got.kind, sent.kind);
	CHECK_EQ(got.family, sent.family);
	CHECK_EQ(got.debug, sent.debug);
	CHECK_EQ(got.only_v6, sent.only_v6);
	CHECK_EQ(got.backlog, sent.backlog);
	CHECK(addr_equal(&got.local, &sent.local));
	CHECK(addr_equal(&got.remote, &sent.remote));
	CHECK_EQ(got.remote.scope, sent.remote.scope);
	CHECK_EQ(got.blob_len, sent.blob_len);
	CHECK_BYTES(got.blob, sent.blob, sent.blob_len);
}

CASE(R204_a_parcel_that_is_cut_or_longer_is_refused)
{
	uint8_t bytes[OS_LINK_MESSAGE_MAX + 1];
	struct prov_parcel p = full(), got;
	size_t len = prov_parcel_encode(&p, bytes, sizeof bytes);

	for (size_t i = 0; i < len; i++) {
		CHECK_EQ(prov_parcel_decode(bytes, i, &got), ST_PROTOCOL);
		CHECK_EQ(prov_parcel_encode(&p, bytes, i), 0);
		prov_parcel_encode(&p, bytes, sizeof bytes);
	}
	CHECK_EQ(prov_parcel_decode(bytes, len + 1, &got), ST_PROTOCOL);
}

/* Whatever is in it, nothing is written beside what it is decoded into. */
CASE(R204_any_bytes_are_a_parcel_or_none)
{
	uint8_t bytes[OS_LINK_MESSAGE_MAX];
	struct prov_parcel p = full(), got;
	size_t len = prov_parcel_encode(&p, bytes, sizeof bytes);
	uint32_t state = 1, good = 0;

	for (int i = 0; i < 200000; i++) {
		size_t at;

		state = state * 1664525u + 1013904223u;
		at = (state >> 8) % len;
		bytes[at] ^= (uint8_t)(state >> 16);
		if (prov_parcel_decode(bytes, len, &got) == ST_OK) {
			CHECK(got.blob_len <= sizeof got.blob);
			CHECK(got.family == 4 || got.family == 6);
			good++;
		}
		if (i % 3 == 0)
			prov_parcel_encode(&p, bytes, sizeof bytes);
	}
	CHECK(good > 0); /* addresses and options may be anything */
}
