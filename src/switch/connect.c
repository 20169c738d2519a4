/* SPDX-License-Identifier: MIT */
/*
 * connect.c - a companion socket for a connect, or the reason for TCP.
 *
 * Section 5 of the specification: WSPSocket, WSPBind with address and port,
 * WSPConnect. Whatever fails, TCP is tried next and has the last word, so even
 * the codes that forbid a fallback need no special treatment here.
 */
#include <string.h>

#include "base/sockaddr.h"
#include "switch/avoid.h"
#include "switch/conn.h"
#include "switch/gate.h"
#include "switch/policy_file.h"
#include "switch/reach.h"
#include "switch/route.h"
#include "switch/settings.h"
#include "switch/wsa_status.h"

static enum sw_reason reason_of(enum status st)
{
	switch (st) {
	case ST_NOMEM:
	case ST_AGAIN:
		return SW_NO_MEMORY;
	case ST_NOHANDLES:
		return SW_NO_DESCRIPTORS;
	case ST_TIMEDOUT:
		return SW_NO_LISTENER;
	case ST_REFUSED:
		return SW_BACKLOG;
	case ST_NOTLOCAL:
	case ST_UNSUPPORTED:
	case ST_UNREACHABLE:
		return SW_NOT_ON_SAN;
	case ST_RESET:
		return SW_REJECTED;
	default:
		return SW_FAILED;
	}
}

/*
 * A client port as the system would choose one. Ports of one process differ as
 * long as there are any; the first is random, so those of two processes rarely
 * meet.
 */
static uint16_t choose_port(void)
{
	static _Atomic uint32_t next;
	static _Atomic uint32_t seeded_by;
	unsigned first, last;
	uint32_t n, self = os_process_id();

	if (atomic_load(&seeded_by) != self) {
		uint32_t seed = 0;

		os_random(&seed, sizeof seed);
		atomic_store(&next, seed);
		atomic_store(&seeded_by, self);
	}
	os_client_ports(&first, &last);
	n = atomic_fetch_add(&next, 1);
	return (uint16_t)(first + n % (last - first + 1));
}

/* What the kernel would take as the source address for a local destination. */
static struct addr source_for(const struct addr *remote)
{
	struct addr a = *remote;

	if (remote->family == 4 && addr_is_loopback(remote))
		a = addr_v4(127, 0, 0, 1, 0);
	a.port = 0;
	return a;
}

static void complete_addresses(const struct addr *bound, struct addr *local,
	struct addr *remote)
{
	if (addr_is_any(remote)) {
		struct addr loop = addr_v4(127, 0, 0, 1, remote->port);

		if (remote->family == 6) {
			memset(&loop, 0, sizeof loop);
			loop.family = 6;
			loop.ip[15] = 1;
			loop.port = remote->port;
		}
		*remote = loop;
	}
	*local = bound->family == 0 || addr_is_any(bound) ? source_for(remote)
							  : *bound;
	local->port = bound->family && bound->port ? bound->port
						   : choose_port();
}

static enum status start_connect(struct sw_provider *p, const struct addr *local,
	const struct addr *remote, SOCKET *out, bool *pending)
{
	WSAPROTOCOL_INFOW info;
	union sockaddr_any from, to;
	int from_len = addr_to_sockaddr(local, &from);
	int to_len = addr_to_sockaddr(remote, &to);
	INT err = 0, ignored;
	SOCKET s;

	memset(&info, 0, sizeof info);
	s = p->spi.lpWSPSocket(to.sa.sa_family, SOCK_STREAM, IPPROTO_TCP, &info,
		0, WSA_FLAG_OVERLAPPED, &err);
	if (s == INVALID_SOCKET)
		return err == WSAENOBUFS ? ST_NOMEM : status_from_wsa(err);
	*pending = false;
	if (p->spi.lpWSPBind(s, &from.sa, from_len, &err) == 0) {
		if (p->spi.lpWSPConnect(s, &to.sa, to_len, NULL, NULL, NULL,
			    NULL, &err) == 0 ||
			err == WSAEWOULDBLOCK) {
			*pending = err == WSAEWOULDBLOCK;
			*out = s;
			return ST_OK;
		}
	}
	p->spi.lpWSPCloseSocket(s, &ignored);
	return err == WSAENOBUFS ? ST_NOMEM : status_from_wsa(err);
}

/* Does a channel carry data before the other side has accepted? At once on one
 * host; through a network it must have got the request. */
static bool may_be_early(const struct sw_provider *p)
{
	return sw_provider_uses_channel(p) &&
		(p->can.dwFlags & WSD_CAP_EARLY_SEND);
}

static bool is_near(const struct sw_provider *p)
{
	return p->can.dwFlags & WSD_CAP_SAME_HOST;
}

