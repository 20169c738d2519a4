/* SPDX-License-Identifier: MIT */
/*
 * lane_overlapped.c - messages through overlapped WSPSend and WSPRecv.
 *
 * Needs nothing of a provider but the specification: a pool of registered send
 * buffers and one of receive buffers, all receives posted (R140-R150). The peer
 * may send as many messages as it knows receives to be posted: the number in
 * the hello, and one more for each message that was released, told in the
 * credits field of whatever is sent next. Two credits are kept for control
 * messages, which cannot wait.
 *
 * Every request asks for notification, and each notification rings a doorbell
 * of our own: a link whose one end sleepers wait on (the descriptor that the
 * program holds), whose other end is kept here.
 *
 * The state is this process's own: after a fork only the parent can use it, so
 * front ends that meet forking programs prefer channels.
 */
#include <stdlib.h>
#include <string.h>

#include "switch/conn.h"
#include "switch/gate.h"
#include "switch/upcall.h"
#include "switch/wsa_status.h"

#define SENDS 16
#define RECEIVES 16
#define KEPT_FOR_CONTROL 2
#define GRANT_BATCH (RECEIVES / 2)
#define BUFFER_BYTES 16384u

enum slot_state { SLOT_FREE, SLOT_POSTED, SLOT_DONE };

struct slot {
	struct sw_notified request; /* first: see upcall.h */
	struct sw_overlapped *owner;
	_Atomic uint32_t state;
	DWORD error, bytes;
	uint8_t *buffer;
};

struct sw_overlapped {
	struct slot sends[SENDS], receives[RECEIVES];
	uint8_t *memory;
	HANDLE send_handle, receive_handle;
	os_handle bell; /* our end; the other is what sleepers wait on */
	os_handle own_handle;

	unsigned next_send;    /* send_lock */
	uint32_t credits_used; /* send_lock */
	_Atomic uint32_t credits_given; /* by the peer, so far */
	_Atomic bool unlimited;         /* the peer has said so */
	_Atomic uint32_t armed;         /* LANE_* that somebody sleeps for */
	unsigned next_receive;          /* receive_lock: the oldest */
	unsigned next_scan;             /* receive_lock: credits counted so far */
	_Atomic uint32_t released;      /* not yet told to the peer */
	_Atomic uint64_t arrivals;
	_Atomic uint32_t over;          /* enum status, ST_OK while alive */
	_Atomic uint32_t notifying;     /* threads inside send_done, receive_done */
};

static enum status lost(struct sw_overlapped *o)
{
	return (enum status)atomic_load(&o->over);
}

static void note_lost(struct sw_overlapped *o, DWORD error)
{
	uint32_t alive = ST_OK;

	if (error)
		atomic_compare_exchange_strong(&o->over, &alive, ST_RESET);
}

static void ring_if_armed(struct sw_overlapped *o, uint32_t what)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&o->armed) & what) {
		atomic_fetch_and(&o->armed, ~what);
		os_link_ring(o->bell);
	}
}

/*
 * ---- notifications; any thread, no locks held -------------------------
 *
 * Whoever closes frees everything once all slots have ended and nobody is in
 * here; so leaving is the last access.
 */
static void enter(struct sw_overlapped *o)
{
	atomic_fetch_add(&o->notifying, 1);
}

static void leave(struct sw_overlapped *o)
{
	atomic_fetch_sub(&o->notifying, 1);
}

static void send_done(struct sw_notified *n, DWORD error, DWORD bytes)
{
	struct slot *s = (struct slot *)n;
	struct sw_overlapped *o = s->owner;

	enter(o);
	note_lost(o, error);
	atomic_store(&s->state, SLOT_FREE);
	ring_if_armed(o, error ? LANE_IN | LANE_OUT : LANE_OUT);
	leave(o);
}

/* Credits ride in every header and must be seen at arrival, since the message
 * may wait behind data that the program does not read. */
