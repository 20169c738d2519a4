/* SPDX-License-Identifier: MIT */
/*
 * bulk.c - large data by RDMA: offer, pull, done.
 *
 * A rendezvous pays for one copy less with a wait for the other side, so it
 * happens only when the other side is known to wait: a receiver that blocks
 * for many bytes and finds nothing says READY with its place in the stream. A
 * sender that blocks, and whose next byte is at that very place, exposes its
 * memory and sends OFFER; the receiver pulls with WSPRdmaRead straight into
 * the program's memory and answers DONE. Until then the sender's call does not
 * return, since the program would take its memory back.
 *
 * A sender that must leave (signal, time limit) deregisters: then the pull
 * fails, and both go on with messages at the same place. If a pull is running
 * right now, deregistering fails and DONE is near. Through a network it stays
 * until the answer, since deregistering would end the connection.
 *
 * While the sender waits, the answer may stand behind data that its own program
 * has not read; that data is put aside.
 */
#include <string.h>

#include "switch/conn.h"
#include "switch/gate.h"
#include "switch/memory.h"
#include "switch/settings.h"

/* With less than this in one piece RDMA gains nothing anywhere. */
#define FLOOR_BYTES 65536u
#define PULL_MAX (1u << 30)

/* How long a sender that takes its offer back waits for the answer. */
#define WITHDRAWN_NS UINT64_C(200000000)
#define PULLING_NS UINT64_C(5000000000)

static size_t threshold(struct sw_conn *c)
{
	long long set = sw_settings()->rdma_threshold;
	size_t advice = c->provider->can.dwRdmaThreshold;

	if (set > 0)
		return (size_t)set;
	return advice > FLOOR_BYTES ? advice : FLOOR_BYTES;
}

static bool usable(struct sw_conn *c)
{
	const struct sw_provider *p = c->provider;

	return sw_settings()->rdma && p->rdma_read && p->register_rdma &&
		!(conn_facts(c) & FACT_NO_OFFERS) && !conn_is_shared(c);
}

bool bulk_wanted(struct sw_conn *c, size_t len)
{
	return len >= threshold(c) && usable(c) &&
		atomic_load(&c->shared->ready_at) == c->shared->sent + 1;
}

void bulk_announce(struct sw_conn *c, size_t len)
{
	struct sw_shared *s = c->shared;

	if (len < threshold(c) || !usable(c) || s->head_taken ||
		!(conn_facts(c) & FACT_HELLO) || s->announced == s->received + 1)
		return;
	if (len > PULL_MAX)
		len = PULL_MAX;
	if (conn_send_control(c, SESSION_READY, (uint32_t)len, s->received) ==
		ST_OK)
		s->announced = s->received + 1;
}

/*
 * One look at a request, which is also how a provider gets to work when nobody
 * else calls it (R138). Neither rdma nor send may run beside it.
 */
static INT poll_request(struct sw_conn *c, WSAOVERLAPPED *ov)
{
	DWORD bytes = 0, flags = 0;
	INT err = 0;
	BOOL ended;

	os_shared_lock_acquire(&c->shared->send_lock);
	gate_enter();
	ended = c->provider->spi.lpWSPGetOverlappedResult(c->socket, ov, &bytes,
		FALSE, &flags, &err);
	gate_leave();
	os_shared_lock_release(&c->shared->send_lock);
	return ended ? 0 : err;
}

/* Lets the provider serve a pull that needs its help. */
static void help_pull(struct sw_conn *c)
{
	WSAOVERLAPPED never;

	memset(&never, 0, sizeof never);
	never.Internal = WSS_OPERATION_IN_PROGRESS;
	never.hEvent = (WSAEVENT)(uintptr_t)1;
	poll_request(c, &never);
}

/* ---- sender ----------------------------------------------------------- */

struct exposure {
	uint8_t descriptor[SESSION_DESCRIPTOR_MAX];
	DWORD len;
};

static bool expose(struct sw_conn *c, const struct os_span *span,
	struct exposure *e)
{
	INT err = 0;
	int failed;

	e->len = sizeof e->descriptor;
	gate_enter();
	failed = c->provider->register_rdma(c->socket, span->base,
		(DWORD)span->len, MEM_READ, e->descriptor, &e->len, &err);
	gate_leave();
	return !failed;
}

static bool conceal(struct sw_conn *c, const struct os_span *span,
	struct exposure *e)
{
	INT err = 0;
	int failed;

	gate_enter();
	failed = c->provider->deregister_rdma(c->socket, e->descriptor, e->len,
		&err);
	memory_deregistered(c->provider, span->base, span->len);
	gate_leave();
	return !failed;
}