/* Waits for FD_CONNECT; for providers that cannot send early. ST_PENDING: no
 * answer in time. */
static enum status await_answer(struct sw_provider *p, SOCKET s,
	uint64_t patience)
{
	uint64_t deadline = conn_deadline(patience);
	WSANETWORKEVENTS events;
	void *event = NULL;
	enum status st = ST_PENDING;
	INT err = 0;

	if (os_event_create(&event) != ST_OK)
		return ST_NOHANDLES;
	if (p->spi.lpWSPEventSelect(s, event, FD_CONNECT, &err))
		st = status_from_wsa(err);
	while (err == 0) {
		uint64_t now = os_now();

		if (p->spi.lpWSPEnumNetworkEvents(s, event, &events, &err)) {
			st = status_from_wsa(err);
			break;
		}
		if (events.lNetworkEvents & FD_CONNECT) {
			st = status_from_wsa(events.iErrorCode[FD_CONNECT_BIT]);
			break;
		}
		if (now >= deadline)
			break;
		os_event_wait(event, deadline - now);
	}
	p->spi.lpWSPEventSelect(s, NULL, 0, &err);
	os_event_destroy(event);
	return st;
}

/* ST_AGAIN: the other side has not got the request yet. */
static enum status open_early(struct sw_provider *p, SOCKET s, WSDCHANNEL *ch)
{
	WSANETWORKEVENTS events;
	enum status st = ST_AGAIN;
	INT err = 0;

	ch->cbSize = sizeof *ch;
	gate_enter();
	if (p->open_channel(s, ch, &err) == 0)
		st = ST_OK;
	else if (err != WSAENOTCONN)
		st = status_from_wsa(err);
	else if (p->spi.lpWSPEnumNetworkEvents(s, NULL, &events, &err))
		st = status_from_wsa(err);
	else if ((events.lNetworkEvents & FD_CONNECT) &&
		events.iErrorCode[FD_CONNECT_BIT])
		st = status_from_wsa(events.iErrorCode[FD_CONNECT_BIT]);
	gate_leave();
	return st;
}

/*
 * Waits until the request waits at a listener of the other side, whatever the
 * program there does: from then on the connection is one, as with TCP. For
 * providers of a network. After arming it must be looked once more, since what
 * came before rings no bell. ST_PENDING: no answer in time.
 */
static enum status await_queued(struct sw_provider *p, SOCKET s,
	uint64_t patience, WSDCHANNEL *channel)
{
	uint64_t deadline = conn_deadline(patience), now;
	WSDWAITHANDLE h;
	enum status st;
	bool armed = false;
	INT err;

	if (p->wait_handle(s, &h, &err))
		return status_from_wsa(err);
	while ((st = open_early(p, s, channel)) == ST_AGAIN) {
		now = os_now();
		if (now >= deadline)
			return ST_PENDING;
		if (armed)
			os_handle_wait((os_handle)h, deadline - now);
		armed = !armed && p->arm(s, WSD_IN, &err) == 0;
	}
	return st;
}

/*
 * Names on the SAN may be taken by anyone on this host. Whoever offers this
 * port there must be who listens on it with TCP, or somebody we trust anyway.
 */
static bool owner_is_right(struct sw_provider *p, SOCKET s,
	const struct addr *remote)
{
	WSDPEER peer = {.cbSize = sizeof peer};
	uint32_t owner;
	INT err;

	if (!(p->can.dwFlags & WSD_CAP_SAME_HOST) || !p->peer_identity)
		return true;
	if (p->peer_identity(s, &peer, &err) || !peer.bKnown)
		return false;
	if (peer.bSameUser || peer.dwUserId == 0)
		return true;
	return os_tcp_listener_owner(remote, &owner) == ST_OK &&
		owner == peer.dwUserId;
}

static bool begin_session(struct sw_provider *p, SOCKET s,
	const WSDCHANNEL *channel, const struct addr *local, const struct addr *remote,
	struct sw_conn **out, enum sw_reason *why)
{
	enum status st = conn_create(p, s, channel, local, remote, out);

	if (st == ST_OK) {
		st = conn_send_hello(*out);
		if (st == ST_OK)
			return true;
		conn_destroy(*out, false);
	}
	*why = reason_of(st);
	return false;
}

static enum status await(struct sw_provider *p, SOCKET s, uint64_t patience,
	WSDCHANNEL *channel)
{
	if (may_be_early(p) && p->wait_handle && p->arm)
		return await_queued(p, s, patience, channel);
	return await_answer(p, s, patience);
}

static bool connect_over(struct sw_provider *p, const struct addr *local,
	const struct addr *remote, uint64_t patience, struct sw_conn **out,
	enum sw_reason *why)
{
	WSDCHANNEL channel = {.lpContext = NULL};
	SOCKET s = INVALID_SOCKET;
	bool pending;
	INT err;
	enum status st;

