/* SPDX-License-Identifier: MIT */
/*
 * close.c - WSPCloseSocket: R116, R180, R186, R188 to R193, R197.
 *
 * The connection ends inside the call, whoever else is inside another call on
 * the socket: every use of it holds one of the four locks. So do the requests
 * that want no upcall. When another thread is inside an upcall of this socket,
 * the upcalls that follow it come later, and so does WPUCloseSocketHandle: it
 * waits for the last reference. (WSPAccept in its condition function has one
 * too.) Nothing is waited for that the peer has to do, so both sides may close
 * at once (R197).
 */
#include "provider/close.h"

#include <stdlib.h>

#include "provider/accept.h"
#include "provider/descriptor.h"
#include "provider/engine.h"
#include "provider/socket.h"
#include "provider/spi.h"

/* All locks held. After this nothing signals the event any more (R88). */
static void end_everything(struct prov_socket *s)
{
	prov_socket_step(s, PROV_CLOSE);
	s->events.object = NULL;
	s->events.mask = 0;
	prov_listening_close(s); /* R116 */
	/* Memory is released before its requests complete (R192). */
	prov_conn_close(s, s->abandoned);
	prov_lane_flush(s, &s->tx, WSA_OPERATION_ABORTED); /* R191 */
	prov_lane_flush(s, &s->rx, WSA_OPERATION_ABORTED);
	prov_lane_show_polled(s, &s->tx);
	prov_lane_show_polled(s, &s->rx);
}

/* The caller has the table's reference now. */
static void close_socket(struct prov_socket *s)
{
	prov_socket_lock_all(s);
	end_everything(s);
	prov_socket_unlock_all(s);
	prov_engine_forget(s);
	prov_lane_deliver(s, &s->tx, false);
	prov_lane_deliver(s, &s->rx, false);
	prov_socket_release(s);
}

void prov_close_held(struct prov_socket *s)
{
	SOCKET d = s->descriptor;

	if (prov_descriptor_close(d))
		close_socket(s);
	prov_descriptor_release(d);
}

int WSPAPI WSPCloseSocket(SOCKET d, LPINT lpErrno)
{
	struct prov_socket *s = prov_descriptor_close(d);

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno); /* R189 */
	close_socket(s);
	return 0; /* R190 */
}