/* send_lock held: the offer, if the place in the stream is still right. */
static enum status send_offer(struct sw_conn *c, const struct os_span *span,
	const struct exposure *e, uint64_t *place)
{
	uint8_t message[SESSION_HEADER + 4 + SESSION_DESCRIPTOR_MAX];
	struct session_offer o = {.descriptor_len = e->len};
	struct os_span out = {message, 0};

	*place = c->shared->sent;
	if (atomic_load(&c->shared->ready_at) != *place + 1 ||
		(conn_facts(c) & (FACT_SHUT_SEND | FACT_RESET | FACT_GONE)))
		return ST_AGAIN;
	memcpy(o.descriptor, e->descriptor, e->len);
	out.len = session_put_offer(message, sizeof message, *place,
		(uint32_t)span->len, &o);
	return c->lane->send(c, &out, 1, true);
}

static enum status wait_for_done(struct sw_conn *c, uint64_t place,
	uint64_t deadline)
{
	enum status st;
	uint64_t seen;

	for (;;) {
		bool visible;

		seen = c->lane->arrivals(c);
		visible = head_see_behind(c);
		help_pull(c);
		if (atomic_load(&c->shared->done_at) == place + 1)
			return ST_OK;
		if (conn_facts(c) & (FACT_RESET | FACT_GONE))
			return ST_RESET;
		if (!visible)
			return ST_AGAIN;
		st = conn_wait(c, SW_PRI | CONN_ARRIVAL, seen, deadline);
		if (st != ST_OK)
			return st;
	}
}

/*
 * Can an exposure be taken back while it may be being read? On one host that
 * fails while a read is running. An adapter does not know of the reads of
 * another: the read would fail, and end the connection.
 */
static bool can_withdraw(const struct sw_conn *c)
{
	return c->provider->can.dwFlags & WSD_CAP_SAME_HOST;
}

/* Until the answer, whatever interrupts; the peer was waiting for the offer, so
 * it is as near as the network is fast, or the connection ends. */
static enum status insist_on_done(struct sw_conn *c, uint64_t place,
	enum status st)
{
	while (st == ST_INTR || st == ST_TIMEDOUT || st == ST_AGAIN) {
		if (st != ST_INTR)
			os_sleep(1000000);
		st = wait_for_done(c, place, os_now() + 1000000000u);
	}
	return st;
}

/*
 * Takes the offer back. The answer is waited for all the same: whether the peer
 * has pulled already is known by it alone, and what has been pulled must not be
 * sent again. Being pulled right now, or by a receiver that waits, it cannot be
 * far; a receiver that has turned away finds, later, nothing to pull.
 */
static enum status withdraw(struct sw_conn *c, const struct os_span *span,
	struct exposure *e, uint64_t place, enum status why)
{
	bool concealed = conceal(c, span, e);
	uint64_t limit = os_now() + (concealed ? WITHDRAWN_NS : PULLING_NS);
	enum status st;

	do
		st = wait_for_done(c, place, limit);
	while (st == ST_INTR);
	if (!concealed)
		conceal(c, span, e);
	return st == ST_OK ? ST_OK : why;
}

/* The pull was refused, or withdrawn in time, when *done is 0. */
static enum status finish(struct sw_conn *c, const struct os_span *span,
	struct exposure *e, uint64_t place, enum status st, size_t *done)
{
	if (!can_withdraw(c))
		st = insist_on_done(c, place, st);
	if (st == ST_OK)
		conceal(c, span, e);
	else
		st = withdraw(c, span, e, place, st);
	if (atomic_load(&c->shared->done_at) == place + 1) {
		*done = atomic_load(&c->shared->done_len);
		if (*done > span->len)
			return ST_RESET;
		if (*done == 0)
			conn_set_fact(c, FACT_NO_OFFERS);
		return *done ? ST_OK : ST_AGAIN;
	}
	return st;
}

/* `offering` keeps every other sender back: no byte may come before the answer.
 * The lock itself must not be held while we wait, because a receiver of this
 * program takes it for its own control messages. */
static enum status begin(struct sw_conn *c, const struct os_span *span,
	const struct exposure *e, uint64_t *place)
{
	enum status st = ST_AGAIN;

	os_shared_lock_acquire(&c->shared->send_lock);
	if (!c->shared->offering) {
		atomic_store(&c->shared->done_at, 0);
		st = send_offer(c, span, e, place);
	}
	if (st == ST_OK) {
		c->shared->offering = 1;
		atomic_store(&c->shared->ready_at, 0);
	}
	os_shared_lock_release(&c->shared->send_lock);
	return st;
}

