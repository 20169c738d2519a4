/* SPDX-License-Identifier: MIT */
/*
 * spi.h - the functions of the SPI by name, as this provider defines them.
 *
 * Contracts are in <openwsd/ws2spi.h>, <openwsd/ws2san.h> and
 * <openwsd/wsdext.h>. Only WSPStartupEx is exported (R1); the others reach the
 * switch through the procedure table and SIO_GET_EXTENSION_FUNCTION_POINTER.
 *
 * Every function tolerates NULL for lpErrno, and looks at its socket argument
 * before anything else, so that WSAENOTSOCK wins over every other error.
 */
#ifndef WSD_PROVIDER_SPI_H
#define WSD_PROVIDER_SPI_H

#include <openwsd/wsdext.h>

/* ---- the 17 required entries --------------------------------------- */

SOCKET WSPAPI WSPAccept(SOCKET s, struct sockaddr *addr, LPINT addrlen,
	LPCONDITIONPROC lpfnCondition, DWORD_PTR dwCallbackData, LPINT lpErrno);
int WSPAPI WSPBind(SOCKET s, const struct sockaddr *name, int namelen,
	LPINT lpErrno);
int WSPAPI WSPCleanup(LPINT lpErrno);
int WSPAPI WSPCloseSocket(SOCKET s, LPINT lpErrno);
int WSPAPI WSPConnect(SOCKET s, const struct sockaddr *name, int namelen,
	LPWSABUF lpCallerData, LPWSABUF lpCalleeData, LPQOS lpSQOS,
	LPQOS lpGQOS, LPINT lpErrno);
int WSPAPI WSPDuplicateSocket(SOCKET s, DWORD dwProcessId,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, LPINT lpErrno);
int WSPAPI WSPEnumNetworkEvents(SOCKET s, WSAEVENT hEventObject,
	LPWSANETWORKEVENTS lpNetworkEvents, LPINT lpErrno);
int WSPAPI WSPEventSelect(SOCKET s, WSAEVENT hEventObject,
	LONG lNetworkEvents, LPINT lpErrno);
BOOL WSPAPI WSPGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED lpOverlapped,
	LPDWORD lpcbTransfer, BOOL fWait, LPDWORD lpdwFlags, LPINT lpErrno);
int WSPAPI WSPGetSockOpt(SOCKET s, int level, int optname, char *optval,
	LPINT optlen, LPINT lpErrno);
BOOL WSPAPI WSPGetQOSByName(SOCKET s, LPWSABUF lpQOSName, LPQOS lpQOS,
	LPINT lpErrno);
int WSPAPI WSPIoctl(SOCKET s, DWORD dwIoControlCode, LPVOID lpvInBuffer,
	DWORD cbInBuffer, LPVOID lpvOutBuffer, DWORD cbOutBuffer,
	LPDWORD lpcbBytesReturned, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);
int WSPAPI WSPListen(SOCKET s, int backlog, LPINT lpErrno);
int WSPAPI WSPRecv(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount,
	LPDWORD lpNumberOfBytesRecvd, LPDWORD lpFlags,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);
int WSPAPI WSPSend(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount,
	LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);
int WSPAPI WSPSetSockOpt(SOCKET s, int level, int optname,
	const char *optval, int optlen, LPINT lpErrno);
SOCKET WSPAPI WSPSocket(int af, int type, int protocol,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g, DWORD dwFlags,
	LPINT lpErrno);

/* ---- the 13 entries that the switch does not use (unsupported.c) --- */

INT WSPAPI WSPAddressToString(LPSOCKADDR lpsaAddress, DWORD dwAddressLength,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, LPWSTR lpszAddressString,
	LPDWORD lpdwAddressStringLength, LPINT lpErrno);
int WSPAPI WSPAsyncSelect(SOCKET s, HWND hWnd, unsigned int wMsg, LONG lEvent,
	LPINT lpErrno);
int WSPAPI WSPCancelBlockingCall(LPINT lpErrno);
int WSPAPI WSPGetPeerName(SOCKET s, struct sockaddr *name, LPINT namelen,
	LPINT lpErrno);
int WSPAPI WSPGetSockName(SOCKET s, struct sockaddr *name, LPINT namelen,
	LPINT lpErrno);
SOCKET WSPAPI WSPJoinLeaf(SOCKET s, const struct sockaddr *name, int namelen,
	LPWSABUF lpCallerData, LPWSABUF lpCalleeData, LPQOS lpSQOS,
	LPQOS lpGQOS, DWORD dwFlags, LPINT lpErrno);
int WSPAPI WSPRecvDisconnect(SOCKET s, LPWSABUF lpInboundDisconnectData,
	LPINT lpErrno);
int WSPAPI WSPRecvFrom(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount,
	LPDWORD lpNumberOfBytesRecvd, LPDWORD lpFlags, struct sockaddr *lpFrom,
	LPINT lpFromlen, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);
int WSPAPI WSPSelect(int nfds, fd_set *readfds, fd_set *writefds,
	fd_set *exceptfds, const PTIMEVAL timeout, LPINT lpErrno);
int WSPAPI WSPSendDisconnect(SOCKET s, LPWSABUF lpOutboundDisconnectData,
	LPINT lpErrno);
int WSPAPI WSPSendTo(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount,
	LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
	const struct sockaddr *lpTo, int iTolen, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);
int WSPAPI WSPShutdown(SOCKET s, int how, LPINT lpErrno);
INT WSPAPI WSPStringToAddress(LPWSTR AddressString, INT AddressFamily,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, LPSOCKADDR lpAddress,
	LPINT lpAddressLength, LPINT lpErrno);

/* Fills every entry of the table, none NULL (R12). */
void prov_fill_table(LPWSPPROC_TABLE table);

/* ---- our own extension functions ----------------------------------- */

int WSPAPI WSDQueryCapabilities(LPWSDCAPABILITIES lpCaps, LPINT lpErrno);
int WSPAPI WSDGetWaitHandle(SOCKET s, WSDWAITHANDLE *lpHandle, LPINT lpErrno);
int WSPAPI WSDArm(SOCKET s, DWORD dwInterest, LPINT lpErrno);
int WSPAPI WSDPeerIdentity(SOCKET s, LPWSDPEER lpPeer, LPINT lpErrno);
int WSPAPI WSDOpenChannel(SOCKET s, LPWSDCHANNEL lpChannel, LPINT lpErrno);
int WSPAPI WSDAbandon(SOCKET s, LPINT lpErrno);
int WSPAPI WSDStopListening(SOCKET s, LPINT lpErrno);
int WSPAPI WSDQueryNetworks(LPWSDNETWORK lpNetworks, LPDWORD lpdwCount,
	LPINT lpErrno);

/* ---- how an SPI function reports ----------------------------------- */

/* 0, or SOCKET_ERROR and the code. */
static inline int prov_result(int error, LPINT lpErrno)
{
	if (error == 0)
		return 0;
	if (lpErrno)
		*lpErrno = error;
	return SOCKET_ERROR;
}

/* For functions that return BOOL: R137 wants FALSE, not -1. */
static inline BOOL prov_result_bool(int error, LPINT lpErrno)
{
	return prov_result(error, lpErrno) == 0 ? TRUE : FALSE;
}

#endif
