/* SPDX-License-Identifier: MIT */
/* info_find.c - providers and their networks, found out through the SPI. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "info.h"
#include "message.h"
#include "trial.h"

/* ---- networks --------------------------------------------------------- */

/* Whatever a provider writes, text ends. */
static void end_text(WSDNETWORK *n)
{
	n->szNetwork[sizeof n->szNetwork - 1] = '\0';
	n->szDevice[sizeof n->szDevice - 1] = '\0';
	n->szAddress[sizeof n->szAddress - 1] = '\0';
	n->szReason[sizeof n->szReason - 1] = '\0';
}

static bool take_networks(struct info_provider *p, WSDNETWORK *list,
	DWORD count)
{
	for (DWORD i = 0; i < count; i++)
		end_text(&list[i]);
	p->networks = list;
	p->network_count = count;
	p->tells = true;
	return true;
}

/* There may come some between two questions. */
static bool ask_networks(struct info_provider *p)
{
	DWORD count = 24;
	INT err = 0;

	for (int tries = 0; tries < 4 && p->c.query_networks; tries++) {
		DWORD room = count + 8;
		WSDNETWORK *list = calloc(room, sizeof *list);

		if (!list)
			return false;
		list[0].cbSize = sizeof *list;
		count = room;
		if (p->c.query_networks(list, &count, &err) == 0 &&
			count <= room)
			return take_networks(p, list, count);
		free(list);
		if (err != WSAENOBUFS)
			return false;
	}
	return false;
}

/* ---- providers -------------------------------------------------------- */

static void examine(struct info_provider *p)
{
	const char *missing = spi_client_missing(&p->c);

	p->started = true;
	if (missing)
		snprintf(p->problem, sizeof p->problem, "it lacks %s", missing);
	ask_networks(p);
	spi_client_stop(&p->c);
}

static void look_at(struct info_provider *p)
{
	const struct install_entry *e = &p->entry;
	char why[SPI_WHY_MAX] = "";

	p->survived = true;
	snprintf(p->problem, sizeof p->problem, "%s", e->problem);
	if (p->problem[0])
		return;
	p->survived = trial_survived(e->library, why);
	if (p->survived && spi_client_load(&p->c, e->library, why)) {
		if (spi_client_start(&p->c, why))
			examine(p);
		spi_client_unload(&p->c);
	}
	if (!p->started)
		snprintf(p->problem, sizeof p->problem, "%s", why);
}

static bool take(void *ctx, const struct install_entry *e)
{
	struct info *in = ctx;
	struct info_provider *p = &in->providers[in->count++];

	p->entry = *e;
	look_at(p);
	in->broken += p->problem[0] != '\0';
	return in->count < INFO_PROVIDERS_MAX;
}

/* As a switch does it: what the settings name, else the catalog, else what is
 * built in. */
static bool find_providers(struct info *in)
{
	char why[INSTALL_WHY_MAX];
	struct install_entry e;

	if (install_preferred(&e)) {
		take(in, &e);
		return true;
	}
	if (!install_each(INSTALL_ANY, take, in, why)) {
		message("%s", why);
		return false;
	}
	if (in->count == 0)
		for (unsigned i = 0; install_builtin(i, &e); i++)
			take(in, &e);
	return true;
}

bool info_find(struct info *in)
{
	struct rlimit limit;

	in->providers = calloc(INFO_PROVIDERS_MAX, sizeof *in->providers);
	if (!in->providers) {
		message("not enough memory");
		return false;
	}
	in->memlock = UINT64_MAX;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
		limit.rlim_cur != RLIM_INFINITY)
		in->memlock = limit.rlim_cur;
	return find_providers(in);
}

void info_free(struct info *in)
{
	for (unsigned i = 0; i < in->count; i++)
		free(in->providers[i].networks);
	free(in->providers);
}

/* ---- in words --------------------------------------------------------- */

const char *info_name(const struct info_provider *p)
{
	if (p->entry.name[0])
		return p->entry.name;
	return p->started ? spi_client_name(&p->c) : p->entry.library;
}

const char *info_ability(const struct info_provider *p, unsigned *bit)
{
	static const char *const words[] = {"channels", "early-send",
		"fork-shared", "IPv6", "RDMA-read", "same-host",
		"keeps-registrations"};

	while (*bit < sizeof words / sizeof words[0]) {
		unsigned b = (*bit)++;

		if (p->c.can.dwFlags & (1u << b))
			return words[b];
	}
	return NULL;
}

bool info_has_services(const struct info *in)
{
	for (unsigned i = 0; i < in->count; i++)
		if (in->providers[i].started &&
			strcmp(in->providers[i].c.can.szName, "fabric") == 0)
			return true;
	return false;
}
