/* SPDX-License-Identifier: MIT */
/*
 * memory.c - registration, local and for the peer: R144, R160 to R182, R192.
 *
 * Each call makes a registration of its own: so n of them need n
 * deregistrations (R165), those of other sockets do not matter (R166), each
 * descriptor is fresh (R176), and no counting is needed. A socket has few that
 * cover an address: they are searched from the newest on. A handle is found by
 * its number.
 *
 * An exposure belongs to one connection: the transport gives its peer, and no
 * other (R178), the rights that were asked for, and no more (R177). What the
 * descriptor's bytes are is the transport's matter too (R173).
 */
#include "provider/memory.h"

#include <stdlib.h>
#include <string.h>

#include "provider/errors.h"
#include "provider/socket.h"
#include "provider/spi.h"

#define DESCRIPTOR_LEN (provider_transport.limits.descriptor_len)

void prov_memory_init(struct prov_memory *m)
{
	os_mutex_init(&m->lock);
}

void prov_memory_fini(struct prov_memory *m)
{
	while (m->registrations) {
		struct prov_registration *r = m->registrations;

		m->registrations = r->next;
		prov_cache_unpin(&m->cache, r->pin);
		free(r);
	}
	while (m->exposures) {
		struct prov_exposure *e = m->exposures;

		m->exposures = e->next;
		free(e);
	}
	prov_cache_fini(&m->cache);
	os_mutex_fini(&m->lock);
}

/* ---- use by requests ----------------------------------------------- */

static bool holds(const struct prov_registration *r, const char *base,
	uint64_t len, unsigned rights)
{
	return (r->rights & rights) == rights && r->base <= base &&
		len <= r->len && base - r->base <= (int64_t)(r->len - len);
}

/* m->lock held. */
static struct prov_registration *covering(struct prov_memory *m,
	const struct os_span *span, unsigned rights)
{
	struct prov_registration *r = m->registrations;

	while (r && !holds(r, span->base, span->len, rights))
		r = r->next;
	return r;
}

/* Where the list of the ids with this remainder names it, or ends. m->lock
 * held. */
static struct prov_registration **place_of(struct prov_memory *m, uintptr_t id)
{
	struct prov_registration **at = &m->by_id[id % PROV_ID_LISTS];

	while (*at && (*at)->id != id)
		at = &(*at)->next_of_id;
	return at;
}

void prov_memory_drop(struct prov_registration **held, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (held[i])
			atomic_fetch_sub_explicit(&held[i]->use, 1,
				memory_order_release);
}

static void count_use(struct prov_registration *r)
{
	if (r)
		atomic_fetch_add_explicit(&r->use, 1, memory_order_relaxed);
}

enum status prov_memory_hold(struct prov_memory *m, const struct os_span *spans,
	unsigned count, unsigned rights, struct prov_registration **out)
{
	enum status st = ST_OK;
	unsigned i;

	os_mutex_lock(&m->lock);
	for (i = 0; i < count; i++) {
		out[i] = NULL;
		if (spans[i].len == 0)
			continue;
		out[i] = covering(m, &spans[i], rights);
		if (!out[i])
			break;
		count_use(out[i]);
	}
	if (i < count) {
		prov_memory_drop(out, i);
		st = ST_FAULT;
	}
	os_mutex_unlock(&m->lock);
	return st;
}

enum status prov_memory_hold_named(struct prov_memory *m,
	const WSABUFEX *buffers, unsigned count, unsigned rights,
	struct prov_registration **out)
{
	enum status st = ST_OK;
	unsigned i;

	os_mutex_lock(&m->lock);
	for (i = 0; i < count; i++) {
		out[i] = *place_of(m, (uintptr_t)buffers[i].handle);
		if (!out[i] || !holds(out[i], buffers[i].buf, buffers[i].len,
				rights))
			break;
		count_use(out[i]);
	}
	if (i < count) {
		prov_memory_drop(out, i);
		st = ST_FAULT;
	}
	os_mutex_unlock(&m->lock);
	return st;
}

/* ---- end of the connection ----------------------------------------- */

