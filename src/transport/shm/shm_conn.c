/* SPDX-License-Identifier: MIT */
#include "transport/shm/shm_conn.h"

#include <stdlib.h>

#include "transport/shm/shm_ops.h"
#include "transport/shm/shm_rdma.h"

/* ---- the segment ----------------------------------------------------- */

size_t shm_ring_size_for(uint64_t segment_size)
{
	for (size_t ring = SHM_RING_MIN; ring <= SHM_RING_MAX; ring *= 2)
		if (segment_size == SHM_SEGMENT_SIZE(ring))
			return ring;
	return 0;
}

void shm_segment_init(struct shm_segment *s, size_t size)
{
	atomic_store(&s->magic, SHM_MAGIC);
	atomic_store(&s->version, SHM_VERSION);
	atomic_store(&s->header_size, (uint32_t)sizeof *s);
	atomic_store(&s->segment_size, size);
	atomic_store(&s->ring_size, (uint32_t)shm_ring_size_for(size));
	atomic_store(&s->state, SHM_REQUESTED);
}

enum status shm_segment_check(struct shm_segment *s, size_t size)
{
	size_t ring = shm_ring_size_for(size);

	if (ring == 0 || atomic_load(&s->magic) != SHM_MAGIC)
		return ST_PROTOCOL;
	if (atomic_load(&s->version) != SHM_VERSION)
		return ST_VERSION;
	if (atomic_load(&s->header_size) != sizeof *s ||
	    atomic_load(&s->segment_size) != size ||
	    atomic_load(&s->ring_size) != ring)
		return ST_PROTOCOL;
	return ST_OK;
}

/* ---- making and unmaking --------------------------------------------- */

static struct shm_ring ring_of(void *base, size_t size, enum shm_side sender)
{
	struct shm_segment *s = base;
	uint64_t ring = shm_ring_size_for(size);
	struct shm_ring r = {
		.words = &s->rings[sender],
		.data = (uint8_t *)base + sizeof *s + ring * sender,
		.size = ring,
	};

	return r;
}

void shm_conn_set_link(struct transport_conn *c, os_handle link,
	const struct os_peer *peer)
{
	c->link = link;
	c->peer = *peer;
	atomic_store(&c->direct, peer->same_user && peer->pid != 0);
}

struct transport_conn *shm_conn_alloc(void)
{
	return calloc(1, sizeof(struct transport_conn));
}

void shm_conn_init(struct transport_conn *c, enum shm_side side, void *base,
	size_t size, os_handle link, os_handle segment_handle,
	const struct os_peer *peer)
{
	c->segment = base;
	c->size = size;
	c->side = side;
	c->tx = ring_of(base, size, side);
	c->rx = ring_of(base, size, !side);
	c->segment_handle = segment_handle;
	c->owns_link = true;
	shm_conn_set_link(c, link, peer);
	atomic_init(&c->accepted, side == SHM_SERVER);
	atomic_init(&c->reported, side == SHM_CLIENT ? ST_PENDING : ST_OK);
}

void shm_self_publish(struct transport_conn *c)
{
	struct shm_self *self = &c->segment->self[c->side];
	const uint8_t *cookie = os_process_cookie();

	for (int half = 0; half < 2; half++) {
		uint64_t word = 0;

		for (int i = 0; i < 8; i++)
			word |= (uint64_t)cookie[8 * half + i] << (8 * i);
		atomic_store(&self->cookie[half], word);
	}
	atomic_store(&self->cookie_addr, (uint64_t)(uintptr_t)cookie);
	atomic_store(&self->pid, os_process_id());
}

static void close_own_handles(struct transport_conn *c)
{
	if (c->owns_link)
		os_handle_close(c->link);
	os_handle_close(c->segment_handle);
	c->owns_link = false;
	c->segment_handle = OS_NO_HANDLE;
}

void shm_conn_forget_segment(struct transport_conn *c)
{
	c->segment_handle = OS_NO_HANDLE;
}

void shm_conn_free(struct transport_conn *c)
{
	close_own_handles(c);
	os_segment_unmap(c->segment, c->size);
	free(c);
}

void shm_close(struct transport_conn *c, bool handed_off)
{
	shm_rdma_close(c);
	if (!handed_off) {
		atomic_fetch_or(&c->segment->notice, SHM_CLOSED(c->side));
		shm_conn_ring(c);
	}
	shm_conn_free(c);
}

/* ---- where it stands ------------------------------------------------- */

enum status shm_conn_end(struct transport_conn *c, enum status why)
{
	uint32_t first = ST_OK;

	if (atomic_compare_exchange_strong(&c->over, &first, (uint32_t)why))
		return why;
	return (enum status)first;
}

enum status shm_conn_broken(struct transport_conn *c)
{
	uint32_t bit = SHM_BROKEN(c->side);
	enum status why = shm_conn_end(c, ST_PROTOCOL);

