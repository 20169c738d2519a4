/* SPDX-License-Identifier: MIT */
/*
 * send.c - WSPSend and the send lane: R123, R124, R140 to R152, R195, R196.
 *
 * A send is copied by the transport before WSPSend returns, when there is room
 * and nothing older waits; then the request is done at once. Otherwise it waits
 * in the lane, with its registrations held, for progress.
 *
 * A started RDMA may run beside later ones, but every message behind it is held
 * back until it has finished, as the transport's manual asks of us.
 */
#include "provider/send.h"

#include <string.h>

#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/overlapped.h"
#include "provider/socket.h"
#include "provider/spi.h"

uint64_t prov_spans(const WSABUF *buffers, DWORD count, struct os_span *out)
{
	uint64_t total = 0;

	for (DWORD i = 0; i < count; i++) {
		out[i].base = buffers[i].buf;
		out[i].len = buffers[i].len;
		total += buffers[i].len;
	}
	return total;
}

int prov_send_error(struct prov_socket *s, bool messages)
{
	enum prov_state state = prov_socket_state(s);
	int lost = atomic_load(&s->lost);

	if (state == PROV_CLOSED)
		return WSAENOTSOCK;
	if (messages && s->channel)
		return WSAEINVAL;
	if (lost != ST_OK)
		return prov_error((enum status)lost); /* R196 */
	if (atomic_load(&s->broken))
		return WSAECONNABORTED;
	return state == PROV_CONNECTED ? 0 : WSAENOTCONN; /* R147 */
}

/* ---- one request and the transport --------------------------------- */

/* Errors that are the request's own; all others end the connection. */
static bool is_request_error(enum status st)
{
	switch (st) {
	case ST_INVAL:
	case ST_ACCESS:
	case ST_FAULT:
	case ST_MSGSIZE:
	case ST_NOTFOUND:
	case ST_NOMEM:
	case ST_UNSUPPORTED:
		return true;
	default:
		return false;
	}
}

static enum status start_rdma(struct prov_socket *s, struct prov_request *r)
{
	enum transport_op op = r->kind == PROV_RDMA_READ ? TRANSPORT_READ
							 : TRANSPORT_WRITE;
	enum status st;

	r->cookie = s->tx.next_cookie++;
	st = provider_transport.rdma(s->conn, op, r->spans, r->count,
		r->descriptor, r->descriptor_len, r->offset, r->cookie);
	if (st == ST_PENDING) {
		r->started = true;
		atomic_store(&s->tx.running, atomic_load(&s->tx.running) + 1);
	}
	return st;
}

/* ST_AGAIN: no room. ST_BUSY: its turn has not come (R151, R152). */
static enum status hand_over(struct prov_socket *s, struct prov_request *r)
{
	enum status st;

	if (r->kind == PROV_SEND && atomic_load(&s->tx.running) > 0)
		return ST_BUSY;
	st = r->kind == PROV_SEND
		? provider_transport.send(s->conn, r->spans, r->count, 0)
		: start_rdma(s, r);
	atomic_store_explicit(&s->tx.blocked, st == ST_AGAIN,
		memory_order_release);
	return st;
}

static void set_result(struct prov_request *r, enum status st)
{
	r->finished = true;
	r->result = st;
}

/* The finished ones at the head, in order (R150). */
static void retire(struct prov_socket *s)
{
	struct prov_request *r;

	while ((r = s->tx.posted.head) && r->finished)
		prov_lane_finish(s, &s->tx, r, prov_error(r->result),
			r->bytes);
}

/* Every request that has not finished fails with st. */
static void end_lane(struct prov_socket *s, enum status st)
{
	struct prov_request *r;

	s->tx.over = st;
	atomic_store(&s->tx.running, 0);
	for (r = s->tx.posted.head; r; r = r->next)
		if (!r->finished)
			set_result(r, st);
	retire(s);
	prov_conn_lost(s, st);
}

/* ---- progress ------------------------------------------------------ */

static struct prov_request *started_with(struct prov_socket *s, uint64_t cookie)
{
	struct prov_request *r = s->tx.posted.head;

	while (r && !(r->started && !r->finished && r->cookie == cookie))
		r = r->next;
	return r;
}

static void reap(struct prov_socket *s)
{
	enum status result;
	uint64_t cookie;

	while (provider_transport.reap(s->conn, &cookie, &result) == ST_OK) {
		struct prov_request *r = started_with(s, cookie);

		if (!r)
			continue;
		atomic_store(&s->tx.running, atomic_load(&s->tx.running) - 1);
		set_result(r, result);
		if (result != ST_OK)
			atomic_store(&s->broken, 1);
	}
}

/* In order, until one cannot; the status that stopped us, or ST_OK. */
static enum status start_waiting(struct prov_socket *s)
{
	struct prov_request *r;
	enum status st;

