/* SPDX-License-Identifier: MIT */
/*
 * bind.c - WSPBind: R31 to R36.
 *
 * Nothing is reserved: ports belong to TCP/IP, and the same address may be
 * bound any number of times (R36).
 */
#include <stdlib.h>

#include "provider/errors.h"
#include "provider/name.h"
#include "provider/socket.h"
#include "provider/spi.h"

/* One of the transport's, or any of 127/8 when it serves loopback at all. */
static bool matches(const struct addr *served, const struct addr *a)
{
	if (addr_same_ip(served, a))
		return true;
	return served->family == a->family && addr_is_loopback(served) &&
		addr_is_loopback(a);
}

/* R32, R33: ST_OK, ST_NOTLOCAL, or why we cannot say. */
static enum status check_local(const struct addr *a)
{
	struct addr *list;
	unsigned count, i;
	enum status st;

	if (addr_is_any(a))
		return ST_OK;
	st = prov_addresses(&list, &count);
	if (st != ST_OK)
		return st;
	for (i = 0; i < count && !matches(&list[i], a); i++)
		continue;
	free(list);
	return i < count ? ST_OK : ST_NOTLOCAL;
}

static int bind_socket(struct prov_socket *s, const struct addr *a)
{
	int error = 0;

	os_mutex_lock(&s->lock);
	if (prov_socket_state(s) == PROV_CLOSED)
		error = WSAENOTSOCK;
	else if (!prov_socket_step(s, PROV_BIND))
		error = WSAEINVAL; /* R34 */
	else
		s->local = *a;
	os_mutex_unlock(&s->lock);
	return error;
}

static int check_and_bind(struct prov_socket *s, const struct sockaddr *name,
	int namelen)
{
	struct addr a;
	enum status st;

	if (!prov_name_in(s->family, name, namelen, &a))
		return WSAEFAULT; /* R35 */
	if (prov_socket_state(s) != PROV_CREATED)
		return WSAEINVAL;
	st = check_local(&a);
	return st == ST_OK ? bind_socket(s, &a) : prov_error(st);
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