	if ((atomic_fetch_or(&c->segment->notice, bit) & bit) == 0)
		shm_conn_ring(c);
	return why;
}

static enum status refusal_status(uint32_t refusal)
{
	return refusal == REFUSE_REJECTED ? ST_REFUSED : ST_TIMEDOUT;
}

/* The server's answer. It counts once: what is stored later is ignored. */
static enum status look_at_answer(struct transport_conn *c)
{
	struct shm_segment *s = c->segment;

	if (c->side == SHM_SERVER || atomic_load(&c->accepted))
		return ST_OK;
	switch (atomic_load(&s->state)) {
	case SHM_REQUESTED:
		return ST_PENDING;
	case SHM_ACCEPTED:
		atomic_store(&c->accepted, 1);
		return ST_OK;
	case SHM_REFUSED:
		return shm_conn_end(c,
			refusal_status(atomic_load(&s->refusal)));
	default:
		return shm_conn_broken(c);
	}
}

static enum status look_at_segment(struct transport_conn *c)
{
	uint32_t over = atomic_load(&c->over);
	uint32_t notice = atomic_load(&c->segment->notice);
	enum status st;

	if (over != ST_OK)
		return (enum status)over;
	st = look_at_answer(c);
	if (!shm_going_on(st))
		return st;
	if (notice & (SHM_BROKEN(SHM_CLIENT) | SHM_BROKEN(SHM_SERVER)))
		return shm_conn_end(c, ST_PROTOCOL);
	if (notice & SHM_CLOSED(!c->side))
		return shm_conn_end(c, ST_RESET);
	return st;
}

enum status shm_conn_look_closely(struct transport_conn *c, bool thorough)
{
	enum status st = look_at_segment(c);

	if (!thorough || !shm_going_on(st))
		return st;
	if (os_link_alive(c->link) == ST_OK)
		return st;
	/* Its last words may have come after our look. */
	st = look_at_segment(c);
	return shm_going_on(st) ? shm_conn_end(c, ST_RESET) : st;
}

enum status shm_status(struct transport_conn *c, bool thorough)
{
	enum status st = thorough ? shm_conn_look_closely(c, true) :
		shm_conn_look(c);

	if (atomic_load_explicit(&c->reported, memory_order_relaxed) != st)
		atomic_store(&c->reported, st);
	return st;
}

/* The client owns the segment, so it can always write. */
enum status shm_early(struct transport_conn *c)
{
	enum status st = shm_conn_look(c);

	return st == ST_PENDING ? ST_OK : st;
}

void shm_peer(struct transport_conn *c, struct os_peer *out)
{
	*out = c->peer;
}

void shm_abort(struct transport_conn *c)
{
	if (shm_conn_end(c, ST_ABORTED) != ST_ABORTED)
		return;
	atomic_fetch_or(&c->segment->notice, SHM_CLOSED(c->side));
	shm_conn_ring(c);
}

/* ---- sleeping -------------------------------------------------------- */

os_handle shm_handle(struct transport_conn *c)
{
	return c->link;
}

void shm_set_handle(struct transport_conn *c, os_handle h)
{
	if (h == c->link)
		c->owns_link = false;
	close_own_handles(c);
	c->link = h;
}

void shm_conn_ring(struct transport_conn *c)
{
	if (os_link_ring(c->link) == ST_CLOSED)
		shm_conn_look_closely(c, true);
}

/* True once per change that neither status nor arm has told yet; always when
 * the connection is over. */
static bool news(struct transport_conn *c)
{
	enum status st = shm_conn_look(c);

	if (!shm_going_on(st))
		return true;
	return atomic_exchange(&c->reported, st) != (uint32_t)st;
}

enum status shm_arm(struct transport_conn *c, unsigned interest)
{
	if (shm_rdma_blocked(c))
		interest |= TRANSPORT_OUT;
	if (interest & TRANSPORT_IN)
		ring_announce_sleep(&c->rx.words->reader_asleep);
	if (interest & TRANSPORT_OUT)
		ring_announce_sleep(&c->tx.words->writer_asleep);
	if ((interest & TRANSPORT_IN) && ring_readable(&c->rx))
		return ST_AGAIN;
	if ((interest & TRANSPORT_OUT) && ring_writable(&c->tx))
		return ST_AGAIN;
	if (news(c) || shm_rdma_finished(c))
		return ST_AGAIN;
	return ST_OK;
}

bool shm_writable(struct transport_conn *c)
{
	return ring_writable(&c->tx) || !shm_going_on(shm_conn_look(c));
}

enum status shm_drain(struct transport_conn *c, bool keep)
{
	enum status st = os_link_drain(c->link, keep);

	if (st == ST_CLOSED) {
		if (shm_going_on(shm_conn_look_closely(c, true)))
			shm_conn_end(c, ST_RESET);
		return ST_RESET;
	}
	if (st == ST_PROTOCOL)
		return shm_conn_broken(c);
	return st;
}
