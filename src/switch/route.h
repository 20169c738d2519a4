/* SPDX-License-Identifier: MIT */
/*
 * route.h - which providers reach an address, and why the others do not.
 *
 * A provider that serves one host only gets every address of this host, and no
 * other provider gets those as long as it does. Any other one gets what lies in
 * a subnet with an address that it lists. A rule of the policy that names a SAN
 * leaves only the providers of that name; they must reach the address all the
 * same.
 */
#ifndef WSD_SWITCH_ROUTE_H
#define WSD_SWITCH_ROUTE_H

#include "switch/policy.h"
#include "switch/provider.h"

/* What becomes of a provider; only ROUTE_FITS is good. */
enum route_fit {
	ROUTE_FITS,
	ROUTE_NOT_ALLOWED,
	ROUTE_NO_INET6,
	ROUTE_OTHER_HOST,
	ROUTE_OTHER_NET,
	ROUTE_SAME_HOST,
	ROUTE_FIT_COUNT
};

/* In words: "reaches it", "serves this host only, ...". */
const char *route_fit_text(enum route_fit f);

/* A provider as far as the choice depends on it. */
struct route_option {
	const char *name;
	bool same_host;
	bool inet6;
	bool in_subnet; /* of an address that it lists */
};

/*
 * Judges each for a connect to `remote`; `local`: that is this host. Pure.
 */
void route_judge(const struct route_option *options, unsigned count,
	const struct addr *remote, bool local, const struct policy_rule *rule,
	enum route_fit *fits);

struct sw_candidate {
	struct sw_provider *provider;
	enum route_fit fit;
	/* The address to come from; family 0: the destination's own. */
	struct addr source;
};

/*
 * Judges all providers, in catalog order, at most SW_PROVIDERS_MAX; returns how
 * many. When none fits, *why says why.
 */
unsigned sw_route_look(const struct addr *remote,
	const struct policy_rule *rule, struct sw_candidate *out,
	enum sw_reason *why);
/* The same for a listener at `local`, as far as it is known beforehand. */
unsigned sw_route_look_listen(const struct addr *local,
	const struct policy_rule *rule, struct sw_candidate *out,
	enum sw_reason *why);

/* Those that reach the address, in the order to try them; maybe none. */
unsigned sw_route(const struct addr *remote, const struct policy_rule *rule,
	struct sw_candidate out[SW_PROVIDERS_MAX], enum sw_reason *why);

#endif
