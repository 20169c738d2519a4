/* SPDX-License-Identifier: MIT */
/*
 * listener.c - offering a listening socket's address on every SAN.
 *
 * For each provider a SAN socket shadows the TCP listener (section 5 of the
 * specification). What it waits on is the provider's wait handle if it has one,
 * else an event object that WSPEventSelect signals.
 */
#include <stdlib.h>
#include <string.h>

#include "base/sockaddr.h"
#include "switch/conn.h"
#include "switch/gate.h"
#include "switch/policy_file.h"
#include "switch/reach.h"
#include "switch/registry.h"
#include "switch/wsa_status.h"

/* More than any program asks for; the TCP listener's own limit still counts
 * for TCP, and a full SAN queue only means that a client comes by TCP. */
#define BACKLOG 4096

struct san_listener {
	struct sw_provider *provider;
	SOCKET socket;
	void *event; /* NULL with a wait handle */
	os_handle handle;
};

struct sw_listener {
	struct addr local;
	bool only_v6;
	const struct policy_rule *rule;
	unsigned forks; /* registry_forks when it was made */
	/* Those that forked processes share come first; behind them, from
	 * `shared` on, those of one process, which has offered them. */
	unsigned shared, count;
	_Atomic uint32_t served_by;
	_Atomic bool withdrawn; /* nothing private is offered any more */
	struct os_mutex serving; /* role: listener */
	struct san_listener san[SW_LISTENER_HANDLES];
};

static SOCKET open_socket(struct sw_provider *p, const struct addr *local,
	bool only_v6, INT *err)
{
	WSAPROTOCOL_INFOW info;
	union sockaddr_any sa;
	int len = addr_to_sockaddr(local, &sa), on = 1;
	INT ignored;
	SOCKET s;

	memset(&info, 0, sizeof info);
	s = p->spi.lpWSPSocket(sa.sa.sa_family, SOCK_STREAM, IPPROTO_TCP, &info,
		0, WSA_FLAG_OVERLAPPED, err);
	if (s == INVALID_SOCKET)
		return s;
	if (only_v6 && p->spi.lpWSPSetSockOpt(s, IPPROTO_IPV6, IPV6_V6ONLY,
			       (char *)&on, sizeof on, err))
		goto fail;
	if (p->spi.lpWSPBind(s, &sa.sa, len, err))
		goto fail;
	if (p->spi.lpWSPListen(s, BACKLOG, err) == 0)
		return s;
fail:
	p->spi.lpWSPCloseSocket(s, &ignored);
	return INVALID_SOCKET;
}

static bool select_event(struct san_listener *l)
{
	INT err;

	if (os_event_create(&l->event) != ST_OK)
		return false;
	if (l->provider->spi.lpWSPEventSelect(l->socket, l->event, FD_ACCEPT,
		    &err)) {
		os_event_destroy(l->event);
		return false;
	}
	l->handle = os_event_handle(l->event);
	return true;
}

static bool find_handle(struct san_listener *l, enum sw_reason *why)
{
	WSDWAITHANDLE h = WSD_NO_WAIT_HANDLE;
	INT err = 0;

	if (l->provider->wait_handle) {
		if (l->provider->wait_handle(l->socket, &h, &err) == 0) {
			l->handle = (os_handle)h;
			return true;
		}
		*why = SW_NAME_TAKEN;
		return false;
	}
	*why = SW_NO_DESCRIPTORS;
	return select_event(l);
}

static enum sw_reason reason_of(INT err)
{
	switch (err) {
	case WSAEMFILE:
		return SW_NO_DESCRIPTORS;
	case WSAENOBUFS:
		return SW_NO_MEMORY;
	case WSAEADDRNOTAVAIL:
	case WSAEAFNOSUPPORT:
		return SW_NOT_ON_SAN;
	default:
		return SW_FAILED;
	}
}

static bool offer(struct sw_provider *p, const struct addr *local,
	bool only_v6, struct san_listener *l, enum sw_reason *why)
{
	INT err = 0;
	bool found;

	if (local->family == 6 && !(p->can.dwFlags & WSD_CAP_INET6)) {
		*why = SW_NOT_ON_SAN;
		return false;
	}
	memset(l, 0, sizeof *l);
	l->provider = p;
	gate_enter();
	l->socket = open_socket(p, local, only_v6, &err);
	gate_leave();
	if (l->socket == INVALID_SOCKET) {
		*why = reason_of(err);
		return false;
	}
	gate_enter();
	found = find_handle(l, why);
	if (!found)
		p->spi.lpWSPCloseSocket(l->socket, &err);
	gate_leave();
	return found;
}

