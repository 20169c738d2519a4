/* SPDX-License-Identifier: MIT */
#include "switch/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

#define SETTINGS_FILE "/etc/openwsd/wsd.conf"
#define SETTINGS_FILE_MAX 16384


#define PLACE(member) offsetof(struct sw_settings, member)

static const struct sw_setting table[] = {
	{"enable", "WSD_ENABLE", SW_SETTING_BOOL, 0, 1, "on",
		"Accelerate at all; off makes every connection TCP."},
	{"explain", "WSD_EXPLAIN", SW_SETTING_TEXT, 0, SW_TEXT_MAX - 1, "",
		"Where to print one line per connection: stderr or a file."},
	{"provider", "WSD_PROVIDER", SW_SETTING_TEXT, 0, SW_TEXT_MAX - 1, "",
		"Path of the one SAN service provider to use, instead of the "
		"catalog."},
	{"catalog", "WSD_CATALOG", SW_SETTING_TEXT, 0, SW_TEXT_MAX - 1, "",
		"Directory of the provider catalog, instead of the standard "
		"ones."},
	{"spin", "WSD_SPIN", SW_SETTING_INT, -1, 10000000, "-1",
		"How many times a receiver looks before it sleeps; 0 never, -1 "
		"adapts."},
	{"channel", "WSD_CHANNEL", SW_SETTING_BOOL, 0, 1, "on",
		"Use the provider's channel extension; off uses overlapped "
		"requests."},
	{"rdma", "WSD_RDMA", SW_SETTING_BOOL, 0, 1, "on",
		"Move large data by RDMA where it pays."},
	{"rdma_threshold", "WSD_RDMA_THRESHOLD", SW_SETTING_INT, 0, 1LL << 30,
		"0",
		"Bytes from which RDMA is used; 0 takes the provider's advice."},
	{"watch_memory", "WSD_WATCH_MEMORY", SW_SETTING_BOOL, 0, 1, "on",
		"Let providers keep memory registered, and tell them when "
		"mappings change; off registers anew each time."},
	{"patience", "WSD_PATIENCE", SW_SETTING_INT, 0, 60000, "1000",
		"Milliseconds to wait for a SAN's answer before TCP is used; a "
		"connect that must not block waits a tenth of it."},
	{"policy", "WSD_POLICY", SW_SETTING_TEXT, 0, SW_TEXT_MAX - 1, "",
		"File of the policy, instead of the standard ones; see "
		"wsd-policy(1)."},
	{"retry", "WSD_RETRY", SW_SETTING_INT, 0, 86400, "30",
		"Seconds before a SAN is tried again where it has failed; 0 "
		"always tries."},
};

static const size_t places[] = {
	PLACE(enable), PLACE(explain), PLACE(provider), PLACE(catalog),
	PLACE(spin), PLACE(channel), PLACE(rdma), PLACE(rdma_threshold),
	PLACE(watch_memory), PLACE(patience), PLACE(policy), PLACE(retry)};

#define COUNT (sizeof table / sizeof table[0])
_Static_assert(sizeof places / sizeof places[0] == COUNT, "one place each");

static struct sw_settings in_force;
static struct os_once once = OS_ONCE_INIT;

const struct sw_setting *sw_settings_table(unsigned *count)
{
	*count = COUNT;
	return table;
}

static int find(const char *name)
{
	for (unsigned i = 0; i < COUNT; i++)
		if (!strcmp(name, table[i].name) || !strcmp(name, table[i].env))
			return (int)i;
	return -1;
}

static bool parse_bool(const char *text, bool *out)
{
	static const char *const yes[] = {"1", "on", "yes", "true"};
	static const char *const no[] = {"0", "off", "no", "false"};

	for (unsigned i = 0; i < 4; i++) {
		if (!strcmp(text, yes[i])) {
			*out = true;
			return true;
		}
		if (!strcmp(text, no[i])) {
			*out = false;
			return true;
		}
	}
	return false;
}

