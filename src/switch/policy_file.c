/* SPDX-License-Identifier: MIT */
#include "switch/policy_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "switch/settings.h"

#define USER_FILE ".config/openwsd/policy.conf"

static struct policy in_force;
static char program[256];
static bool wrong;
static struct os_once once = OS_ONCE_INIT;

static enum status look_at(const char *path)
{
	char probe[4];
	size_t len = sizeof probe;

	return os_file_read(path, probe, &len);
}

/* A home that may not be looked into (HOME is still root's in a server that has
 * become another user) has none. */
static bool is_at_home(const char *path)
{
	enum status st = look_at(path);

	return st != ST_NOTFOUND && st != ST_ACCESS;
}

bool policy_find(char path[SW_PATH_MAX])
{
	const char *home = getenv("HOME");

	if (sw_settings()->policy[0]) {
		snprintf(path, SW_PATH_MAX, "%s", sw_settings()->policy);
		return true;
	}
	if (home && *home &&
		snprintf(path, SW_PATH_MAX, "%s/" USER_FILE, home) <
			SW_PATH_MAX && is_at_home(path))
		return true;
	snprintf(path, SW_PATH_MAX, "%s", POLICY_SYSTEM_FILE);
	return look_at(path) != ST_NOTFOUND;
}

static bool parse(const char *path, char *text, size_t len, struct policy *out,
	char problem[POLICY_PROBLEM_MAX])
{
	struct policy_mistake mistake;

	if (policy_parse(text, len, out, &mistake))
		return true;
	snprintf(problem, POLICY_PROBLEM_MAX, "%s:%u: expected %s", path,
		mistake.line, mistake.expected);
	return false;
}

bool policy_read(const char *path, struct policy *out,
	char problem[POLICY_PROBLEM_MAX])
{
	size_t len = POLICY_TEXT_MAX;
	char *text = malloc(len + 1);
	enum status st = text ? os_file_read(path, text, &len) : ST_NOMEM;
	bool good = false;

	if (st == ST_OK)
		good = parse(path, text, len, out, problem);
	else if (st == ST_MSGSIZE)
		snprintf(problem, POLICY_PROBLEM_MAX, "%s: longer than %d "
			"bytes", path, POLICY_TEXT_MAX);
	else
		snprintf(problem, POLICY_PROBLEM_MAX, "cannot read %s: %s",
			path, status_text(st));
	free(text);
	return good;
}

static void load(void)
{
	char path[SW_PATH_MAX], problem[POLICY_PROBLEM_MAX];
	char line[POLICY_PROBLEM_MAX + 60];

	if (!policy_find(path))
		return;
	/* Without a name only rules for every program count. */
	if (os_program_name(program, sizeof program) != ST_OK)
		program[0] = 0;
	if (policy_read(path, &in_force, problem))
		return;
	wrong = true;
	snprintf(line, sizeof line, "wsd: %s; every connection uses TCP",
		problem);
	os_log_line(line);
}

bool policy_permits(unsigned direction, const struct addr *a,
	const struct policy_rule **rule, enum sw_reason *why)
{
	os_once(&once, load);
	*why = SW_POLICY_ERROR;
	if (wrong)
		return false;
	*why = SW_POLICY;
	*rule = policy_match(&in_force, program, direction, a);
	return !*rule || (*rule)->route != POLICY_TCP;
}
