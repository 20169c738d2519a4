/* SPDX-License-Identifier: MIT */
#include "provider/state.h"

/* Short names for the cells. */
enum {
	CRE = PROV_CREATED,
	BOU = PROV_BOUND,
	CNG = PROV_CONNECTING,
	LIS = PROV_LISTENING,
	CON = PROV_CONNECTED,
	DIS = PROV_DISCONNECTED,
	OFF = PROV_HANDED_OFF,
	CLO = PROV_CLOSED,
	no = PROV_IMPOSSIBLE,
};

/*
 * Columns: BIND LISTEN CONNECT ESTABLISHED CONNECT_FAILED ADOPT_CONN
 * ADOPT_LISTENER LOSE HAND_OFF CLOSE. R188: the last is possible everywhere.
 */
static const unsigned char table[PROV_STATES][PROV_STEPS] = {
	[CRE] = {BOU, no, no, no, no, CON, LIS, no, no, CLO},
	[BOU] = {no, LIS, CNG, no, no, no, no, no, no, CLO},
	[CNG] = {no, no, no, CON, BOU, no, no, no, no, CLO},
	[LIS] = {no, LIS, no, no, no, no, no, no, OFF, CLO},
	[CON] = {no, no, no, no, no, no, no, DIS, OFF, CLO},
	[DIS] = {no, no, no, no, no, no, no, DIS, no, CLO},
	[OFF] = {no, no, no, no, no, no, no, no, no, CLO},
	[CLO] = {no, no, no, no, no, no, no, no, no, no},
};

enum prov_state prov_state_next(enum prov_state from, enum prov_step step)
{
	if ((unsigned)from >= PROV_STATES || (unsigned)step >= PROV_STEPS)
		return PROV_IMPOSSIBLE;
	return (enum prov_state)table[from][step];
}

const char *prov_state_name(enum prov_state st)
{
	static const char *const names[PROV_STATES + 1] = {"CREATED", "BOUND",
		"CONNECTING", "LISTENING", "CONNECTED", "DISCONNECTED",
		"HANDED_OFF", "CLOSED", "IMPOSSIBLE"};

	return names[(unsigned)st < PROV_STATES ? st : PROV_STATES];
}
