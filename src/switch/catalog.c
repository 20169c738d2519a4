/* SPDX-License-Identifier: MIT */
#include "switch/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "switch/settings.h"

#define USER_CATALOG ".config/openwsd/providers.d"

struct walk {
	bool (*fn)(void *ctx, const char *library);
	void *ctx;
	unsigned entries;
	bool stopped;
};

bool sw_catalog_read(const char *path, char text[SW_ENTRY_MAX + 1],
	struct sw_catalog_entry *out, char problem[SW_PROBLEM_MAX])
{
	struct sw_catalog_mistake mistake;
	size_t len = SW_ENTRY_MAX;
	enum status st = os_file_read(path, text, &len);

	if (st != ST_OK) {
		snprintf(problem, SW_PROBLEM_MAX, "%s", st == ST_MSGSIZE
			? "too long for an entry of the provider catalog"
			: status_text(st));
		return false;
	}
	if (sw_catalog_entry_parse(text, len, out, &mistake))
		return true;
	if (mistake.line)
		snprintf(problem, SW_PROBLEM_MAX, "line %u: expected %s",
			mistake.line, mistake.expected);
	else
		snprintf(problem, SW_PROBLEM_MAX, "expected %s",
			mistake.expected);
	return false;
}

static void complain(const char *path, const char *what)
{
	char line[SW_PATH_MAX + 200];

	snprintf(line, sizeof line, "wsd: %s: %s", path, what);
	os_log_line(line);
}

static bool take_entry(void *ctx, const char *path)
{
	struct walk *w = ctx;
	char text[SW_ENTRY_MAX + 1], problem[SW_PROBLEM_MAX];
	struct sw_catalog_entry entry;

	w->entries++;
	if (!sw_catalog_read(path, text, &entry, problem)) {
		complain(path, problem);
		return true;
	}
	w->stopped = !w->fn(w->ctx, entry.library);
	return !w->stopped;
}

static enum status walk_directory(struct walk *w, const char *dir)
{
	return os_directory_each(dir, SW_ENTRY_SUFFIX, take_entry, w);
}

/* The first of the places beside this library where it is: installed, or in a
 * build tree. */
static void walk_beside(struct walk *w, const char *self, const char *library)
{
	static const char *const places[] = {"", "/../provider"};
	char path[2 * SW_PATH_MAX], probe[4];

	for (unsigned i = 0; i < 2 && !w->stopped; i++) {
		size_t len = sizeof probe;
		enum status st;

		snprintf(path, sizeof path, "%s%s/%s", self, places[i],
			library);
		st = os_file_read(path, probe, &len);
		if (st == ST_OK || st == ST_MSGSIZE) {
			w->stopped = !w->fn(w->ctx, path);
			return;
		}
	}
}

static char builtin[SW_PATH_MAX];

void sw_catalog_builtin(const char *library)
{
	snprintf(builtin, sizeof builtin, "%s", library);
}

/* Our own providers, as far as they are there. */
static void walk_builtin(struct walk *w)
{
	char self[SW_PATH_MAX], *slash;

	if (builtin[0])
		strcpy(self, builtin);
	else if (os_module_path(self, sizeof self) != ST_OK)
		return;
	slash = strrchr(self, '/');
	if (!slash)
		return;
	*slash = 0;
	walk_beside(w, self, "libwsd-shm.so");
	walk_beside(w, self, "libwsd-fabric.so");
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

bool sw_catalog_of_user(char dir[SW_PATH_MAX])
{
	const char *home = getenv("HOME");

	return home && *home &&
		snprintf(dir, SW_PATH_MAX, "%s/" USER_CATALOG, home) <
			SW_PATH_MAX;
}

bool sw_catalog_each(bool (*fn)(void *ctx, const char *library), void *ctx)
{
	struct walk w = {.fn = fn, .ctx = ctx};
	const struct sw_settings *set = sw_settings();
	char dir[SW_PATH_MAX];

	if (set->provider[0]) {
		fn(ctx, set->provider);
		return true;
	}
	if (set->catalog[0])
		return walk_named(&w, set->catalog);
	if (sw_catalog_of_user(dir))
		walk_directory(&w, dir);
	if (!w.stopped)
		walk_directory(&w, SW_SYSTEM_CATALOG);
	if (w.entries == 0)
		walk_builtin(&w);
	return true;
}