/* On all providers of this kind that the rule leaves and there is room for. The
 * first that fails says why. */
static void offer_all(struct sw_listener *l, bool private, enum sw_reason *why)
{
	unsigned n, failed = 0;
	struct sw_provider *const *all = sw_providers(&n, why);
	enum sw_reason reason;

	if (n > 0)
		*why = SW_POLICY_SAN;
	for (unsigned i = 0; i < n && l->count < SW_LISTENER_HANDLES; i++) {
		if (sw_provider_is_private(all[i]) != private ||
			!policy_allows(l->rule, all[i]->name))
			continue;
		if (offer(all[i], &l->local, l->only_v6, &l->san[l->count],
			    &reason))
			l->count++;
		else if (failed++ == 0)
			*why = reason;
	}
}

static void explain_from(struct sw_listener *l, unsigned first)
{
	for (unsigned i = first; i < l->count; i++)
		sw_explain(SW_LISTEN, &l->local, NULL,
			l->san[i].provider->name, SW_SAN);
}

/* Is there one that will be offered by whoever serves? */
static bool has_private(struct sw_listener *l)
{
	struct reach_table table;
	enum sw_reason unused;
	unsigned n;
	struct sw_provider *const *all = sw_providers(&n, &unused);

	reach_now(&table);
	for (unsigned i = 0; i < n; i++)
		if (sw_provider_is_private(all[i]) &&
			policy_allows(l->rule, all[i]->name) &&
			(addr_is_any(&l->local)
				? reach_lists(&table, i)
				: reach_serves(&table, i, &l->local)))
			return true;
	return false;
}

bool sw_listen(const struct addr *local, bool only_v6,
	struct sw_listener **out, enum sw_reason *why)
{
	const struct policy_rule *rule;
	struct sw_listener *l;

	*why = SW_DISABLED;
	if (!sw_enabled())
		return false;
	if (!policy_permits(POLICY_LISTEN, local, &rule, why))
		return false;
	l = calloc(1, sizeof *l);
	if (!l) {
		*why = SW_NO_MEMORY;
		return false;
	}
	l->local = *local;
	l->only_v6 = only_v6;
	l->rule = rule;
	l->forks = registry_forks();
	os_mutex_init(&l->serving);
	offer_all(l, false, why);
	l->shared = l->count;
	if (l->count == 0 && !has_private(l)) {
		free(l);
		return false;
	}
	*why = SW_SAN;
	*out = l;
	explain_from(l, 0);
	return true;
}

/* ---- what one process offers ------------------------------------------ */

/*
 * After a fork another process may serve the queue, and whoever closes must not
 * refuse what is in it. The system does that when the last one has closed.
 */
static void close_san(struct san_listener *l, bool shared)
{
	const struct sw_provider *p = l->provider;
	INT err;

	gate_enter();
	if (shared && p->abandon)
		p->abandon(l->socket, &err);
	p->spi.lpWSPCloseSocket(l->socket, &err);
	gate_leave();
}

/* A parent's: nothing of it can be used here, and nobody is to be told. */
static void forget_private(struct sw_listener *l)
{
	while (l->count > l->shared) {
		struct san_listener *san = &l->san[--l->count];

		close_san(san, true);
		if (san->event)
			os_event_destroy(san->event);
	}
}

bool sw_listener_serve(struct sw_listener *l)
{
	uint32_t self = os_process_id();
	enum sw_reason unused;
	unsigned before;
	bool changed;

	if (atomic_load_explicit(&l->served_by, memory_order_acquire) == self)
		return false;
	os_mutex_lock(&l->serving);
	before = l->count;
	changed = atomic_load(&l->served_by) != self;
	if (changed) {
		forget_private(l);
		if (!l->withdrawn)
			offer_all(l, true, &unused);
		explain_from(l, l->shared);
		atomic_store(&l->served_by, self);
		changed = l->count != before || l->count != l->shared;
	}
	os_mutex_unlock(&l->serving);
	return changed;
}