static void count_credits(struct sw_overlapped *o, const struct slot *s)
{
	struct session_header h;

	if (s->error || !session_get_header(s->buffer, s->bytes, &h))
		return;
	if (h.credits)
		atomic_fetch_add(&o->credits_given, h.credits);
}

static void receive_done(struct sw_notified *n, DWORD error, DWORD bytes)
{
	struct slot *s = (struct slot *)n;
	struct sw_overlapped *o = s->owner;

	enter(o);
	s->error = error;
	s->bytes = bytes;
	note_lost(o, error);
	count_credits(o, s);
	atomic_store(&s->state, SLOT_DONE);
	atomic_fetch_add(&o->arrivals, 1);
	ring_if_armed(o, LANE_IN | LANE_OUT);
	leave(o);
}

/* ---- posting ---------------------------------------------------------- */

static enum status post_receive(struct sw_conn *c, struct slot *s)
{
	WSABUF buf = {.len = BUFFER_BYTES, .buf = (char *)s->buffer};
	DWORD bytes = 0, flags = 0;
	INT err = 0;
	int failed;

	memset(&s->request.overlapped, 0, sizeof s->request.overlapped);
	atomic_store(&s->state, SLOT_POSTED);
	gate_enter();
	failed = c->provider->spi.lpWSPRecv(c->socket, &buf, 1, &bytes, &flags,
		&s->request.overlapped, NULL, NULL, &err);
	gate_leave();
	if (failed && err != WSA_IO_PENDING) {
		s->error = (DWORD)err;
		s->bytes = 0;
		note_lost(c->ov, s->error);
		atomic_store(&s->state, SLOT_DONE);
		return status_from_wsa(err);
	}
	return ST_OK;
}

static enum status post_send(struct sw_conn *c, struct slot *s, uint32_t len)
{
	WSABUF buf = {.len = len, .buf = (char *)s->buffer};
	DWORD bytes = 0;
	INT err = 0;
	int failed;

	memset(&s->request.overlapped, 0, sizeof s->request.overlapped);
	atomic_store(&s->state, SLOT_POSTED);
	gate_enter();
	failed = c->provider->spi.lpWSPSend(c->socket, &buf, 1, &bytes, 0,
		&s->request.overlapped, NULL, NULL, &err);
	gate_leave();
	if (failed && err != WSA_IO_PENDING) {
		atomic_store(&s->state, SLOT_FREE);
		return status_from_wsa(err);
	}
	return ST_OK;
}

/* ---- opening and closing ---------------------------------------------- */

static void prepare_slots(struct sw_overlapped *o)
{
	for (unsigned i = 0; i < SENDS; i++) {
		o->sends[i].owner = o;
		o->sends[i].request.done = send_done;
		o->sends[i].buffer = o->memory + (size_t)i * BUFFER_BYTES;
	}
	for (unsigned i = 0; i < RECEIVES; i++) {
		o->receives[i].owner = o;
		o->receives[i].request.done = receive_done;
		o->receives[i].buffer =
			o->memory + (size_t)(SENDS + i) * BUFFER_BYTES;
	}
}

static enum status register_pools(struct sw_conn *c, struct sw_overlapped *o)
{
	const struct sw_provider *p = c->provider;
	INT err = 0;

	gate_enter();
	o->send_handle = p->register_memory(c->socket, o->memory,
		SENDS * BUFFER_BYTES, MEM_READ, &err);
	if (o->send_handle)
		o->receive_handle = p->register_memory(c->socket,
			o->memory + SENDS * BUFFER_BYTES,
			RECEIVES * BUFFER_BYTES, MEM_WRITE, &err);
	gate_leave();
	return o->receive_handle ? ST_OK : status_from_wsa(err);
}

static void release_all(struct sw_overlapped *o)
{
	if (o->own_handle != OS_NO_HANDLE)
		os_handle_close(o->own_handle);
	os_handle_close(o->bell);
	free(o->memory);
	free(o);
}

static void close_socket(struct sw_conn *c)
{
	INT err;

	gate_enter();
	c->provider->spi.lpWSPCloseSocket(c->socket, &err);
	gate_leave();
}

