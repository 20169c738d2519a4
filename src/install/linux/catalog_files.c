/* SPDX-License-Identifier: MIT */
/* catalog_files.c - install.h over directories of NAME.provider files. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install/guid_text.h"
#include "install/install.h"
#include "install/linux/atomic_file.h"
#include "os/os.h"
#include "switch/catalog.h"
#include "switch/settings.h"

__attribute__((format(printf, 2, 3))) static bool fail(
	char why[INSTALL_WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, INSTALL_WHY_MAX, format, args);
	va_end(args);
	return false;
}

/* ---- where ------------------------------------------------------------ */

/* The directory of one scope; false when there is none. */
static bool directory_of(enum install_scope scope, char dir[SW_PATH_MAX])
{
	const char *chosen = sw_settings()->catalog;

	switch (scope) {
	case INSTALL_USER:
		return sw_catalog_of_user(dir);
	case INSTALL_SYSTEM:
		return snprintf(dir, SW_PATH_MAX, "%s", SW_SYSTEM_CATALOG) > 0;
	case INSTALL_CHOSEN:
		return snprintf(dir, SW_PATH_MAX, "%s", chosen) > 0;
	case INSTALL_ANY:
	case INSTALL_BUILTIN:
		break;
	}
	return false;
}

static bool is_chosen(void)
{
	return sw_settings()->catalog[0] != '\0';
}

/* Where an entry is added when the user does not say. */
static enum install_scope usual_scope(void)
{
	return is_chosen() ? INSTALL_CHOSEN : INSTALL_USER;
}

/* The same scopes in the same order as a switch reads them. */
static unsigned scopes_of(enum install_scope scope, enum install_scope out[2])
{
	out[0] = scope;
	if (scope != INSTALL_ANY)
		return 1;
	out[0] = usual_scope();
	out[1] = INSTALL_SYSTEM;
	return is_chosen() ? 1 : 2;
}

static bool file_of(enum install_scope scope, const char *name,
	char path[SW_PATH_MAX])
{
	char dir[SW_PATH_MAX];

	return directory_of(scope, dir) &&
		snprintf(path, SW_PATH_MAX, "%s/%s" SW_ENTRY_SUFFIX, dir,
			name) < SW_PATH_MAX;
}

/* ---- reading ---------------------------------------------------------- */

static void copy(char *out, size_t room, const char *text)
{
	snprintf(out, room, "%s", text ? text : "");
}

static void read_entry(const char *path, struct install_entry *e)
{
	char text[SW_ENTRY_MAX + 1], problem[SW_PROBLEM_MAX];
	struct sw_catalog_entry entry;

	if (!sw_catalog_read(path, text, &entry, problem)) {
		snprintf(e->problem, sizeof e->problem, "%s: %s", path,
			problem);
		return;
	}
	copy(e->library, sizeof e->library, entry.library);
	copy(e->description, sizeof e->description, entry.description);
	if (!entry.id)
		return;
	e->id_known = guid_parse(entry.id, &e->id);
	if (!e->id_known)
		snprintf(e->problem, sizeof e->problem, "%s: the id is no GUID "
			"like {01234567-89ab-cdef-0123-456789abcdef}", path);
}

static void entry_of(const char *path, enum install_scope scope,
	struct install_entry *e)
{
	const char *name = strrchr(path, '/');
	size_t len;

	memset(e, 0, sizeof *e);
	name = name ? name + 1 : path;
	len = strlen(name) - strlen(SW_ENTRY_SUFFIX);
	if (len >= sizeof e->name)
		len = sizeof e->name - 1;
	memcpy(e->name, name, len);
	copy(e->where, sizeof e->where, path);
	e->scope = scope;
	read_entry(path, e);
}

struct walk {
	bool (*fn)(void *ctx, const struct install_entry *e);
	void *ctx;
	enum install_scope scope;
	bool stopped;
};

static bool take_file(void *ctx, const char *path)
{
	struct walk *w = ctx;
	struct install_entry e;

	entry_of(path, w->scope, &e);
	w->stopped = !w->fn(w->ctx, &e);
	return !w->stopped;
}

static bool walk_scope(struct walk *w, char why[INSTALL_WHY_MAX])
{
	char dir[SW_PATH_MAX];
	enum status st;

	if (!directory_of(w->scope, dir))
		return true;
	st = os_directory_each(dir, SW_ENTRY_SUFFIX, take_file, w);
	if (st == ST_OK || (st == ST_NOTFOUND && w->scope != INSTALL_CHOSEN))
		return true;
	return fail(why, "%s: cannot read the provider catalog: %s", dir,
		status_text(st));
}

bool install_each(enum install_scope scope,
	bool (*fn)(void *ctx, const struct install_entry *e), void *ctx,
	char why[INSTALL_WHY_MAX])
{
	struct walk w = {.fn = fn, .ctx = ctx};
	enum install_scope scopes[2];
	unsigned n = scopes_of(scope, scopes);
	bool good = true;

	for (unsigned i = 0; i < n && good && !w.stopped; i++) {
		w.scope = scopes[i];
		good = walk_scope(&w, why);
	}
	return good;
}

/* ---- the library ------------------------------------------------------ */

/* It becomes a line of text, which nothing in it may end or change. */
static bool can_be_written(const char *path)
{
	size_t len = strlen(path);

	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < ' ' || *p == '#')
			return false;
	return len > 0 && len < SW_PATH_MAX && path[len - 1] != ' ';
}

