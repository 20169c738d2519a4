/* SPDX-License-Identifier: MIT */
/*
 * connection.c - progress, and how connections end other than by close.
 *
 * There is no hidden activity: whatever can happen on a socket happens inside
 * prov_progress, called by whoever polls (R138) and by the engine.
 */
#include "os/os.h"
#include "provider/engine.h"
#include "provider/errors.h"
#include "provider/socket.h"

/* ---- end ----------------------------------------------------------- */

void prov_conn_close(struct prov_socket *s, bool handed_off)
{
	prov_engine_unwatch(s);
	if (s->conn) {
		prov_memory_detach(s);
		provider_transport.close(s->conn, handed_off);
		s->conn = NULL;
	}
	if (s->spent) {
		provider_transport.close(s->spent, handed_off);
		s->spent = NULL;
	}
}

/*
 * R196: nothing is freed here. R180: but the peer has no access any more. The
 * first cause counts.
 */
void prov_conn_lost(struct prov_socket *s, enum status st)
{
	int before = ST_OK;

	if (!atomic_compare_exchange_strong(&s->lost, &before, (int)st))
		return;
	prov_memory_conceal(s);
	os_mutex_lock(&s->lock);
	prov_socket_step(s, PROV_LOSE);
	os_mutex_unlock(&s->lock);
}

/*
 * Breaks the connection ourselves: a message did not fit (R146), or an RDMA
 * failed that later sends may count on (R151). The peer learns now, unless the
 * caller still has the wait handle or the channel: then at close.
 */
static void break_now(struct prov_socket *s)
{
	prov_socket_lock_all(s);
	atomic_store(&s->broken, 0);
	if (s->conn) {
		s->tx.over = s->rx.over = ST_ABORTED;
		atomic_store(&s->lost, ST_ABORTED);
		prov_socket_step(s, PROV_LOSE);
		if (!s->handle_known && !s->channel)
			prov_conn_close(s, false);
		prov_lane_flush(s, &s->tx, WSAECONNABORTED);
		prov_lane_flush(s, &s->rx, WSAECONNABORTED);
	}
	prov_socket_unlock_all(s);
	prov_lane_deliver_later(s);
}

/* With a channel open the caller finds out: what it calls says ABORTED too. */
void prov_conn_abort(struct prov_socket *s)
{
	prov_socket_lock_all(s);
	if (s->conn && prov_socket_state(s) == PROV_CONNECTED)
		provider_transport.abort(s->conn);
	prov_socket_unlock_all(s);
	if (s->channel)
		return;
	prov_progress_only(s, true);
	prov_lane_deliver_later(s);
}

/* ---- outcome of a connect ------------------------------------------ */

/*
 * The connection is of no use but its wait handle, or its channel, may be
 * known: then it stays until close or until the next failure.
 */
static void spend(struct prov_socket *s, int error)
{
	prov_socket_lock_all(s);
	if (prov_socket_state(s) == PROV_BOUND && s->conn && !s->channel) {
		prov_lane_flush(s, &s->rx, error); /* R87, R122 */
		if (s->handle_known) {
			prov_engine_unwatch(s);
			prov_memory_detach(s);
			if (s->spent)
				provider_transport.close(s->spent, false);
			s->spent = s->conn;
			s->conn = NULL;
		} else {
			prov_conn_close(s, false);
		}
		s->handle_known = false;
	}
	prov_socket_unlock_all(s);
	prov_lane_deliver_later(s);
}

/*
 * A peer that accepted, sent, and closed before we looked is a success that has
 * ended: its messages come first (R195). rx.lock held.
 */
static bool left_messages(struct prov_socket *s)
{
	const void *data;
	uint32_t len;

	return !s->channel &&
		provider_transport.peek(s->conn, &data, &len) == ST_OK;
}

/* rx.lock and s->lock held. 0: no failure; else the code. */
static int outcome(struct prov_socket *s)
{
	enum status st = provider_transport.status(s->conn, true);

	if (st == ST_PENDING && os_now() < s->deadline)
		return 0;
	if (st == ST_RESET && left_messages(s))
		st = ST_OK;
	if (st == ST_PENDING)
		st = ST_TIMEDOUT; /* R86 */
	prov_socket_step(s, st == ST_OK ? PROV_ESTABLISHED
					: PROV_CONNECT_FAILED);
	prov_event_record(s, FD_CONNECT, prov_connect_error(st)); /* R71 */
	return prov_connect_error(st);
}

void prov_connect_look(struct prov_socket *s)
{
	int error = 0;

	if (prov_socket_state(s) != PROV_CONNECTING)
		return;
	os_mutex_lock(&s->rx.lock);
	os_mutex_lock(&s->lock);
	if (prov_socket_state(s) == PROV_CONNECTING)
		error = outcome(s);
	os_mutex_unlock(&s->lock);
	os_mutex_unlock(&s->rx.lock);
	if (error)
		spend(s, error);
}

/* ---- progress ------------------------------------------------------ */

bool prov_lane_due(struct prov_lane *l, bool thorough)
{
	const uint64_t interval = 10 * UINT64_C(1000000);
	uint64_t now;

	if (!thorough && ++l->idle_looks % 8 != 0)
		return false;
	now = os_now();
	if (!thorough && now - l->last_thorough < interval)
		return false;
	l->last_thorough = now;
	return true;
}

void prov_progress_only(struct prov_socket *s, bool thorough)
{
	bool exposed = atomic_load(&s->memory.exposed) > 0;

	prov_connect_look(s);
	/* First what has arrived: it may be what a transfer waits for. */
	if (atomic_load(&s->rx.pending) || atomic_load(&s->tx.running) ||
		(exposed && !s->channel)) {
		os_mutex_lock(&s->rx.lock);
		prov_receive_advance(s, thorough);
		os_mutex_unlock(&s->rx.lock);
	}
	if (atomic_load(&s->tx.pending) || exposed) {
		os_mutex_lock(&s->tx.lock);
		prov_send_advance(s, thorough);
		os_mutex_unlock(&s->tx.lock);
	}
	if (atomic_load(&s->broken))
		break_now(s);
}

void prov_progress(struct prov_socket *s, bool thorough)
{
	prov_progress_only(s, thorough);
	prov_lane_deliver(s, &s->tx, false);
	prov_lane_deliver(s, &s->rx, false);
}
