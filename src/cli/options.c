/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

/* ---- taking apart ----------------------------------------------------- */

struct left {
	int count;
	char **next;
};

static const struct option_spec *find(const struct option_spec *specs,
	const char *arg, const char **value)
{
	for (; specs->name; specs++) {
		size_t n = strlen(specs->name);

		if (strncmp(arg, specs->name, n) != 0)
			continue;
		if (arg[n] != '\0' && arg[n] != '=')
			continue;
		*value = arg[n] == '=' ? arg + n + 1 : NULL;
		return specs;
	}
	return NULL;
}

static bool take_option(const char *what, const struct option_spec *specs,
	const char *arg, struct left *left)
{
	const char *value;
	const struct option_spec *s = find(specs, arg, &value);

	if (!s) {
		usage_error(what, "unknown option %s", arg);
		return false;
	}
	if (s->flag && value) {
		usage_error(what, "%s takes no value", s->name);
		return false;
	}
	if (s->flag) {
		*s->flag = true;
		return true;
	}
	if (!value && left->count > 0) {
		left->count--;
		value = *left->next++;
	}
	if (!value || !*value) {
		usage_error(what, "%s needs a value", s->name);
		return false;
	}
	*s->value = value;
	return true;
}

int options_take(const struct command *c, const char *what,
	const struct option_spec *specs, int argc, char **argv,
	const char **operands, int max)
{
	struct left left = {argc - 1, argv + 1};
	bool only_operands = false;
	int n = 0;

	while (left.count > 0) {
		const char *arg = *left.next++;

		left.count--;
		if (!only_operands && strcmp(arg, "--") == 0) {
			only_operands = true;
		} else if (!only_operands && arg[0] == '-' && arg[1]) {
			if (command_answers(c, arg))
				return OPTIONS_DONE;
			if (!take_option(what, specs, arg, &left))
				return OPTIONS_WRONG;
		} else if (n == max) {
			usage_error(what, "unexpected %s", arg);
			return OPTIONS_WRONG;
		} else {
			operands[n++] = arg;
		}
	}
	return n;
}

int options_status(int result)
{
	return result == OPTIONS_DONE ? 0 : EXIT_USAGE;
}

/* ---- values ----------------------------------------------------------- */

static bool digits(const char *text, uint64_t *out, const char **end)
{
	uint64_t v = 0;

	*end = text;
	for (; **end >= '0' && **end <= '9'; (*end)++) {
		unsigned d = (unsigned)(**end - '0');

		if (v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return *end != text;
}

static bool in_range(const char *what, const char *name, const char *text,
	bool is_number, uint64_t v, uint64_t min, uint64_t max)
{
	if (is_number && v >= min && v <= max)
		return true;
	usage_error(what, "%s: '%s' is not a number from %llu to %llu", name,
		text, (unsigned long long)min, (unsigned long long)max);
	return false;
}

bool options_number(const char *what, const char *name, const char *text,
	uint64_t min, uint64_t max, uint64_t *out)
{
	const char *end;
	uint64_t v = 0;
	bool good = digits(text, &v, &end) && !*end;

	if (!in_range(what, name, text, good, v, min, max))
		return false;
	*out = v;
	return true;
}

static unsigned shift_of(char suffix)
{
	if (suffix == 'k' || suffix == 'K')
		return 10;
	return suffix == 'm' || suffix == 'M' ? 20 : 0;
}

bool options_bytes(const char *what, const char *name, const char *text,
	uint64_t min, uint64_t max, uint64_t *out)
{
	const char *end;
	uint64_t v = 0;
	bool good = digits(text, &v, &end);
	unsigned shift = good ? shift_of(*end) : 0;

	good = good && !end[shift ? 1 : 0] && v <= UINT64_MAX >> shift;
	if (!in_range(what, name, text, good, v << shift, min, max))
		return false;
	*out = v << shift;
	return true;
}

bool options_seconds(const char *what, const char *name, const char *text,
	double min, double max, uint64_t *out)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= min && v <= max)) {
		usage_error(what, "%s: '%s' is not a number of seconds from %g "
			"to %g", name, text, min, max);
		return false;
	}
	*out = (uint64_t)(v * 1e9);
	return true;
}
