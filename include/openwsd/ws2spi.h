/* SPDX-License-Identifier: MIT */
/*
 * openwsd/ws2spi.h - the Windows Sockets service provider interface.
 *
 * On Windows this is the real <ws2spi.h>; on Linux the part of it that a
 * transport provider and a switch need: the procedure table, the upcall table
 * and the types of their entries. What a SAN adds is in ws2san.h.
 *
 * Rules for every WSP entry (spec 7):
 *  - It returns 0, or SOCKET_ERROR with a WSA code in *lpErrno. Entries that
 *    return a SOCKET fail with INVALID_SOCKET, those that return BOOL with
 *    FALSE. *lpErrno means something only after a failure.
 *  - It may be called from any thread, for one socket by several at once.
 *  - `s` is the provider's descriptor. It may be stale or INVALID_SOCKET; the
 *    answer then is WSAENOTSOCK.
 *  - What a pointer leads to belongs to the caller and is good for the call
 *    only, but for the bytes and the WSAOVERLAPPED of a started request: the
 *    provider has these until the request completes (R129 to R132).
 *  - None ever answers WSAEINPROGRESS (R37).
 *
 * "Not for SAN": the switch does not call that entry of a SAN provider, which
 * may leave it NULL or answer WSAEOPNOTSUPP (R12).
 */
#ifndef OPENWSD_WS2SPI_H
#define OPENWSD_WS2SPI_H

#include <openwsd/winsock2.h>

#ifdef _WIN32

#include <ws2spi.h>

#else