	gate_enter();
	st = start_connect(p, local, remote, &s, &pending);
	gate_leave();
	*why = reason_of(st);
	if (st == ST_OK && pending && !(may_be_early(p) && is_near(p))) {
		st = await(p, s, patience, &channel);
		*why = st == ST_PENDING ? SW_TIMEOUT : reason_of(st);
	}
	if (st == ST_OK && !owner_is_right(p, s, remote)) {
		*why = SW_OWNER;
		st = ST_ACCESS;
	}
	if (st != ST_OK) {
		gate_enter();
		if (s != INVALID_SOCKET)
			p->spi.lpWSPCloseSocket(s, &err);
		gate_leave();
		return false;
	}
	return begin_session(p, s, channel.lpContext ? &channel : NULL, local,
		remote, out, why);
}

/* ---- the candidates --------------------------------------------------- */

/*
 * What failed because of us says nothing about the other side: our memory and
 * descriptors, an address that the program has chosen, a wait of no length.
 */
static bool is_about_peer(enum sw_reason why, const struct addr *bound,
	uint64_t patience)
{
	switch (why) {
	case SW_NO_MEMORY:
	case SW_NO_DESCRIPTORS:
		return false;
	case SW_TIMEOUT:
		return patience > 0;
	case SW_NOT_ON_SAN:
		return bound->family == 0 || addr_is_any(bound);
	default:
		return true;
	}
}

/* Nobody answers on any port, or this port is not offered. */
static void note_failure(const struct sw_candidate *c,
	const struct addr *remote, enum sw_reason why)
{
	uint64_t now = os_now();
	uint64_t ns = (uint64_t)sw_settings()->retry * 1000000000;

	avoid_remember(c->provider, remote, why == SW_TIMEOUT, now, now + ns);
	reach_expire();
}

static bool is_for_one_host(const struct sw_candidate *c)
{
	return c->provider->can.dwFlags & WSD_CAP_SAME_HOST;
}

/* Where the program left it open, from the address in the SAN's network. */
static struct addr source_of(const struct sw_candidate *c,
	const struct addr *bound, const struct addr *local)
{
	struct addr a = *local;

	if (c->source.family && (bound->family == 0 || addr_is_any(bound))) {
		a = c->source;
		a.port = local->port;
	}
	return a;
}

/* One that needs no network is quick and is always tried. */
static bool try_candidate(const struct sw_candidate *c,
	const struct addr *bound, const struct addr *local,
	const struct addr *remote, uint64_t patience, struct sw_conn **out,
	enum sw_reason *why)
{
	struct addr from = source_of(c, bound, local);
	bool one_host = is_for_one_host(c);

	if (!one_host && avoid_is_known(c->provider, remote, os_now())) {
		*why = SW_KNOWN_PLAIN;
		return false;
	}
	if (!connect_over(c->provider, &from, remote, patience, out, why)) {
		if (!one_host && is_about_peer(*why, bound, patience))
			note_failure(c, remote, *why);
		return false;
	}
	if (!one_host)
		avoid_forget(c->provider, remote);
	*why = SW_SAN;
	sw_explain(SW_CONNECT, &from, remote, c->provider->name, SW_SAN);
	return true;
}

/* All together wait no longer than patience, so one that was waited for in vain
 * was the last. */
static bool try_candidates(const struct sw_candidate *c, unsigned count,
	const struct addr *bound, const struct addr *local,
	const struct addr *remote, uint64_t patience, struct sw_conn **out,
	enum sw_reason *why)
{
	uint64_t deadline = conn_deadline(patience);

	for (unsigned i = 0; i < count; i++) {
		uint64_t now = os_now();
		uint64_t left = deadline > now ? deadline - now : 0;

		if (try_candidate(&c[i], bound, local, remote, left, out, why))
			return true;
		if (*why == SW_TIMEOUT)
			return false;
	}
	return false;
}

bool sw_connect(const struct addr *bound, const struct addr *remote,
	uint64_t patience, struct sw_conn **out, enum sw_reason *why)
{
	struct sw_candidate candidates[SW_PROVIDERS_MAX];
	const struct policy_rule *rule;
	struct addr local, to = *remote;
	unsigned count;

	*why = SW_DISABLED;
	if (!sw_enabled())
		return false;
	*why = SW_NOT_ON_SAN;
	if (to.port == 0)
		return false;
	complete_addresses(bound, &local, &to);
	if (!policy_permits(POLICY_CONNECT, &to, &rule, why))
		return false;
	count = sw_route(&to, rule, candidates, why);
	return try_candidates(candidates, count, bound, &local, &to, patience,
		out, why);
}
