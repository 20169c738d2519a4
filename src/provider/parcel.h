/* SPDX-License-Identifier: MIT */
/*
 * parcel.h - what crosses from process to process when a socket is handed off,
 * beside the transport's handles.
 */
#ifndef WSD_PROVIDER_PARCEL_H
#define WSD_PROVIDER_PARCEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "transport/transport.h"

enum prov_parcel_kind { PROV_PARCEL_CONN = 1, PROV_PARCEL_LISTENER = 2 };

struct prov_parcel {
	unsigned kind, family; /* enum prov_parcel_kind; 4 or 6 */
	uint32_t debug, only_v6, backlog;
	struct addr local, remote;
	uint32_t blob_len;
	uint8_t blob[TRANSPORT_HANDOFF_MAX]; /* the transport's part */
};

/* Bytes stored; 0: there is not room for it. */
size_t prov_parcel_encode(const struct prov_parcel *p, uint8_t *out,
	size_t room);
/* ST_PROTOCOL: not from a process with this transport, or of another version.
 * Any bytes will do. */
enum status prov_parcel_decode(uint8_t *in, size_t len, struct prov_parcel *p);

/* The name under which a token is waited for. */
void prov_door_name(uint32_t token, char out[OS_NAME_MAX]);

#endif
