/* SPDX-License-Identifier: MIT */
#include "switch/route.h"

#include <string.h>

#include "switch/reach.h"

const char *route_fit_text(enum route_fit f)
{
	static const char *const texts[ROUTE_FIT_COUNT] = {
		[ROUTE_FITS] = "reaches it",
		[ROUTE_NOT_ALLOWED] = "the policy leaves it out",
		[ROUTE_NO_INET6] = "does not do IPv6",
		[ROUTE_OTHER_HOST] =
			"serves this host only, and the address is not here",
		[ROUTE_OTHER_NET] =
			"has no address in the same subnet",
		[ROUTE_SAME_HOST] =
			"the address is on this host, which another one serves",
	};

	return (unsigned)f < ROUTE_FIT_COUNT ? texts[f] : "unknown";
}

/* ---- judging ---------------------------------------------------------- */

static enum route_fit judge_one(const struct route_option *o,
	const struct addr *remote, bool local, const struct policy_rule *rule)
{
	if (!policy_allows(rule, o->name))
		return ROUTE_NOT_ALLOWED;
	if (remote->family == 6 && !o->inet6)
		return ROUTE_NO_INET6;
	if (o->same_host)
		return local ? ROUTE_FITS : ROUTE_OTHER_HOST;
	return o->in_subnet ? ROUTE_FITS : ROUTE_OTHER_NET;
}

static bool is_served_here(const struct route_option *options, unsigned count,
	const struct addr *remote, bool local, const struct policy_rule *rule)
{
	for (unsigned i = 0; i < count; i++)
		if (options[i].same_host &&
			judge_one(&options[i], remote, local, rule) ==
				ROUTE_FITS)
			return true;
	return false;
}

void route_judge(const struct route_option *options, unsigned count,
	const struct addr *remote, bool local, const struct policy_rule *rule,
	enum route_fit *fits)
{
	bool served = is_served_here(options, count, remote, local, rule);

	for (unsigned i = 0; i < count; i++) {
		fits[i] = judge_one(&options[i], remote, local, rule);
		if (served && !options[i].same_host &&
			(fits[i] == ROUTE_FITS || fits[i] == ROUTE_OTHER_NET))
			fits[i] = ROUTE_SAME_HOST;
	}
}

static bool names_nobody(const struct sw_candidate *c, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (c[i].fit != ROUTE_NOT_ALLOWED)
			return false;
	return true;
}

static enum sw_reason reason_of(const struct sw_candidate *c, unsigned count,
	const struct policy_rule *rule)
{
	for (unsigned i = 0; i < count; i++)
		if (c[i].fit == ROUTE_FITS)
			return SW_SAN;
	if (rule && rule->route == POLICY_TCP)
		return SW_POLICY;
	return names_nobody(c, count) ? SW_POLICY_SAN : SW_NOT_ON_SAN;
}

/* ---- asking ----------------------------------------------------------- */

static bool serves_one_host(const struct sw_provider *p)
{
	return p->can.dwFlags & WSD_CAP_SAME_HOST;
}

static bool does_inet6(const struct sw_provider *p)
{
	return p->can.dwFlags & WSD_CAP_INET6;
}

/* Does the rule leave a provider of this kind? The system and the providers are
 * asked only what matters: each question has its price. */
static bool has_kind(const struct route_option *options, unsigned n,
	bool same_host, const struct policy_rule *rule)
{
	for (unsigned i = 0; i < n; i++)
		if (options[i].same_host == same_host &&
			policy_allows(rule, options[i].name))
			return true;
	return false;
}

static void find_sources(struct sw_candidate *c, struct route_option *options,
	unsigned n, const struct addr *remote)
{
	struct reach_table table;

	reach_now(&table);
	for (unsigned i = 0; i < n; i++)
		options[i].in_subnet = reach_find(&table, i, remote,
			&c[i].source);
}

unsigned sw_route_look(const struct addr *remote,
	const struct policy_rule *rule, struct sw_candidate *out,
	enum sw_reason *why)
{
	unsigned n;
	struct sw_provider *const *all = sw_providers(&n, why);
	struct route_option options[SW_PROVIDERS_MAX];
	enum route_fit fits[SW_PROVIDERS_MAX];
	bool here;

	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		out[i] = (struct sw_candidate){.provider = all[i]};
		options[i] = (struct route_option){all[i]->name,
			serves_one_host(all[i]), does_inet6(all[i]), false};
	}
	here = has_kind(options, n, true, rule) && os_address_is_local(remote);
	if (has_kind(options, n, false, rule) &&
		!is_served_here(options, n, remote, here, rule))
		find_sources(out, options, n, remote);
	route_judge(options, n, remote, here, rule, fits);
	for (unsigned i = 0; i < n; i++)
		out[i].fit = fits[i];
	*why = reason_of(out, n, rule);
	return n;
}

static enum route_fit judge_listen(struct sw_provider *p, unsigned place,
	const struct reach_table *table, const struct addr *local,
	const struct policy_rule *rule)
{
	if (!policy_allows(rule, p->name))
		return ROUTE_NOT_ALLOWED;
	if (local->family == 6 && !does_inet6(p))
		return ROUTE_NO_INET6;
	if (addr_is_any(local))
		return ROUTE_FITS;
	if (serves_one_host(p))
		return os_address_is_local(local) ? ROUTE_FITS
						  : ROUTE_OTHER_HOST;
	return reach_serves(table, place, local) ? ROUTE_FITS : ROUTE_OTHER_NET;
}

unsigned sw_route_look_listen(const struct addr *local,
	const struct policy_rule *rule, struct sw_candidate *out,
	enum sw_reason *why)
{
	unsigned n;
	struct sw_provider *const *all = sw_providers(&n, why);
	struct reach_table table;

	if (n == 0)
		return 0;
	reach_now(&table);
	for (unsigned i = 0; i < n; i++)
		out[i] = (struct sw_candidate){all[i],
			judge_listen(all[i], i, &table, local, rule),
			{.family = 0}};
	*why = reason_of(out, n, rule);
	return n;
}

/* Those for one host and those for a network never fit both; so the order is
 * the catalog's. */
unsigned sw_route(const struct addr *remote, const struct policy_rule *rule,
	struct sw_candidate out[SW_PROVIDERS_MAX], enum sw_reason *why)
{
	struct sw_candidate all[SW_PROVIDERS_MAX];
	unsigned n = sw_route_look(remote, rule, all, why), count = 0;

	for (unsigned i = 0; i < n; i++)
		if (all[i].fit == ROUTE_FITS)
			out[count++] = all[i];
	return count;
}