void sw_listener_withdraw(struct sw_listener *l, const struct addr *local)
{
	INT err;

	if (l->local.port != local->port ||
		!(addr_is_any(&l->local) || addr_same_ip(&l->local, local)))
		return;
	os_mutex_lock(&l->serving);
	if (!atomic_exchange(&l->withdrawn, true) &&
		atomic_load(&l->served_by) == os_process_id()) {
		gate_enter();
		for (unsigned i = l->shared; i < l->count; i++)
			if (l->san[i].provider->stop_listening)
				l->san[i].provider->stop_listening(
					l->san[i].socket, &err);
		gate_leave();
		sw_explain(SW_LISTEN, &l->local, NULL, NULL, SW_HEIRS);
	}
	os_mutex_unlock(&l->serving);
}

enum sw_reason sw_listener_reason(const struct sw_listener *l)
{
	return atomic_load(&l->withdrawn) ? SW_HEIRS : SW_PEER_PLAIN;
}

unsigned sw_listener_handles(struct sw_listener *l, os_handle *handles,
	unsigned max)
{
	unsigned n = l->count < max ? l->count : max;

	for (unsigned i = 0; i < n; i++)
		handles[i] = l->san[i].handle;
	return n;
}

/* The condition function learns to which of our addresses the peer came. */
struct arrival {
	struct addr local;
	struct addr peer;
	bool understood;
};

static int CALLBACK note_arrival(LPWSABUF caller, LPWSABUF caller_data,
	LPQOS sqos, LPQOS gqos, LPWSABUF callee, LPWSABUF callee_data, GROUP *g,
	DWORD_PTR context)
{
	struct arrival *a = (struct arrival *)context;

	a->understood = caller && callee &&
		addr_from_sockaddr((struct sockaddr *)caller->buf,
			(int)caller->len, &a->peer) &&
		addr_from_sockaddr((struct sockaddr *)callee->buf,
			(int)callee->len, &a->local);
	return a->understood ? CF_ACCEPT : CF_REJECT;
}

/*
 * A client that waits for the answer may give up at the moment of the accept,
 * and be on its way to TCP. One that means it says hello at once.
 */
#define HELLO_PATIENCE UINT64_C(100000000)

static bool client_stays(struct sw_conn *c)
{
	uint64_t limit = os_now() + HELLO_PATIENCE;

	if (c->lane == &lane_channel)
		return true;
	while (!(conn_facts(c) & FACT_HELLO)) {
		if (sw_ready(c) & SW_HUP)
			return false;
		if (os_now() >= limit)
			return true;
		os_sleep(20000);
	}
	return true;
}

static enum status take(struct san_listener *l, struct sw_conn **out)
{
	struct arrival a = {.understood = false};
	union sockaddr_any sa;
	INT len = sizeof sa, err = 0;
	enum status st;
	SOCKET s;

	gate_enter();
	s = l->provider->spi.lpWSPAccept(l->socket, &sa.sa, &len, note_arrival,
		(DWORD_PTR)&a, &err);
	gate_leave();
	if (s == INVALID_SOCKET)
		return status_from_wsa(err);
	st = conn_create(l->provider, s, NULL, &a.local, &a.peer, out);
	if (st != ST_OK)
		return st;
	st = conn_send_hello(*out);
	if (st != ST_OK && st != ST_RESET) {
		conn_destroy(*out, false);
		return st;
	}
	if (!client_stays(*out)) {
		conn_destroy(*out, false);
		return ST_REFUSED;
	}
	/* A peer that has gone already may have left data: the program gets the
	 * connection and reads to its end. */
	return st == ST_RESET ? ST_OK : st;
}

enum status sw_accept(struct sw_listener *l, struct sw_conn **out)
{
	enum status st = ST_AGAIN;

	for (unsigned i = 0; i < l->count; i++) {
		/* A request that was withdrawn hides no other. */
		do
			st = take(&l->san[i], out);
		while (st == ST_RESET || st == ST_REFUSED || st == ST_ACCESS ||
			st == ST_ABORTED);
		if (st == ST_OK)
			sw_explain(SW_ACCEPT, &(*out)->local, &(*out)->peer,
				l->san[i].provider->name, SW_SAN);
		if (st != ST_AGAIN)
			return st;
	}
	return st;
}

void sw_listener_close(struct sw_listener *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		close_san(&l->san[i], registry_forks() != l->forks);
		if (l->san[i].event)
			os_event_destroy(l->san[i].event);
	}
	free(l);
}
