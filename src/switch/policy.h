/* SPDX-License-Identifier: MIT */
/*
 * policy.h - which connections may use which SAN: a text of rules, one a line.
 *
 *     PROGRAM DIRECTION ADDRESS[/PREFIX] PORTS ROUTE
 *
 *     # the database never, nor what listens in the management network
 *     redis*  *        *              *          tcp
 *     *       listen   10.9.0.0/16    *          tcp
 *     *       connect  10.1.0.0/16    6379-6400  fabric
 *
 * PROGRAM is the name of the executable, without folders; * and ? stand for
 * any characters and any one. DIRECTION is connect, listen or *. ADDRESS is
 * where a connect goes, or what a listener is bound to; * is any, and with a
 * PREFIX its first bits count. PORTS is a port, FIRST-LAST or *. ROUTE is tcp,
 * auto (as without a policy), or the name of the one SAN to use: shm, fabric.
 * The first rule that fits decides; when none does, the route is auto.
 *
 * Pure: no file, no system. The text may be anybody's.
 */
#ifndef WSD_SWITCH_POLICY_H
#define WSD_SWITCH_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define POLICY_TEXT_MAX 65536 /* bytes */
#define POLICY_RULES_MAX 256
#define POLICY_PROGRAM_MAX 64 /* with the final NUL, as the next */
#define POLICY_SAN_MAX 32

#define POLICY_CONNECT 0x1u
#define POLICY_LISTEN  0x2u

enum policy_route { POLICY_AUTO, POLICY_TCP, POLICY_SAN };

struct policy_rule {
	unsigned line;
	unsigned directions; /* POLICY_CONNECT, POLICY_LISTEN */
	enum policy_route route;
	uint16_t first_port, last_port;
	unsigned prefix;
	struct addr net; /* family 0: every address */
	char san[POLICY_SAN_MAX]; /* of POLICY_SAN */
	char program[POLICY_PROGRAM_MAX];
};

struct policy {
	unsigned count;
	struct policy_rule rules[POLICY_RULES_MAX];
};

struct policy_mistake {
	unsigned line;
	const char *expected;
};

/*
 * Takes `text` (len bytes and room for one more) apart in place. False, and
 * *mistake tells the first mistake; *out is not to be used then.
 */
bool policy_parse(char *text, size_t len, struct policy *out,
	struct policy_mistake *mistake);

/* The first rule for that; NULL: none, the route is auto. One direction. */
const struct policy_rule *policy_match(const struct policy *p,
	const char *program, unsigned direction, const struct addr *a);

/* May a SAN of this name be used? Without a rule every one may. */
bool policy_allows(const struct policy_rule *rule, const char *san);

/* "tcp", "auto" or the SAN's name. */
const char *policy_route_name(const struct policy_rule *rule);

#endif
