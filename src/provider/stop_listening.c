/* SPDX-License-Identifier: MIT */
/*
 * stop_listening.c - WSDStopListening: no more requests than there are.
 */
#include "provider/errors.h"
#include "provider/process.h"
#include "provider/socket.h"
#include "provider/spi.h"

static int stop(struct prov_socket *s)
{
	if (prov_socket_state(s) != PROV_LISTENING)
		return WSAEINVAL;
	if (!provider_transport.shut_listener)
		return WSAEOPNOTSUPP;
	provider_transport.shut_listener(s->listening.listener);
	return 0;
}

int WSPAPI WSDStopListening(SOCKET d, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	os_mutex_lock(&s->lock);
	error = stop(s);
	os_mutex_unlock(&s->lock);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
