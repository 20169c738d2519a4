/* SPDX-License-Identifier: MIT */
#include "switch/catalog.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "switch/settings.h"

#define ENTRY_MAX 4096
#define SYSTEM_CATALOG "/etc/openwsd/providers.d"
#define USER_CATALOG ".config/openwsd/providers.d"

struct walk {
	bool (*fn)(void *ctx, const char *library);
	void *ctx;
	unsigned entries;
	bool stopped;
};

static void complain(const char *path, const char *what)
{
	char line[SW_PATH_MAX + 200];

	snprintf(line, sizeof line, "wsd: %s: %s", path, what);
	os_log_line(line);
}

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	return s;
}

/* The value of `library = ...` in the text of an entry, or NULL. */
static char *library_of(char *text)
{
	char *next, *eq, *hash;

	for (char *line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		hash = strchr(line, '#');
		if (hash)
			*hash = 0;
		eq = strchr(line, '=');
		if (!eq)
			continue;
		*eq = 0;
		if (!strcmp(trim(line), "library"))
			return trim(eq + 1);
	}
	return NULL;
}

static bool take_entry(void *ctx, const char *path)
{
	struct walk *w = ctx;
	char text[ENTRY_MAX + 1], *library;
	size_t len = ENTRY_MAX;
	enum status st = os_file_read(path, text, &len);

	w->entries++;
	if (st != ST_OK) {
		complain(path, status_text(st));
		return true;
	}
	text[len] = 0;
	library = strlen(text) == len ? library_of(text) : NULL;
	if (!library || library[0] != '/') {
		complain(path, "expected a line 'library = /absolute/path' of a "
			"SAN service provider");
		return true;
	}
	w->stopped = !w->fn(w->ctx, library);
	return !w->stopped;
}

static enum status walk_directory(struct walk *w, const char *dir)
{
	return os_directory_each(dir, ".provider", take_entry, w);
}

/* The provider beside this library: installed, or in a build tree. */
static void walk_builtin(struct walk *w)
{
	static const char *const places[] = {"/libwsd-shm.so",
		"/../provider/libwsd-shm.so"};
	char self[SW_PATH_MAX], path[SW_PATH_MAX + 40], *slash;
	char probe[4];

	if (os_module_path(self, sizeof self) != ST_OK)
		return;
	slash = strrchr(self, '/');
	if (!slash)
		return;
	*slash = 0;
	for (unsigned i = 0; i < 2 && !w->stopped; i++) {
		size_t len = sizeof probe;
		enum status st;

		snprintf(path, sizeof path, "%s%s", self, places[i]);
		st = os_file_read(path, probe, &len);
		if (st == ST_OK || st == ST_MSGSIZE) {
			w->fn(w->ctx, path);
			return;
		}
	}
}

static bool walk_named(struct walk *w, const char *dir)
{
	enum status st = walk_directory(w, dir);

	if (st == ST_OK)
		return true;
	complain(dir, "cannot read the provider catalog; every connection uses "
		"TCP");
	return false;
}

bool sw_catalog_each(bool (*fn)(void *ctx, const char *library), void *ctx)
{
	struct walk w = {.fn = fn, .ctx = ctx};
	const struct sw_settings *set = sw_settings();
	const char *home = getenv("HOME");
	char dir[SW_PATH_MAX];

	if (set->provider[0]) {
		fn(ctx, set->provider);
		return true;
	}
	if (set->catalog[0])
		return walk_named(&w, set->catalog);
	if (home && strlen(home) < sizeof dir - sizeof USER_CATALOG - 1) {
		snprintf(dir, sizeof dir, "%s/%s", home, USER_CATALOG);
		walk_directory(&w, dir);
	}
	if (!w.stopped)
		walk_directory(&w, SYSTEM_CATALOG);
	if (w.entries == 0)
		walk_builtin(&w);
	return true;
}
