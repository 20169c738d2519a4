/* SPDX-License-Identifier: MIT */
/*
 * Who listens? The kernel lists the listening TCP sockets of one port; among
 * those that cover the address the one that a connection would reach wins: the
 * exact address before a wildcard, the address's own family before an IPv6
 * wildcard that serves IPv4 too.
 */
#include "internal.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum cover {
	COVER_NONE,
	COVER_DUAL,     /* [::] serving IPv4 */
	COVER_WILDCARD, /* the family's own wildcard */
	COVER_EXACT,
};

struct search {
	struct addr wanted;
	enum cover best;
	uint32_t uid;
};

static struct addr bound_address(const struct inet_diag_msg *d)
{
	uint8_t b[16];
	struct addr a = addr_any(6, ntohs(d->id.idiag_sport));

	memcpy(b, d->id.idiag_src, sizeof b);
	if (d->idiag_family == AF_INET)
		return addr_v4(b[0], b[1], b[2], b[3], a.port);
	memcpy(a.ip, b, sizeof a.ip);
	return a;
}

static bool is_v6_only(const struct nlmsghdr *h)
{
	const uint8_t *only = os_netlink_attribute(h,
		sizeof(struct inet_diag_msg), INET_DIAG_SKV6ONLY, 1);

	return only && *only;
}

static enum cover how_covered(const struct addr *a, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *d = NLMSG_DATA(h);
	struct addr bound = bound_address(d);

	if (d->idiag_state != TCP_LISTEN || bound.port != a->port)
		return COVER_NONE;
	if (d->id.idiag_if && a->scope && d->id.idiag_if != a->scope)
		return COVER_NONE;
	/* The bytes decide: an IPv6 socket may be bound to ::ffff:a.b.c.d. */
	if (memcmp(bound.ip, a->ip, sizeof a->ip) == 0)
		return COVER_EXACT;
	if (!addr_is_any(&bound))
		return COVER_NONE;
	if (bound.family == a->family)
		return COVER_WILDCARD;
	return bound.family == 6 && !is_v6_only(h) ? COVER_DUAL : COVER_NONE;
}

static bool note_listener(void *ctx, const struct nlmsghdr *h)
{
	struct search *s = ctx;
	const struct inet_diag_msg *d = NLMSG_DATA(h);
	enum cover cover;

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		h->nlmsg_len < NLMSG_LENGTH(sizeof *d))
		return true;
	cover = how_covered(&s->wanted, h);
	if (cover > s->best) {
		s->best = cover;
		s->uid = d->idiag_uid;
	}
	return true;
}

static int list_listeners(uint8_t family, struct search *s)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} q = {
		.h = {.nlmsg_len = sizeof q,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_DUMP},
		.r = {.sdiag_family = family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = 1u << TCP_LISTEN},
	};

	/* The kernel filters by it; we look again all the same. */
	q.r.id.idiag_sport = htons(s->wanted.port);
	return os_netlink_ask(NETLINK_SOCK_DIAG, &q.h, note_listener, s);
}

enum status os_tcp_listener_owner(const struct addr *a, uint32_t *uid)
{
	struct search s = {.wanted = *a};
	int r = 0;

	if ((a->family != 4 && a->family != 6) || a->port == 0)
		return ST_INVAL;
	if (a->family == 4)
		r = list_listeners(AF_INET, &s);
	if (r >= 0 && s.best != COVER_EXACT)
		r = list_listeners(AF_INET6, &s);
	/* A system without IPv6 has no IPv6 listeners. */
	if (r < 0 && s.best == COVER_NONE)
		return sys_status(r) == ST_NOHANDLES ? ST_NOHANDLES :
			ST_UNSUPPORTED;
	if (s.best == COVER_NONE)
		return ST_NOTFOUND;
	*uid = s.uid;
	return ST_OK;
}
