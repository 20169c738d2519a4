/* SPDX-License-Identifier: MIT */
/*
 * state.h - the states of a socket (section 6) and what leads from one to
 * another, as a table. Pure: no locks, no objects.
 */
#ifndef WSD_PROVIDER_STATE_H
#define WSD_PROVIDER_STATE_H

enum prov_state {
	PROV_CREATED,
	PROV_BOUND,
	PROV_CONNECTING,
	PROV_LISTENING,
	PROV_CONNECTED,
	PROV_DISCONNECTED, /* lost; only Deregister, results and close work */
	PROV_HANDED_OFF,   /* another process has it; only close works */
	PROV_CLOSED,
	PROV_STATES,
	PROV_IMPOSSIBLE = PROV_STATES, /* no such transition */
};

enum prov_step {
	PROV_BIND,           /* WSPBind */
	PROV_LISTEN,         /* WSPListen, first or again */
	PROV_CONNECT,        /* WSPConnect has sent the request */
	PROV_ESTABLISHED,    /* the peer said yes */
	PROV_CONNECT_FAILED, /* it did not */
	PROV_ADOPT_CONN,     /* accepted, or taken over from another process */
	PROV_ADOPT_LISTENER, /* a listener taken over */
	PROV_LOSE,           /* peer closed, died, or broke the protocol */
	PROV_HAND_OFF,       /* WSPDuplicateSocket */
	PROV_CLOSE,          /* WSPCloseSocket, WSPCleanup */
	PROV_STEPS,
};

/* Where the step leads, PROV_IMPOSSIBLE when it may not happen. */
enum prov_state prov_state_next(enum prov_state from, enum prov_step step);

/* "LISTENING"; never NULL. */
const char *prov_state_name(enum prov_state st);

#endif
