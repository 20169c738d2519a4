/* SPDX-License-Identifier: MIT */
/*
 * overlapped.c - WSPGetOverlappedResult and the OVERLAPPED: R126 to R139.
 */
#include "provider/overlapped.h"

#include "os/os.h"
#include "provider/engine.h"
#include "provider/process.h"
#include "provider/request.h"
#include "provider/socket.h"
#include "provider/spi.h"

#define MS UINT64_C(1000000)

/*
 * Upcalls that one thread may be inside while a poll still delivers others. A
 * handler that polls for a newer request needs it; a chain of handlers that all
 * do must not eat the stack.
 */
#define NESTING_MAX 8

static _Thread_local unsigned upcall_depth;

void prov_upcall_enter(void)
{
	upcall_depth++;
}

void prov_upcall_leave(void)
{
	upcall_depth--;
}

bool prov_upcall_inside(void)
{
	return upcall_depth > 0;
}

/* ---- the fields ---------------------------------------------------- */

void prov_overlapped_begin(LPWSAOVERLAPPED ov)
{
	__atomic_store_n(&ov->Internal, WSS_OPERATION_IN_PROGRESS,
		__ATOMIC_RELAXED); /* R129; posting publishes it */
}

/* R131 */
static void store_result(LPWSAOVERLAPPED ov, int error, DWORD bytes,
	DWORD flags)
{
	ov->InternalHigh = bytes;
	ov->Offset = flags;
	ov->OffsetHigh = (DWORD)error;
}

void prov_overlapped_show(LPWSAOVERLAPPED ov, int error, DWORD bytes,
	DWORD flags)
{
	store_result(ov, error, bytes, flags);
	/* R130: whoever sees Internal changed sees the others. */
	__atomic_store_n(&ov->Internal, 0, __ATOMIC_RELEASE);
}

void prov_overlapped_notify(struct prov_socket *s, LPWSAOVERLAPPED ov,
	int error, DWORD bytes, DWORD flags)
{
	int ignored;

	store_result(ov, error, bytes, flags);
	prov_upcall_enter();
	/* R16, R30, R127. Its failure concerns the switch alone. */
	prov_process()->upcalls.lpWPUCompleteOverlappedRequest(s->handle, ov,
		(DWORD)error, bytes, &ignored);
	prov_upcall_leave();
}

int prov_overlapped_check(const void *buffers, DWORD count, DWORD flags,
	LPWSAOVERLAPPED ov, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	if (!buffers)
		return WSAEFAULT;
	if (!ov || count == 0 || count > PROV_MAX_BUFFERS)
		return WSAEINVAL;
	if (flags != 0 || routine)
		return WSAEOPNOTSUPP;
	return 0;
}

/* ---- WSPGetOverlappedResult ---------------------------------------- */

/* R138: the caller's thread does the work. */
static void poll(struct prov_socket *s, bool thorough)
{
	bool nested = upcall_depth < NESTING_MAX;

	prov_progress_only(s, thorough);
	prov_lane_deliver(s, &s->tx, nested);
	prov_lane_deliver(s, &s->rx, nested);
}

/*
 * R134. The engine watches the connection for us. We look again from time to
 * time where it cannot: the system gives no thread, we are inside an upcall (it
 * may be the engine's own), or the upcall alone ends the request, which it may
 * do a little after its return.
 */
static void wait_for(struct prov_socket *s, LPWSAOVERLAPPED ov)
{
	bool served = !s->channel && !prov_upcall_inside() &&
		prov_engine_ready();
	uint64_t pause = !served ? MS
		: prov_overlapped_notifies(ov) ? 5 * MS
					       : 1000 * MS;

	atomic_fetch_add(&s->waiters, 1);
	while (prov_overlapped_pending(ov)) {
		if (served)
			prov_engine_want(s);
		os_mutex_lock(&s->wait_lock);
		if (prov_overlapped_pending(ov))
			os_cond_wait(&s->waited, &s->wait_lock, pause);
		os_mutex_unlock(&s->wait_lock);
		poll(s, !served);
	}
	atomic_fetch_sub(&s->waiters, 1);
}

static int result(struct prov_socket *s, LPWSAOVERLAPPED ov, LPDWORD bytes,
	BOOL wait, LPDWORD flags)
{
	if (prov_overlapped_pending(ov))
		poll(s, false);
	if (prov_overlapped_pending(ov) && wait)
		wait_for(s, ov);
	if (prov_overlapped_pending(ov))
		return WSA_IO_INCOMPLETE; /* R133 */
	if (ov->OffsetHigh)
		return (int)ov->OffsetHigh; /* R136 */
	*bytes = (DWORD)ov->InternalHigh; /* R135, R139 */
	*flags = ov->Offset;
	return 0;
}

BOOL WSPAPI WSPGetOverlappedResult(SOCKET d, LPWSAOVERLAPPED lpOverlapped,
	LPDWORD lpcbTransfer, BOOL fWait, LPDWORD lpdwFlags, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	DWORD bytes = 0, flags = 0;
	int error;

	if (!s)
		return prov_result_bool(WSAENOTSOCK, lpErrno); /* R137 */
	error = lpOverlapped ? result(s, lpOverlapped, &bytes, fWait, &flags)
			     : WSAEINVAL;
	prov_socket_release(s);
	if (error)
		return prov_result_bool(error, lpErrno);
	if (lpcbTransfer)
		*lpcbTransfer = bytes;
	if (lpdwFlags)
		*lpdwFlags = flags;
	return TRUE;
}
