/* SPDX-License-Identifier: MIT */
/* provider_install.c - `wsd provider install` and `remove`. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "install/guid_text.h"
#include "message.h"
#include "options.h"
#include "provider.h"
#include "spi_client.h"
#include "trial.h"

/* usage_error() says "wsd provider: ...; see 'wsd provider --help'". */
#define WHAT "provider"

struct wanted {
	const char *path;
	const char *name; /* NULL: what it calls itself */
	const char *guid; /* NULL: what it says */
	enum install_scope scope;
};

/* ---- who it is -------------------------------------------------------- */

/* "/usr/lib/libwsd-shm.so.1" -> "wsd-shm" */
static void name_of_file(const char *path, char name[INSTALL_NAME_MAX])
{
	const char *base = path, *end;
	size_t len;

	for (const char *p = path; *p; p++)
		if (*p == '/' || *p == '\\')
			base = p + 1;
	if (strncmp(base, "lib", 3) == 0)
		base += 3;
	end = strchr(base, '.');
	len = end ? (size_t)(end - base) : strlen(base);
	if (len >= INSTALL_NAME_MAX)
		len = INSTALL_NAME_MAX - 1;
	memcpy(name, base, len);
	name[len] = '\0';
}

static bool choose_name(const struct wanted *w, const struct spi_client *c,
	struct install_entry *e)
{
	if (w->name)
		snprintf(e->name, sizeof e->name, "%s", w->name);
	else if (install_name_valid(c->can.szName))
		snprintf(e->name, sizeof e->name, "%s", c->can.szName);
	else
		name_of_file(e->library, e->name);
	if (install_name_valid(e->name))
		return true;
	message("%s: give it a name with --name", w->path);
	return false;
}

static bool choose_id(const struct wanted *w, const struct spi_client *c,
	struct install_entry *e)
{
	char own[GUID_TEXT_MAX];

	e->id = c->can.ProviderId;
	e->id_known = c->id_known;
	if (!w->guid)
		return true;
	guid_parse(w->guid, &e->id); /* it has been looked at before */
	e->id_known = true;
	if (!c->id_known || wsd_guid_equal(&e->id, &c->can.ProviderId))
		return true; /* R3 */
	message("%s: its GUID is %s, not %s", w->path,
		guid_text(&c->can.ProviderId, own), w->guid);
	return false;
}

/* Everything that can be wrong with the library is found out here. */
static bool look_at(const struct wanted *w, struct install_entry *e)
{
	char why[INSTALL_WHY_MAX], reason[SPI_WHY_MAX];
	struct spi_client c;
	const char *missing;
	bool good;

	if (!install_resolve(w->path, e->library, why)) {
		message("%s", why);
		return false;
	}
	if (!trial_survived(e->library, reason) ||
		!spi_client_load(&c, e->library, reason)) {
		message("%s: %s", w->path, reason);
		return false;
	}
	good = spi_client_start(&c, reason);
	if (good) {
		missing = spi_client_missing(&c);
		if (missing)
			message("%s: it lacks %s, which every SAN service "
				"provider has", w->path, missing);
		snprintf(e->description, sizeof e->description, "%s",
			c.description);
		good = !missing && choose_name(w, &c, e) &&
			choose_id(w, &c, e);
		spi_client_stop(&c);
	} else {
		message("%s: %s", w->path, reason);
	}
	spi_client_unload(&c);
	return good;
}

/* ---- install ---------------------------------------------------------- */

static bool valid_name(const char *name)
{
	if (install_name_valid(name))
		return true;
	usage_error(WHAT, "'%s' is no name: letters, digits, '-', '_' and '.', "
		"fewer than %d", name, INSTALL_NAME_MAX);
	return false;
}

static bool take_wanted(int argc, char **argv, struct wanted *w, int *status)
{
	bool user = false, system = false;
	const struct option_spec specs[] = {
		{"--user", NULL, &user},
		{"--system", NULL, &system},
		{"--name", &w->name, NULL},
		{"--guid", &w->guid, NULL},
		{0},
	};
	int n = options_take(&command_provider, WHAT, specs, argc, argv,
		&w->path, 1);
	GUID id;

	*status = n < 0 ? options_status(n) : EXIT_USAGE;
	if (n < 0 || !provider_scope(WHAT, user, system, &w->scope))
		return false;
	if (n == 0)
		usage_error(WHAT, "install needs the path of a library");
	else if (w->guid && !guid_parse(w->guid, &id))
		usage_error(WHAT, "'%s' is no GUID like "
			"{01234567-89ab-cdef-0123-456789abcdef}", w->guid);
	else if (!w->name || valid_name(w->name))
		return true;
	return false;
}

int provider_install(int argc, char **argv)
{
	struct wanted w = {0};
	struct install_entry e;
	char why[INSTALL_WHY_MAX];
	int status;

	if (!take_wanted(argc, argv, &w, &status))
		return status;
	memset(&e, 0, sizeof e);
	e.scope = w.scope;
	if (!look_at(&w, &e))
		return 1;
	switch (install_add(&e, why)) {
	case INSTALL_DONE:
		printf("%s: installed (%s)\n", e.name, e.where);
		return 0;
	case INSTALL_NOTHING: /* R7 */
		printf("%s: already installed (%s)\n", e.name, e.where);
		return 0;
	case INSTALL_FAILED:
		break;
	}
	message("%s", why);
	return 1;
}

/* ---- remove ----------------------------------------------------------- */

static int not_there(const char *name)
{
	struct install_entry e;

	bool found = false;

	for (unsigned i = 0; !found && install_builtin(i, &e); i++)
		found = strcmp(e.name, name) == 0;
	if (found)
		message("%s is built in: it is not in the catalog, and there "
			"is nothing to remove", name);
	else
		message("no provider %s in the catalog; see 'wsd provider "
			"list'", name);
	return 1;
}

int provider_remove(int argc, char **argv)
{
	bool user = false, system = false;
	const struct option_spec specs[] = {
		{"--user", NULL, &user},
		{"--system", NULL, &system},
		{0},
	};
	const char *name = NULL;
	int n = options_take(&command_provider, WHAT, specs, argc, argv, &name,
		1);
	char why[INSTALL_WHY_MAX];
	struct install_entry e;
	enum install_scope scope;

	if (n < 0)
		return options_status(n);
	if (!provider_scope(WHAT, user, system, &scope))
		return EXIT_USAGE;
	if (n == 0)
		return usage_error(WHAT, "remove needs a name");
	if (!valid_name(name))
		return EXIT_USAGE;
	switch (install_remove(scope, name, &e, why)) {
	case INSTALL_DONE:
		printf("%s: removed (%s)\n", name, e.where);
		return 0;
	case INSTALL_NOTHING:
		return not_there(name);
	case INSTALL_FAILED:
		break;
	}
	message("%s", why);
	return 1;
}
