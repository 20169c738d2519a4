/* SPDX-License-Identifier: MIT */
/* Served RDMA, the answering side: what the peer may do is what this
 * process's own table says. All with the lock held. */
#include <string.h>

#include "transport/shm/shm_rdma.h"

#define RIGHT_READ 1u
#define RIGHT_WRITE 2u

static bool needs_sending(const struct shm_service *s)
{
	return s->phase == SERVICE_READING || s->phase == SERVICE_REPLYING;
}

bool shm_service_uses(const struct shm_rdma *r, uint32_t slot, uint64_t key)
{
	for (int i = 0; i < SHM_SERVICES; i++) {
		const struct shm_service *s = &r->services[i];

		if (s->phase != SERVICE_NONE && s->slot == slot &&
		    s->key == key)
			return true;
	}
	return false;
}

void shm_service_drop_all(struct shm_rdma *r)
{
	for (int i = 0; i < SHM_SERVICES; i++)
		r->services[i].phase = SERVICE_NONE;
}

/* Where the bytes are, if the peer may have them: whatever it says, by our own
 * table (R153 to R155, R176 to R178). */
static enum shm_reply reach(struct shm_rdma *r, uint32_t slot, uint64_t key,
	uint32_t right, uint64_t offset, uint64_t len, uint8_t **out)
{
	struct shm_exposure *e;

	if (slot >= SHM_SLOTS)
		return SHM_BAD_RANGE;
	e = &r->table[slot];
	if (!e->used || e->key != key)
		return SHM_BAD_RANGE;
	if (!(e->rights & right))
		return SHM_NO_RIGHT;
	if (len > e->len || offset > e->len - len)
		return SHM_BAD_RANGE;
	*out = e->base + offset;
	return SHM_DONE;
}

/* A free entry, filled; NULL: the peer asks for more than it may. */
static struct shm_service *service_new(struct shm_rdma *r,
	const struct shm_served_head *head, enum shm_service_phase phase)
{
	for (int i = 0; i < SHM_SERVICES; i++) {
		struct shm_service *s = &r->services[i];

		if (s->phase != SERVICE_NONE)
			continue;
		*s = (struct shm_service){.phase = phase,
			.order = ++r->counter, .id = head->id,
			.key = head->key, .offset = head->offset,
			.len = head->len, .slot = head->slot,
			.result = SHM_DONE};
		return s;
	}
	return NULL;
}

enum status shm_service_ask_read(struct shm_rdma *r,
	const struct shm_served_head *head)
{
	struct shm_service *s = service_new(r, head, SERVICE_READING);
	uint8_t *base;

	if (!s)
		return ST_PROTOCOL;
	s->result = reach(r, s->slot, s->key, RIGHT_READ, s->offset, s->len,
		&base);
	if (s->result != SHM_DONE)
		s->phase = SERVICE_REPLYING;
	return ST_OK;
}

static struct shm_service *service_find_write(struct shm_rdma *r, uint64_t id)
{
	for (int i = 0; i < SHM_SERVICES; i++) {
		struct shm_service *s = &r->services[i];

		if (s->phase == SERVICE_WRITING && s->id == id)
			return s;
	}
	return NULL;
}

enum status shm_service_write(struct shm_rdma *r,
	const struct shm_served_head *head, const uint8_t *bytes, uint32_t len)
{
	struct shm_service *s = service_find_write(r, head->id);
	uint8_t *to;

	if (!s)
		s = service_new(r, head, SERVICE_WRITING);
	if (!s)
		return ST_PROTOCOL;
	if (s->result == SHM_DONE)
		s->result = reach(r, head->slot, head->key, RIGHT_WRITE,
			head->offset, len, &to);
	if (s->result == SHM_DONE && len > 0)
		memcpy(to, bytes, len);
	if (head->code)
		s->phase = SERVICE_REPLYING;
	return ST_OK;
}

/* ---- sending --------------------------------------------------------- */

static struct shm_service *oldest(struct shm_rdma *r)
{
	struct shm_service *first = NULL;

	for (int i = 0; i < SHM_SERVICES; i++) {
		struct shm_service *s = &r->services[i];

		if (needs_sending(s) && (!first || s->order < first->order))
			first = s;
	}
	return first;
}

static enum status send_bytes(struct transport_conn *c, struct shm_rdma *r,
	struct shm_service *s)
{
	uint64_t left = s->len - s->moved;
	uint32_t len = left < SHM_SERVED_CHUNK ? (uint32_t)left :
		SHM_SERVED_CHUNK;
	struct shm_served_head head = {.id = s->id, .offset = s->moved,
		.len = len};
	struct os_span span = {.len = len};
	uint8_t *from;
	enum status st;

	s->result = reach(r, s->slot, s->key, RIGHT_READ, s->offset + s->moved,
		len, &from);
	if (s->result != SHM_DONE) {
		s->phase = SERVICE_REPLYING;
		return ST_OK;
	}
	span.base = from;
	st = shm_served_post(c, SHM_READ_BYTES, &head, &span, 1, 0, len);
	if (st != ST_OK)
		return st;
	s->moved += len;
	if (s->moved == s->len)
		s->phase = SERVICE_REPLYING;
	return ST_OK;
}

static enum status send_reply(struct transport_conn *c, struct shm_service *s)
{
	struct shm_served_head head = {.id = s->id, .code = s->result};
	enum status st = shm_served_post(c, SHM_REPLY, &head, NULL, 0, 0, 0);

	if (st == ST_OK)
		s->phase = SERVICE_NONE;
	return st;
}

/* As much as has room. An ordinary message always keeps its room, so nobody
 * who waits for TRANSPORT_OUT starves. */
enum status shm_service_run(struct transport_conn *c, struct shm_rdma *r)
{
	enum status st = ST_OK;

	while (st == ST_OK && ring_writable(&c->tx)) {
		struct shm_service *s = oldest(r);

		if (!s)
			break;
		st = s->phase == SERVICE_READING ? send_bytes(c, r, s) :
			send_reply(c, s);
	}
	return st;
}
