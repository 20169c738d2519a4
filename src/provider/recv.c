/* SPDX-License-Identifier: MIT */
/*
 * recv.c - WSPRecv and the receive lane: R117 to R122, R140 to R150, R194 to
 * R196, R198.
 *
 * Messages wait in the transport until a receive is posted. So early ones are
 * kept (R117), however late the receive is (R118), in order and apart (R119),
 * before those that come later (R120), and also for a process that has taken
 * the socket over (R121).
 */
#include <string.h>

#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/overlapped.h"
#include "provider/send.h"
#include "provider/socket.h"
#include "provider/spi.h"

/* The peer may change the bytes meanwhile: they are copied once. */
static void scatter(const struct prov_request *r, const char *from,
	uint32_t len)
{
	for (unsigned i = 0; i < r->count && len > 0; i++) {
		size_t part = r->spans[i].len < len ? r->spans[i].len : len;

		if (part == 0)
			continue;
		memcpy(r->spans[i].base, from, part);
		from += part;
		len -= (uint32_t)part;
	}
}

static void end_lane(struct prov_socket *s, enum status st)
{
	s->rx.over = st;
	prov_lane_flush(s, &s->rx, prov_error(st)); /* R194 */
	prov_conn_lost(s, st);
}

/* One message to the oldest receive, whole (R140) and once (R141). ST_AGAIN:
 * there is none. */
static enum status receive_one(struct prov_socket *s)
{
	struct prov_request *r = s->rx.posted.head;
	const void *data;
	uint32_t len;
	enum status st = provider_transport.peek(s->conn, &data, &len);

	if (st != ST_OK)
		return st;
	if (len > r->bytes) {
		/* R146: neither memory nor message may be cut. */
		prov_lane_finish(s, &s->rx, r, WSAEMSGSIZE, 0);
		atomic_store(&s->broken, 1);
		return ST_ABORTED;
	}
	scatter(r, data, len);
	provider_transport.release(s->conn);
	prov_lane_finish(s, &s->rx, r, 0, len);
	return ST_OK;
}

/* As many as there are messages and receives. */
static enum status receive_all(struct prov_socket *s)
{
	enum status st = ST_OK;

	while (st == ST_OK && s->rx.posted.head)
		st = receive_one(s);
	return st;
}

/*
 * Nothing is posted, but a transport may carry RDMA as messages of its own,
 * which it sees only when it is asked for ours (and not behind one of ours).
 */
static enum status look_beyond(struct prov_socket *s)
{
	const void *data;
	uint32_t len;

	if (atomic_load(&s->tx.running) == 0 &&
		atomic_load(&s->memory.exposed) == 0)
		return ST_OK;
	return provider_transport.peek(s->conn, &data, &len);
}

void prov_receive_advance(struct prov_socket *s, bool thorough)
{
	enum status st, alive;

	if (!s->conn || s->rx.over != ST_OK ||
		prov_socket_state(s) < PROV_CONNECTED)
		return;
	st = receive_all(s);
	if (st == ST_OK)
		st = look_beyond(s);
	if (st == ST_AGAIN && prov_lane_due(&s->rx, thorough)) {
		alive = provider_transport.status(s->conn, true);
		/* R195: what came before the end is still first. */
		if (alive != ST_OK)
			st = receive_all(s);
		if (st == ST_AGAIN && alive != ST_PENDING)
			st = alive;
	}
	if (st == ST_ABORTED && atomic_load(&s->broken))
		s->rx.over = st; /* the rest follows without locks */
	else if (st != ST_OK && st != ST_AGAIN)
		end_lane(s, st);
}

/* ---- WSPRecv ------------------------------------------------------- */

/* Why nothing can be received. rx.lock held. */
static int receive_error(struct prov_socket *s)
{
	enum prov_state state = prov_socket_state(s);
	const void *data;
	enum status st;
	uint32_t len;

	if (state == PROV_CLOSED)
		return WSAENOTSOCK;
	if (s->channel)
		return WSAEINVAL;
	if (s->rx.over != ST_OK)
		return prov_error(s->rx.over); /* R196 */
	if (state == PROV_CONNECTING)
		return 0; /* R122 */
	if ((state != PROV_CONNECTED && state != PROV_DISCONNECTED) || !s->conn)
		return WSAENOTCONN; /* R147 */
	if (s->rx.posted.head)
		return 0;
	st = provider_transport.peek(s->conn, &data, &len);
	if (st == ST_OK || st == ST_AGAIN)
		return 0;
	end_lane(s, st);
	return prov_error(st);
}

/* rx.lock held. */
static int capture(struct prov_socket *s, struct prov_request *r,
	const WSABUF *buffers, DWORD count)
{
	enum status st = prov_request_room(r, count);
	uint64_t total = 0;

	if (st == ST_OK) {
		total = prov_spans(buffers, count, r->spans);
		st = prov_memory_hold(&s->memory, r->spans, count, MEM_WRITE,
			r->registrations);
	}
	if (st != ST_OK) {
		prov_request_drop(&s->rx, r);
		return prov_error(st);
	}
	r->count = count;
	r->bytes = total > UINT32_MAX ? UINT32_MAX : (DWORD)total;
	return 0;
}

/* rx.lock held. */
static int post(struct prov_socket *s, const WSABUF *buffers, DWORD count,
	LPWSAOVERLAPPED ov)
{
	int error = receive_error(s);
	struct prov_request *r;

	if (error)
		return error;
	r = prov_request_take(&s->rx);
	if (!r)
		return WSAENOBUFS; /* R148 */
	r->kind = PROV_RECEIVE;
	r->overlapped = ov;
	error = capture(s, r, buffers, count);
	if (error)
		return error;
	prov_lane_post(&s->rx, r);
	/* A message may have waited for this receive. */
	if (r == s->rx.posted.head)
		prov_receive_advance(s, false);
	return 0;
}

static int receive(struct prov_socket *s, const WSABUF *buffers, DWORD count,
	LPWSAOVERLAPPED ov)
{
	bool notify = prov_overlapped_notifies(ov);
	int error;

	prov_connect_look(s);
	if (notify && !prov_engine_ready())
		return WSAENOBUFS;
	os_mutex_lock(&s->rx.lock);
	error = post(s, buffers, count, ov);
	os_mutex_unlock(&s->rx.lock);
	/* The first message may have been too long: somebody must break it. */
	if (!error && !notify && atomic_load(&s->broken))
		prov_progress_only(s, false);
	if (notify && !error)
		prov_engine_want(s);
	else
		prov_lane_deliver_later(s);
	return error ? error : WSA_IO_PENDING; /* R123, R125 */
}

int WSPAPI WSPRecv(SOCKET d, LPWSABUF lpBuffers, DWORD dwBufferCount,
	LPDWORD lpNumberOfBytesRecvd, LPDWORD lpFlags,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	error = prov_overlapped_check(lpBuffers, dwBufferCount,
		lpFlags ? *lpFlags : 0, lpOverlapped, lpCompletionRoutine);
	if (!error)
		error = receive(s, lpBuffers, dwBufferCount, lpOverlapped);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
