/* SPDX-License-Identifier: MIT */
/* settings.c - `wsd settings`, and settings on the way to a program. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "message.h"
#include "switch/settings.h"

enum { NAME_ROOM = 64, ERROR_ROOM = 256, RANGE_ROOM = 64 };

static const char usage[] =
	"usage: wsd settings [--json | --markdown]\n"
	"\n"
	"Lists the settings. A setting is taken from `wsd run --set\n"
	"NAME=VALUE` or the environment, else from /etc/openwsd/wsd.conf\n"
	"(or the file that WSD_SETTINGS names; `name = value` lines), else\n"
	"it has its default.\n"
	"\n"
	"  --json            for programs\n"
	"  --markdown        the page docs/settings.md\n"
	"  --help, --version\n";

/* ---- on the way to a program ------------------------------------------ */

static bool acceptable(const char *name, const char *value)
{
	char why[ERROR_ROOM];

	if (sw_settings_check(name, value, why, sizeof(why)) == ST_OK)
		return true;
	message("%s", why);
	return false;
}

/* By either of its names; NULL when there is none such. */
static const struct sw_setting *find(const char *name)
{
	unsigned count;
	const struct sw_setting *table = sw_settings_table(&count);

	for (unsigned i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0 ||
			strcmp(table[i].env, name) == 0)
			return &table[i];
	return NULL;
}

bool settings_assign(const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	const struct sw_setting *s;
	char name[NAME_ROOM];

	if (!equals) {
		message("'%s' is not NAME=VALUE; see 'wsd settings'",
			assignment);
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equals - assignment),
		assignment);
	if (!acceptable(name, equals + 1))
		return false;
	s = find(name);
	return s && setenv(s->env, equals + 1, 1) == 0;
}

bool settings_check_environment(void)
{
	unsigned count;
	const struct sw_setting *table = sw_settings_table(&count);
	const char *value;

	for (unsigned i = 0; i < count; i++) {
		value = getenv(table[i].env);
		if (value && !acceptable(table[i].name, value))
			return false;
	}
	return true;
}

/* ---- listing ---------------------------------------------------------- */

static const char *type_name(const struct sw_setting *s)
{
	switch (s->type) {
	case SW_SETTING_BOOL:
		return "bool";
	case SW_SETTING_INT:
		return "int";
	case SW_SETTING_TEXT:
		return "text";
	}
	return "";
}

static const char *range(const struct sw_setting *s, char room[RANGE_ROOM])
{
	if (s->type == SW_SETTING_BOOL)
		snprintf(room, RANGE_ROOM, "on, off");
	else if (s->type == SW_SETTING_INT)
		snprintf(room, RANGE_ROOM, "%lld to %lld", s->min, s->max);
	else
		snprintf(room, RANGE_ROOM, "text, at most %lld bytes", s->max);
	return room;
}

static const char *shown_default(const struct sw_setting *s)
{
	return *s->def ? s->def : "none";
}

static void print_text(const struct sw_setting *s, bool last)
{
	char room[RANGE_ROOM];

	printf("%s (%s): %s; default %s\n        %s\n", s->name, s->env,
		range(s, room), shown_default(s), s->help);
}

static void print_markdown(const struct sw_setting *s, bool last)
{
	char room[RANGE_ROOM];

	printf("| `%s` | `%s` | %s | %s | %s |\n", s->name, s->env,
		range(s, room), shown_default(s), s->help);
}

static void print_json(const struct sw_setting *s, bool last)
{
	fputs("  {", stdout);
	json_member("name", s->name, ", ");
	json_member("env", s->env, ", ");
	json_member("type", type_name(s), ", ");
	if (s->type == SW_SETTING_INT)
		printf("\"min\": %lld, \"max\": %lld, ", s->min, s->max);
	json_member("default", s->def, ", ");
	json_member("help", s->help, last ? "}\n" : "},\n");
}

struct form {
	const char *option, *head, *tail;
	void (*print)(const struct sw_setting *s, bool last);
};

static const struct form forms[] = {
	{"", "", "", print_text},
	{"--json", "[\n", "]\n", print_json},
	{"--markdown",
		"<!-- SPDX-License-Identifier: MIT -->\n"
		"<!-- Written by `wsd settings --markdown`. -->\n"
		"# Settings\n"
		"\n"
		"A setting is taken from `wsd run --set NAME=VALUE` or the\n"
		"environment, else from the file `/etc/openwsd/wsd.conf` (or\n"
		"the one that `WSD_SETTINGS` names; `name = value` lines, `#`\n"
		"starts a comment), else it has its default.\n"
		"\n"
		"| name | environment | values | default | meaning |\n"
		"| --- | --- | --- | --- | --- |\n",
		"", print_markdown},
};

static void print_as(const struct form *f)
{
	unsigned count;
	const struct sw_setting *table = sw_settings_table(&count);

	fputs(f->head, stdout);
	for (unsigned i = 0; i < count; i++)
		f->print(&table[i], i + 1 == count);
	fputs(f->tail, stdout);
}

void settings_print(void)
{
	print_as(&forms[0]);
}

static const struct form *find_form(const char *option)
{
	for (unsigned i = 1; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].option, option) == 0)
			return &forms[i];
	return NULL;
}

static int run(int argc, char **argv)
{
	const struct form *f = &forms[0];

	if (argc > 2)
		return usage_error("settings", "too many arguments");
	if (argc == 2 && command_answers(&command_settings, argv[1]))
		return 0;
	if (argc == 2)
		f = find_form(argv[1]);
	if (!f)
		return usage_error("settings", "unknown option %s", argv[1]);
	print_as(f);
	return 0;
}

const struct command command_settings = {
	.name = "settings",
	.summary = "list the settings",
	.usage = usage,
	.run = run,
};