#ifdef __cplusplus
extern "C" {
#endif

#ifndef WSPAPI
#define WSPAPI WSAAPI
#endif

#define WSPDESCRIPTION_LEN 255

/* What WSAOVERLAPPED.Internal holds until the request completes (R129). */
#define WSS_OPERATION_IN_PROGRESS 0x00000103

/* Filled at start-up: the version agreed on, the highest one, a text (R9). */
typedef struct WSPData {
	WORD wVersion;
	WORD wHighVersion;
	WCHAR szDescription[WSPDESCRIPTION_LEN + 1];
} WSPDATA, *LPWSPDATA;

/* Names a thread of the application; SAN providers are given NULL. */
typedef struct _WSATHREADID {
	HANDLE ThreadHandle;
	DWORD_PTR Reserved;
} WSATHREADID, *LPWSATHREADID;

/* An application's hook for blocking calls. Not for SAN. */
typedef BOOL(CALLBACK *LPBLOCKINGCALLBACK)(DWORD_PTR dwContext);

/* A function that WPUQueueApc has run in the thread of the application. */
typedef void(CALLBACK *LPWSAUSERAPC)(DWORD_PTR dwContext);

/*
 * Takes the oldest queued request, asks the condition function and returns a
 * new connected descriptor; the peer's address goes to addr, its length to
 * *addrlen. Nothing queued: WSAEWOULDBLOCK. Spec 7.7, R97 to R115.
 */
typedef SOCKET(WSPAPI *LPWSPACCEPT)(SOCKET s, struct sockaddr *addr,
	LPINT addrlen, LPCONDITIONPROC lpfnCondition, DWORD_PTR dwCallbackData,
	LPINT lpErrno);

/* Writes an address as text. Not for SAN. */
typedef INT(WSPAPI *LPWSPADDRESSTOSTRING)(LPSOCKADDR lpsaAddress,
	DWORD dwAddressLength, LPWSAPROTOCOL_INFOW lpProtocolInfo,
	LPWSTR lpszAddressString, LPDWORD lpdwAddressStringLength,
	LPINT lpErrno);

/* Asks for window messages about a socket. Not for SAN. */
typedef int(WSPAPI *LPWSPASYNCSELECT)(
	SOCKET s, HWND hWnd, unsigned int wMsg, LONG lEvent, LPINT lpErrno);

/*
 * Gives the socket its local address and port, once. The same pair may be
 * bound any number of times. Spec 7.2, R31 to R36.
 */
typedef int(WSPAPI *LPWSPBIND)(
	SOCKET s, const struct sockaddr *name, int namelen, LPINT lpErrno);

/* Ends a blocking call of this thread. Not for SAN. */
typedef int(WSPAPI *LPWSPCANCELBLOCKINGCALL)(LPINT lpErrno);

/*
 * Takes back one successful start-up; the last one ends every request and
 * frees everything. Spec 7.12, R17 to R21.
 */
typedef int(WSPAPI *LPWSPCLEANUP)(LPINT lpErrno);

/*
 * Ends the connection at once and gives the descriptor back. Requests still
 * pending complete with WSA_OPERATION_ABORTED, and then comes the last upcall,
 * WPUCloseSocketHandle; both may happen after the return. Spec 7.11 and 13.
 */
typedef int(WSPAPI *LPWSPCLOSESOCKET)(SOCKET s, LPINT lpErrno);

/*
 * Starts connecting and never blocks: 0, an error, or WSAEWOULDBLOCK and later
 * FD_CONNECT with the result. WSAECONNREFUSED, WSAECONNRESET and
 * WSAEHOSTUNREACH promise that TCP would fail too. Spec 7.6, R70 to R89.
 */
typedef int(WSPAPI *LPWSPCONNECT)(SOCKET s, const struct sockaddr *name,
	int namelen, LPWSABUF lpCallerData, LPWSABUF lpCalleeData,
	LPQOS lpSQOS, LPQOS lpGQOS, LPINT lpErrno);

/*
 * Prepares the socket for process dwProcessId and stores in *lpProtocolInfo
 * what WSPSocket needs there. Afterwards only WSPCloseSocket, or taking the
 * socket back, makes sense here. Spec 7.13 and 12.
 */
typedef int(WSPAPI *LPWSPDUPLICATESOCKET)(SOCKET s, DWORD dwProcessId,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, LPINT lpErrno);

/*
 * Moves the recorded events to *lpNetworkEvents and resets hEventObject unless
 * it is NULL, in one step. Spec 7.5, R65 to R69.
 */
typedef int(WSPAPI *LPWSPENUMNETWORKEVENTS)(SOCKET s, WSAEVENT hEventObject,
	LPWSANETWORKEVENTS lpNetworkEvents, LPINT lpErrno);

/*
 * From now on signals hEventObject when one of lNetworkEvents (FD_ACCEPT,
 * FD_CONNECT) occurs or has occurred; replaces the former choice, and 0 ends
 * it. The caller keeps the event alive until then. Spec 7.4, R61 to R64.
 */
typedef int(WSPAPI *LPWSPEVENTSELECT)(
	SOCKET s, WSAEVENT hEventObject, LONG lNetworkEvents, LPINT lpErrno);

/*
 * Result of a started request, from *lpOverlapped. TRUE: it succeeded, and
 * bytes and flags are stored. FALSE: WSA_IO_INCOMPLETE while it is pending and
 * fWait is FALSE, else its error. Spec 7.10, R133 to R139.
 */
typedef BOOL(WSPAPI *LPWSPGETOVERLAPPEDRESULT)(SOCKET s,
	LPWSAOVERLAPPED lpOverlapped, LPDWORD lpcbTransfer, BOOL fWait,
	LPDWORD lpdwFlags, LPINT lpErrno);

/* The peer's address. Not for SAN. */
typedef int(WSPAPI *LPWSPGETPEERNAME)(
	SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno);

/* The socket's own address. Not for SAN. */
typedef int(WSPAPI *LPWSPGETSOCKNAME)(
	SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno);

/*
 * Copies an option to optval; *optlen is the room, then the size, which is
 * stored also when the room was too small. Spec 7.14 and 14, R38 to R45.
 */
typedef int(WSPAPI *LPWSPGETSOCKOPT)(SOCKET s, int level, int optname,
	char *optval, LPINT optlen, LPINT lpErrno);

/* Fills *lpQOS from a named template. Spec 7.17, R60. */
typedef BOOL(WSPAPI *LPWSPGETQOSBYNAME)(
	SOCKET s, LPWSABUF lpQOSName, LPQOS lpQOS, LPINT lpErrno);

/*
 * Control codes SIO_*. The result goes to lpvOutBuffer, and its size, or the
 * room it needs, to *lpcbBytesReturned. For extension functions `s` means
 * nothing. Spec 7.16, R48 to R59.
 */
typedef int(WSPAPI *LPWSPIOCTL)(SOCKET s, DWORD dwIoControlCode,
	LPVOID lpvInBuffer, DWORD cbInBuffer, LPVOID lpvOutBuffer,
	DWORD cbOutBuffer, LPDWORD lpcbBytesReturned,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

/* Joins a multipoint session. Not for SAN. */
typedef SOCKET(WSPAPI *LPWSPJOINLEAF)(SOCKET s, const struct sockaddr *name,
	int namelen, LPWSABUF lpCallerData, LPWSABUF lpCalleeData,
	LPQOS lpSQOS, LPQOS lpGQOS, DWORD dwFlags, LPINT lpErrno);

/*
 * Queues up to `backlog` requests, refuses more; WSD_SOMAXCONN leaves the
 * number to the provider. Again on a listener: a new backlog. Spec 7.3, R90 to
 * R96.
 */
typedef int(WSPAPI *LPWSPLISTEN)(SOCKET s, int backlog, LPINT lpErrno);

/*
 * Posts a receive for one message: WSA_IO_PENDING, or an error and nothing was
 * posted. Buffers are filled in order and lie in registered memory. The array
 * is captured, the bytes belong to the provider until completion. Spec 7.9,
 * R117 to R150.
 */
typedef int(WSPAPI *LPWSPRECV)(SOCKET s, LPWSABUF lpBuffers,
	DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd, LPDWORD lpFlags,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

/* Ends receiving and takes the peer's parting data. Not for SAN. */
typedef int(WSPAPI *LPWSPRECVDISCONNECT)(
	SOCKET s, LPWSABUF lpInboundDisconnectData, LPINT lpErrno);

/* Receives a datagram and its source. Not for SAN. */
typedef int(WSPAPI *LPWSPRECVFROM)(SOCKET s, LPWSABUF lpBuffers,
	DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd, LPDWORD lpFlags,
	struct sockaddr *lpFrom, LPINT lpFromlen, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

/* Waits for readiness of sockets. Not for SAN. */
typedef int(WSPAPI *LPWSPSELECT)(int nfds, fd_set *readfds, fd_set *writefds,
	fd_set *exceptfds, const PTIMEVAL timeout, LPINT lpErrno);

/*
 * Sends the buffers as one message: WSA_IO_PENDING, or an error and nothing is
 * sent. Ownership as for LPWSPRECV. Completion says that the bytes may be
 * reused, not that they have arrived. Spec 7.8, R123 to R152.
 */
typedef int(WSPAPI *LPWSPSEND)(SOCKET s, LPWSABUF lpBuffers,
	DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

/* Ends sending, with parting data. Not for SAN. */
typedef int(WSPAPI *LPWSPSENDDISCONNECT)(
	SOCKET s, LPWSABUF lpOutboundDisconnectData, LPINT lpErrno);

/* Sends a datagram. Not for SAN. */
typedef int(WSPAPI *LPWSPSENDTO)(SOCKET s, LPWSABUF lpBuffers,
	DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
	const struct sockaddr *lpTo, int iTolen, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

/* Sets an option from optval. Spec 7.15 and 14, R43 to R47. */
typedef int(WSPAPI *LPWSPSETSOCKOPT)(SOCKET s, int level, int optname,
	const char *optval, int optlen, LPINT lpErrno);

/* Ends one direction or both. Not for SAN. */
typedef int(WSPAPI *LPWSPSHUTDOWN)(SOCKET s, int how, LPINT lpErrno);

/*
 * Makes a socket, with one WPUCreateSocketHandle upcall; with a nonzero
 * lpProtocolInfo->dwProviderReserved takes over one that another process
 * prepared by WSPDuplicateSocket. Spec 7.1 and 12, R23 to R29.
 */
typedef SOCKET(WSPAPI *LPWSPSOCKET)(int af, int type, int protocol,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g, DWORD dwFlags,
	LPINT lpErrno);

/* Reads an address from text. Not for SAN. */
typedef INT(WSPAPI *LPWSPSTRINGTOADDRESS)(LPWSTR AddressString,
	INT AddressFamily, LPWSAPROTOCOL_INFOW lpProtocolInfo,
	LPSOCKADDR lpAddress, LPINT lpAddressLength, LPINT lpErrno);

/*
 * What the provider gives to the switch at start-up. The caller owns the table
 * and the provider fills it; the entries are good until the last clean-up.
 */
typedef struct _WSPPROC_TABLE {
	LPWSPACCEPT lpWSPAccept;
	LPWSPADDRESSTOSTRING lpWSPAddressToString;
	LPWSPASYNCSELECT lpWSPAsyncSelect;
	LPWSPBIND lpWSPBind;
	LPWSPCANCELBLOCKINGCALL lpWSPCancelBlockingCall;
	LPWSPCLEANUP lpWSPCleanup;
	LPWSPCLOSESOCKET lpWSPCloseSocket;
	LPWSPCONNECT lpWSPConnect;
	LPWSPDUPLICATESOCKET lpWSPDuplicateSocket;
	LPWSPENUMNETWORKEVENTS lpWSPEnumNetworkEvents;
	LPWSPEVENTSELECT lpWSPEventSelect;
	LPWSPGETOVERLAPPEDRESULT lpWSPGetOverlappedResult;
	LPWSPGETPEERNAME lpWSPGetPeerName;
	LPWSPGETSOCKNAME lpWSPGetSockName;
	LPWSPGETSOCKOPT lpWSPGetSockOpt;
	LPWSPGETQOSBYNAME lpWSPGetQOSByName;
	LPWSPIOCTL lpWSPIoctl;
	LPWSPJOINLEAF lpWSPJoinLeaf;
	LPWSPLISTEN lpWSPListen;
	LPWSPRECV lpWSPRecv;
	LPWSPRECVDISCONNECT lpWSPRecvDisconnect;
	LPWSPRECVFROM lpWSPRecvFrom;
	LPWSPSELECT lpWSPSelect;
	LPWSPSEND lpWSPSend;
	LPWSPSENDDISCONNECT lpWSPSendDisconnect;
	LPWSPSENDTO lpWSPSendTo;
	LPWSPSETSOCKOPT lpWSPSetSockOpt;
	LPWSPSHUTDOWN lpWSPShutdown;
	LPWSPSOCKET lpWSPSocket;
	LPWSPSTRINGTOADDRESS lpWSPStringToAddress;
} WSPPROC_TABLE, *LPWSPPROC_TABLE;

/*
 * Upcalls: from the provider into the switch, always with the switch's handle
 * and never with a lock held (spec 2.4, 15; R30).
 */

/* Destroys an event that WPUCreateEvent made. TRUE on success. */
typedef BOOL(WSPAPI *LPWPUCLOSEEVENT)(WSAEVENT hEvent, LPINT lpErrno);

/*
 * Gives the switch's handle back: the last upcall about it, once for each
 * WPUCreateSocketHandle. 0, or SOCKET_ERROR with WSAENOTSOCK.
 */
typedef int(WSPAPI *LPWPUCLOSESOCKETHANDLE)(SOCKET s, LPINT lpErrno);

/* A new event, or WSA_INVALID_EVENT; the provider owns it. */
typedef WSAEVENT(WSPAPI *LPWPUCREATEEVENT)(LPINT lpErrno);

/*
 * A new switch handle that remembers dwContext, or INVALID_SOCKET with
 * WSAENOBUFS; the provider owns it until WPUCloseSocketHandle.
 */
typedef SOCKET(WSPAPI *LPWPUCREATESOCKETHANDLE)(
	DWORD dwCatalogEntryId, DWORD_PTR dwContext, LPINT lpErrno);

/* Nonzero if s is a member of the set. Not for SAN. */
typedef int(WSPAPI *LPWPUFDISSET)(SOCKET s, fd_set *fdset);

/*
 * The path of the library of another provider; the length is the room, then
 * what was used.
 */
typedef int(WSPAPI *LPWPUGETPROVIDERPATH)(LPGUID lpProviderId,
	WCHAR *lpszProviderDllPath, LPINT lpProviderDllPathLen, LPINT lpErrno);

/* Makes a handle of the kernel known to the switch. Not for SAN. */
typedef SOCKET(WSPAPI *LPWPUMODIFYIFSHANDLE)(
	DWORD dwCatalogEntryId, SOCKET ProposedHandle, LPINT lpErrno);

/* Posts a window message. Not for SAN. */
typedef BOOL(WSPAPI *LPWPUPOSTMESSAGE)(
	HWND hWnd, UINT Msg, WPARAM wParam, LPARAM lParam);

/* The application's blocking hook and its context. Not for SAN. */
typedef int(WSPAPI *LPWPUQUERYBLOCKINGCALLBACK)(DWORD dwCatalogEntryId,
	LPBLOCKINGCALLBACK *lplpfnCallback, PDWORD_PTR lpdwContext,
	LPINT lpErrno);

/* Back from the switch's handle to the dwContext of its creation. */
typedef int(WSPAPI *LPWPUQUERYSOCKETHANDLECONTEXT)(
	SOCKET s, PDWORD_PTR lpContext, LPINT lpErrno);

/* Has lpfnUserApc run in the thread *lpThreadId when that thread waits. */
typedef int(WSPAPI *LPWPUQUEUEAPC)(LPWSATHREADID lpThreadId,
	LPWSAUSERAPC lpfnUserApc, DWORD_PTR dwContext, LPINT lpErrno);

/* Makes an event not signalled. TRUE on success. */
typedef BOOL(WSPAPI *LPWPURESETEVENT)(WSAEVENT hEvent, LPINT lpErrno);

/* Signals an event. TRUE on success. */
typedef BOOL(WSPAPI *LPWPUSETEVENT)(WSAEVENT hEvent, LPINT lpErrno);

/* Names the calling thread; to be given back by WPUCloseThread. */
typedef int(WSPAPI *LPWPUOPENCURRENTTHREAD)(
	LPWSATHREADID lpThreadId, LPINT lpErrno);

/* Gives back what WPUOpenCurrentThread stored. */
typedef int(WSPAPI *LPWPUCLOSETHREAD)(LPWSATHREADID lpThreadId, LPINT lpErrno);

/*
 * Completes a request whose hEvent has bit 0 clear: stores the byte count in
 * InternalHigh, then changes Internal, perhaps after the return. Exactly once
 * for each request (R127). 0, or SOCKET_ERROR with WSAEINVAL when s is no
 * handle of the switch.
 */
typedef int(WSPAPI *LPWPUCOMPLETEOVERLAPPEDREQUEST)(SOCKET s,
	LPWSAOVERLAPPED lpOverlapped, DWORD dwError, DWORD cbTransferred,
	LPINT lpErrno);

/* What the caller of WSPStartup offers. SAN: WSPUPCALLTABLEEX in ws2san.h. */
typedef struct _WSPUPCALLTABLE {
	LPWPUCLOSEEVENT lpWPUCloseEvent;
	LPWPUCLOSESOCKETHANDLE lpWPUCloseSocketHandle;
	LPWPUCREATEEVENT lpWPUCreateEvent;
	LPWPUCREATESOCKETHANDLE lpWPUCreateSocketHandle;
	LPWPUFDISSET lpWPUFDIsSet;
	LPWPUGETPROVIDERPATH lpWPUGetProviderPath;
	LPWPUMODIFYIFSHANDLE lpWPUModifyIFSHandle;
	LPWPUPOSTMESSAGE lpWPUPostMessage;
	LPWPUQUERYBLOCKINGCALLBACK lpWPUQueryBlockingCallback;
	LPWPUQUERYSOCKETHANDLECONTEXT lpWPUQuerySocketHandleContext;
	LPWPUQUEUEAPC lpWPUQueueApc;
	LPWPURESETEVENT lpWPUResetEvent;
	LPWPUSETEVENT lpWPUSetEvent;
	LPWPUOPENCURRENTTHREAD lpWPUOpenCurrentThread;
	LPWPUCLOSETHREAD lpWPUCloseThread;
} WSPUPCALLTABLE, *LPWSPUPCALLTABLE;

/*
 * Start-up of an ordinary provider, which takes the upcall table by value.
 * Returns the error itself. The switch never starts a SAN provider this way.
 */
typedef int(WSPAPI *LPWSPSTARTUP)(WORD wVersionRequested, LPWSPDATA lpWSPData,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, WSPUPCALLTABLE UpcallTable,
	LPWSPPROC_TABLE lpProcTable);

#ifdef __cplusplus
}
#endif

#endif /* Linux */

WSD_STATIC_ASSERT(sizeof(WSPDATA) == 516, "WSPDATA");
WSD_STATIC_ASSERT(offsetof(WSPDATA, szDescription) == 4, "szDescription");
WSD_STATIC_ASSERT(sizeof(WSATHREADID) == 2 * sizeof(void *), "WSATHREADID");
WSD_STATIC_ASSERT(
	sizeof(WSPPROC_TABLE) == 30 * sizeof(LPWSPCLEANUP), "WSPPROC_TABLE");
WSD_STATIC_ASSERT(
	sizeof(WSPUPCALLTABLE) == 15 * sizeof(LPWSPCLEANUP), "WSPUPCALLTABLE");

#endif
