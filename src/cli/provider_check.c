/* SPDX-License-Identifier: MIT */
/* provider_check.c - `wsd provider check`. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "command.h"
#include "install/guid_text.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "provider.h"
#include "spi_client.h"
#include "trial.h"

#define WHAT "provider"

enum { PROBLEMS_MAX = 4 };
enum { INDENT = 15, COLUMNS = 79 };

/* What was found out about one provider. */
struct report {
	const struct install_entry *entry;
	bool started; /* what is in c is true */
	struct spi_client c;
	unsigned problems;
	char problem[PROBLEMS_MAX][INSTALL_WHY_MAX];
};

struct checking {
	bool json;
	unsigned count, wrong;
};

__attribute__((format(printf, 2, 3))) static void add_problem(struct report *r,
	const char *format, ...)
{
	va_list args;

	if (r->problems == PROBLEMS_MAX)
		return;
	va_start(args, format);
	vsnprintf(r->problem[r->problems++], INSTALL_WHY_MAX, format, args);
	va_end(args);
}

/* ---- what is wrong ---------------------------------------------------- */

static void compare_ids(struct report *r)
{
	const struct install_entry *e = r->entry;
	char listed[GUID_TEXT_MAX], own[GUID_TEXT_MAX];

	if (!e->id_known || !r->c.id_known ||
		wsd_guid_equal(&e->id, &r->c.can.ProviderId))
		return;
	guid_text(&e->id, listed);
	guid_text(&r->c.can.ProviderId, own);
	add_problem(r, "the catalog says GUID %s, the library %s: it has been "
		"replaced by another; remove it and install it again", listed,
		own);
}

static void examine(struct report *r)
{
	const char *missing = spi_client_missing(&r->c);

	if (missing)
		add_problem(r, "it lacks %s, which every SAN service provider "
			"has: ask its maker for a better one", missing);
	/* Nobody has asked for a built-in one: its network need not be there. */
	if (r->c.address_count == 0 && r->entry->scope != INSTALL_BUILTIN)
		add_problem(r, "it has no address, so nothing will use it: is "
			"its network up?");
	if (r->c.max_message < SPI_MESSAGE_MIN)
		add_problem(r, "its messages have at most %" PRIu32 " bytes, a "
			"switch needs %d", (uint32_t)r->c.max_message,
			SPI_MESSAGE_MIN);
	compare_ids(r);
}

static const char *advice(const struct install_entry *e, char room[200])
{
	room[0] = '\0';
	if (e->scope != INSTALL_ANY && e->scope != INSTALL_BUILTIN &&
		e->name[0])
		snprintf(room, 200, "; if it is gone or has moved: wsd "
			"provider remove %s", e->name);
	return room;
}

static void open_up(struct report *r)
{
	const struct install_entry *e = r->entry;
	char why[SPI_WHY_MAX], room[200];

	if (e->problem[0]) {
		add_problem(r, "%s; correct it, or: wsd provider remove %s",
			e->problem, e->name);
	} else if (!e->library[0]) {
		add_problem(r, "this system does not tell where the library "
			"is; check it by its path");
	} else if (!trial_survived(e->library, why)) {
		add_problem(r, "%s: %s; ask its maker for a better one",
			e->library, why);
	} else if (!spi_client_load(&r->c, e->library, why)) {
		add_problem(r, "%s: %s%s", e->library, why, advice(e, room));
	} else if (!spi_client_start(&r->c, why)) {
		add_problem(r, "%s: %s", e->library, why);
		spi_client_unload(&r->c);
	} else {
		r->started = true;
		examine(r);
	}
}

static void close_up(struct report *r)
{
	if (!r->started)
		return;
	spi_client_stop(&r->c);
	spi_client_unload(&r->c);
}

/* ---- for people ------------------------------------------------------- */

/* Without ":0". */
static const char *ip_text(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	addr_text(a, text);
	*strrchr(text, ':') = '\0';
	return text;
}

static void print_limit(const char *name, DWORD value)
{
	if (value == UINT32_MAX)
		printf("%s not limited", name);
	else
		printf("%s %" PRIu32 " bytes", name, (uint32_t)value);
}

/* One more of a list, on a new line where this one is full. */
static void print_item(unsigned *column, const char *text)
{
	const char *between = *column > INDENT ? ", " : "";

	if (*column > INDENT && *column + 2 + strlen(text) > COLUMNS) {
		printf(",\n%*s", INDENT, "");
		*column = INDENT;
		between = "";
	}
	*column += (unsigned)printf("%s%s", between, text);
}

static void print_addresses(const struct spi_client *c)
{
	char text[ADDR_TEXT_MAX];
	unsigned column = INDENT;

	for (unsigned i = 0; i < c->address_count; i++)
		print_item(&column, ip_text(&c->addresses[i], text));
	puts(c->address_count ? "" : "none; see 'wsd info'");
}

static void print_extensions(const struct spi_client *c, bool there)
{
	unsigned column = INDENT;
	const char *name;
	bool has, required;

	for (unsigned i = 0;
		spi_client_extension(c, i, &name, &has, &required); i++) {
		if (has == there)
			print_item(&column, name);
	}
	puts(column > INDENT ? "" : "none");
}

