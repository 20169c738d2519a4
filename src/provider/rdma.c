/* SPDX-License-Identifier: MIT */
/*
 * rdma.c - WSPRdmaWrite and WSPRdmaRead: R40, R153 to R158.
 *
 * They share the send lane with messages (send.c). Descriptor and range are
 * checked where they mean something: by the transport (R153 to R155). The
 * peer's receives are not touched (R158). Where a transport cannot read,
 * writing is all there is (R214).
 *
 * A request that fails before it was accepted is an error of the call; one that
 * fails later breaks the connection, since a message behind it may say that it
 * succeeded.
 *
 * With a channel open the caller serialises these calls, and the polling for
 * their results, with the channel's Send; so the upcall, which would come from
 * the engine's thread, cannot be had (WSAEINVAL).
 */
#include <string.h>

#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/overlapped.h"
#include "provider/send.h"
#include "provider/socket.h"
#include "provider/spi.h"

struct call {
	enum prov_request_kind kind;
	const WSABUFEX *buffers;
	DWORD count;
	const void *descriptor;
	DWORD descriptor_len;
	DWORD offset;
	LPWSAOVERLAPPED overlapped;
};

/* 0, or why this cannot be a transfer. */
static int check(const struct call *c, uint64_t *total)
{
	const struct transport_limits *limits = &provider_transport.limits;

	*total = 0;
	for (DWORD i = 0; i < c->count; i++)
		*total += c->buffers[i].len;
	if (!c->descriptor || c->descriptor_len != limits->descriptor_len)
		return WSAEINVAL; /* R156 */
	if (*total > limits->max_rdma)
		return WSAEMSGSIZE; /* R40 */
	return 0;
}

/* tx.lock held. On failure the request has been given back. */
static int capture(struct prov_socket *s, struct prov_request *r,
	const struct call *c)
{
	unsigned rights = c->kind == PROV_RDMA_WRITE ? MEM_READ : MEM_WRITE;
	enum status st = prov_request_room(r, c->count); /* R157 */

	if (st == ST_OK)
		st = prov_memory_hold_named(&s->memory, c->buffers, c->count,
			rights, r->registrations);
	if (st != ST_OK) {
		prov_request_drop(&s->tx, r);
		return prov_error(st);
	}
	r->count = c->count;
	for (DWORD i = 0; i < c->count; i++) {
		r->spans[i].base = c->buffers[i].buf;
		r->spans[i].len = c->buffers[i].len;
	}
	return 0;
}

/* tx.lock held. */
static int post(struct prov_socket *s, const struct call *c, uint64_t total)
{
	int error = prov_send_error(s, false);
	struct prov_request *r;

	if (error)
		return error;
	r = prov_request_take(&s->tx);
	if (!r)
		return WSAENOBUFS;
	r->kind = c->kind;
	r->overlapped = c->overlapped;
	r->bytes = (DWORD)total;
	r->offset = c->offset;
	r->descriptor_len = c->descriptor_len;
	memcpy(r->descriptor, c->descriptor, c->descriptor_len);
	error = capture(s, r, c);
	return error ? error : prov_send_submit(s, r);
}

static int transfer(struct prov_socket *s, const struct call *c)
{
	bool notify = prov_overlapped_notifies(c->overlapped);
	uint64_t total;
	int error = check(c, &total);

	if (!error && notify && s->channel)
		error = WSAEINVAL;
	if (!error && notify && !prov_engine_ready())
		error = WSAENOBUFS;
	if (error)
		return error;
	prov_connect_look(s);
	os_mutex_lock(&s->tx.lock);
	error = post(s, c, total);
	os_mutex_unlock(&s->tx.lock);
	if (notify && !error)
		prov_engine_want(s);
	else
		prov_lane_deliver_later(s);
	return error ? error : WSA_IO_PENDING;
}

static int rdma(SOCKET d, const struct call *c, DWORD flags,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	error = prov_overlapped_check(c->buffers, c->count, flags,
		c->overlapped, routine);
	if (!error)
		error = transfer(s, c);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}

int WSPAPI WSPRdmaWrite(SOCKET d, LPWSABUFEX lpBuffers, DWORD dwBufferCount,
	LPVOID lpTargetBufferDescriptor, DWORD dwTargetDescriptorLength,
	DWORD dwTargetBufferOffset, LPDWORD lpdwNumberOfBytesWritten,
	DWORD dwFlags, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno)
{
	struct call c = {PROV_RDMA_WRITE, lpBuffers, dwBufferCount,
		lpTargetBufferDescriptor, dwTargetDescriptorLength,
		dwTargetBufferOffset, lpOverlapped};

	return rdma(d, &c, dwFlags, lpCompletionRoutine, lpErrno);
}

int WSPAPI WSPRdmaRead(SOCKET d, LPWSABUFEX lpBuffers, DWORD dwBufferCount,
	LPVOID lpTargetBufferDescriptor, DWORD dwTargetDescriptorLength,
	DWORD dwTargetBufferOffset, LPDWORD lpdwNumberOfBytesRead,
	DWORD dwFlags, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno)
{
	struct call c = {PROV_RDMA_READ, lpBuffers, dwBufferCount,
		lpTargetBufferDescriptor, dwTargetDescriptorLength,
		dwTargetBufferOffset, lpOverlapped};

	if (!(provider_transport.abilities & TRANSPORT_RDMA_READ))
		return prov_result(WSAEOPNOTSUPP, lpErrno); /* R50 */
	return rdma(d, &c, dwFlags, lpCompletionRoutine, lpErrno);
}
