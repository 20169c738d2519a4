/* SPDX-License-Identifier: MIT */
/* info_json.c - `wsd info` for programs. */
#include <inttypes.h>
#include <stdio.h>

#include "info.h"
#include "install/guid_text.h"
#include "json.h"
#include "transport/fabric/fab_port.h"

static void print_limit(const char *key, DWORD value)
{
	if (value == UINT32_MAX)
		printf("\"%s\": null, ", key);
	else
		printf("\"%s\": %" PRIu32 ", ", key, (uint32_t)value);
}

static void print_abilities(const struct info_provider *p)
{
	const char *word, *between = "";
	unsigned bit = 0;

	fputs("\"capabilities\": [", stdout);
	while ((word = info_ability(p, &bit)) != NULL) {
		fputs(between, stdout);
		json_string(word);
		between = ", ";
	}
	fputs("], ", stdout);
}

static void print_offer(const struct info_provider *p)
{
	const struct spi_client *c = &p->c;
	char guid[GUID_TEXT_MAX];

	json_member("description", c->description, ", ");
	if (c->id_known)
		json_member("guid", guid_text(&c->can.ProviderId, guid), ", ");
	else
		fputs("\"guid\": null, ", stdout);
	printf("\"spi_version\": \"%u.%u\", ", LOBYTE(c->data.wVersion),
		HIBYTE(c->data.wVersion));
	print_abilities(p);
	print_limit("max_message_bytes", c->max_message);
	print_limit("max_rdma_bytes", c->max_rdma);
}

static const char *boolean(DWORD flags, DWORD bit)
{
	return flags & bit ? "true" : "false";
}

static void print_network(const WSDNETWORK *n)
{
	fputs("\n      {", stdout);
	json_member("network", n->szNetwork, ", ");
	json_member("device", n->szDevice, ", ");
	json_member("address", n->szAddress, ", ");
	printf("\"usable\": %s, \"in_use\": %s, ",
		boolean(n->dwFlags, WSD_NETWORK_USABLE),
		boolean(n->dwFlags, WSD_NETWORK_IN_USE));
	json_member("reason", n->szReason, "}");
}

static void print_networks(const struct info_provider *p)
{
	if (!p->tells) {
		fputs("\"networks\": null", stdout);
		return;
	}
	fputs("\"networks\": [", stdout);
	for (unsigned i = 0; i < p->network_count; i++) {
		fputs(i ? "," : "", stdout);
		print_network(&p->networks[i]);
	}
	putchar(']');
}

static void print_provider(const struct info_provider *p)
{
	fputs("\n    {", stdout);
	json_member("name", info_name(p), ", ");
	json_member("catalog", install_scope_name(p->entry.scope), ", ");
	json_member("where", p->entry.where, ", ");
	json_member("library", p->entry.library, ", ");
	printf("\"loads\": %s, ", p->problem[0] ? "false" : "true");
	json_member("problem", p->problem, ", ");
	if (p->started)
		print_offer(p);
	print_networks(p);
	putchar('}');
}

static void print_route(const struct info_route *r)
{
	fputs("\n    {", stdout);
	json_member("to", r->to, ", ");
	json_member("route", r->provider[0] ? r->provider : "tcp", ", ");
	json_member("network", r->network, ", ");
	json_member("reason", r->reason, "}");
}

static void print_routes(const struct info *in)
{
	if (!in->routes_known) {
		fputs("  \"connections\": null", stdout);
		return;
	}
	fputs("  \"connections\": [", stdout);
	for (unsigned i = 0; i < in->route_count; i++) {
		fputs(i ? "," : "", stdout);
		print_route(&in->routes[i]);
	}
	putchar(']');
}

void info_print_json(const struct info *in)
{
	fputs("{\n  ", stdout);
	json_member("version", WSD_VERSION, ",\n  \"providers\": [");
	for (unsigned i = 0; i < in->count; i++) {
		fputs(i ? "," : "", stdout);
		print_provider(&in->providers[i]);
	}
	fputs("],\n", stdout);
	print_routes(in);
	fputs(",\n  ", stdout);
	json_member("policy", in->policy, ",\n");
	if (info_has_services(in))
		printf("  \"fabric_ports\": [%d, %d],\n", FAB_SERVICE_FIRST,
			FAB_SERVICE_FIRST + FAB_SERVICE_COUNT - 1);
	else
		puts("  \"fabric_ports\": null,");
	if (in->memlock == UINT64_MAX)
		puts("  \"memlock_bytes\": null\n}");
	else
		printf("  \"memlock_bytes\": %" PRIu64 "\n}\n", in->memlock);
}
