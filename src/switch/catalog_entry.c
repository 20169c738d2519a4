/* SPDX-License-Identifier: MIT */
#include "switch/catalog_entry.h"

#include <ctype.h>
#include <string.h>

#define A_LIBRARY "a line 'library = /absolute/path' of a SAN service provider"

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

static void take(struct sw_catalog_entry *out, const char *name,
	const char *value)
{
	if (strcmp(name, "library") == 0)
		out->library = value;
	else if (strcmp(name, "id") == 0)
		out->id = value;
	else if (strcmp(name, "description") == 0)
		out->description = value;
}

/* NULL, or what was expected instead of this line. */
static const char *take_line(struct sw_catalog_entry *out, char *line)
{
	char *hash = strchr(line, '#'), *equals;

	if (hash)
		*hash = 0;
	line = trim(line);
	if (!*line)
		return NULL;
	equals = strchr(line, '=');
	if (!equals)
		return "NAME = VALUE, or a comment that begins with #";
	*equals = 0;
	take(out, trim(line), trim(equals + 1));
	return out->library && out->library[0] != '/' ? A_LIBRARY : NULL;
}

bool sw_catalog_entry_parse(char *text, size_t len,
	struct sw_catalog_entry *out, struct sw_catalog_mistake *mistake)
{
	char *next;

	memset(out, 0, sizeof *out);
	mistake->line = 1;
	text[len] = 0;
	mistake->expected = strlen(text) == len ? NULL : "text";
	for (char *line = text; line && !mistake->expected; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		mistake->expected = take_line(out, line);
		if (!mistake->expected)
			mistake->line++;
	}
	if (!mistake->expected && !out->library) {
		mistake->line = 0;
		mistake->expected = A_LIBRARY;
	}
	return !mistake->expected;
}
