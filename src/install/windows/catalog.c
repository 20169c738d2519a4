/* SPDX-License-Identifier: MIT */
/* catalog.c - install.h over the registry and the Winsock catalog. */
#include <openwsd/winsock2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "install/install.h"
#include "install/utf16.h"
#include "install/windows/calls.h"
#include "os/os.h"

#define LIBRARY "wsdshm.dll"

/* ---- the calls -------------------------------------------------------- */

static void error_text(int error, char *text, unsigned room)
{
	WCHAR wide[256];
	DWORD n = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM |
			FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)error, 0,
		wide, sizeof wide / sizeof wide[0], NULL);
	size_t used;

	if (error == ERROR_ACCESS_DENIED || error == WSAEACCES) {
		snprintf(text, room, "permission denied; run it as an "
			"administrator");
		return;
	}
	used = n ? utf16_to_utf8(wide, n, text, room) : 0;
	while (used && (unsigned char)text[used - 1] <= ' ')
		text[--used] = '\0';
	if (!used)
		snprintf(text, room, "error %d", error);
}

static bool calls(struct san_catalog_calls *out, char why[INSTALL_WHY_MAX])
{
	*out = (struct san_catalog_calls){
		.value_each = registry_value_each,
		.value_write = registry_value_write,
		.value_delete = registry_value_delete,
		.error_text = error_text,
	};
	if (winsock_calls(out))
		return true;
	snprintf(why, INSTALL_WHY_MAX, "this system has no Winsock catalog");
	return false;
}

/* There is one catalog here, of all users. */
static bool scope_exists(enum install_scope scope, char why[INSTALL_WHY_MAX])
{
	if (scope == INSTALL_ANY || scope == INSTALL_SYSTEM)
		return true;
	snprintf(why, INSTALL_WHY_MAX, "Windows has one catalog, for all "
		"users; use --system");
	return false;
}

/* ---- install.h -------------------------------------------------------- */

bool install_each(enum install_scope scope,
	bool (*fn)(void *ctx, const struct install_entry *e), void *ctx,
	char why[INSTALL_WHY_MAX])
{
	struct san_catalog_calls c;

	return scope_exists(scope, why) && calls(&c, why) &&
		san_catalog_each(&c, fn, ctx, why);
}

enum install_outcome install_add(struct install_entry *e,
	char why[INSTALL_WHY_MAX])
{
	struct san_catalog_calls c;

	if (!scope_exists(e->scope, why) || !calls(&c, why))
		return INSTALL_FAILED;
	return san_catalog_add(&c, e, why);
}

enum install_outcome install_remove(enum install_scope scope, const char *name,
	struct install_entry *out, char why[INSTALL_WHY_MAX])
{
	struct san_catalog_calls c;

	if (!scope_exists(scope, why) || !calls(&c, why))
		return INSTALL_FAILED;
	return san_catalog_remove(&c, name, out, why);
}

/* ---- libraries -------------------------------------------------------- */

static bool full_path(const char *path, char full[INSTALL_PATH_MAX])
{
	WCHAR from[INSTALL_PATH_MAX], to[INSTALL_PATH_MAX];
	DWORD n;

	utf16_from_utf8(path, from, INSTALL_PATH_MAX);
	n = GetFullPathNameW(from, INSTALL_PATH_MAX, to, NULL);
	if (n == 0 || n >= INSTALL_PATH_MAX)
		return false;
	utf16_to_utf8(to, INSTALL_PATH_MAX, full, INSTALL_PATH_MAX);
	return true;
}

static DWORD attributes_of(const char *full)
{
	WCHAR wide[INSTALL_PATH_MAX];

	utf16_from_utf8(full, wide, INSTALL_PATH_MAX);
	return GetFileAttributesW(wide);
}

bool install_resolve(const char *path, char full[INSTALL_PATH_MAX],
	char why[INSTALL_WHY_MAX])
{
	DWORD attributes = full_path(path, full) ? attributes_of(full)
						 : INVALID_FILE_ATTRIBUTES;

	if (attributes == INVALID_FILE_ATTRIBUTES)
		snprintf(why, INSTALL_WHY_MAX, "%s: no such file; give the "
			"path of a provider library", path);
	else if (attributes & FILE_ATTRIBUTE_DIRECTORY)
		snprintf(why, INSTALL_WHY_MAX, "%s: a directory; give the path "
			"of a provider library", path);
	else
		return true;
	return false;
}

bool install_preferred(struct install_entry *out)
{
	const char *path = getenv("WSD_PROVIDER");

	memset(out, 0, sizeof *out);
	snprintf(out->library, sizeof out->library, "%s", path ? path : "");
	snprintf(out->where, sizeof out->where, "WSD_PROVIDER");
	out->scope = INSTALL_CHOSEN;
	return out->library[0] != '\0';
}

/* Beside this program, where a build installs it, and where it leaves it. */
bool install_builtin(unsigned number, struct install_entry *out)
{
	static const char *const places[] = {LIBRARY,
		"..\\" WSD_LIBDIR "\\openwsd\\" LIBRARY,
		"..\\provider\\" LIBRARY};
	char folder[INSTALL_PATH_MAX], path[2 * INSTALL_PATH_MAX];
	char why[INSTALL_WHY_MAX];
	size_t len;

	memset(out, 0, sizeof *out);
	if (number > 0)
		return false;
	if (os_module_path(folder, sizeof folder) != ST_OK)
		return false;
	len = strlen(folder);
	while (len > 0 && folder[len - 1] != '\\' && folder[len - 1] != '/')
		len--;
	folder[len] = '\0';
	snprintf(out->name, sizeof out->name, "shm");
	snprintf(out->where, sizeof out->where,
		"used while the catalog is empty");
	out->scope = INSTALL_BUILTIN;
	for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
		snprintf(path, sizeof path, "%s%s", folder, places[i]);
		if (install_resolve(path, out->library, why))
			return true;
	}
	return false;
}
