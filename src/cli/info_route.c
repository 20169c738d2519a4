/* SPDX-License-Identifier: MIT */
/*
 * info_route.c - which way connections go, by where they go to: the switch's
 * own choice for this host, for a neighbour in each of its subnets, and for
 * everywhere else.
 */
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "host.h"
#include "info.h"
#include "os/os.h"
#include "switch/policy_file.h"
#include "switch/route.h"
#include "switch/switch.h"

enum { SUBNETS_MAX = 128, NEIGHBOURS = 8 };

/* ---- addresses -------------------------------------------------------- */

/* Another host of that subnet, whether it is there or not. */
static bool neighbour(const struct os_subnet *own, struct addr *out)
{
	unsigned longest = own->address.family == 4 ? 30 : 126;

	for (uint8_t i = 1; i < NEIGHBOURS && own->prefix <= longest; i++) {
		*out = own->address;
		out->ip[15] ^= i;
		if (!os_address_is_local(out))
			return true;
	}
	return false;
}

/* fe80::/10: whoever wants one of those has to name an interface. */
static bool is_link_local(const struct addr *a)
{
	return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

/* "192.0.2.0/24" */
static void subnet_text(const struct os_subnet *s, char out[INFO_TO_MAX])
{
	unsigned first = s->address.family == 4 ? 96 : 0;
	struct addr net = s->address;
	char text[ADDR_TEXT_MAX], *begin = text, *end;

	for (unsigned bit = first + s->prefix; bit < 128; bit++)
		net.ip[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	addr_text(&net, text);
	end = strrchr(text, net.family == 6 ? ']' : ':');
	*end = '\0';
	if (*begin == '[')
		begin++;
	snprintf(out, INFO_TO_MAX, "%s/%u", begin, s->prefix);
}

/* ---- routes ----------------------------------------------------------- */

/* Of the network that is used from `source`, or of any when that is open. */
static const char *network_of(const struct info *in, const char *provider,
	const struct addr *source)
{
	for (unsigned i = 0; i < in->count; i++) {
		const struct info_provider *p = &in->providers[i];
		struct addr own;

		if (!p->started || strcmp(spi_client_name(&p->c), provider))
			continue;
		for (unsigned n = 0; n < p->network_count; n++)
			if (p->networks[n].dwFlags & WSD_NETWORK_IN_USE &&
				(source->family == 0 ||
					(host_parse_ip(p->networks[n].szAddress,
						 &own) &&
						addr_same_ip(&own, source))))
				return p->networks[n].szNetwork;
	}
	return "";
}

static void choose(const struct info *in, const struct addr *to,
	struct info_route *r)
{
	struct sw_candidate all[SW_PROVIDERS_MAX];
	enum sw_reason why = SW_NOT_ON_SAN;
	unsigned n = sw_route_look(to, NULL, all, &why);

	r->reason = sw_reason_text(why);
	if (!sw_enabled()) {
		r->reason = sw_reason_text(SW_DISABLED);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (all[i].fit != ROUTE_FITS)
			continue;
		snprintf(r->provider, sizeof r->provider, "%s",
			all[i].provider->name);
		snprintf(r->network, sizeof r->network, "%s",
			network_of(in, r->provider, &all[i].source));
		return;
	}
}

static bool is_known(const struct info *in, const char *to)
{
	for (unsigned i = 0; i < in->route_count; i++)
		if (strcmp(in->routes[i].to, to) == 0)
			return true;
	return false;
}

static void add(struct info *in, const char *to, const struct addr *example)
{
	struct info_route *r;

	if (in->route_count == INFO_ROUTES_MAX || is_known(in, to))
		return;
	r = &in->routes[in->route_count++];
	snprintf(r->to, sizeof r->to, "%s", to);
	if (example)
		choose(in, example, r);
	else
		r->reason = sw_reason_text(SW_NOT_ON_SAN);
}

static void add_subnets(struct info *in)
{
	struct os_subnet all[SUBNETS_MAX];
	unsigned n = SUBNETS_MAX;
	enum status st = os_local_subnets(all, &n);

	if (st != ST_OK && st != ST_FULL)
		return;
	for (unsigned i = 0; i < n && i < SUBNETS_MAX; i++) {
		char to[INFO_TO_MAX];
		struct addr example;

		if (addr_is_loopback(&all[i].address) ||
			is_link_local(&all[i].address) ||
			!neighbour(&all[i], &example))
			continue;
		subnet_text(&all[i], to);
		add(in, to, &example);
	}
}

void info_find_routes(struct info *in)
{
	struct addr here;

	if (!policy_find(in->policy))
		in->policy[0] = '\0';
	for (unsigned i = 0; i < in->count; i++)
		if (!in->providers[i].survived)
			return;
	builtin_tell_switch();
	in->routes_known = true;
	host_parse_ip("127.0.0.1", &here);
	add(in, "this host", &here);
	add_subnets(in);
	add(in, "elsewhere", NULL);
}
