/* SPDX-License-Identifier: MIT */
/*
 * event.c - WSPEventSelect and WSPEnumNetworkEvents: R61 to R69, R88, R94.
 *
 * Record, mask and event object are guarded by the socket's lock, and the event
 * is set and reset under it: so an arrival is either seen by a call, or
 * signalled after it, never both, never neither (R69).
 *
 * FD_ACCEPT is recorded once per WSPAccept: after it has been told, further
 * arrivals are not, until WSPAccept has been called (which looks again, R108).
 */
#include "os/os.h"
#include "provider/accept.h"
#include "provider/engine.h"
#include "provider/socket.h"
#include "provider/spi.h"

void prov_event_record(struct prov_socket *s, long event, int error)
{
	s->events.record |= event;
	if (event == FD_CONNECT)
		s->events.connect_error = error;
	if (s->events.object && (s->events.mask & event)) /* R68 */
		os_event_set(s->events.object);
}

void prov_accept_look(struct prov_socket *s)
{
	if (prov_socket_state(s) != PROV_LISTENING || s->listening.told ||
		!prov_request_waits(s))
		return;
	s->listening.told = true;
	prov_event_record(s, FD_ACCEPT, 0); /* R96 */
}

/* ---- WSPEventSelect ------------------------------------------------ */

/* Is there something to be watched that nobody polls? */
static bool needs_engine(struct prov_socket *s, LONG mask)
{
	enum prov_state state = prov_socket_state(s);

	return (state == PROV_CONNECTING && (mask & FD_CONNECT)) ||
		(state == PROV_LISTENING && (mask & FD_ACCEPT));
}

/* s->lock held. */
static int select_events(struct prov_socket *s, WSAEVENT object, LONG mask)
{
	enum prov_state state = prov_socket_state(s);

	if (state == PROV_HANDED_OFF)
		return WSAEINVAL;
	if (state == PROV_CLOSED)
		return WSAENOTSOCK;
	s->events.object = mask ? object : NULL; /* R64 */
	s->events.mask = object ? mask : 0;
	prov_accept_look(s); /* R63 */
	if (s->events.record & s->events.mask)
		os_event_set(s->events.object); /* R62 */
	return 0;
}

static int event_select(struct prov_socket *s, WSAEVENT object, LONG mask)
{
	bool wanted = object && mask;
	int error;

	if (mask & ~(LONG)(FD_ACCEPT | FD_CONNECT))
		return WSAEINVAL; /* R61 */
	if (wanted && os_event_wait(object, 0) == ST_INVAL)
		return WSAEINVAL;
	prov_connect_look(s);
	if (wanted && needs_engine(s, mask) && !prov_engine_ready())
		return WSAENETDOWN;
	os_mutex_lock(&s->lock);
	error = select_events(s, object, mask);
	os_mutex_unlock(&s->lock);
	if (!error && wanted && needs_engine(s, mask))
		prov_engine_want(s);
	return error;
}

int WSPAPI WSPEventSelect(SOCKET d, WSAEVENT hEventObject, LONG lNetworkEvents,
	LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	error = event_select(s, hEventObject, lNetworkEvents);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}

/* ---- WSPEnumNetworkEvents ------------------------------------------ */

/* R65, R66, R67. s->lock held. */
static int take_record(struct prov_socket *s, WSAEVENT object,
	LPWSANETWORKEVENTS out)
{
	prov_accept_look(s);
	if (object && os_event_reset(object) != ST_OK)
		return WSAEINVAL;
	*out = (WSANETWORKEVENTS){.lNetworkEvents = s->events.record};
	if (s->events.record & FD_CONNECT)
		out->iErrorCode[FD_CONNECT_BIT] = s->events.connect_error;
	s->events.record = 0;
	return 0;
}

int WSPAPI WSPEnumNetworkEvents(SOCKET d, WSAEVENT hEventObject,
	LPWSANETWORKEVENTS lpNetworkEvents, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error = WSAEINVAL;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	if (lpNetworkEvents) {
		prov_connect_look(s); /* polling alone makes progress */
		os_mutex_lock(&s->lock);
		error = take_record(s, hEventObject, lpNetworkEvents);
		os_mutex_unlock(&s->lock);
	}
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
