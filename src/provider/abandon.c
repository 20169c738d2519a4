/* SPDX-License-Identifier: MIT */
/*
 * abandon.c - WSDAbandon: this process goes, others of a fork stay.
 */
#include "provider/errors.h"
#include "provider/socket.h"
#include "provider/spi.h"

int WSPAPI WSDAbandon(SOCKET d, LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	os_mutex_lock(&s->lock);
	s->abandoned = true;
	os_mutex_unlock(&s->lock);
	prov_socket_release(s);
	return 0;
}
