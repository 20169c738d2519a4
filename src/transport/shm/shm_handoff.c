/* SPDX-License-Identifier: MIT */
/*
 * shm_handoff.c - moving a connection or a listener to another process.
 *
 * Only which end it is, and who the peer is, has to be told: everything else
 * lies in the segment. Numbers are little-endian; processes of one host may be
 * built for different systems.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "transport/shm/shm_conn.h"
#include "transport/shm/shm_listener.h"
#include "transport/shm/shm_ops.h"
#include "transport/shm/shm_rdma.h"

#define CONN_BLOB UINT32_C(0x43445357)     /* "WSDC" */
#define LISTENER_BLOB UINT32_C(0x4c445357) /* "WSDL" */

/* ---- connections ----------------------------------------------------- */

enum status shm_pack(struct transport_conn *c, uint8_t *blob, uint32_t *len,
	os_handle *handles, unsigned *count)
{
	uint8_t room[TRANSPORT_HANDOFF_MAX];
	struct cursor w = cursor_over(room, sizeof room);

	if (c->segment_handle == OS_NO_HANDLE)
		return ST_UNSUPPORTED;
	cursor_put(&w, 4, CONN_BLOB);
	cursor_put(&w, 4, SHM_VERSION);
	cursor_put(&w, 4, c->side);
	cursor_put(&w, 8, c->size);
	cursor_put(&w, 4, c->peer.pid);
	cursor_put(&w, 4, c->peer.uid);
	*len = (uint32_t)(w.at - room);
	memcpy(blob, room, *len);
	handles[0] = c->link;
	handles[1] = c->segment_handle;
	*count = 2;
	return ST_OK;
}

static enum status conn_blob_read(const uint8_t *blob, uint32_t len,
	enum shm_side *side, size_t *size, struct os_peer *peer)
{
	struct cursor r = cursor_over((uint8_t *)(uintptr_t)blob, len);
	bool ours = cursor_get(&r, 4) == CONN_BLOB;
	bool known = cursor_get(&r, 4) == SHM_VERSION;

	*side = (enum shm_side)cursor_get(&r, 4);
	*size = (size_t)cursor_get(&r, 8);
	peer->pid = (uint32_t)cursor_get(&r, 4);
	peer->uid = (uint32_t)cursor_get(&r, 4);
	peer->same_user = peer->uid == os_user_id();
	if (r.bad || cursor_left(&r) != 0 || !ours || *side > SHM_SERVER ||
	    shm_ring_size_for(*size) == 0)
		return ST_INVAL;
	return known ? ST_OK : ST_VERSION;
}

enum status shm_unpack(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count, struct transport_conn **out)
{
	struct transport_conn *c;
	struct os_peer peer;
	enum shm_side side;
	enum status st;
	size_t size;
	void *base;

	st = conn_blob_read(blob, len, &side, &size, &peer);
	if (st != ST_OK)
		return st;
	if (count != 2)
		return ST_INVAL;
	c = shm_conn_alloc();
	if (!c)
		return ST_NOMEM;
	st = os_segment_map(handles[1], size, &size, &base);
	if (st != ST_OK)
		goto free_conn;
	st = shm_segment_check(base, size);
	if (st != ST_OK)
		goto unmap;
	shm_conn_init(c, side, base, size, handles[0], handles[1], &peer);
	*out = c;
	return ST_OK;

unmap:
	os_segment_unmap(base, size);
free_conn:
	free(c);
	return st;
}

/* ---- listeners ------------------------------------------------------- */

enum status shm_pack_listener(struct transport_listener *l, uint8_t *blob,
	uint32_t *len, os_handle *handles, unsigned *count)
{
	uint8_t room[TRANSPORT_HANDOFF_MAX];
	struct cursor w = cursor_over(room, sizeof room);

	cursor_put(&w, 4, LISTENER_BLOB);
	cursor_put(&w, 4, SHM_VERSION);
	cursor_put_bytes(&w, l->local.ip, sizeof l->local.ip);
	cursor_put(&w, 2, l->local.port);
	cursor_put(&w, 1, l->local.family);
	cursor_put(&w, 1, l->only_v6);
	cursor_put(&w, 4, l->local.scope);
	cursor_put(&w, 4, l->handle != OS_NO_HANDLE);
	*len = (uint32_t)(w.at - room);
	memcpy(blob, room, *len);
	handles[0] = l->handle;
	*count = l->handle != OS_NO_HANDLE;
	l->handed_off = true;
	return ST_OK;
}

static enum status listener_blob_read(const uint8_t *blob, uint32_t len,
	unsigned count, struct transport_listener *l)
{
	struct cursor r = cursor_over((uint8_t *)(uintptr_t)blob, len);
	bool ours = cursor_get(&r, 4) == LISTENER_BLOB;
	bool known = cursor_get(&r, 4) == SHM_VERSION;

	cursor_get_bytes(&r, l->local.ip, sizeof l->local.ip);
	l->local.port = (uint16_t)cursor_get(&r, 2);
	l->local.family = (uint8_t)cursor_get(&r, 1);
	l->only_v6 = cursor_get(&r, 1) != 0;
	l->local.scope = (uint32_t)cursor_get(&r, 4);
	if (cursor_get(&r, 4) != count || r.bad || cursor_left(&r) != 0 ||
	    !ours || count > 1)
		return ST_INVAL;
	return known ? ST_OK : ST_VERSION;
}

enum status shm_unpack_listener(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count,
	struct transport_listener **out)
{
	struct transport_listener *l = calloc(1, sizeof *l);
	enum status st;

	if (!l)
		return ST_NOMEM;
	st = listener_blob_read(blob, len, count, l);
	if (st != ST_OK) {
		free(l);
		return st;
	}
	l->handle = count ? handles[0] : OS_NO_HANDLE;
	*out = l;
	return ST_OK;
}
