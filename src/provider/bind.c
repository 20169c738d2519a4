/* SPDX-License-Identifier: MIT */
/*
 * bind.c - WSPBind: R31 to R36.
 *
 * Nothing is reserved: ports belong to TCP/IP, and the same address may be
 * bound any number of times (R36).
 */
#include "provider/errors.h"
#include "provider/name.h"
#include "provider/socket.h"
#include "provider/spi.h"

static int bind_socket(struct prov_socket *s, const struct addr *a)
{
	int error = 0;

	os_mutex_lock(&s->lock);
	if (prov_socket_state(s) == PROV_CLOSED)
		error = WSAENOTSOCK;
	else if (!prov_socket_step(s, PROV_BIND))
		error = WSAEINVAL; /* R34 */
	else
		s->local = *a; /* R31, R32 */
	os_mutex_unlock(&s->lock);
	return error;
}

static int check_and_bind(struct prov_socket *s, const struct sockaddr *name,
	int namelen)
{
	struct addr a;

	if (!prov_name_in(s->family, name, namelen, &a))
		return WSAEFAULT; /* R35 */
	if (prov_socket_state(s) != PROV_CREATED)
		return WSAEINVAL;
	if (!addr_is_any(&a) && !provider_transport.serves(&a))
		return WSAEADDRNOTAVAIL; /* R33 */
	return bind_socket(s, &a);
}

int WSPAPI WSPBind(SOCKET d, const struct sockaddr *name, int namelen,
	LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);
	int error;

	if (!s)
		return prov_result(WSAENOTSOCK, lpErrno);
	error = check_and_bind(s, name, namelen);
	prov_socket_release(s);
	return prov_result(error, lpErrno);
}
