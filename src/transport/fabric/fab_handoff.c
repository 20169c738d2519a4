/* SPDX-License-Identifier: MIT */
/* fab_handoff.c - an endpoint belongs to the process that made it. */
#include "transport/fabric/fab_ops.h"

enum status fab_pack(struct transport_conn *c, uint8_t *blob, uint32_t *len,
	os_handle *handles, unsigned *count)
{
	return ST_UNSUPPORTED;
}

enum status fab_unpack(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count, struct transport_conn **out)
{
	return ST_UNSUPPORTED;
}

enum status fab_pack_listener(struct transport_listener *l, uint8_t *blob,
	uint32_t *len, os_handle *handles, unsigned *count)
{
	return ST_UNSUPPORTED;
}

enum status fab_unpack_listener(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count,
	struct transport_listener **out)
{
	return ST_UNSUPPORTED;
}
