/* SPDX-License-Identifier: MIT */
#include "switch/policy.h"

#include <string.h>

#include "switch_test.h"

static struct policy p;

/* Parses exactly these bytes, so that a sanitizer sees what is read beyond. */
static bool parse_bytes(const void *bytes, size_t len,
	struct policy_mistake *mistake)
{
	char *text = malloc(len + 1);
	bool good;

	CHECK(text);
	memcpy(text, bytes, len);
	good = policy_parse(text, len, &p, mistake);
	free(text);
	return good;
}

static bool parse(const char *text)
{
	struct policy_mistake mistake;

	return parse_bytes(text, strlen(text), &mistake);
}

static struct addr six(uint8_t first, uint8_t second, uint16_t port)
{
	struct addr a = addr_any(6, port);

	a.ip[0] = first;
	a.ip[1] = second;
	a.ip[15] = 1;
	return a;
}

/* The line of the rule that fits; 0: none. */
static unsigned line_for(const char *program, unsigned direction,
	struct addr a)
{
	const struct policy_rule *r = policy_match(&p, program, direction, &a);

	return r ? r->line : 0;
}

/* ---- what is right ---------------------------------------------------- */

static void every_form_of_a_rule_is_understood(void)
{
	const struct policy_rule *r = p.rules;

	CHECK(parse("# a comment\n"
		    "\n"
		    "redis-? connect 10.1.0.0/16 6379-6400 fabric # why\n"
		    "\t *\tlisten  fd00::1   *   tcp\r\n"
		    "x * * 80 auto\n"
		    "y * ::ffff:10.0.0.0/104 1-65535 shm"));
	CHECK(p.count == 4);
	CHECK(r[0].line == 3 && !strcmp(r[0].program, "redis-?"));
	CHECK(r[0].directions == POLICY_CONNECT && r[0].prefix == 16);
	CHECK(r[0].net.family == 4 && r[0].net.ip[12] == 10);
	CHECK(r[0].first_port == 6379 && r[0].last_port == 6400);
	CHECK(r[0].route == POLICY_SAN && !strcmp(r[0].san, "fabric"));
	CHECK(r[1].line == 4 && r[1].directions == POLICY_LISTEN);
	CHECK(r[1].net.family == 6 && r[1].prefix == 128);
	CHECK(r[1].first_port == 1 && r[1].last_port == 65535);
	CHECK(r[1].route == POLICY_TCP);
	CHECK(r[2].directions == (POLICY_CONNECT | POLICY_LISTEN));
	CHECK(r[2].net.family == 0 && r[2].route == POLICY_AUTO);
	CHECK(r[2].first_port == 80 && r[2].last_port == 80);
	CHECK(r[3].line == 6 && r[3].net.family == 4 && r[3].prefix == 8);
	CHECK(!strcmp(policy_route_name(&r[0]), "fabric"));
	CHECK(!strcmp(policy_route_name(&r[1]), "tcp"));
	CHECK(!strcmp(policy_route_name(NULL), "auto"));
}

static void nothing_is_a_policy_without_rules(void)
{
	CHECK(parse("") && p.count == 0);
	CHECK(parse("\n \n#\n   # x") && p.count == 0);
}

static void names_may_be_as_long_as_they_are_and_no_longer(void)
{
	char line[200], name[65] = "";

	memset(name, 'n', 63);
	snprintf(line, sizeof line, "%s * * * %.31s", name, name);
	CHECK(parse(line) && strlen(p.rules[0].program) == 63 &&
		strlen(p.rules[0].san) == 31);
	snprintf(line, sizeof line, "%sn * * * tcp", name);
	CHECK(!parse(line));
	snprintf(line, sizeof line, "x * * * %.32s", name);
	CHECK(!parse(line));
}

static void the_rules_are_counted(void)
{
	static char text[(POLICY_RULES_MAX + 1) * 16];
	struct policy_mistake m;

	for (unsigned i = 0; i <= POLICY_RULES_MAX; i++) {
		if (i == POLICY_RULES_MAX) {
			CHECK(parse(text) && p.count == POLICY_RULES_MAX);
		}
		strcat(text, "* * * 1 tcp\n");
	}
	CHECK(!parse_bytes(text, strlen(text), &m));
	CHECK(m.line == POLICY_RULES_MAX + 1 && strstr(m.expected, "256"));
}

/* ---- what is wrong ---------------------------------------------------- */