static void print_offer(const struct spi_client *c)
{
	char guid[GUID_TEXT_MAX];

	printf("  GUID         %s\n", c->id_known
		? guid_text(&c->can.ProviderId, guid) : "not told");
	printf("  description  %s\n", c->description);
	printf("  SPI version  %u.%u\n", LOBYTE(c->data.wVersion),
		HIBYTE(c->data.wVersion));
	printf("  addresses    ");
	print_addresses(c);
	printf("  extensions   ");
	print_extensions(c, true);
	printf("  lacks        ");
	print_extensions(c, false);
	printf("  limits       ");
	print_limit("message", c->max_message);
	print_limit(", RDMA", c->max_rdma);
	printf(",\n%*s", INDENT, "");
	print_limit("RDMA pays from", c->rdma_threshold);
	puts("");
}

static void print_text(const struct report *r, unsigned index)
{
	const struct install_entry *e = r->entry;

	printf("%s%s\n", index ? "\n" : "", e->name[0] ? e->name : e->library);
	if (e->name[0])
		printf("  library      %s\n", e->library[0] ? e->library : "-");
	printf("  from         %s\n", e->where);
	if (r->started)
		print_offer(&r->c);
	for (unsigned i = 0; i < r->problems; i++)
		printf("  WRONG        %s\n", r->problem[i]);
	if (r->problems == 0)
		puts("  good");
}

/* ---- for programs ----------------------------------------------------- */

static void print_json_limit(const char *key, DWORD value, const char *after)
{
	if (value == UINT32_MAX)
		printf("\"%s\": null%s", key, after);
	else
		printf("\"%s\": %" PRIu32 "%s", key, (uint32_t)value, after);
}

static void print_json_offer(const struct spi_client *c)
{
	char text[ADDR_TEXT_MAX], guid[GUID_TEXT_MAX];
	const char *name;
	bool there, required;

	if (c->id_known)
		json_member("guid", guid_text(&c->can.ProviderId, guid), ", ");
	else
		fputs("\"guid\": null, ", stdout);
	json_member("description", c->description, ", ");
	fputs("\"addresses\": [", stdout);
	for (unsigned i = 0; i < c->address_count; i++) {
		fputs(i ? ", " : "", stdout);
		json_string(ip_text(&c->addresses[i], text));
	}
	fputs("], \"extensions\": {", stdout);
	for (unsigned i = 0;
		spi_client_extension(c, i, &name, &there, &required); i++)
		printf("%s\"%s\": %s", i ? ", " : "", name,
			there ? "true" : "false");
	fputs("}, ", stdout);
	print_json_limit("max_message_bytes", c->max_message, ", ");
	print_json_limit("max_rdma_bytes", c->max_rdma, ", ");
	print_json_limit("rdma_threshold_bytes", c->rdma_threshold, ", ");
}

static void print_json(const struct report *r, unsigned index)
{
	const struct install_entry *e = r->entry;

	fputs(index == 0 ? "[\n  {" : ",\n  {", stdout);
	json_member("name", e->name, ", ");
	json_member("library", e->library, ", ");
	json_member("where", e->where, ", ");
	if (r->started)
		print_json_offer(&r->c);
	printf("\"good\": %s, \"problems\": [", r->problems ? "false" : "true");
	for (unsigned i = 0; i < r->problems; i++) {
		fputs(i ? ", " : "", stdout);
		json_string(r->problem[i]);
	}
	fputs("]}", stdout);
}

/* ---- the command ------------------------------------------------------ */

static bool check_one(void *ctx, const struct install_entry *e)
{
	struct checking *k = ctx;
	struct report *r = calloc(1, sizeof *r);

	if (!r) {
		message("out of memory");
		k->wrong++;
		return false;
	}
	r->entry = e;
	open_up(r);
	if (k->json)
		print_json(r, k->count);
	else
		print_text(r, k->count);
	k->count++;
	k->wrong += r->problems != 0;
	close_up(r);
	free(r);
	return true;
}

static void check_all(struct checking *k)
{
	char why[INSTALL_WHY_MAX];
	struct install_entry e;

	if (!install_each(INSTALL_ANY, check_one, k, why)) {
		message("%s", why);
		k->wrong++;
		return;
	}
	for (unsigned i = 0; k->count == i && install_builtin(i, &e); i++)
		check_one(k, &e);
	if (k->count == 0) {
		message("no provider is installed; see 'wsd provider --help'");
		k->wrong++;
	}
}

int provider_check(int argc, char **argv)
{
	struct checking k = {0};
	const struct option_spec specs[] = {
		{"--json", NULL, &k.json},
		{0},
	};
	const char *which = NULL;
	int n = options_take(&command_provider, WHAT, specs, argc, argv,
		&which, 1);
	struct install_entry e;

	if (n < 0)
		return options_status(n);
	if (!which)
		check_all(&k);
	else if (choose_provider(which, &e))
		check_one(&k, &e);
	else
		k.wrong++;
	if (k.json)
		puts(k.count ? "\n]" : "[]");
	return k.wrong ? 1 : 0;
}
