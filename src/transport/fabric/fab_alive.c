/* SPDX-License-Identifier: MIT */
#include "transport/fabric/fab_alive.h"

#include <stdlib.h>
#include <string.h>

#include "base/sockaddr.h"

#define MS UINT64_C(1000000)
#define LIMIT_DEFAULT 10000
#define LIMIT_MIN 1000
#define LIMIT_MAX 600000

/* Looks in the time of the limit; a look more than the silence needs. */
enum { LOOKS = 5 };

static uint64_t limit(void)
{
	const char *text = getenv("WSD_FABRIC_TIMEOUT_MS");
	char *end;
	long value = text && *text ? strtol(text, &end, 10) : LIMIT_DEFAULT;

	if (text && *text && (*end || value < LIMIT_MIN || value > LIMIT_MAX))
		value = LIMIT_DEFAULT;
	return (uint64_t)value * MS;
}

uint64_t fab_alive_interval(void)
{
	return limit() / LOOKS;
}

static bool names_of(struct transport_conn *c, struct addr *local,
	struct addr *peer)
{
	union sockaddr_any a, b;
	size_t alen = sizeof a, blen = sizeof b;

	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	return fi_getname(&c->ep->fid, &a, &alen) == 0 &&
		fi_getpeer(c->ep, &b, &blen) == 0 &&
		addr_from_sockaddr(&a.sa, (int)alen, local) &&
		addr_from_sockaddr(&b.sa, (int)blen, peer);
}

/* Without its socket a connection lives as long as TCP lets it. */
void fab_alive_start(struct transport_conn *c)
{
	struct addr local, peer;

	c->socket = OS_NO_HANDLE;
	if (!c->net->manual || !names_of(c, &local, &peer) ||
		os_tcp_find(&local, &peer, &c->socket) != ST_OK)
		return;
	os_tcp_probe(c->socket, (unsigned)(limit() / LOOKS / (1000 * MS)));
}

static void look_at_socket(struct transport_conn *c)
{
	uint64_t silence;

	if (c->socket != OS_NO_HANDLE &&
		os_tcp_silence(c->socket, &silence) == ST_OK &&
		silence > limit() - limit() / LOOKS)
		fab_conn_end(c, ST_ABORTED);
}

/* Needs neither memory nor a key; the other side's program notices nothing. */
static void ping(struct transport_conn *c, uint64_t now)
{
	c->ping.use = FAB_USE_PING;
	c->pinging = fi_write(c->ep, NULL, 0, NULL, FI_ADDR_UNSPEC, 0, 0,
		&c->ping.context) == 0;
	c->heard = now;
}

/* Hardware repeats what is not acknowledged for longer than we wait. Whatever
 * completes meanwhile is a sign of life. */
static void look_at_ping(struct transport_conn *c)
{
	uint64_t now = os_now();

	fab_conn_progress(c);
	if (!fab_conn_going_on(c))
		return;
	if (!c->pinging)
		ping(c, now);
	else if (c->completed != c->completed_then)
		c->heard = now;
	else if (now - c->heard > limit() - limit() / LOOKS)
		fab_conn_end(c, ST_ABORTED);
	c->completed_then = c->completed;
}

void fab_alive_look(struct transport_conn *c)
{
	if (!fab_conn_going_on(c) || !c->ep ||
		atomic_load(&c->stage) == FAB_CONNECTING)
		return;
	if (c->net->manual)
		look_at_socket(c);
	else
		look_at_ping(c);
}
