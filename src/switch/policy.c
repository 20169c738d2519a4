/* SPDX-License-Identifier: MIT */
#include "switch/policy.h"

#include <string.h>

#include "base/sockaddr.h"

enum field { PROGRAM, DIRECTION, ADDRESS, PORTS, ROUTE, FIELDS };

/* ---- fields ----------------------------------------------------------- */

/* Each returns NULL, or what was expected instead. */
typedef const char *(*field_fn)(struct policy_rule *r, char *text);

static const char *take_program(struct policy_rule *r, char *text)
{
	if (strchr(text, '/') || strlen(text) >= sizeof r->program)
		return "as PROGRAM the name of an executable without folders, "
		       "at most 63 bytes; * and ? stand for others";
	strcpy(r->program, text);
	return NULL;
}

static const char *take_direction(struct policy_rule *r, char *text)
{
	if (strcmp(text, "connect") == 0)
		r->directions = POLICY_CONNECT;
	else if (strcmp(text, "listen") == 0)
		r->directions = POLICY_LISTEN;
	else if (strcmp(text, "*") == 0)
		r->directions = POLICY_CONNECT | POLICY_LISTEN;
	else
		return "connect, listen or * as DIRECTION";
	return NULL;
}

/* Digits only, so that nothing else is taken for a number. */
static bool parse_number(const char *text, unsigned max, unsigned *out)
{
	unsigned v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (unsigned)(*text - '0');
		if (v > max)
			return false;
	}
	*out = v;
	return true;
}

static bool parse_ip(const char *text, struct addr *out)
{
	union sockaddr_any any;

	memset(&any, 0, sizeof any);
	if (inet_pton(AF_INET, text, &any.in.sin_addr) == 1)
		any.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &any.in6.sin6_addr) == 1)
		any.sa.sa_family = AF_INET6;
	else
		return false;
	return addr_from_sockaddr(&any.sa, sizeof any, out);
}