/* m->lock held. What the transport is using right now ends with it. */
static void conceal_all(struct prov_socket *s)
{
	struct prov_memory *m = &s->memory;

	for (struct prov_exposure *e = m->exposures; e; e = e->next) {
		if (e->concealed || !s->conn)
			continue;
		if (provider_transport.conceal(s->conn, e->descriptor) ==
			ST_BUSY)
			continue;
		e->concealed = true;
		atomic_fetch_sub(&m->exposed, 1);
	}
}

void prov_memory_conceal(struct prov_socket *s)
{
	if (atomic_load(&s->memory.exposed) == 0)
		return;
	os_mutex_lock(&s->memory.lock);
	conceal_all(s);
	os_mutex_unlock(&s->memory.lock);
}

void prov_memory_detach(struct prov_socket *s)
{
	conceal_all(s);
	for (struct prov_exposure *e = s->memory.exposures; e; e = e->next)
		e->concealed = true;
	atomic_store(&s->memory.exposed, 0);
	prov_cache_empty(&s->memory.cache);
}

/* ---- what both registrations check --------------------------------- */

/* R161, R162, R163. Outputs nothing; memory locked. */
static int check(struct prov_socket *s, PVOID base, DWORD len, DWORD flags,
	bool local)
{
	enum prov_state state = prov_socket_state(s);

	if (flags != MEM_READ && flags != MEM_WRITE &&
		flags != MEM_READWRITE) /* R160 */
		return WSAEINVAL;
	/* R122 lets receives be posted, so memory be registered, early. */
	if (!s->conn || !(state == PROV_CONNECTED ||
			(local && state == PROV_CONNECTING)))
		return WSAENOTCONN;
	if (!base || len == 0 || (uintptr_t)base > UINTPTR_MAX - len ||
		!os_memory_valid(base, len, flags & MEM_WRITE))
		return WSAEFAULT;
	return 0;
}

/* ---- local --------------------------------------------------------- */

/* A number that no registration of the process has, in practice for ever. */
static uintptr_t next_id(void)
{
	static _Atomic uintptr_t last;
	uintptr_t id;

	do
		id = atomic_fetch_add_explicit(&last, 1,
			memory_order_relaxed) + 1;
	while (id == 0);
	return id;
}

static void link_registration(struct prov_memory *m,
	struct prov_registration *r)
{
	r->next = m->registrations;
	if (r->next)
		r->next->link = &r->next;
	r->link = &m->registrations;
	m->registrations = r;
	*place_of(m, r->id) = r;
	m->registered++;
}

static void unlink_registration(struct prov_memory *m,
	struct prov_registration *r)
{
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	*place_of(m, r->id) = r->next_of_id;
	m->registered--;
}

/* Memory locked. */
static int add_registration(struct prov_socket *s, PVOID base, DWORD len,
	DWORD flags, HANDLE *out)
{
	struct prov_registration *r;
	enum status st;

	if (s->memory.registered == PROV_MAX_REGISTRATIONS)
		return WSAENOBUFS; /* R164 */
	r = calloc(1, sizeof *r);
	if (!r)
		return WSAENOBUFS;
	st = prov_cache_pin(&s->memory.cache, s->conn, base, len, flags,
		&r->pin);
	if (st != ST_OK) {
		free(r);
		return prov_error(st);
	}
	r->id = next_id();
	r->base = base;
	r->len = len;
	r->rights = flags;
	link_registration(&s->memory, r);
	*out = (HANDLE)r->id;
	return 0;
}

HANDLE WSPAPI WSPRegisterMemory(SOCKET d, PVOID lpBuffer, DWORD dwBufferLength,
	DWORD dwFlags, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	HANDLE handle = NULL;
	int error;

	if (!s) {
		prov_result(WSAENOTSOCK, lpErrno);
		return NULL;
	}
	prov_connect_look(s);
	os_mutex_lock(&s->memory.lock);
	error = check(s, lpBuffer, dwBufferLength, dwFlags, true);
	if (!error)
		error = add_registration(s, lpBuffer, dwBufferLength, dwFlags,
			&handle);
	os_mutex_unlock(&s->memory.lock);
	prov_socket_release(s);
	prov_result(error, lpErrno);
	return handle;
}

