/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 15000
#define TRIES 4
#define LIST_MAX 256

/* What the system gives out unless told otherwise (since Windows Vista). */
#define FIRST_CLIENT_PORT 49152
#define LAST_CLIENT_PORT 65535

/* The list may grow between two questions. */
static IP_ADAPTER_ADDRESSES *adapters(void)
{
	const ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST |
		GAA_FLAG_SKIP_DNS_SERVER | GAA_FLAG_SKIP_FRIENDLY_NAME;
	ULONG room = FIRST_ROOM;

	for (int i = 0; i < TRIES; i++) {
		IP_ADAPTER_ADDRESSES *all = malloc(room);
		ULONG r = all ? GetAdaptersAddresses(AF_UNSPEC, flags, NULL,
				    all, &room) : ERROR_NOT_ENOUGH_MEMORY;

		if (r == NO_ERROR)
			return all;
		free(all);
		if (r != ERROR_BUFFER_OVERFLOW)
			return NULL;
	}
	return NULL;
}

static struct addr from_v4(const struct sockaddr_in *sa)
{
	uint8_t b[4];

	memcpy(b, &sa->sin_addr, sizeof b);
	return addr_v4(b[0], b[1], b[2], b[3], 0);
}

static struct addr from_v6(const struct sockaddr_in6 *sa)
{
	struct addr a = addr_any(6, 0);

	memcpy(a.ip, &sa->sin6_addr, sizeof a.ip);
	if (IN6_IS_ADDR_LINKLOCAL(&sa->sin6_addr))
		a.scope = sa->sin6_scope_id;
	return a;
}

static bool from_sockaddr(const SOCKADDR *sa, struct addr *out)
{
	if (sa->sa_family == AF_INET)
		*out = from_v4((const void *)sa);
	else if (sa->sa_family == AF_INET6)
		*out = from_v6((const void *)sa);
	else
		return false;
	return true;
}

struct list {
	struct addr *addr;
	unsigned room, count;
};

static void list_add(struct list *l, const struct addr *a)
{
	unsigned known = l->count < l->room ? l->count : l->room;

	for (unsigned i = 0; i < known; i++)
		if (addr_same_ip(&l->addr[i], a))
			return;
	if (l->count < l->room)
		l->addr[l->count] = *a;
	l->count++;
}

/* Calls fn with each address of an interface that is up. */
static enum status each_address(
	void (*fn)(void *ctx, const struct addr *a, unsigned prefix), void *ctx)
{
	IP_ADAPTER_ADDRESSES *all = adapters();
	struct addr a;

	if (!all)
		return ST_SYSTEM;
	for (IP_ADAPTER_ADDRESSES *i = all; i; i = i->Next) {
		if (i->OperStatus != IfOperStatusUp)
			continue;
		for (IP_ADAPTER_UNICAST_ADDRESS *u = i->FirstUnicastAddress; u;
			u = u->Next)
			if (from_sockaddr(u->Address.lpSockaddr, &a))
				fn(ctx, &a, u->OnLinkPrefixLength);
	}
	free(all);
	return ST_OK;
}

static void add_address(void *ctx, const struct addr *a, unsigned prefix)
{
	list_add(ctx, a);
}

enum status os_local_addresses(struct addr *list, unsigned *count)
{
	struct list l = {.addr = list, .room = *count};
	enum status st = each_address(add_address, &l);

	if (st != ST_OK)
		return st;
	*count = l.count;
	return l.count > l.room ? ST_FULL : ST_OK;
}

struct subnets {
	struct os_subnet *subnet;
	unsigned room, count;
};

/* More bits than there are, as some drivers say, stand for all of them. */
static void add_subnet(void *ctx, const struct addr *a, unsigned prefix)
{
	struct subnets *s = ctx;
	unsigned most = a->family == 4 ? 32 : 128;

	if (s->count < s->room)
		s->subnet[s->count] = (struct os_subnet){*a,
			prefix < most ? prefix : most};
	s->count++;
}

enum status os_local_subnets(struct os_subnet *list, unsigned *count)
{
	struct subnets s = {.subnet = list, .room = *count};
	enum status st = each_address(add_subnet, &s);

	if (st != ST_OK)
		return st;
	*count = s.count;
	return s.count > s.room ? ST_FULL : ST_OK;
}

bool os_address_is_local(const struct addr *a)
{
	struct addr list[LIST_MAX];
	unsigned n = LIST_MAX;
	enum status st;

	if (addr_is_loopback(a))
		return true;
	if ((a->family != 4 && a->family != 6) || addr_is_any(a))
		return false;
	st = os_local_addresses(list, &n);
	if (st != ST_OK && st != ST_FULL)
		return false;
	for (unsigned i = 0; i < n && i < LIST_MAX; i++)
		if (memcmp(list[i].ip, a->ip, sizeof a->ip) == 0 &&
			(a->scope == 0 || a->scope == list[i].scope))
			return true;
	return false;
}

/* ---- changes ---------------------------------------------------------- */

/* Only into a routine or an event of a request that stays open. */
enum status os_network_watch(os_handle *out)
{
	return ST_UNSUPPORTED;
}

void os_network_seen(os_handle watch)
{
}

/* ---- ports ------------------------------------------------------------ */

/* No port is kept for anybody. */
unsigned os_first_user_port(void)
{
	return 1;
}

void os_client_ports(unsigned *first, unsigned *last)
{
	*first = FIRST_CLIENT_PORT;
	*last = LAST_CLIENT_PORT;
}

/* It tells the process, whose user only an administrator may ask for. */
enum status os_tcp_listener_owner(const struct addr *a, uint32_t *uid)
{
	return ST_UNSUPPORTED;
}
