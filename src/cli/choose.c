/* SPDX-License-Identifier: MIT */
#include "choose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

bool choose_is_path(const char *which)
{
	return strpbrk(which, "/\\") || !install_name_valid(which);
}

static bool choose_path(const char *path, struct install_entry *out)
{
	char why[INSTALL_WHY_MAX];

	memset(out, 0, sizeof *out);
	snprintf(out->where, sizeof out->where, "the command line");
	if (install_resolve(path, out->library, why))
		return true;
	message("%s", why);
	return false;
}

/* Without an entry its own name leads to the built-in provider as well. */
static bool choose_name(const char *name, struct install_entry *out)
{
	if (install_find(INSTALL_ANY, name, out))
		return true;
	for (unsigned i = 0; install_builtin(i, out); i++)
		if (strcmp(out->name, name) == 0)
			return true;
	message("no provider %s in the catalog; see 'wsd provider list', or "
		"give the path of its library", name);
	return false;
}

static bool take_first_good(void *ctx, const struct install_entry *e)
{
	struct install_entry *out = ctx;

	if (e->problem[0])
		message("%s", e->problem);
	if (e->problem[0] || !e->library[0])
		return true;
	*out = *e;
	return false;
}

static bool choose_first(struct install_entry *out)
{
	char why[INSTALL_WHY_MAX];
	struct install_entry preferred;

	if (install_preferred(&preferred))
		return choose_path(preferred.library, out);
	memset(out, 0, sizeof *out);
	if (!install_each(INSTALL_ANY, take_first_good, out, why)) {
		message("%s", why);
		return false;
	}
	if (out->library[0] || install_builtin(0, out))
		return true;
	message("no provider is installed; see 'wsd provider --help'");
	return false;
}

bool choose_provider(const char *which, struct install_entry *out)
{
	if (!which)
		return choose_first(out);
	if (choose_is_path(which))
		return choose_path(which, out);
	return choose_name(which, out);
}

/* It can be driven: nothing that is needed is missing. */
static bool is_complete(const struct spi_client *c, const char *library)
{
	const char *missing = spi_client_missing(c);

	if (missing)
		message("%s: it lacks %s", library, missing);
	else if (c->max_message < SPI_MESSAGE_MIN)
		message("%s: its messages have at most %" PRIu32 " bytes, %d "
			"are needed", library, (uint32_t)c->max_message,
			SPI_MESSAGE_MIN);
	else
		return true;
	return false;
}

static bool start(struct spi_client *c, const char *library)
{
	char why[SPI_WHY_MAX];

	if (!spi_client_load(c, library, why)) {
		message("%s: %s", library, why);
		return false;
	}
	if (!spi_client_start(c, why)) {
		message("%s: %s", library, why);
	} else if (is_complete(c, library)) {
		return true;
	} else {
		spi_client_stop(c);
	}
	spi_client_unload(c);
	return false;
}

bool choose_and_start(const char *which, struct spi_client *c,
	struct install_entry *out)
{
	if (!choose_provider(which, out))
		return false;
	if (out->problem[0]) {
		message("%s", out->problem);
		return false;
	}
	if (!out->library[0]) {
		message("the library of %s is not known; give its path with "
			"--provider", out->name);
		return false;
	}
	return start(c, out->library);
}
