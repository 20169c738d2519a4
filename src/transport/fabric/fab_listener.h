/* SPDX-License-Identifier: MIT */
/*
 * fab_listener.h - listeners, and the doors they are reached by.
 *
 * A door is a passive endpoint at one service of one own address. Listeners of
 * this process share it when the rule of fab_port.h leads them to the same one;
 * which listener a request is for, its greeting says. All of it is guarded by
 * fab_lock.
 */
#ifndef WSD_TRANSPORT_FAB_LISTENER_H
#define WSD_TRANSPORT_FAB_LISTENER_H

#include "transport/fabric/fab_conn.h"

enum { FAB_DOORS_MAX = 32 };

struct fab_door {
	struct fab_door *next;
	struct fab_net *net;
	struct fid_pep *pep;
	uint16_t service;
	unsigned users;
};

struct transport_listener {
	struct transport_listener *next, **link;
	uint32_t process;
	struct addr local;
	bool only_v6;
	bool shadowed; /* another one of this process has the address */
	bool shut;     /* nothing new is let in */
	unsigned backlog;
	unsigned arriving; /* handshakes that are not finished */
	unsigned queued;
	struct transport_conn *queue, **queue_tail;
	void *event; /* set while something is queued */
	struct fab_door *doors[FAB_DOORS_MAX];
	unsigned door_count;
};

/* What WSPAccept has taken. */
struct fab_request {
	struct transport_request pub; /* first */
	struct transport_conn *conn;
};

/* The best listener for this destination, or NULL. */
struct transport_listener *fab_listener_for(const struct addr *to);
void fab_listener_push(struct transport_listener *l, struct transport_conn *c);
/* The oldest, or NULL. */
struct transport_conn *fab_listener_pop(struct transport_listener *l);
/* Tells the peer no; the connection is gone. fab_lock held. */
void fab_refuse_conn(struct transport_conn *c, enum transport_refusal why);
/* Wildcards get doors at addresses that are new. */
void fab_listeners_refresh(void);
void fab_listeners_forget(void);

/* ---- fab_arrival.c: events of the passive side ------------------------ */

/* FI_CONNREQ at this door; the event is ours to use until the return. */
void fab_request_arrived(struct fab_door *d, struct fi_eq_cm_entry *event,
	size_t data_len);
/* A server's connection is up, or has failed before it was. */
void fab_arrival_up(struct transport_conn *c);
void fab_arrival_failed(struct transport_conn *c);

void fab_arrivals_forget(void);

struct fab_door *fab_door_of(const struct fid *pep);

#endif
