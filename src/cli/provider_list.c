/* SPDX-License-Identifier: MIT */
/* provider_list.c - `wsd provider list`. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "install/guid_text.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "provider.h"
#include "spi_client.h"
#include "trial.h"

#define WHAT "provider"

struct listing {
	bool json;
	unsigned count, broken;
};

/* One entry as it is told: `problem` is "" for a good one. */
struct row {
	const struct install_entry *entry;
	GUID id;
	bool id_known;
	char problem[INSTALL_WHY_MAX];
};

/* An entry need not say it, and there is none for the built-in one. */
static void ask_id(struct spi_client *c, struct row *r)
{
	char why[SPI_WHY_MAX];

	if (!spi_client_start(c, why))
		return;
	r->id = c->can.ProviderId;
	r->id_known = c->id_known;
	spi_client_stop(c);
}

static void look_at(const struct install_entry *e, struct row *r)
{
	struct spi_client c;
	char why[SPI_WHY_MAX];

	r->entry = e;
	r->id = e->id;
	r->id_known = e->id_known;
	snprintf(r->problem, sizeof r->problem, "%s", e->problem);
	if (r->problem[0] || !e->library[0])
		return;
	if (trial_survived(e->library, why) &&
		spi_client_load(&c, e->library, why)) {
		if (!r->id_known)
			ask_id(&c, r);
		spi_client_unload(&c);
	} else {
		snprintf(r->problem, sizeof r->problem, "%s: %s", e->library,
			why);
	}
}

static void print_text(const struct row *r, unsigned index)
{
	const struct install_entry *e = r->entry;
	char guid[GUID_TEXT_MAX] = "-";

	if (r->id_known)
		guid_text(&r->id, guid);
	if (index == 0)
		printf("%-12s %-8s %-5s %-38s %s\n", "NAME", "CATALOG",
			"LOADS", "GUID", "LIBRARY");
	printf("%-12s %-8s %-5s %-38s %s\n", e->name,
		install_scope_name(e->scope),
		r->problem[0] ? "no" : e->library[0] ? "yes" : "?", guid,
		e->library[0] ? e->library : "-");
}

static void print_json(const struct row *r, unsigned index)
{
	const struct install_entry *e = r->entry;
	char guid[GUID_TEXT_MAX];

	fputs(index == 0 ? "[\n  {" : ",\n  {", stdout);
	json_member("name", e->name, ", ");
	json_member("catalog", install_scope_name(e->scope), ", ");
	json_member("where", e->where, ", ");
	json_member("library", e->library, ", ");
	if (r->id_known)
		json_member("guid", guid_text(&r->id, guid), ", ");
	else
		fputs("\"guid\": null, ", stdout);
	json_member("description", e->description, ", ");
	printf("\"loads\": %s, ", r->problem[0] ? "false"
		: e->library[0] ? "true" : "null");
	json_member("problem", r->problem, "}");
}

static bool list_one(void *ctx, const struct install_entry *e)
{
	struct listing *l = ctx;
	struct row r;

	look_at(e, &r);
	if (r.problem[0]) {
		l->broken++;
		message("%s", r.problem);
	}
	if (l->json)
		print_json(&r, l->count);
	else
		print_text(&r, l->count);
	l->count++;
	return true;
}

/* As a switch does it: without any entry the built-in ones count. */
static void list_builtin(struct listing *l)
{
	struct install_entry e;

	for (unsigned i = 0; install_builtin(i, &e); i++)
		list_one(l, &e);
}

int provider_list(int argc, char **argv)
{
	struct listing l = {0};
	bool user = false, system = false;
	const struct option_spec specs[] = {
		{"--user", NULL, &user},
		{"--system", NULL, &system},
		{"--json", NULL, &l.json},
		{0},
	};
	int n = options_take(&command_provider, WHAT, specs, argc, argv, NULL,
		0);
	char why[INSTALL_WHY_MAX];
	enum install_scope scope;

	if (n < 0)
		return options_status(n);
	if (!provider_scope(WHAT, user, system, &scope))
		return EXIT_USAGE;
	if (!install_each(scope, list_one, &l, why)) {
		message("%s", why);
		l.broken++;
	} else if (l.count == 0 && scope == INSTALL_ANY) {
		list_builtin(&l);
	}
	if (l.json)
		puts(l.count ? "\n]" : "[]");
	else if (l.count == 0)
		puts("no provider");
	return l.broken ? 1 : 0;
}
