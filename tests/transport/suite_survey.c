/* SPDX-License-Identifier: MIT */
/* What is told of networks: all that is in use is an address, and the other way
 * round. */
#include <stdlib.h>
#include <string.h>

#include "cases.h"

enum { ROOM = 300 };

static struct transport_network networks[ROOM];

static unsigned survey(void)
{
	unsigned count = ROOM;

	memset(networks, 0x77, sizeof networks);
	CHECK_OK(ops->survey(networks, &count));
	CHECK(count <= ROOM);
	return count;
}

static bool is_in_use(const struct addr *a, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (networks[i].in_use &&
			addr_same_ip(&networks[i].address, a))
			return true;
	return false;
}

static bool ends(const char *text, size_t room)
{
	return memchr(text, 0, room) != NULL;
}

CASE(survey_uses_every_address_and_no_other)
{
	struct addr own[ROOM];
	unsigned count = survey(), n = ROOM, used = 0;

	CHECK_OK(ops->addresses(own, &n));
	CHECK(n > 0);
	for (unsigned i = 0; i < n; i++)
		CHECK(is_in_use(&own[i], count));
	for (unsigned i = 0; i < count; i++)
		used += networks[i].in_use;
	CHECK_EQ(used, n);
}

CASE(survey_says_why_a_network_is_not_used)
{
	unsigned count = survey();

	for (unsigned i = 0; i < count; i++) {
		const struct transport_network *w = &networks[i];

		CHECK(ends(w->network, sizeof w->network) && w->network[0]);
		CHECK(ends(w->device, sizeof w->device));
		CHECK(ends(w->reason, sizeof w->reason));
		CHECK(w->usable || !w->in_use);
		CHECK(w->in_use == (w->reason[0] == 0));
		CHECK_EQ(w->address.port, 0);
	}
}

CASE(survey_stores_what_there_is_room_for_and_tells_how_many_there_are)
{
	unsigned all = survey(), count = 0;
	struct transport_network first = networks[0];

	CHECK_ST(ops->survey(NULL, &count), ST_FULL);
	CHECK_EQ(count, all);
	memset(networks, 0x77, sizeof networks);
	count = 1;
	CHECK_ST(ops->survey(networks, &count), all > 1 ? ST_FULL : ST_OK);
	CHECK_EQ(count, all);
	CHECK(strcmp(networks[0].network, first.network) == 0);
	CHECK(addr_same_ip(&networks[0].address, &first.address));
	CHECK_EQ(networks[1].network[0], 0x77);
}
