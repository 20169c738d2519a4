/* SPDX-License-Identifier: MIT */
/* find.c - the part of install.h that is the same on every system. */
#include <string.h>

#include "install/install.h"

const char *install_scope_name(enum install_scope scope)
{
	switch (scope) {
	case INSTALL_ANY:
		break;
	case INSTALL_USER:
		return "user";
	case INSTALL_SYSTEM:
		return "system";
	case INSTALL_CHOSEN:
		return "chosen";
	case INSTALL_BUILTIN:
		return "built-in";
	}
	return "any";
}

bool install_name_valid(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(name);

	return len > 0 && len < INSTALL_NAME_MAX && name[0] != '.' &&
		name[0] != '-' && strspn(name, good) == len;
}

struct search {
	const char *name;
	struct install_entry *out;
	bool found;
};

static bool is_it(void *ctx, const struct install_entry *e)
{
	struct search *s = ctx;

	if (strcmp(e->name, s->name) != 0)
		return true;
	*s->out = *e;
	s->found = true;
	return false;
}

bool install_find(enum install_scope scope, const char *name,
	struct install_entry *out)
{
	struct search s = {.name = name, .out = out};
	char why[INSTALL_WHY_MAX];

	install_each(scope, is_it, &s, why);
	return s.found;
}