static const struct {
	const char *rule, *says;
} mistakes[] = {
	{"redis", "PROGRAM DIRECTION ADDRESS"},
	{"* * * *", "PROGRAM DIRECTION ADDRESS"},
	{"* * * * tcp tcp", "nothing after ROUTE"},
	{"/bin/redis * * * tcp", "PROGRAM"},
	{"* both * * tcp", "DIRECTION"},
	{"* Connect * * tcp", "DIRECTION"},
	{"* * localhost * tcp", "ADDRESS"},
	{"* * 10.1.2 * tcp", "ADDRESS"},
	{"* * 10.1.2.300 * tcp", "ADDRESS"},
	{"* * fe80::1%eth0 * tcp", "ADDRESS"},
	{"* * */8 * tcp", "ADDRESS"},
	{"* * /8 * tcp", "ADDRESS"},
	{"* * 10.0.0.0/ * tcp", "0 to 32"},
	{"* * 10.0.0.0/33 * tcp", "0 to 32"},
	{"* * 10.0.0.0/-1 * tcp", "0 to 32"},
	{"* * 10.0.0.0/8/8 * tcp", "0 to 32"},
	{"* * 10.0.0.0/99999999999999999999 * tcp", "0 to 32"},
	{"* * fd00::/129 * tcp", "0 to 128"},
	{"* * fd00::/+1 * tcp", "0 to 128"},
	{"* * ::ffff:10.0.0.0/95 * tcp", "96 to 128"},
	{"* * * http tcp", "PORTS"},
	{"* * * 0 tcp", "PORTS"},
	{"* * * 65536 tcp", "PORTS"},
	{"* * * 80- tcp", "PORTS"},
	{"* * * -80 tcp", "PORTS"},
	{"* * * 90-80 tcp", "PORTS"},
	{"* * * 80-90-95 tcp", "PORTS"},
	{"* * * *-90 tcp", "PORTS"},
	{"* * * 4294967377 tcp", "PORTS"},
	{"* * * * *", "ROUTE"},
	{"* * * * a/b", "ROUTE"},
	{"* * * * sh\177m", "ROUTE"},
};

static void every_mistake_is_told_with_its_line(void)
{
	char text[200];
	struct policy_mistake m;

	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		snprintf(text, sizeof text, "# one\n* * * * tcp\n%s\nnonsense",
			mistakes[i].rule);
		if (parse_bytes(text, strlen(text), &m) || m.line != 3 ||
			!strstr(m.expected, mistakes[i].says)) {
			printf("# %s\n", mistakes[i].rule);
			CHECK(!"told as expected");
		}
		CHECK(!strchr(m.expected, '\n'));
	}
}

static void a_nul_byte_is_no_text(void)
{
	static const char text[] = "* * * * tcp\n# a\0b\n* * * * tcp\n";
	struct policy_mistake m;

	CHECK(!parse_bytes(text, sizeof text - 1, &m));
	CHECK(m.line == 2 && strstr(m.expected, "NUL"));
	CHECK(!parse_bytes("\0", 1, &m) && m.line == 1);
	CHECK(!parse_bytes("* * * * tcp\0", 12, &m) && m.line == 1);
}

/* ---- anybody's bytes -------------------------------------------------- */

static uint32_t dice(void)
{
	static uint32_t state = 12345;

	state = state * 1664525 + 1013904223;
	return state >> 8;
}

static void check_sound(void)
{
	CHECK(p.count <= POLICY_RULES_MAX);
	for (unsigned i = 0; i < p.count; i++) {
		const struct policy_rule *r = &p.rules[i];

		CHECK(r->line > 0 && r->directions && r->directions <= 3);
		CHECK(r->first_port > 0 && r->first_port <= r->last_port);
		CHECK(r->prefix <= (r->net.family == 4 ? 32u : 128u));
		CHECK(memchr(r->program, 0, sizeof r->program));
		CHECK(memchr(r->san, 0, sizeof r->san));
		CHECK(r->program[0] && r->san[0]);
	}
}

static void random_bytes_do_no_harm(void)
{
	static const char letters[] = "* \n\t#/-.:019af*ctl";
	static const char good[] = "redis* connect 10.1.0.0/16 1-9 fabric\n"
				   "* listen fd00::/8 * tcp\n";
	char text[400];
	struct policy_mistake m;
	unsigned right = 0;

	for (unsigned i = 0; i < 20000; i++) {
		size_t len = dice() % sizeof text;

		for (size_t k = 0; k < len; k++)
			text[k] = i % 2
				? (char)dice()
				: letters[dice() % (sizeof letters - 1)];
		if (i % 4 == 0) { /* one byte of a good one is changed */
			len = sizeof good - 1;
			memcpy(text, good, len);
			text[dice() % len] = letters[dice() %
				(sizeof letters - 1)];
		}
		if (parse_bytes(text, len, &m)) {
			check_sound();
			right++;
		} else {
			CHECK(m.expected && m.line > 0 && m.line <= len + 1);
		}
	}
	CHECK(right > 0 && right < 20000);
}