	for (r = s->tx.posted.head; r; r = r->next) {
		if (r->started || r->finished)
			continue;
		st = hand_over(s, r);
		if (st == ST_PENDING)
			continue;
		if (st != ST_OK && !is_request_error(st))
			return st;
		set_result(r, st);
		if (st != ST_OK)
			atomic_store(&s->broken, 1);
		if (st != ST_OK)
			break;
	}
	return ST_OK;
}

static bool waits(enum status st)
{
	return st == ST_OK || st == ST_AGAIN || st == ST_BUSY ||
		st == ST_PENDING;
}

void prov_send_advance(struct prov_socket *s, bool thorough)
{
	enum status st;

	if (!s->conn || s->tx.over != ST_OK ||
		prov_socket_state(s) < PROV_CONNECTED)
		return;
	reap(s);
	/* R151: nothing may leave behind a transfer that has failed. */
	st = atomic_load(&s->broken) ? ST_OK : start_waiting(s);
	retire(s);
	if (!s->tx.posted.head || atomic_load(&s->broken))
		return;
	if (waits(st) && prov_lane_due(&s->tx, thorough))
		st = provider_transport.status(s->conn, true);
	if (!waits(st))
		end_lane(s, st);
}

/* ---- submitting ---------------------------------------------------- */

/* Does an older request wait for its turn? */
static bool older_waits(struct prov_socket *s)
{
	struct prov_request *r = s->tx.posted.head;

	while (r && (r->started || r->finished))
		r = r->next;
	return r != NULL;
}

static int give_back(struct prov_socket *s, struct prov_request *r, int error)
{
	prov_memory_drop(r->registrations, r->count);
	prov_request_drop(&s->tx, r);
	return error;
}

int prov_send_submit(struct prov_socket *s, struct prov_request *r)
{
	enum status st = older_waits(s) ? ST_BUSY : hand_over(s, r);

	if (st == ST_OK)
		set_result(r, ST_OK);
	else if (is_request_error(st))
		return give_back(s, r, prov_error(st)); /* R124 */
	else if (!waits(st)) {
		give_back(s, r, 0);
		end_lane(s, st);
		return prov_error(st);
	}
	prov_lane_post(&s->tx, r);
	retire(s);
	return 0;
}

/* ---- WSPSend ------------------------------------------------------- */

/* The array (R143) and a hold on the memory (R144, R168). tx.lock held. */
static int capture(struct prov_socket *s, struct prov_request *r,
	const struct os_span *spans, DWORD count)
{
	enum status st = prov_request_room(r, count);

	if (st == ST_OK)
		st = prov_memory_hold(&s->memory, spans, count, MEM_READ,
			r->registrations);
	if (st != ST_OK) {
		prov_request_drop(&s->tx, r);
		return prov_error(st);
	}
	memcpy(r->spans, spans, count * sizeof *spans);
	r->count = count;
	return 0;
}

/* tx.lock held. */
static int post(struct prov_socket *s, const struct os_span *spans, DWORD count,
	uint64_t total, LPWSAOVERLAPPED ov)
{
	int error = prov_send_error(s, true);
	struct prov_request *r;

	if (error)
		return error;
	if (total > provider_transport.limits.max_message)
		return WSAEMSGSIZE; /* R145 */
	r = prov_request_take(&s->tx);
	if (!r)
		return WSAENOBUFS; /* R148 */
	r->kind = PROV_SEND;
	r->overlapped = ov;
	r->bytes = (DWORD)total;
	error = capture(s, r, spans, count);
	return error ? error : prov_send_submit(s, r);
}

static int send_message(struct prov_socket *s, const WSABUF *buffers,
	DWORD count, LPWSAOVERLAPPED ov)
{
	struct os_span spans[PROV_MAX_BUFFERS];
	uint64_t total = prov_spans(buffers, count, spans);
	bool notify = prov_overlapped_notifies(ov);
	int error;

	prov_connect_look(s);
	if (notify && !prov_engine_ready())
		return WSAENOBUFS;
	os_mutex_lock(&s->tx.lock);
	error = post(s, spans, count, total, ov);
	os_mutex_unlock(&s->tx.lock);
	if (notify && !error)
		prov_engine_want(s);
	else
		prov_lane_deliver_later(s);
	return error ? error : WSA_IO_PENDING; /* R123 */
}

int WSPAPI WSPSend(SOCKET d, LPWSABUF lpBuffers, DWORD dwBufferCount,
	LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	error = prov_overlapped_check(lpBuffers, dwBufferCount, dwFlags,
		lpOverlapped, lpCompletionRoutine);
	if (!error)
		error = send_message(s, lpBuffers, dwBufferCount,
			lpOverlapped);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
