/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "install/install.h"
#include "os/os.h"

#define LIBRARY "libwsd-shm.so"

/* Relative to the folder of this program: installed, then in a build tree. */
static const char *const places[] = {
	"../" WSD_LIBDIR "/openwsd",
	"../lib/openwsd",
	"../provider",
};

static bool find(const char *folder, const char *place,
	char out[INSTALL_PATH_MAX])
{
	char path[2 * INSTALL_PATH_MAX], *full;
	int n;

	snprintf(path, sizeof path, "%s/%s/" LIBRARY, folder, place);
	full = realpath(path, NULL);
	n = full ? snprintf(out, INSTALL_PATH_MAX, "%s", full) : -1;
	free(full);
	return n > 0 && n < INSTALL_PATH_MAX;
}

bool install_builtin(struct install_entry *out)
{
	char folder[INSTALL_PATH_MAX], *slash;

	memset(out, 0, sizeof *out);
	if (os_module_path(folder, sizeof folder) != ST_OK)
		return false;
	slash = strrchr(folder, '/');
	if (!slash)
		return false;
	*slash = 0;
	strcpy(out->name, "shm");
	strcpy(out->where, "used while the catalog is empty");
	out->scope = INSTALL_BUILTIN;
	for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
		if (find(folder, places[i], out->library))
			return true;
	return false;
}