/* ---- matching --------------------------------------------------------- */

static void the_first_rule_that_fits_decides(void)
{
	struct addr a = addr_v4(10, 1, 2, 3, 6380);
	struct addr b = addr_v4(10, 2, 2, 3, 6380);

	CHECK(parse("redis* connect 10.1.0.0/16 6379-6400 fabric\n"
		    "* listen 10.1.2.3 * tcp\n"
		    "redis-cli * * 6380 shm\n"
		    "* connect fd00::/8 * tcp\n"
		    "* * * 1-1023 auto\n"));
	CHECK(line_for("redis-cli", POLICY_CONNECT, a) == 1);
	CHECK(line_for("nginx", POLICY_CONNECT, a) == 0);
	CHECK(line_for("redis-cli", POLICY_LISTEN, a) == 2);
	CHECK(line_for("redis-cli", POLICY_CONNECT, b) == 3);
	CHECK(line_for("redis-cli", POLICY_LISTEN, b) == 3);
	a.port = 6401;
	CHECK(line_for("redis-cli", POLICY_CONNECT, a) == 0);
	a.port = 6379;
	CHECK(line_for("redis", POLICY_CONNECT, a) == 1);
	CHECK(line_for("x", POLICY_CONNECT, six(0xfd, 1, 9)) == 4);
	CHECK(line_for("x", POLICY_CONNECT, six(0xfc, 1, 1023)) == 5);
	CHECK(line_for("x", POLICY_CONNECT, six(0xfc, 1, 1024)) == 0);
	CHECK(line_for("", POLICY_LISTEN, addr_any(4, 80)) == 5);
}

static void a_wildcard_listener_is_no_address_of_a_subnet(void)
{
	CHECK(parse("* listen 10.0.0.0/8 * tcp\n* listen 0.0.0.0 * shm\n"
		    "* * 0.0.0.0/0 * auto\n"));
	CHECK(line_for("x", POLICY_LISTEN, addr_any(4, 80)) == 2);
	CHECK(line_for("x", POLICY_LISTEN, addr_any(6, 80)) == 0);
	CHECK(line_for("x", POLICY_CONNECT, addr_v4(9, 9, 9, 9, 80)) == 3);
}

static bool glob(const char *pattern, const char *name)
{
	char line[200];

	snprintf(line, sizeof line, "%s * * * tcp", pattern);
	CHECK(parse(line));
	return line_for(name, POLICY_CONNECT, addr_v4(1, 1, 1, 1, 1)) != 0;
}

static void names_match_as_in_a_shell(void)
{
	CHECK(glob("*", "") && glob("*", "x") && glob("x", "x"));
	CHECK(!glob("x", "") && !glob("x", "xx") && !glob("xx", "x"));
	CHECK(glob("a?c", "abc") && !glob("a?c", "ac") && !glob("?", ""));
	CHECK(glob("re*s", "redis") && glob("*is*", "redis"));
	CHECK(glob("*a*b", "aXbXb") && !glob("*a*b", "bXaX"));
	CHECK(glob("**x**", "x") && !glob("X", "x"));
	CHECK(!glob("*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void a_rule_allows_one_san_or_all_or_none(void)
{
	CHECK(parse("* * * 1 tcp\n* * * 2 auto\n* * * 3 fabric\n"));
	CHECK(policy_allows(NULL, "shm"));
	CHECK(!policy_allows(&p.rules[0], "shm"));
	CHECK(!policy_allows(&p.rules[0], "tcp")); /* it is no SAN */
	CHECK(policy_allows(&p.rules[1], "shm"));
	CHECK(policy_allows(&p.rules[2], "fabric"));
	CHECK(!policy_allows(&p.rules[2], "shm"));
}

#define TEST(name) {#name, name}

const struct test policy_tests[] = {
	TEST(every_form_of_a_rule_is_understood),
	TEST(nothing_is_a_policy_without_rules),
	TEST(names_may_be_as_long_as_they_are_and_no_longer),
	TEST(the_rules_are_counted),
	TEST(every_mistake_is_told_with_its_line),
	TEST(a_nul_byte_is_no_text),
	TEST(random_bytes_do_no_harm),
	TEST(the_first_rule_that_fits_decides),
	TEST(a_wildcard_listener_is_no_address_of_a_subnet),
	TEST(names_match_as_in_a_shell),
	TEST(a_rule_allows_one_san_or_all_or_none),
	{NULL, NULL}};
