/* SPDX-License-Identifier: MIT */
#include "transport/shm/shm_name.h"

#include <assert.h>
#include <stdio.h>

#define PREFIX "wsd-shm-1"

static_assert(sizeof PREFIX + 4 + ADDR_TEXT_MAX <= OS_NAME_MAX, "names fit");

static void name_specific(const struct addr *a, struct shm_name *out)
{
	char text[ADDR_TEXT_MAX];

	snprintf(out->text, sizeof out->text, PREFIX "/%u/%s", a->family,
		addr_text(a, text));
}

static void name_wildcard(const char *families, uint16_t port,
	struct shm_name *out)
{
	snprintf(out->text, sizeof out->text, PREFIX "/%s/*:%u", families,
		port);
}

void shm_name_offered(const struct addr *local, bool only_v6,
	struct shm_name *out)
{
	if (!addr_is_any(local))
		name_specific(local, out);
	else if (local->family == 4)
		name_wildcard("4", local->port, out);
	else
		name_wildcard(only_v6 ? "6" : "46", local->port, out);
}

void shm_names_wanted(const struct addr *remote,
	struct shm_name out[SHM_NAME_TRIES])
{
	name_specific(remote, &out[0]);
	name_wildcard(remote->family == 4 ? "4" : "6", remote->port, &out[1]);
	name_wildcard("46", remote->port, &out[2]);
}

bool shm_name_serves(const struct addr *local, bool only_v6,
	const struct addr *to)
{
	if (!addr_is_any(local))
		return addr_equal(local, to);
	if (local->port != to->port)
		return false;
	if (local->family == 6 && !only_v6)
		return true;
	return local->family == to->family;
}
