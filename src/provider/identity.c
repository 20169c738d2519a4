/* SPDX-License-Identifier: MIT */
/*
 * identity.c - WSDPeerIdentity: who is on the other side.
 */
#include <string.h>

#include "provider/socket.h"
#include "provider/spi.h"

static void describe(const struct os_peer *who, LPWSDPEER out)
{
	out->dwProcessId = who->pid;
	out->dwUserId = who->uid;
	out->bKnown = who->pid != 0;
	out->bSameUser = who->same_user;
}

int WSPAPI WSDPeerIdentity(SOCKET d, LPWSDPEER lpPeer, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	struct os_peer who;
	int error = WSAENOTCONN;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	if (!lpPeer || lpPeer->cbSize < sizeof *lpPeer) {
		error = WSAEFAULT;
	} else {
		memset(&who, 0, sizeof who);
		os_mutex_lock(&s->lock);
		if (s->conn) {
			provider_transport.peer(s->conn, &who);
			error = 0;
		}
		os_mutex_unlock(&s->lock);
		if (!error)
			describe(&who, lpPeer);
	}
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
