/* SPDX-License-Identifier: MIT */
/*
 * unsupported.c - the 13 entries that a SAN provider need not have, in the
 * table's order: R12. They exist so that no entry is NULL.
 */
#include "provider/spi.h"

INT WSPAPI WSPAddressToString(LPSOCKADDR lpsaAddress, DWORD dwAddressLength,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, LPWSTR lpszAddressString,
	LPDWORD lpdwAddressStringLength, LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPAsyncSelect(SOCKET s, HWND hWnd, unsigned int wMsg, LONG lEvent,
	LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPCancelBlockingCall(LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPGetPeerName(SOCKET s, struct sockaddr *name, LPINT namelen,
	LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPGetSockName(SOCKET s, struct sockaddr *name, LPINT namelen,
	LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

SOCKET WSPAPI WSPJoinLeaf(SOCKET s, const struct sockaddr *name, int namelen,
	LPWSABUF lpCallerData, LPWSABUF lpCalleeData, LPQOS lpSQOS,
	LPQOS lpGQOS, DWORD dwFlags, LPINT lpErrno)
{
	prov_result(WSAEOPNOTSUPP, lpErrno);
	return INVALID_SOCKET;
}

int WSPAPI WSPRecvDisconnect(SOCKET s, LPWSABUF lpInboundDisconnectData,
	LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPRecvFrom(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount,
	LPDWORD lpNumberOfBytesRecvd, LPDWORD lpFlags, struct sockaddr *lpFrom,
	LPINT lpFromlen, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPSelect(int nfds, fd_set *readfds, fd_set *writefds,
	fd_set *exceptfds, const PTIMEVAL timeout, LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPSendDisconnect(SOCKET s, LPWSABUF lpOutboundDisconnectData,
	LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPSendTo(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount,
	LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
	const struct sockaddr *lpTo, int iTolen, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

int WSPAPI WSPShutdown(SOCKET s, int how, LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}

INT WSPAPI WSPStringToAddress(LPWSTR AddressString, INT AddressFamily,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, LPSOCKADDR lpAddress,
	LPINT lpAddressLength, LPINT lpErrno)
{
	return prov_result(WSAEOPNOTSUPP, lpErrno);
}
