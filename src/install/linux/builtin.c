/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "install/install.h"
#include "os/os.h"

static const char *const names[] = {"shm", "fabric"};

/* Relative to the folder of this program: installed, then in a build tree. */
static const char *const places[] = {
	"../" WSD_LIBDIR "/openwsd",
	"../lib/openwsd",
	"../provider",
};

static bool find(const char *folder, const char *place, const char *name,
	char out[INSTALL_PATH_MAX])
{
	char path[2 * INSTALL_PATH_MAX], *full;
	int n;

	snprintf(path, sizeof path, "%s/%s/libwsd-%s.so", folder, place, name);
	full = realpath(path, NULL);
	n = full ? snprintf(out, INSTALL_PATH_MAX, "%s", full) : -1;
	free(full);
	return n > 0 && n < INSTALL_PATH_MAX;
}

bool install_builtin(unsigned number, struct install_entry *out)
{
	char folder[INSTALL_PATH_MAX], *slash;

	memset(out, 0, sizeof *out);
	if (number >= sizeof names / sizeof names[0] ||
		os_module_path(folder, sizeof folder) != ST_OK)
		return false;
	slash = strrchr(folder, '/');
	if (!slash)
		return false;
	*slash = 0;
	strcpy(out->name, names[number]);
	strcpy(out->where, "used while the catalog is empty");
	out->scope = INSTALL_BUILTIN;
	for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
		if (find(folder, places[i], names[number], out->library))
			return true;
	return false;
}
