/* SPDX-License-Identifier: MIT */
/*
 * explain.c - one line per connection, for `wsd run --explain`:
 *
 *   wsd[PID] connect 127.0.0.1:43210 -> 127.0.0.1:6379 shm san over the SAN
 *   wsd[PID] accept  127.0.0.1:6379 <- 127.0.0.1:51000 tcp plain-client ...
 *   wsd[PID] listen  0.0.0.0:6379 shm san over the SAN
 *
 * Fields are separated by single blanks: direction, addresses, route, reason
 * code, and the reason in words.
 */
#include <stdio.h>
#include <string.h>

#include "switch/settings.h"
#include "switch/switch.h"

static const char *const words[] = {
	[SW_CONNECT] = "connect", [SW_ACCEPT] = "accept", [SW_LISTEN] = "listen"};

bool sw_explaining(void)
{
	return sw_settings()->explain[0] != 0;
}

static void addresses(enum sw_direction d, const struct addr *local,
	const struct addr *remote, char *out, size_t len)
{
	char l[ADDR_TEXT_MAX], r[ADDR_TEXT_MAX];

	addr_text(local, l);
	if (d == SW_LISTEN) {
		snprintf(out, len, "%s", l);
		return;
	}
	addr_text(remote, r);
	snprintf(out, len, "%s %s %s", l, d == SW_CONNECT ? "->" : "<-", r);
}

void sw_explain(enum sw_direction d, const struct addr *local,
	const struct addr *remote, const char *san, enum sw_reason why)
{
	const char *where = sw_settings()->explain;
	char ends[2 * ADDR_TEXT_MAX + 8], line[2 * ADDR_TEXT_MAX + 200];

	if (!where[0])
		return;
	addresses(d, local, remote, ends, sizeof ends);
	snprintf(line, sizeof line, "wsd[%u] %s %s %s %s %s",
		(unsigned)os_process_id(), words[d], ends, san ? san : "tcp",
		sw_reason_code(why), sw_reason_text(why));
	if (!strcmp(where, "stderr"))
		os_log_line(line);
	else
		os_file_append_line(where, line);
}