static bool sends_ended(struct sw_overlapped *o)
{
	for (unsigned i = 0; i < SENDS; i++)
		if (atomic_load(&o->sends[i].state) == SLOT_POSTED)
			return false;
	return true;
}

static bool all_ended(struct sw_overlapped *o)
{
	for (unsigned i = 0; i < RECEIVES; i++)
		if (atomic_load(&o->receives[i].state) == SLOT_POSTED)
			return false;
	return sends_ended(o) && atomic_load(&o->notifying) == 0;
}

static void wait_until(bool (*done)(struct sw_overlapped *o),
	struct sw_overlapped *o, uint64_t ns)
{
	uint64_t limit = os_now() + ns;

	while (!done(o) && os_now() < limit)
		os_sleep(20000);
}

/*
 * What was sent should leave before the close, which is abortive; a peer that
 * takes nothing is not waited for. The completions that the close causes still
 * use our memory.
 */
static void overlapped_close(struct sw_conn *c, bool abandon)
{
	struct sw_overlapped *o = c->ov;
	if (abandon)
		return; /* the requests are the other process's */
	if (lost(o) == ST_OK)
		wait_until(sends_ended, o, 200000000u);
	close_socket(c);
	wait_until(all_ended, o, 1000000000u);
	if (all_ended(o))
		release_all(o); /* else it is safer to lose the memory */
	c->ov = NULL;
}

static enum status overlapped_open(struct sw_conn *c)
{
	struct sw_overlapped *o = calloc(1, sizeof *o);
	os_handle ends[2];
	enum status st;

	if (!o) {
		close_socket(c);
		return ST_NOMEM;
	}
	o->memory = malloc((SENDS + RECEIVES) * (size_t)BUFFER_BYTES);
	st = o->memory ? os_link_pair(ends) : ST_NOMEM;
	if (st != ST_OK) {
		close_socket(c);
		free(o->memory);
		free(o);
		return st;
	}
	o->own_handle = ends[0];
	o->bell = ends[1];
	atomic_store(&o->over, ST_OK);
	prepare_slots(o);
	c->ov = o;
	st = register_pools(c, o);
	for (unsigned i = 0; st == ST_OK && i < RECEIVES; i++)
		st = post_receive(c, &o->receives[i]);
	if (st == ST_OK)
		c->handle = o->own_handle;
	else
		overlapped_close(c, false);
	return st;
}

/* ---- the data path ---------------------------------------------------- */

/* Below 0 between our hello and the peer's. */
static int32_t credits_left(struct sw_overlapped *o)
{
	if (atomic_load(&o->unlimited))
		return INT32_MAX;
	return (int32_t)(atomic_load(&o->credits_given) - o->credits_used);
}

static struct slot *free_send(struct sw_overlapped *o)
{
	struct slot *s = &o->sends[o->next_send % SENDS];

	return atomic_load(&s->state) == SLOT_FREE ? s : NULL;
}

/* The credits field is at a fixed place of every message (session.h). */
static void put_credits(struct sw_overlapped *o, uint8_t *message)
{
	uint32_t n = atomic_exchange(&o->released, 0);

	message[2] = (uint8_t)n;
	message[3] = (uint8_t)(n >> 8);
}

static enum status overlapped_send(struct sw_conn *c,
	const struct os_span *spans, unsigned count, bool control)
{
	struct sw_overlapped *o = c->ov;
	bool hello = spans[0].len > 0 &&
		((uint8_t *)spans[0].base)[0] == SESSION_HELLO;
	int32_t keep = control ? 0 : KEPT_FOR_CONTROL;
	uint32_t len = 0;
	struct slot *s;
	enum status st;

	if (lost(o) != ST_OK)
		return lost(o);
	s = free_send(o);
	/* Every receiver has room for the first message. */
	if (!s || (!hello && credits_left(o) <= keep))
		return ST_AGAIN;
	for (unsigned i = 0; i < count; i++) {
		if (spans[i].len > BUFFER_BYTES - len)
			return ST_MSGSIZE;
		memcpy(s->buffer + len, spans[i].base, spans[i].len);
		len += (uint32_t)spans[i].len;
	}
	put_credits(o, s->buffer);
	st = post_send(c, s, len);
	if (st == ST_OK) {
		o->next_send++;
		o->credits_used++;
	}
	return st;
}