static const char *take_address(struct policy_rule *r, char *text)
{
	char *slash = strchr(text, '/');
	unsigned most, written_as;

	if (strcmp(text, "*") == 0)
		return NULL;
	if (slash)
		*slash++ = 0;
	if (!parse_ip(text, &r->net))
		return "an IPv4 or IPv6 address, or *, as ADDRESS";
	most = r->net.family == 4 ? 32 : 128;
	/* ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
	written_as = strchr(text, ':') ? 128 : 32;
	r->prefix = written_as;
	if (slash && !parse_number(slash, written_as, &r->prefix))
		return written_as == 32 ? "a PREFIX of 0 to 32 bits"
					: "a PREFIX of 0 to 128 bits";
	if (r->prefix < written_as - most)
		return "a PREFIX of 96 to 128 bits";
	r->prefix -= written_as - most;
	return NULL;
}

static const char *take_ports(struct policy_rule *r, char *text)
{
	char *hyphen = strchr(text, '-');
	unsigned first = 1, last = 65535;
	bool good = true;

	if (hyphen)
		*hyphen++ = 0;
	if (hyphen || strcmp(text, "*") != 0) {
		good = parse_number(text, 65535, &first);
		last = first;
	}
	if (hyphen)
		good = good && parse_number(hyphen, 65535, &last);
	if (!good || first == 0 || first > last)
		return "a port of 1 to 65535, FIRST-LAST or *, as PORTS";
	r->first_port = (uint16_t)first;
	r->last_port = (uint16_t)last;
	return NULL;
}

static bool is_name(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f ||
			strchr("*?/", *text))
			return false;
	return true;
}

static const char *take_route(struct policy_rule *r, char *text)
{
	if (strcmp(text, "tcp") == 0)
		r->route = POLICY_TCP;
	else if (strcmp(text, "auto") == 0)
		r->route = POLICY_AUTO;
	else
		r->route = POLICY_SAN;
	if (strlen(text) >= sizeof r->san || !is_name(text))
		return "tcp, auto or the name of a SAN, such as shm or fabric, "
		       "as ROUTE";
	strcpy(r->san, text);
	return NULL;
}

/* ---- lines ------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* The next word of *at, ended with NUL; NULL: there is none. */
static char *next_word(char **at)
{
	char *start = *at, *end;

	while (is_blank(*start))
		start++;
	end = start;
	while (*end && !is_blank(*end))
		end++;
	*at = *end ? end + 1 : end;
	*end = 0;
	return end == start ? NULL : start;
}

static const char *take_rule(struct policy_rule *r, char *line)
{
	static const field_fn take[FIELDS] = {
		[PROGRAM] = take_program,
		[DIRECTION] = take_direction,
		[ADDRESS] = take_address,
		[PORTS] = take_ports,
		[ROUTE] = take_route,
	};
	char *words[FIELDS];
	const char *expected = NULL;

	for (unsigned i = 0; i < FIELDS; i++) {
		words[i] = next_word(&line);
		if (!words[i])
			return "PROGRAM DIRECTION ADDRESS[/PREFIX] PORTS ROUTE";
	}
	if (next_word(&line))
		return "nothing after ROUTE but a comment that begins with #";
	for (unsigned i = 0; i < FIELDS && !expected; i++)
		expected = take[i](r, words[i]);
	return expected;
}

static const char *take_line(struct policy *p, char *line, unsigned number)
{
	struct policy_rule *r = &p->rules[p->count];
	char *hash = strchr(line, '#');
	const char *expected;

	if (hash)
		*hash = 0;
	while (is_blank(*line))
		line++;
	if (!*line)
		return NULL;
	if (p->count == POLICY_RULES_MAX)
		return "no more than 256 rules";
	memset(r, 0, sizeof *r);
	r->line = number;
	expected = take_rule(r, line);
	if (!expected)
		p->count++;
	return expected;
}

bool policy_parse(char *text, size_t len, struct policy *out,
	struct policy_mistake *mistake)
{
	char *next, *end = text + len;
	unsigned number = 1;

	text[len] = 0;
	out->count = 0;
	mistake->expected = NULL;
	for (char *line = text; line <= end; line = next, number++) {
		size_t rest = (size_t)(end - line);

		next = memchr(line, '\n', rest);
		next = next ? next : end;
		*next++ = 0;
		mistake->line = number;
		mistake->expected = strlen(line) != (size_t)(next - line) - 1
			? "text, not a NUL byte"
			: take_line(out, line, number);
		if (mistake->expected)
			return false;
	}
	return true;
}

/* ---- matching --------------------------------------------------------- */

/*
 * A star takes as few characters as will do; when that fails later, one more.
 * Only the last star need be tried again, so the time is at most the product of
 * both lengths.
 */
static bool glob_matches(const char *glob, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name) {
		if (*glob == '*') {
			star = ++glob;
			retry = name;
		} else if (*glob == '?' || *glob == *name) {
			glob++;
			name++;
		} else if (star) {
			glob = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

const struct policy_rule *policy_match(const struct policy *p,
	const char *program, unsigned direction, const struct addr *a)
{
	for (unsigned i = 0; i < p->count; i++) {
		const struct policy_rule *r = &p->rules[i];

		if ((r->directions & direction) && r->first_port <= a->port &&
			a->port <= r->last_port &&
			(r->net.family == 0 ||
				addr_in_subnet(a, &r->net, r->prefix)) &&
			glob_matches(r->program, program))
			return r;
	}
	return NULL;
}

bool policy_allows(const struct policy_rule *rule, const char *san)
{
	if (!rule || rule->route == POLICY_AUTO)
		return true;
	return rule->route == POLICY_SAN && strcmp(rule->san, san) == 0;
}

const char *policy_route_name(const struct policy_rule *rule)
{
	return rule ? rule->san : "auto";
}
