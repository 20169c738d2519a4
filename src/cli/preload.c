/* SPDX-License-Identifier: MIT */
#include "preload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libwsd-preload.so"
#define CHOICE "WSD_PRELOAD_LIBRARY"
#define SEPARATORS " :"

/* Relative to the folder of this program: installed, then in a build tree. */
static const char *const places[] = {
	"../" WSD_LIBDIR "/openwsd",
	"../lib/openwsd",
	"../preload",
};

static bool own_folder(char folder[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	folder[n] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	return slash != NULL;
}

/* Without "..", so that it stays readable in the program's environment. */
static bool resolve(const char *found, char path[PATH_MAX])
{
	char *real = realpath(found, NULL);
	int n;

	if (!real)
		return false;
	n = snprintf(path, PATH_MAX, "%s", real);
	free(real);
	return n < PATH_MAX && access(path, R_OK) == 0;
}

bool preload_is_chosen(void)
{
	const char *chosen = getenv(CHOICE);

	return chosen && *chosen;
}

static bool find_chosen(char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s", getenv(CHOICE));

	return n < PATH_MAX && resolve(getenv(CHOICE), path);
}

bool preload_find(char path[PATH_MAX])
{
	char folder[PATH_MAX], candidate[PATH_MAX + 64];

	strcpy(path, LIBRARY);
	if (preload_is_chosen())
		return find_chosen(path);
	if (!own_folder(folder))
		return false;
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(candidate, sizeof(candidate), "%s/%s/" LIBRARY, folder,
			places[i]);
		if (resolve(candidate, path))
			return true;
	}
	return false;
}

static bool is_listed(const char *list, const char *path)
{
	size_t len = strlen(path), n;

	for (; *list; list += n) {
		list += strspn(list, SEPARATORS);
		n = strcspn(list, SEPARATORS);
		if (n == len && memcmp(list, path, len) == 0)
			return true;
	}
	return false;
}

bool preload_enter(const char *path)
{
	const char *list = getenv("LD_PRELOAD");
	char *longer;
	bool done;

	if (strpbrk(path, SEPARATORS))
		return false;
	if (!list || !*list)
		return setenv("LD_PRELOAD", path, 1) == 0;
	if (is_listed(list, path))
		return true;
	if (asprintf(&longer, "%s:%s", path, list) < 0)
		return false;
	done = setenv("LD_PRELOAD", longer, 1) == 0;
	free(longer);
	return done;
}