static enum status overlapped_peek(struct sw_conn *c, const uint8_t **data,
	uint32_t *len)
{
	struct sw_overlapped *o = c->ov;
	struct slot *s = &o->receives[o->next_receive % RECEIVES];

	if (atomic_load(&s->state) != SLOT_DONE)
		return lost(o) == ST_OK ? ST_AGAIN : lost(o);
	if (s->error)
		return ST_RESET;
	*data = s->buffer;
	*len = s->bytes;
	return ST_OK;
}

/* Tells the peer of room when half of it is back and nothing else is sent. */
static void overlapped_release(struct sw_conn *c)
{
	struct sw_overlapped *o = c->ov;
	struct slot *s = &o->receives[o->next_receive % RECEIVES];

	o->next_receive++;
	if (post_receive(c, s) != ST_OK)
		return;
	if (atomic_fetch_add(&o->released, 1) + 1 >= GRANT_BATCH)
		conn_send_control(c, SESSION_CREDIT, 0, 0);
}

static uint64_t overlapped_arrivals(struct sw_conn *c)
{
	return atomic_load_explicit(&c->ov->arrivals, memory_order_acquire);
}

static bool ready_for(struct sw_overlapped *o, unsigned interest)
{
	struct slot *s = &o->receives[o->next_receive % RECEIVES];

	if (lost(o) != ST_OK)
		return true;
	if ((interest & LANE_IN) && atomic_load(&s->state) == SLOT_DONE)
		return true;
	return (interest & LANE_OUT) && free_send(o) &&
		credits_left(o) > KEPT_FOR_CONTROL;
}

static enum status overlapped_arm(struct sw_conn *c, unsigned interest)
{
	struct sw_overlapped *o = c->ov;

	atomic_fetch_or(&o->armed, interest);
	atomic_thread_fence(memory_order_seq_cst);
	return ready_for(o, interest) ? ST_AGAIN : ST_OK;
}

static bool overlapped_writable(struct sw_conn *c)
{
	return ready_for(c->ov, LANE_OUT);
}

/* The peer's end is reported by requests that fail, not by the link. */
static enum status overlapped_drain(struct sw_conn *c, bool keep)
{
	enum status st = os_link_drain(c->handle, keep);

	return st == ST_CLOSED || st == ST_PROTOCOL ? ST_RESET : st;
}

static enum status overlapped_check(struct sw_conn *c)
{
	return lost(c->ov);
}

static void overlapped_set_handle(struct sw_conn *c, os_handle h)
{
	os_handle own = c->ov->own_handle;

	c->ov->own_handle = OS_NO_HANDLE;
	if (own != h)
		os_handle_close(own);
}

static uint32_t overlapped_max(struct sw_conn *c)
{
	return BUFFER_BYTES;
}

static uint16_t overlapped_credits(struct sw_conn *c)
{
	return RECEIVES;
}

static void overlapped_set_credits(struct sw_conn *c, uint16_t credits)
{
	if (credits == SESSION_CREDITS_UNLIMITED)
		atomic_store(&c->ov->unlimited, true);
	else
		atomic_fetch_add(&c->ov->credits_given, credits);
}

const struct sw_lane_ops lane_overlapped = {
	.open = overlapped_open,
	.send = overlapped_send,
	.peek = overlapped_peek,
	.release = overlapped_release,
	.arrivals = overlapped_arrivals,
	.arm = overlapped_arm,
	.writable = overlapped_writable,
	.drain = overlapped_drain,
	.check = overlapped_check,
	.set_handle = overlapped_set_handle,
	.close = overlapped_close,
	.max_send = overlapped_max,
	.max_receive = overlapped_max,
	.credits = overlapped_credits,
	.set_credits = overlapped_set_credits,
};
