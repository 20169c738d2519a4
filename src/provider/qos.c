/* SPDX-License-Identifier: MIT */
/*
 * qos.c - WSPGetQOSByName: R60. No SAN of ours has quality of service.
 */
#include "provider/socket.h"
#include "provider/spi.h"

BOOL WSPAPI WSPGetQOSByName(SOCKET d, LPWSABUF lpQOSName, LPQOS lpQOS,
	LPINT lpErrno)
{
	struct prov_socket *s = prov_socket_hold(d);

	if (!s)
		return prov_result_bool(WSAENOTSOCK, lpErrno);
	prov_socket_release(s);
	return prov_result_bool(WSAEOPNOTSUPP, lpErrno);
}
