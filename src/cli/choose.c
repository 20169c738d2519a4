/* SPDX-License-Identifier: MIT */
#include "choose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "spi_source.h"

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

/* A search for the first good entry, or the first that reaches `to`. */
struct search {
	const struct addr *to; /* NULL: the first will do */
	struct spi_client *c;
	struct install_entry *out; /* no library: nothing so far */
	bool started;              /* c is, with out */
};

static bool start_if_it_reaches(struct search *s, const char *library)
{
	char why[SPI_WHY_MAX];

	if (!spi_client_load(s->c, library, why))
		return false;
	if (spi_client_start(s->c, why)) {
		s->started = !spi_client_missing(s->c) &&
			s->c->max_message >= SPI_MESSAGE_MIN &&
			spi_reaches(s->c, s->to);
		if (s->started)
			return true;
		spi_client_stop(s->c);
	}
	spi_client_unload(s->c);
	return false;
}

static bool take_good(void *ctx, const struct install_entry *e)
{
	struct search *s = ctx;

	if (e->problem[0])
		message("%s", e->problem);
	if (e->problem[0] || !e->library[0])
		return true;
	if (!s->out->library[0])
		*s->out = *e;
	if (!s->to)
		return false;
	if (!start_if_it_reaches(s, e->library))
		return true;
	*s->out = *e;
	return false;
}

static bool choose_first(struct search *s)
{
	char why[INSTALL_WHY_MAX];
	struct install_entry e;

	if (install_preferred(&e))
		return choose_path(e.library, s->out);
	memset(s->out, 0, sizeof *s->out);
	if (!install_each(INSTALL_ANY, take_good, s, why)) {
		message("%s", why);
		return false;
	}
	if (s->out->library[0])
		return true;
	for (unsigned i = 0; install_builtin(i, &e) && take_good(s, &e); i++)
		;
	if (s->out->library[0])
		return true;
	message("no provider is installed; see 'wsd provider --help'");
	return false;
}

bool choose_provider(const char *which, struct install_entry *out)
{
	struct search s = {.out = out};

	if (!which)
		return choose_first(&s);
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
	else if (c->address_count == 0)
		message("%s: it has no address: is its network up? See 'wsd "
			"info'", library);
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

bool choose_and_start(const char *which, const struct addr *to,
	struct spi_client *c, struct install_entry *out)
{
	struct search s = {.to = to, .c = c, .out = out};

	if (which ? !choose_provider(which, out) : !choose_first(&s))
		return false;
	if (s.started)
		return true;
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
