/* SPDX-License-Identifier: MIT */
/* info_print.c - `wsd info` for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "info.h"
#include "install/guid_text.h"
#include "transport/fabric/fab_port.h"

/* ---- providers -------------------------------------------------------- */

static void print_abilities(const struct info_provider *p)
{
	const char *word, *between = "";
	unsigned bit = 0;

	printf("  can          ");
	while ((word = info_ability(p, &bit)) != NULL) {
		printf("%s%s", between, word);
		between = ", ";
	}
	puts(*between ? "" : "not told");
}

static void print_bytes(const char *what, DWORD bytes)
{
	if (bytes == UINT32_MAX)
		printf("%s of any size", what);
	else
		printf("%s of %" PRIu32 " bytes", what, (uint32_t)bytes);
}

static void print_offer(const struct spi_client *c)
{
	char guid[GUID_TEXT_MAX];

	printf("  identity     %s %s\n", c->description, c->id_known
		? guid_text(&c->can.ProviderId, guid) : "(GUID not told)");
	printf("  SPI          %u.%u\n", LOBYTE(c->data.wVersion),
		HIBYTE(c->data.wVersion));
}

static void print_provider(const struct info_provider *p, unsigned number)
{
	printf("%u. %s\n", number, info_name(p));
	printf("  library      %s\n", p->entry.library[0]
		? p->entry.library : "-");
	printf("  from         %s\n", p->entry.where);
	if (p->problem[0])
		printf("  loads        no: %s\n", p->problem);
	else
		puts("  loads        yes");
	if (!p->started)
		return;
	print_offer(&p->c);
	print_abilities(p);
	print_bytes("  limits       messages", p->c.max_message);
	print_bytes(", RDMA", p->c.max_rdma);
	puts("");
}

/* ---- networks --------------------------------------------------------- */

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static const char *use_of(const WSDNETWORK *n)
{
	if (n->dwFlags & WSD_NETWORK_IN_USE)
		return "used";
	return n->dwFlags & WSD_NETWORK_USABLE ? "could" : "no";
}

static bool is_same(const WSDNETWORK *a, const WSDNETWORK *b)
{
	return a->dwFlags == b->dwFlags &&
		strcmp(a->szNetwork, b->szNetwork) == 0 &&
		strcmp(a->szReason, b->szReason) == 0;
}

/* What is not used for one reason is one line, with the first of its devices:
 * 0 when an earlier one has told, else for how many this one stands. */
static unsigned stands_for(const struct info_provider *p, unsigned place)
{
	const WSDNETWORK *n = &p->networks[place];
	unsigned count = 1;

	if (n->dwFlags & (WSD_NETWORK_IN_USE | WSD_NETWORK_USABLE))
		return 1;
	for (unsigned i = 0; i < p->network_count; i++) {
		if (i == place || !is_same(&p->networks[i], n))
			continue;
		if (i < place)
			return 0;
		count++;
	}
	return count;
}

static void print_network(const struct info_provider *p, const WSDNETWORK *n,
	unsigned count)
{
	char many[40];

	snprintf(many, sizeof many, "%u addresses", count);
	printf("%-8s %-9s %-9s %-28s %s%s%s\n", info_name(p), n->szNetwork,
		count > 1 ? "-" : or_dash(n->szDevice),
		count > 1 ? many : or_dash(n->szAddress), use_of(n),
		n->szReason[0] ? ": " : "", n->szReason);
}

/* Those in use first, then those that could be. */
static void print_networks_of(const struct info_provider *p, const char *use)
{
	for (unsigned i = 0; i < p->network_count; i++) {
		const WSDNETWORK *n = &p->networks[i];
		unsigned count = stands_for(p, i);

		if (count && strcmp(use_of(n), use) == 0)
			print_network(p, n, count);
	}
}

static void print_networks(const struct info *in)
{
	printf("\n%-8s %-9s %-9s %-28s %s\n", "PROVIDER", "NETWORK",
		"DEVICE", "ADDRESS", "USE");
	for (unsigned i = 0; i < in->count; i++) {
		const struct info_provider *p = &in->providers[i];

		print_networks_of(p, "used");
		print_networks_of(p, "could");
		print_networks_of(p, "no");
		if (p->started && !p->tells)
			printf("%-8s does not tell its networks\n",
				info_name(p));
	}
}

/* ---- connections ------------------------------------------------------ */

static void print_routes(const struct info *in)
{
	puts("\nCONNECTIONS TO           GO OVER");
	if (!in->routes_known)
		puts("not known while a provider crashes");
	for (unsigned i = 0; i < in->route_count; i++) {
		const struct info_route *r = &in->routes[i];

		printf("%-24s ", r->to);
		if (!r->provider[0])
			printf("TCP: %s\n", r->reason);
		else if (!r->network[0])
			puts(r->provider);
		else
			printf("%s (%s)\n", r->provider, r->network);
	}
	if (in->policy[0])
		printf("The rules of %s come first; see 'wsd policy'.\n",
			in->policy);
}

/* ---- worth knowing ---------------------------------------------------- */

static bool verbs_usable(const struct info *in)
{
	for (unsigned i = 0; i < in->count; i++)
		for (unsigned n = 0; n < in->providers[i].network_count; n++)
			if (strcmp(in->providers[i].networks[n].szNetwork,
				    "verbs") == 0 &&
				in->providers[i].networks[n].dwFlags &
					WSD_NETWORK_USABLE)
				return true;
	return false;
}

static void print_limits(const struct info *in)
{
	if (info_has_services(in))
		printf("\nBetween hosts fabric takes the ports %d-%d: let them "
			"pass firewalls.\n", FAB_SERVICE_FIRST,
			FAB_SERVICE_FIRST + FAB_SERVICE_COUNT - 1);
	if (verbs_usable(in) && in->memlock != UINT64_MAX)
		printf("RDMA locks memory, at most %" PRIu64 " KiB here "
			"(ulimit -l).\n", in->memlock / 1024);
}

void info_print(const struct info *in)
{
	puts("wsd " WSD_VERSION);
	for (unsigned i = 0; i < in->count; i++)
		print_provider(&in->providers[i], i + 1);
	if (in->count == 0)
		puts("no provider");
	print_networks(in);
	print_routes(in);
	print_limits(in);
}