bool install_resolve(const char *path, char full[INSTALL_PATH_MAX],
	char why[INSTALL_WHY_MAX])
{
	char *real = realpath(path, NULL);
	struct stat st;
	bool good = false;

	if (!real)
		return fail(why, "%s: %s; give the path of a provider library",
			path, errno == ENOENT ? "no such file"
					      : strerror(errno));
	if (stat(real, &st) == 0 && S_ISDIR(st.st_mode))
		fail(why, "%s: a directory; give the path of a provider "
			"library", path);
	else if (!can_be_written(real))
		fail(why, "%s: a path that is too long, or has a # or a "
			"control character in it, cannot be in the catalog; "
			"move the library", path);
	else
		good = snprintf(full, INSTALL_PATH_MAX, "%s", real) > 0;
	free(real);
	return good;
}

bool install_preferred(struct install_entry *out)
{
	memset(out, 0, sizeof *out);
	copy(out->library, sizeof out->library, sw_settings()->provider);
	copy(out->where, sizeof out->where, "the setting \"provider\"");
	out->scope = INSTALL_CHOSEN;
	return out->library[0] != '\0';
}

/* ---- adding ----------------------------------------------------------- */

static void text_of(const struct install_entry *e, char text[SW_ENTRY_MAX])
{
	char id[GUID_TEXT_MAX];
	int n = snprintf(text, SW_ENTRY_MAX,
		"# SAN service provider; see wsd-provider(1).\n"
		"library = %s\n", e->library);

	if (e->id_known)
		n += snprintf(text + n, SW_ENTRY_MAX - (size_t)n, "id = %s\n",
			guid_text(&e->id, id));
	if (e->description[0])
		snprintf(text + n, SW_ENTRY_MAX - (size_t)n,
			"description = %s\n", e->description);
}

/* A comment sign or a line break in it would become something else. */
static void flatten(char *description)
{
	for (char *p = description; *p; p++)
		if ((unsigned char)*p < ' ' || *p == '#')
			*p = '?';
}

static const char *advice(int error, enum install_scope scope)
{
	if (error == EACCES || error == EPERM || error == EROFS)
		return scope == INSTALL_SYSTEM
			? "; run it as root, or use --user"
			: "; make it writable for you, or choose another "
			  "catalog with WSD_CATALOG";
	if (error == ENOSPC || error == EDQUOT || error == EFBIG)
		return "; make room and try again";
	return "";
}

/* There is one of that name. */
static enum install_outcome compare(struct install_entry *e, const char *path,
	char why[INSTALL_WHY_MAX])
{
	struct install_entry old;

	entry_of(path, e->scope, &old);
	if (!old.problem[0] && strcmp(old.library, e->library) == 0 &&
		old.id_known == e->id_known &&
		(!e->id_known || wsd_guid_equal(&old.id, &e->id)))
		return INSTALL_NOTHING; /* R7 */
	if (old.problem[0])
		fail(why, "%s; remove it first: wsd provider remove %s",
			old.problem, e->name);
	else
		fail(why, "%s is installed already, as %s (%s); remove it "
			"first, or choose another --name", e->name,
			old.library, path);
	return INSTALL_FAILED;
}

static enum install_outcome cannot(const char *verb, const char *path,
	int error, enum install_scope scope, char why[INSTALL_WHY_MAX])
{
	fail(why, "cannot %s %s: %s%s", verb, path, strerror(error),
		advice(error, scope));
	return INSTALL_FAILED;
}

enum install_outcome install_add(struct install_entry *e,
	char why[INSTALL_WHY_MAX])
{
	char dir[SW_PATH_MAX], path[SW_PATH_MAX], text[SW_ENTRY_MAX];
	int error;

	if (e->scope == INSTALL_ANY)
		e->scope = usual_scope();
	if (!directory_of(e->scope, dir) || !file_of(e->scope, e->name, path)) {
		fail(why, "there is no catalog for this user (HOME is not set, "
			"or too long); use --system, or set WSD_CATALOG");
		return INSTALL_FAILED;
	}
	copy(e->where, sizeof e->where, path);
	flatten(e->description);
	if (access(path, F_OK) == 0)
		return compare(e, path, why);
	error = folder_create(dir);
	if (error)
		return cannot("make", dir, error, e->scope, why);
	text_of(e, text);
	error = atomic_file_create(path, text);
	if (error == EEXIST)
		return compare(e, path, why);
	return error ? cannot("write", path, error, e->scope, why)
		     : INSTALL_DONE;
}

/* ---- removing --------------------------------------------------------- */

enum install_outcome install_remove(enum install_scope scope, const char *name,
	struct install_entry *out, char why[INSTALL_WHY_MAX])
{
	enum install_scope scopes[2];
	unsigned n = scopes_of(scope, scopes);
	char path[SW_PATH_MAX];

	for (unsigned i = 0; i < n; i++) {
		if (!file_of(scopes[i], name, path) || access(path, F_OK) != 0)
			continue;
		entry_of(path, scopes[i], out);
		if (unlink(path) == 0) /* R6: the file is all there is */
			return INSTALL_DONE;
		return cannot("remove", path, errno, scopes[i], why);
	}
	return INSTALL_NOTHING;
}