static bool parse_int(const struct sw_setting *s, const char *text,
	long long *out)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || end == text || *end || v < s->min || v > s->max)
		return false;
	*out = v;
	return true;
}

/* Stores text's value at place, or only checks it when place is NULL. */
static bool parse(const struct sw_setting *s, const char *text, void *place)
{
	bool b;
	long long v;

	switch (s->type) {
	case SW_SETTING_BOOL:
		if (!parse_bool(text, &b))
			return false;
		if (place)
			*(bool *)place = b;
		return true;
	case SW_SETTING_INT:
		if (!parse_int(s, text, &v))
			return false;
		if (place)
			*(long long *)place = v;
		return true;
	case SW_SETTING_TEXT:
		if (strlen(text) > (size_t)s->max)
			return false;
		if (place)
			strcpy(place, text);
		return true;
	}
	return false;
}

static void say_expected(const struct sw_setting *s, const char *value,
	char *err, size_t len)
{
	switch (s->type) {
	case SW_SETTING_BOOL:
		snprintf(err, len, "%s: '%s' is not on or off", s->env, value);
		break;
	case SW_SETTING_INT:
		snprintf(err, len, "%s: '%s' is not a number from %lld to %lld",
			s->env, value, s->min, s->max);
		break;
	case SW_SETTING_TEXT:
		snprintf(err, len, "%s: longer than %lld bytes", s->env, s->max);
		break;
	}
}

enum status sw_settings_check(const char *name, const char *value, char *err,
	size_t errlen)
{
	int i = find(name);

	if (i < 0) {
		snprintf(err, errlen, "unknown setting '%s'; see 'wsd settings'",
			name);
		return ST_NOTFOUND;
	}
	if (!parse(&table[i], value, NULL)) {
		say_expected(&table[i], value, err, errlen);
		return ST_INVAL;
	}
	return ST_OK;
}

static void take(int i, const char *value, const char *where)
{
	char err[256], line[400];

	if (parse(&table[i], value, (char *)&in_force + places[i]))
		return;
	say_expected(&table[i], value, err, sizeof err);
	snprintf(line, sizeof line, "wsd: %s%s; using the default, %s", where,
		err, *table[i].def ? table[i].def : "none");
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

static void take_line(char *line, const char *path, unsigned number)
{
	char where[300], text[400], *eq, *hash = strchr(line, '#');
	int i;

	if (hash)
		*hash = 0;
	line = trim(line);
	if (!*line)
		return;
	snprintf(where, sizeof where, "%s:%u: ", path, number);
	eq = strchr(line, '=');
	if (eq) {
		*eq = 0;
		i = find(trim(line));
		if (i >= 0) {
			take(i, trim(eq + 1), where);
			return;
		}
	}
	snprintf(text, sizeof text,
		"wsd: %sexpected 'name = value' with a name of 'wsd settings'",
		where);
	os_log_line(text);
}

static void take_file(const char *path, bool must_exist)
{
	static char buf[SETTINGS_FILE_MAX + 1];
	size_t len = SETTINGS_FILE_MAX;
	char text[400], *line = buf, *next;
	enum status st = os_file_read(path, buf, &len);

	if (st != ST_OK) {
		if (st == ST_NOTFOUND && !must_exist)
			return;
		snprintf(text, sizeof text, "wsd: cannot read %s: %s", path,
			status_text(st));
		os_log_line(text);
		return;
	}
	buf[len] = 0;
	for (unsigned n = 1; line; line = next, n++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		take_line(line, path, n);
	}
}

static void load(void)
{
	const char *file = getenv("WSD_SETTINGS");

	for (unsigned i = 0; i < COUNT; i++)
		take((int)i, table[i].def, "default: ");
	take_file(file ? file : SETTINGS_FILE, file != NULL);
	for (unsigned i = 0; i < COUNT; i++) {
		const char *v = getenv(table[i].env);

		if (v)
			take((int)i, v, "");
	}
}

const struct sw_settings *sw_settings(void)
{
	os_once(&once, load);
	return &in_force;
}
