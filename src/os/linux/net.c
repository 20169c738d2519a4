/* SPDX-License-Identifier: MIT */
#include "internal.h"
#include "netlink.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* ---- the list --------------------------------------------------------- */

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

static bool from_interface(const struct ifaddrs *i, struct addr *out)
{
	if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
		return false;
	if (i->ifa_addr->sa_family == AF_INET)
		*out = from_v4((const void *)i->ifa_addr);
	else if (i->ifa_addr->sa_family == AF_INET6)
		*out = from_v6((const void *)i->ifa_addr);
	else
		return false;
	return true;
}

static bool seen_before(const struct ifaddrs *first, const struct ifaddrs *end,
	const struct addr *a)
{
	struct addr other;

	for (const struct ifaddrs *i = first; i != end; i = i->ifa_next)
		if (from_interface(i, &other) && addr_same_ip(&other, a))
			return true;
	return false;
}

/* getifaddrs is safe here: what it calls inside libc cannot be replaced. */
static enum status interfaces(struct ifaddrs **all)
{
	int saved = errno;
	enum status st = getifaddrs(all) == 0 ? ST_OK : sys_status(-errno);

	errno = saved;
	return st;
}

static void interfaces_free(struct ifaddrs *all)
{
	int saved = errno;

	freeifaddrs(all);
	errno = saved;
}

enum status os_local_addresses(struct addr *list, unsigned *count)
{
	struct ifaddrs *all = NULL;
	unsigned room = *count, n = 0;
	struct addr a;
	enum status st = interfaces(&all);

	if (st != ST_OK)
		return st;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!from_interface(i, &a) || seen_before(all, i, &a))
			continue;
		if (n < room)
			list[n] = a;
		n++;
	}
	interfaces_free(all);
	*count = n;
	return n > room ? ST_FULL : ST_OK;
}

static unsigned leading_ones(const void *mask, unsigned bits)
{
	const uint8_t *b = mask;
	unsigned n = 0;

	while (n < bits && b[n / 8] & 0x80 >> n % 8)
		n++;
	return n;
}

/* Without a mask the address stands for itself. */
static unsigned prefix_of(const struct ifaddrs *i)
{
	const struct sockaddr_in *four = (const void *)i->ifa_netmask;
	const struct sockaddr_in6 *six = (const void *)i->ifa_netmask;

	if (i->ifa_addr->sa_family == AF_INET)
		return four ? leading_ones(&four->sin_addr, 32) : 32;
	return six ? leading_ones(&six->sin6_addr, 128) : 128;
}

enum status os_local_subnets(struct os_subnet *list, unsigned *count)
{
	struct ifaddrs *all = NULL;
	unsigned room = *count, n = 0;
	struct addr a;
	enum status st = interfaces(&all);

	if (st != ST_OK)
		return st;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!from_interface(i, &a))
			continue;
		if (n < room)
			list[n] = (struct os_subnet){a, prefix_of(i)};
		n++;
	}
	interfaces_free(all);
	*count = n;
	return n > room ? ST_FULL : ST_OK;
}

/* ---- is it ours? ------------------------------------------------------ */

struct route_question {
	struct nlmsghdr h;
	struct rtmsg rt;
	char attributes[RTA_SPACE(16) + RTA_SPACE(4)];
};

static void question_add(struct route_question *q, unsigned short type,
	const void *data, size_t len)
{
	struct rtattr *a = (void *)((char *)q + NLMSG_ALIGN(q->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	q->h.nlmsg_len = NLMSG_ALIGN(q->h.nlmsg_len) + RTA_SPACE(len);
}

static struct route_question question_about(const struct addr *a)
{
	struct route_question q = {
		.h = {.nlmsg_len = NLMSG_LENGTH(sizeof q.rt),
			.nlmsg_type = RTM_GETROUTE},
		.rt = {.rtm_family = a->family == 4 ? AF_INET : AF_INET6,
			.rtm_dst_len = a->family == 4 ? 32 : 128},
	};

	if (a->family == 4)
		question_add(&q, RTA_DST, a->ip + 12, 4);
	else
		question_add(&q, RTA_DST, a->ip, 16);
	if (a->scope)
		question_add(&q, RTA_OIF, &a->scope, sizeof a->scope);
	return q;
}

static bool note_route(void *ctx, const struct nlmsghdr *h)
{
	const struct rtmsg *rt = NLMSG_DATA(h);
	int *local = ctx;

	if (h->nlmsg_type == RTM_NEWROUTE &&
		h->nlmsg_len >= NLMSG_LENGTH(sizeof *rt))
		*local = rt->rtm_type == RTN_LOCAL;
	return false;
}

/* 1 yes, 0 no, -1 the kernel does not say. */
static int ask_route(const struct addr *a)
{
	struct route_question q = question_about(a);
	int local = -1;
	int r = os_netlink_ask(NETLINK_ROUTE, &q.h, note_route, &local);

	return r == -ENETUNREACH || r == -EHOSTUNREACH ? 0 : local;
}

#define LIST_MAX 256

static bool is_in_list(const struct addr *a)
{
	struct addr list[LIST_MAX];
	unsigned n = LIST_MAX;
	enum status st = os_local_addresses(list, &n);

	if (st != ST_OK && st != ST_FULL)
		return false;
	for (unsigned i = 0; i < n && i < LIST_MAX; i++)
		if (memcmp(list[i].ip, a->ip, sizeof a->ip) == 0 &&
			(a->scope == 0 || a->scope == list[i].scope))
			return true;
	return false;
}

bool os_address_is_local(const struct addr *a)
{
	int answer;

	if (addr_is_loopback(a))
		return true;
	if ((a->family != 4 && a->family != 6) || addr_is_any(a))
		return false;
	answer = ask_route(a);
	return answer < 0 ? is_in_list(a) : answer == 1;
}

/* ---- ports ------------------------------------------------------------ */

#define FIRST_USER_PORT "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define CLIENT_PORTS "/proc/sys/net/ipv4/ip_local_port_range"

/* Up to two numbers; false when the file or one of them is missing. */
static bool read_numbers(const char *path, unsigned *a, unsigned *b)
{
	char text[64];
	int want = b ? 2 : 1;
	unsigned ignored;
	int saved = errno, got = 0;

	if (os_read_text(path, text, sizeof text) > 0)
		got = sscanf(text, "%u %u", a, b ? b : &ignored);
	errno = saved;
	return got >= want;
}

unsigned os_first_user_port(void)
{
	static _Atomic unsigned cached; /* port + 1; 0: not known yet */
	unsigned port = atomic_load_explicit(&cached, memory_order_relaxed);

	if (port == 0) {
		if (!read_numbers(FIRST_USER_PORT, &port, NULL) ||
			port > 65536)
			port = 1024;
		port++;
		atomic_store_explicit(&cached, port, memory_order_relaxed);
	}
	return port - 1;
}

void os_client_ports(unsigned *first, unsigned *last)
{
	static _Atomic uint32_t cached; /* first << 16 | last */
	uint32_t both = atomic_load_explicit(&cached, memory_order_relaxed);

	if (both == 0) {
		unsigned a, b;

		if (!read_numbers(CLIENT_PORTS, &a, &b) || a > b || b > 65535)
			a = 32768, b = 60999;
		both = a << 16 | b;
		atomic_store_explicit(&cached, both, memory_order_relaxed);
	}
	*first = both >> 16;
	*last = both & 0xffff;
}
