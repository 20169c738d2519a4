/* SPDX-License-Identifier: MIT */
/*
 * socket.c - WSPSocket and the life of a socket: R23 to R30, R193.
 */
#include "provider/socket.h"

#include <stdlib.h>

#include "provider/descriptor.h"
#include "provider/duplicate.h"
#include "provider/errors.h"
#include "provider/overlapped.h"
#include "provider/process.h"
#include "provider/spi.h"

/* ---- life ---------------------------------------------------------- */

static struct prov_socket *new_socket(int family)
{
	struct prov_socket *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->family = family;
	s->handle = INVALID_SOCKET;
	s->service.watched = OS_NO_HANDLE;
	atomic_init(&s->state, PROV_CREATED);
	prov_lane_init(&s->tx);
	prov_lane_init(&s->rx);
	prov_memory_init(&s->memory);
	os_mutex_init(&s->lock);
	os_mutex_init(&s->wait_lock);
	os_cond_init(&s->waited);
	return s;
}

static void free_socket(struct prov_socket *s)
{
	os_cond_fini(&s->waited);
	os_mutex_fini(&s->wait_lock);
	os_mutex_fini(&s->lock);
	prov_memory_fini(&s->memory);
	prov_lane_fini(&s->rx);
	prov_lane_fini(&s->tx);
	free(s);
}

/* R28: the switch's error is passed on. */
static int make_handle(struct prov_socket *s)
{
	const struct prov_process *p = prov_process();
	int error = WSAENOBUFS;

	prov_upcall_enter();
	s->handle = p->upcalls.lpWPUCreateSocketHandle(0,
		(DWORD_PTR)s->descriptor, &error);
	prov_upcall_leave();
	if (s->handle != INVALID_SOCKET)
		return 0;
	return error ? error : WSAENOBUFS;
}

int prov_socket_create(int family, struct prov_socket **out)
{
	struct prov_socket *s = new_socket(family);
	enum status st;
	int error;
	SOCKET d;

	if (!s)
		return WSAENOBUFS; /* R29 */
	st = prov_descriptor_open(s, &d);
	if (st != ST_OK) {
		free_socket(s);
		return prov_error(st);
	}
	prov_descriptor_hold_again(d);
	error = make_handle(s);
	if (error) {
		prov_descriptor_close(d);
		prov_descriptor_release(d);
		prov_descriptor_release(d);
		return error;
	}
	*out = s;
	return 0;
}

struct prov_socket *prov_socket_hold(SOCKET d)
{
	return prov_descriptor_hold(d);
}

void prov_socket_release(struct prov_socket *s)
{
	prov_descriptor_release(s->descriptor);
}

/* R193: the last upcall about the handle. R30: with the switch's handle. */
void prov_socket_end(struct prov_socket *s)
{
	const struct prov_process *p = prov_process();
	int error;

	if (s->handle != INVALID_SOCKET) {
		prov_upcall_enter();
		p->upcalls.lpWPUCloseSocketHandle(s->handle, &error);
		prov_upcall_leave();
	}
	free_socket(s);
}

/* ---- state --------------------------------------------------------- */

bool prov_socket_step(struct prov_socket *s, enum prov_step step)
{
	enum prov_state next = prov_state_next(prov_socket_state(s), step);

	if (next == PROV_IMPOSSIBLE)
		return false;
	atomic_store_explicit(&s->state, next, memory_order_release);
	prov_socket_happened(s);
	return true;
}

void prov_socket_lock_all(struct prov_socket *s)
{
	os_mutex_lock(&s->tx.lock);
	os_mutex_lock(&s->rx.lock);
	os_mutex_lock(&s->memory.lock);
	os_mutex_lock(&s->lock);
}

void prov_socket_unlock_all(struct prov_socket *s)
{
	os_mutex_unlock(&s->lock);
	os_mutex_unlock(&s->memory.lock);
	os_mutex_unlock(&s->rx.lock);
	os_mutex_unlock(&s->tx.lock);
}

/*
 * Costs one addition when nobody waits. A waiter counts itself first, then
 * looks at its request with wait_lock held, then sleeps.
 */
void prov_socket_happened(struct prov_socket *s)
{
	atomic_fetch_add(&s->happened, 1);
	if (atomic_load(&s->waiters) == 0)
		return;
	os_mutex_lock(&s->wait_lock);
	os_cond_broadcast(&s->waited);
	os_mutex_unlock(&s->wait_lock);
}

/* ---- WSPSocket ----------------------------------------------------- */

/* Each of the three may be left to the catalog entry. */
static void from_protocol_info(const WSAPROTOCOL_INFOW *info, int *af,
	int *type, int *protocol)
{
	if (!info)
		return;
	if (*af == FROM_PROTOCOL_INFO)
		*af = info->iAddressFamily;
	if (*type == FROM_PROTOCOL_INFO)
		*type = info->iSocketType;
	if (*protocol == FROM_PROTOCOL_INFO)
		*protocol = info->iProtocol;
}

static int check(int af, int type, int protocol, GROUP g, DWORD flags)
{
	if (!prov_started())
		return WSANOTINITIALISED;
	if (af != AF_INET && af != AF_INET6)
		return WSAEAFNOSUPPORT; /* R25 */
	if (type != SOCK_STREAM)
		return WSAESOCKTNOSUPPORT; /* R26 */
	if (protocol != IPPROTO_TCP && protocol != 0)
		return WSAEPROTONOSUPPORT; /* R27 */
	if (g != 0 || (flags & ~(DWORD)WSA_FLAG_NO_HANDLE_INHERIT) !=
			WSA_FLAG_OVERLAPPED)
		return WSAEINVAL;
	return 0;
}

SOCKET WSPAPI WSPSocket(int af, int type, int protocol,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g, DWORD dwFlags,
	LPINT lpErrno)
{
	struct prov_socket *s;
	SOCKET d;
	int error;

	from_protocol_info(lpProtocolInfo, &af, &type, &protocol);
	error = check(af, type, protocol, g, dwFlags);
	if (!error && lpProtocolInfo && lpProtocolInfo->dwProviderReserved)
		error = prov_take_over(lpProtocolInfo->dwProviderReserved, &s);
	else if (!error)
		error = prov_socket_create(af, &s);
	if (error) {
		prov_result(error, lpErrno);
		return INVALID_SOCKET;
	}
	d = s->descriptor;
	prov_socket_release(s);
	return d;
}
