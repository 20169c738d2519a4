/* SPDX-License-Identifier: MIT */
/* The pure parts of the core: states, errors, descriptors' identity. */
#include <stdlib.h>
#include <string.h>

#include <openwsd/winsock2.h>

#include "conform/cases.h"
#include "provider/errors.h"
#include "provider/provider_id.h"
#include "provider/state.h"

/* Every cell of the table (section 6). What is not named is impossible. */
static enum prov_state expected(enum prov_state from, enum prov_step step)
{
	static const struct {
		enum prov_state from;
		enum prov_step step;
		enum prov_state to;
	} possible[] = {
		{PROV_CREATED, PROV_BIND, PROV_BOUND},
		{PROV_CREATED, PROV_ADOPT_CONN, PROV_CONNECTED},
		{PROV_CREATED, PROV_ADOPT_LISTENER, PROV_LISTENING},
		{PROV_BOUND, PROV_LISTEN, PROV_LISTENING},
		{PROV_BOUND, PROV_CONNECT, PROV_CONNECTING},
		{PROV_CONNECTING, PROV_ESTABLISHED, PROV_CONNECTED},
		{PROV_CONNECTING, PROV_CONNECT_FAILED, PROV_BOUND},
		{PROV_LISTENING, PROV_LISTEN, PROV_LISTENING},
		{PROV_LISTENING, PROV_HAND_OFF, PROV_HANDED_OFF},
		{PROV_CONNECTED, PROV_LOSE, PROV_DISCONNECTED},
		{PROV_CONNECTED, PROV_HAND_OFF, PROV_HANDED_OFF},
		{PROV_DISCONNECTED, PROV_LOSE, PROV_DISCONNECTED},
	};

	if (step == PROV_CLOSE)
		return from == PROV_CLOSED ? PROV_IMPOSSIBLE : PROV_CLOSED;
	for (size_t i = 0; i < sizeof possible / sizeof possible[0]; i++)
		if (possible[i].from == from && possible[i].step == step)
			return possible[i].to;
	return PROV_IMPOSSIBLE;
}

CASE(every_cell_of_the_state_table_is_as_section_6_says)
{
	for (int from = 0; from < PROV_STATES; from++)
		for (int step = 0; step < PROV_STEPS; step++)
			CHECK_EQ(prov_state_next((enum prov_state)from,
					 (enum prov_step)step),
				expected((enum prov_state)from,
					(enum prov_step)step));
	CHECK_EQ(prov_state_next(PROV_STATES, PROV_CLOSE), PROV_IMPOSSIBLE);
	CHECK_EQ(prov_state_next(PROV_BOUND, PROV_STEPS), PROV_IMPOSSIBLE);
	for (int i = 0; i < PROV_STATES + 2; i++)
		CHECK(*prov_state_name((enum prov_state)i) != 0);
}

CASE(R37_R80_to_R85_every_status_has_codes_and_none_is_forbidden)
{
	for (int i = 0; i < ST_COUNT + 2; i++) {
		int any = prov_error((enum status)i);
		int connect = prov_connect_error((enum status)i);

		CHECK_EQ(any == 0, i == ST_OK);
		CHECK_EQ(connect == 0, i == ST_OK);
		CHECK(any != WSAEINPROGRESS && connect != WSAEINPROGRESS);
		CHECK(connect != WSAECONNRESET);
		CHECK_EQ(connect == WSAECONNREFUSED, i == ST_REFUSED);
		CHECK_EQ(connect == WSAEHOSTUNREACH, i == ST_UNREACHABLE);
	}
}

CASE(R14_identities_differ)
{
	const struct prov_identity *shm = prov_identity_of("shm");
	const struct prov_identity *fabric = prov_identity_of("fabric");
	const struct prov_identity *mock = prov_identity_of("mock");

	CHECK(!wsd_guid_equal(&shm->id, &fabric->id));
	CHECK(!wsd_guid_equal(&shm->id, &mock->id));
	CHECK(!wsd_guid_equal(&fabric->id, &mock->id));
	CHECK(strlen(shm->description) < 256);
	CHECK(prov_identity_of("another") == mock);
}