static void end(struct sw_conn *c, size_t done)
{
	os_shared_lock_acquire(&c->shared->send_lock);
	c->shared->offering = 0;
	c->shared->sent += done;
	os_shared_lock_release(&c->shared->send_lock);
}

enum status bulk_offer(struct sw_conn *c, const struct os_span *span,
	uint64_t deadline, size_t *done)
{
	struct os_span part = *span;
	struct exposure e;
	uint64_t place;
	enum status st;

	if (part.len > PULL_MAX)
		part.len = PULL_MAX;
	if (!deadline)
		deadline = conn_deadline(c->shared->options.send_timeout);
	if (!expose(c, &part, &e))
		return ST_AGAIN;
	st = begin(c, &part, &e, &place);
	if (st != ST_OK) {
		conceal(c, &part, &e);
		return ST_AGAIN;
	}
	st = finish(c, &part, &e, place, wait_for_done(c, place, deadline),
		done);
	end(c, *done);
	return st;
}

/* ---- receiver --------------------------------------------------------- */

static unsigned target(struct sw_conn *c, const struct os_span *spans,
	unsigned count, size_t limit, WSABUFEX *out, size_t *total)
{
	unsigned n = 0;
	INT err;

	*total = 0;
	for (unsigned i = 0; i < count && *total < limit; i++) {
		size_t len = spans[i].len;

		if (len > limit - *total)
			len = limit - *total;
		if (len == 0)
			continue;
		out[n].buf = spans[i].base;
		out[n].len = (ULONG)len;
		out[n].handle = c->provider->register_memory(c->socket,
			spans[i].base, (DWORD)len, MEM_WRITE, &err);
		if (!out[n].handle)
			break;
		*total += len;
		n++;
	}
	return n;
}

/*
 * Polls the started read to its end; the peer's end is an end, too. Where the
 * other side's provider has to help, its answers come between the messages, so
 * those are looked at as well; none can be stream bytes, since the sender holds
 * them back.
 */
static bool read_finished(struct sw_conn *c, WSAOVERLAPPED *ov)
{
	struct head unused;
	INT err;

	for (unsigned looks = 1;; looks++) {
		err = poll_request(c, ov);
		if (err != WSA_IO_INCOMPLETE)
			return err == 0;
		head_get(c, &unused);
		if (looks % 1024 == 0)
			os_sleep(50000);
	}
}

static bool read_remote(struct sw_conn *c, struct head *h, WSABUFEX *bufs,
	unsigned n)
{
	WSAOVERLAPPED ov;
	DWORD bytes = 0;
	INT err = 0;
	int failed;

	memset(&ov, 0, sizeof ov);
	ov.hEvent = (WSAEVENT)(uintptr_t)1; /* polled: no notification (R126) */
	os_shared_lock_acquire(&c->shared->send_lock);
	gate_enter();
	failed = c->provider->rdma_read(c->socket, bufs, n, h->offer.descriptor,
		h->offer.descriptor_len, 0, &bytes, 0, &ov, NULL, NULL, &err);
	gate_leave();
	os_shared_lock_release(&c->shared->send_lock);
	if (failed && err != WSA_IO_PENDING)
		return false;
	return read_finished(c, &ov);
}

/*
 * Three ends: pulled (DONE with the bytes; fewer than were offered when the
 * provider moves no more at once), not possible here (DONE with 0, and the
 * sender will not offer again), or withdrawn by the sender meanwhile, which
 * looks the same to us and which the sender does not wait for.
 */
enum status bulk_pull(struct sw_conn *c, struct head *h,
	const struct os_span *spans, unsigned count, size_t *done)
{
	WSABUFEX bufs[LANE_SPANS];
	size_t total = 0;
	unsigned n = 0;
	uint64_t place;
	size_t limit = h->offer_len;
	bool ok;
	INT err;

	if (limit > c->provider->max_rdma)
		limit = c->provider->max_rdma;
	c->lane->release(c); /* the offer itself has been copied */
	gate_enter();
	if (c->provider->rdma_read)
		n = target(c, spans, count, limit, bufs, &total);
	gate_leave();
	ok = n > 0 && read_remote(c, h, bufs, n);
	gate_enter();
	for (unsigned i = 0; i < n; i++) {
		c->provider->deregister_memory(c->socket, bufs[i].handle, &err);
		memory_deregistered(c->provider, bufs[i].buf, bufs[i].len);
	}
	gate_leave();
	if (!ok)
		total = 0;
	place = c->shared->received;
	c->shared->received += total;
	conn_send_control(c, SESSION_DONE, (uint32_t)total, place);
	c->shared->announced = 0;
	*done = total;
	return ST_OK;
}
