/* SPDX-License-Identifier: MIT */
/*
 * channel.c - WSDOpenChannel: messages without overlapped requests.
 *
 * The members are the hot path: no lock, no look-up, no allocation; the context
 * is the socket, whose connection does not change while the channel is open.
 * Serialisation is the caller's, as <openwsd/wsdext.h> says; so are calls after
 * WSPCloseSocket.
 *
 * While it is open nothing of ours touches the connection but what the caller
 * calls: the engine is sent away, a failed connect keeps the connection, and a
 * broken one too.
 *
 * RDMA beside a channel. WSPRdmaRead, WSPRdmaWrite and the polling for their
 * results send and receive below, so the caller serialises them with Send and
 * with Peek. Memory exposed to the peer is served by Peek. A transport that
 * carries RDMA as messages of its own does not see them behind a message that
 * has been peeked and not released.
 */
#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/send.h"
#include "provider/socket.h"
#include "provider/spi.h"

/* Buffers of one Send: the usual number, and the most. */
enum { FEW = 8, MANY = 1024 };

/*
 * While memory is exposed or a transfer runs, Peek and the polling for results
 * may send as well, in another thread: only then a lock is needed.
 */
static bool is_shared(struct prov_socket *s)
{
	return atomic_load_explicit(&s->memory.exposed, memory_order_relaxed) ||
		atomic_load_explicit(&s->tx.pending, memory_order_relaxed);
}

static __attribute__((noinline)) enum status send_locked(struct prov_socket *s,
	const struct os_span *spans, DWORD n, unsigned how)
{
	enum status st;

	os_mutex_lock(&s->tx.lock);
	st = provider_transport.send(s->conn, spans, n, how);
	os_mutex_unlock(&s->tx.lock);
	return st;
}

static int send_spans(struct prov_socket *s, const struct os_span *spans,
	DWORD n, DWORD flags)
{
	unsigned how = flags & WSD_SEND_RESERVE ? TRANSPORT_RESERVE : 0;

	if (is_shared(s))
		return prov_error(send_locked(s, spans, n, how));
	return prov_error(provider_transport.send(s->conn, spans, n, how));
}

/* Apart, so that its 16 KiB of stack are not everybody's. */
static __attribute__((noinline)) int send_many(struct prov_socket *s,
	const WSABUF *buffers, DWORD n, DWORD flags)
{
	struct os_span spans[MANY];

	prov_spans(buffers, n, spans);
	return send_spans(s, spans, n, flags);
}

static int WSPAPI channel_send(PVOID ctx, const WSABUF *buffers, DWORD n,
	DWORD flags)
{
	struct os_span spans[FEW];

	if (n > MANY || (flags & ~(DWORD)WSD_SEND_RESERVE))
		return WSAEINVAL;
	if (n > FEW)
		return send_many(ctx, buffers, n, flags);
	prov_spans(buffers, n, spans);
	return send_spans(ctx, spans, n, flags);
}

/* Lets the transport answer what the peer asks of the exposed memory. */
static __attribute__((noinline)) void serve_peer(struct prov_socket *s)
{
	os_mutex_lock(&s->tx.lock);
	prov_send_advance(s, false);
	os_mutex_unlock(&s->tx.lock);
}

static int WSPAPI channel_peek(PVOID ctx, LPWSABUF message)
{
	struct prov_socket *s = ctx;
	const void *data;
	uint32_t len;
	enum status st = provider_transport.peek(s->conn, &data, &len);

	if (is_shared(s))
		serve_peer(s);
	if (st != ST_OK)
		return prov_error(st);
	message->buf = (CHAR *)data;
	message->len = len;
	return 0;
}

static void WSPAPI channel_release(PVOID ctx)
{
	struct prov_socket *s = ctx;

	provider_transport.release(s->conn);
}

static ULONG64 WSPAPI channel_arrivals(PVOID ctx)
{
	struct prov_socket *s = ctx;

	return provider_transport.arrivals(s->conn);
}

static int WSPAPI channel_arm(PVOID ctx, DWORD interest)
{
	struct prov_socket *s = ctx;
	unsigned what = (interest & WSD_IN ? TRANSPORT_IN : 0) |
		(interest & WSD_OUT ? TRANSPORT_OUT : 0);
	enum status st = provider_transport.arm(s->conn, what);

	return st == ST_AGAIN ? WSAEALREADY : prov_error(st);
}

static int WSPAPI channel_drain(PVOID ctx, BOOL keep)
{
	struct prov_socket *s = ctx;

	return prov_error(provider_transport.drain(s->conn, keep));
}

/* R86 holds here too: whoever looks is told. */
static int WSPAPI channel_status(PVOID ctx, BOOL thorough)
{
	struct prov_socket *s = ctx;
	enum status st = provider_transport.status(s->conn, thorough);

	if (st != ST_PENDING)
		return prov_error(st);
	return os_now() < s->deadline ? WSAEWOULDBLOCK : WSAETIMEDOUT;
}

static void WSPAPI channel_set_wait_handle(PVOID ctx, WSDWAITHANDLE h)
{
	struct prov_socket *s = ctx;

	provider_transport.set_handle(s->conn, h);
}

static BOOL WSPAPI channel_writable(PVOID ctx)
{
	struct prov_socket *s = ctx;

	return provider_transport.writable(s->conn);
}

/* ---- WSDOpenChannel ------------------------------------------------ */

static bool early(struct prov_socket *s, enum prov_state state)
{
	return state == PROV_CONNECTING &&
		(provider_transport.abilities & TRANSPORT_EARLY_SEND) &&
		provider_transport.early(s->conn) == ST_OK;
}

/* All locks held. */
static int open_channel(struct prov_socket *s)
{
	enum prov_state state = prov_socket_state(s);

	if (state == PROV_CLOSED)
		return WSAENOTSOCK;
	if (state != PROV_CONNECTED && !early(s, state))
		return WSAENOTCONN;
	if (s->channel || atomic_load(&s->tx.pending) ||
		atomic_load(&s->rx.pending))
		return WSAEINVAL;
	prov_engine_unwatch(s);
	provider_transport.attend(s->conn);
	atomic_store(&s->channel, true);
	return 0;
}

static void fill(struct prov_socket *s, LPWSDCHANNEL out)
{
	out->cbSize = sizeof *out;
	out->dwMaxMessage = provider_transport.limits.max_message;
	out->lpContext = s;
	out->hWait = provider_transport.handle(s->conn);
	out->Send = channel_send;
	out->Peek = channel_peek;
	out->Release = channel_release;
	out->Arrivals = channel_arrivals;
	out->Arm = channel_arm;
	out->Drain = channel_drain;
	out->Status = channel_status;
	out->SetWaitHandle = channel_set_wait_handle;
	out->Writable = channel_writable;
}

int WSPAPI WSDOpenChannel(SOCKET d, LPWSDCHANNEL lpChannel, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error = WSAEFAULT;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	if (lpChannel && lpChannel->cbSize >= sizeof *lpChannel) {
		prov_connect_look(s);
		prov_socket_lock_all(s);
		error = open_channel(s);
		if (!error)
			fill(s, lpChannel);
		prov_socket_unlock_all(s);
	}
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