/* Memory locked. R167, R168, R169: no handle of this socket, or in use. */
static int remove_registration(struct prov_memory *m, HANDLE handle)
{
	struct prov_registration *r = *place_of(m, (uintptr_t)handle);

	/* Pairs with the release in prov_memory_drop. */
	if (!r || atomic_load_explicit(&r->use, memory_order_acquire) > 0)
		return WSAEINVAL;
	unlink_registration(m, r);
	prov_cache_unpin(&m->cache, r->pin);
	free(r);
	return 0;
}

int WSPAPI WSPDeregisterMemory(SOCKET d, HANDLE Handle, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	os_mutex_lock(&s->memory.lock);
	error = remove_registration(&s->memory, Handle);
	os_mutex_unlock(&s->memory.lock);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}

/* ---- for the peer -------------------------------------------------- */

/* Memory locked. */
static int add_exposure(struct prov_socket *s, PVOID base, DWORD len,
	DWORD flags, LPVOID descriptor)
{
	struct prov_exposure *e = calloc(1, sizeof *e);
	enum status st;

	if (!e)
		return WSAENOBUFS;
	st = provider_transport.expose(s->conn, base, len, flags,
		e->descriptor);
	if (st != ST_OK) {
		free(e);
		return prov_error(st);
	}
	e->next = s->memory.exposures;
	s->memory.exposures = e;
	atomic_fetch_add(&s->memory.exposed, 1);
	memcpy(descriptor, e->descriptor, DESCRIPTOR_LEN);
	return 0;
}

static int expose(struct prov_socket *s, PVOID base, DWORD len, DWORD flags,
	LPVOID descriptor, LPDWORD room)
{
	int error;

	if (!room)
		return WSAEFAULT;
	if (*room < DESCRIPTOR_LEN) { /* R170, R171: before anything else */
		*room = DESCRIPTOR_LEN;
		return WSAEFAULT;
	}
	if (!descriptor)
		return WSAEFAULT;
	os_mutex_lock(&s->memory.lock);
	error = check(s, base, len, flags, false);
	if (!error)
		error = add_exposure(s, base, len, flags, descriptor);
	os_mutex_unlock(&s->memory.lock);
	if (!error)
		*room = DESCRIPTOR_LEN; /* R172 */
	return error;
}

int WSPAPI WSPRegisterRdmaMemory(SOCKET d, PVOID lpBuffer,
	DWORD dwBufferLength, DWORD dwFlags, LPVOID lpRdmaBufferDescriptor,
	LPDWORD lpdwDescriptorLength, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	prov_connect_look(s);
	error = expose(s, lpBuffer, dwBufferLength, dwFlags,
		lpRdmaBufferDescriptor, lpdwDescriptorLength);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}

/* Memory locked. R175, R176: from here on the peer has no access. */
static int remove_exposure(struct prov_socket *s, const void *descriptor)
{
	struct prov_exposure **at = &s->memory.exposures;
	struct prov_exposure *e;

	while (*at && memcmp((*at)->descriptor, descriptor, DESCRIPTOR_LEN))
		at = &(*at)->next;
	e = *at;
	if (!e)
		return WSAEINVAL;
	if (!e->concealed) {
		if (s->conn && provider_transport.conceal(s->conn,
				e->descriptor) == ST_BUSY)
			return WSAEINVAL;
		atomic_fetch_sub(&s->memory.exposed, 1);
	}
	*at = e->next;
	free(e);
	return 0;
}

int WSPAPI WSPDeregisterRdmaMemory(SOCKET d, LPVOID lpRdmaBufferDescriptor,
	DWORD dwDescriptorLength, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error = WSAEINVAL;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	if (lpRdmaBufferDescriptor && dwDescriptorLength == DESCRIPTOR_LEN) {
		os_mutex_lock(&s->memory.lock);
		error = remove_exposure(s, lpRdmaBufferDescriptor);
		os_mutex_unlock(&s->memory.lock);
	}
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
