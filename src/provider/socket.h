/* SPDX-License-Identifier: MIT */
/*
 * socket.h - the provider's socket.
 *
 * Any function may be called on it at any time by any thread (R211). Locks, in
 * order of acquisition; each may be taken alone:
 *
 *     tx.lock      send queue; send, rdma, reap of the transport
 *     rx.lock      receive queue; peek, release
 *     memory.lock  registrations; expose, conceal, pin
 *     lock         state, names, options, events, listener
 *     then leaves: engine, descriptor table, addresses, wait_lock
 *
 * None is held across an upcall or a condition function (R103, R159). A wait
 * for another thread happens in three places only, without locks: fWait of
 * WSPGetOverlappedResult, the end of WSPDuplicateSocket, and WSPCleanup.
 *
 * `conn` is written with all four held and read with any of them. The state is
 * written with `lock` held and may be read without, for a first look.
 *
 * References are counted by the descriptor table. Whoever makes an upcall has
 * one, so the end of the socket, where WPUCloseSocketHandle is called, comes
 * after every other upcall about it (R193).
 */
#ifndef WSD_PROVIDER_SOCKET_H
#define WSD_PROVIDER_SOCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <openwsd/winsock2.h>

#include "base/addr.h"
#include "os/os.h"
#include "provider/memory.h"
#include "provider/request.h"
#include "provider/state.h"
#include "transport/transport.h"

/* A request that WSPAccept has taken, and maybe put back (CF_DEFER). */
struct prov_waiting {
	struct prov_waiting *next;
	struct transport_request *request;
	uint64_t number; /* order of arrival */
};

struct prov_listening {
	struct transport_listener *listener;
	struct prov_waiting *deferred; /* oldest first */
	uint64_t taken;                /* requests so far */
	unsigned backlog;
	bool told; /* FD_ACCEPT recorded and WSPAccept not called since */
};

/* The record of WSPEventSelect and WSPEnumNetworkEvents. */
struct prov_selection {
	WSAEVENT object; /* NULL: nothing selected */
	long mask;
	long record;       /* what has occurred, selected or not */
	int connect_error; /* of FD_CONNECT in the record */
};

struct prov_options {
	BOOL debug;
	BOOL only_v6;
};

/* What the engine knows about a socket; its lock guards it. */
struct prov_service {
	struct prov_socket *next, **link;
	uint32_t listed_by; /* process on whose list, with a reference; or 0 */
	uint32_t watched_by; /* process whose poller has it */
	uint64_t due;        /* when listed: not before */
	os_handle watched;   /* in the poller, or OS_NO_HANDLE */
};

struct prov_socket {
	SOCKET descriptor; /* ours */
	SOCKET handle;     /* the switch's; INVALID_SOCKET until made */
	int family;        /* AF_INET or AF_INET6 */

	struct prov_lane tx, rx;
	struct prov_memory memory;

	struct os_mutex lock;      /* role: socket */
	struct os_mutex wait_lock; /* role: waiter; a leaf */
	struct os_cond waited;     /* waiters sleep here, with wait_lock */
	_Atomic int state;         /* enum prov_state */
	struct addr local, remote;
	struct prov_options options;
	struct prov_selection events;
	struct prov_listening listening;
	struct prov_service service;

	struct transport_conn *conn;
	struct transport_conn *spent; /* failed connect, handle still known */
	uint64_t deadline;            /* CONNECTING: give up then */
	_Atomic int lost;   /* enum status; not ST_OK: the connection is over */
	_Atomic int broken; /* to be broken, by whoever holds no lock next */
	_Atomic unsigned waiters;
	_Atomic unsigned happened; /* completions and changes of state */
	unsigned seen;             /* `happened` at the last WSDArm */
	bool handle_known;         /* the caller has the wait handle */
	bool abandoned;            /* close without telling the peer */
	_Atomic bool channel;      /* WSDOpenChannel has been called */
};

/* ---- life ---------------------------------------------------------- */

/*
 * A socket in state CREATED with a switch handle, made by one upcall (R23). 0
 * or a Winsock code; then nothing is left and the handle has been closed.
 * Called without locks; the caller gets a reference.
 */
int prov_socket_create(int family, struct prov_socket **out);
struct prov_socket *prov_socket_hold(SOCKET d);
void prov_socket_release(struct prov_socket *s);
/* The last reference is gone. Called by the descriptor table only. */
void prov_socket_end(struct prov_socket *s);

/* ---- state --------------------------------------------------------- */

static inline enum prov_state prov_socket_state(const struct prov_socket *s)
{
	return (enum prov_state)atomic_load_explicit(&s->state,
		memory_order_acquire);
}

/* Takes the step; false (and nothing changed) when it is impossible. Locked. */
bool prov_socket_step(struct prov_socket *s, enum prov_step step);

/* All four locks. */
void prov_socket_lock_all(struct prov_socket *s);
void prov_socket_unlock_all(struct prov_socket *s);

/* Something has completed or changed: waiters look again. Any locks. */
void prov_socket_happened(struct prov_socket *s);

/* ---- connection.c: no locks held ----------------------------------- */

/*
 * Does whatever can be done now: outcome of a connect, sends, RDMA, receives,
 * and the completions that follow, upcalls included. `thorough` asks the
 * system whether the peer lives.
 */
void prov_progress(struct prov_socket *s, bool thorough);
/* As above but no upcall: WSPGetOverlappedResult wants to choose how. */
void prov_progress_only(struct prov_socket *s, bool thorough);
/* The first part alone: leaves CONNECTING if the outcome is known. */
void prov_connect_look(struct prov_socket *s);

/* The network under the connection has gone (R213): it ends for both sides with
 * WSAECONNABORTED here. Does nothing to a socket without one. */
void prov_conn_abort(struct prov_socket *s);

/* ---- connection.c: with all locks held ----------------------------- */

/* Closes what is left of the connection; requests are not touched. */
void prov_conn_close(struct prov_socket *s, bool handed_off);

/* ---- connection.c: with at least one lane's lock held -------------- */

/* The connection is over, because of st. */
void prov_conn_lost(struct prov_socket *s, enum status st);

/* ---- send.c, recv.c: the lane's lock held -------------------------- */

void prov_send_advance(struct prov_socket *s, bool thorough);
void prov_receive_advance(struct prov_socket *s, bool thorough);
/* Is it time to ask whether the peer lives? Cheap. */
bool prov_lane_due(struct prov_lane *l, bool thorough);

/* ---- event.c: s->lock held ----------------------------------------- */

/* Records the event, then signals it if selected (R68). */
void prov_event_record(struct prov_socket *s, long event, int error);
/* Records FD_ACCEPT if a request waits and none was told since the last
 * WSPAccept. */
void prov_accept_look(struct prov_socket *s);

#endif
