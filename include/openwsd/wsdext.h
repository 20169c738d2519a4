/* SPDX-License-Identifier: MIT */
/*
 * wsdext.h - OpenWSD's own extension functions of a SAN service provider.
 *
 * All are optional. A switch asks for each with WSPIoctl
 * (SIO_GET_EXTENSION_FUNCTION_POINTER) and the GUID below; a provider without
 * it answers WSAEOPNOTSUPP, and the switch does without, slower. They exist
 * because the Windows Sockets SPI has no way to wait on many sockets without a
 * thread, to ask what a provider can do, or to receive without copying twice.
 *
 * Like every SPI function they return 0 on success, else SOCKET_ERROR with the
 * code at *lpErrno, may be called from any thread, and do not block (but for
 * WSDQueryNetworks).
 */
#ifndef OPENWSD_WSDEXT_H
#define OPENWSD_WSDEXT_H

#include <openwsd/winsock2.h>
#include <openwsd/ws2spi.h>
#include <openwsd/ws2san.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this header; dwVersion of WSDCAPABILITIES. */
#define WSD_EXTENSION_VERSION 1u

/* ---- what a provider can do ------------------------------------------- */

#define WSDID_QUERYCAPABILITIES                                               \
	{0x6d1f0a51, 0x3c1e, 0x4b7a,                                          \
		{0x9a, 0x52, 0x0e, 0x57, 0x53, 0x44, 0x00, 0x01}}

/* Bits of dwFlags. */
#define WSD_CAP_CHANNEL      0x01u /* WSDOpenChannel works */
#define WSD_CAP_EARLY_SEND   0x02u /* a channel may be opened and sent on while
				      the connect is still pending; where the
				      other side must be asked first, from then
				      on (WSDOpenChannel: WSAENOTCONN before) */
#define WSD_CAP_FORK_SHARED  0x04u /* after fork both processes may use the
				      channel, serialised per direction */
#define WSD_CAP_INET6        0x08u /* sockets of family AF_INET6 work; binding
				      them to :: serves IPv4 as well unless
				      IPV6_V6ONLY was set */
#define WSD_CAP_RDMA_READ    0x10u /* WSPRdmaRead is there */
#define WSD_CAP_SAME_HOST    0x20u /* reaches peers on this host only */
#define WSD_CAP_PINS         0x40u /* keeps memory registered with the adapter
				      beyond deregistration: the switch must
				      call the cache callback before mappings
				      change, see below */

/*
 * With WSD_CAP_PINS the switch calls WSPMemoryRegistrationCacheCallback for
 * each range whose mapping is about to change, and once more when it has. The
 * caller is whoever changes it: any thread, at any place, also inside calls of
 * this provider, inside a signal handler, inside free() with the heap's locks
 * held. So the callback takes no lock that is held anywhere else for longer
 * than it runs itself, waits for nobody, neither allocates nor frees, and may
 * be called while it runs. In a forked child it must leave alone what the
 * parent has registered. Where the switch cannot see mappings change it calls
 * right after each deregistration instead.
 */

typedef struct _WSDCAPABILITIES {
	DWORD cbSize;         /* in: sizeof; out: bytes filled */
	DWORD dwVersion;      /* WSD_EXTENSION_VERSION of the provider */
	DWORD dwFlags;        /* WSD_CAP_... */
	DWORD dwMaxMessage;   /* bytes of one message */
	DWORD dwMaxPending;   /* sends, and receives, pending per socket */
	DWORD dwRdmaThreshold; /* from this many bytes on RDMA pays */
	CHAR szName[32];      /* short name of the SAN, e.g. "shm" */
	GUID ProviderId;      /* for an installer (R3); older providers fill
				 in fewer bytes, see cbSize */
} WSDCAPABILITIES, *LPWSDCAPABILITIES;

/*
 * Fills *lpCaps up to cbSize. No socket needed.
 * WSAEFAULT: NULL or cbSize below 8. WSANOTINITIALISED.
 */
typedef int (WSPAPI *LPFN_WSDQUERYCAPABILITIES)(LPWSDCAPABILITIES lpCaps,
	LPINT lpErrno);

/* ---- waiting without a thread ----------------------------------------- */

#define WSDID_GETWAITHANDLE                                                   \
	{0x6d1f0a52, 0x3c1e, 0x4b7a,                                          \
		{0x9a, 0x52, 0x0e, 0x57, 0x53, 0x44, 0x00, 0x02}}

/* What the system waits on: a descriptor on Linux, a HANDLE on Windows. */
typedef INT_PTR WSDWAITHANDLE;
#define WSD_NO_WAIT_HANDLE ((WSDWAITHANDLE)-1)

/*
 * The handle to wait on for a listening, connecting or connected socket; owned
 * by the provider, valid until WSPCloseSocket. Listening: readable while
 * WSPAccept may find a request. Connecting or connected: after WSDArm, readable
 * once what was armed for has happened; always readable when the peer is gone.
 * A connect that times out does not make it readable: who waits for one looks
 * again after a while (WSDArm, WSPEnumNetworkEvents, a channel's Status).
 * WSAENOTSOCK; WSAEINVAL in any other state; WSAEOPNOTSUPP when this socket has
 * none (a listener that another one shadows).
 */
typedef int (WSPAPI *LPFN_WSDGETWAITHANDLE)(SOCKET s, WSDWAITHANDLE *lpHandle,
	LPINT lpErrno);

#define WSDID_ARM                                                             \
	{0x6d1f0a53, 0x3c1e, 0x4b7a,                                          \
		{0x9a, 0x52, 0x0e, 0x57, 0x53, 0x44, 0x00, 0x03}}

#define WSD_IN  0x1u /* a message can be received, or the state has changed */
#define WSD_OUT 0x2u /* a message can be sent, or the state has changed */

/*
 * For a socket used with overlapped requests (no channel): makes progress, then
 * asks for a wake-up through the wait handle. 0: armed, nothing has happened,
 * sleep. SOCKET_ERROR/WSAEALREADY: a request has completed or the state has
 * changed meanwhile; do not sleep. Takes earlier doorbells away.
 * WSAENOTSOCK, WSAEINVAL (wrong state), WSAEOPNOTSUPP.
 */
typedef int (WSPAPI *LPFN_WSDARM)(SOCKET s, DWORD dwInterest, LPINT lpErrno);

/* ---- who is on the other side ----------------------------------------- */

#define WSDID_PEERIDENTITY                                                    \
	{0x6d1f0a54, 0x3c1e, 0x4b7a,                                          \
		{0x9a, 0x52, 0x0e, 0x57, 0x53, 0x44, 0x00, 0x04}}

typedef struct _WSDPEER {
	DWORD cbSize;
	DWORD dwProcessId; /* 0: not known */
	DWORD dwUserId;    /* system's number of the user; meaningful when known */
	BOOL bKnown;       /* the system vouches for both */
	BOOL bSameUser;
} WSDPEER, *LPWSDPEER;

/* Connecting: who offers the address. Connected: the peer. WSAENOTCONN. */
typedef int (WSPAPI *LPFN_WSDPEERIDENTITY)(SOCKET s, LPWSDPEER lpPeer,
	LPINT lpErrno);

/* ---- which networks there are ----------------------------------------- */

#define WSDID_QUERYNETWORKS                                                   \
	{0x6d1f0a57, 0x3c1e, 0x4b7a,                                          \
		{0x9a, 0x52, 0x0e, 0x57, 0x53, 0x44, 0x00, 0x07}}

/* Bits of dwFlags. */
#define WSD_NETWORK_USABLE 0x1u /* the provider can use it, though perhaps not
				   with the settings as they are */
#define WSD_NETWORK_IN_USE 0x2u /* it does: the address is one of those that
				   SIO_ADDRESS_LIST_QUERY tells */

/* Text is UTF-8 and ends with a NUL; "" where there is nothing to tell. */
typedef struct _WSDNETWORK {
	DWORD cbSize;       /* out: bytes filled */
	DWORD dwFlags;      /* WSD_NETWORK_... */
	CHAR szNetwork[32]; /* what carries the messages: "memory", or one of
			       libfabric's providers, "verbs" */
	CHAR szDevice[64];  /* "mlx5_0", "eth0" */
	CHAR szAddress[64]; /* this host's there: "192.0.2.1", "fe80::1%2" */
	CHAR szReason[160]; /* not in use: why, and what would change that */
} WSDNETWORK, *LPWSDNETWORK;

/*
 * Tells people what a provider has found: the networks that it uses, those it
 * could use and those it cannot, one record for each address of each. No socket
 * needed. Unlike the other functions it may take a moment, because the hardware
 * is looked at anew.
 *
 * *lpdwCount, in: how many records there is room for at lpNetworks; out: how
 * many there are. lpNetworks->cbSize, in: bytes of each record there, at least
 * 8; each is filled up to that, and its own cbSize says how far. With room for
 * none lpNetworks is not looked at.
 * WSAENOBUFS: there are more than there is room for; the first ones are filled
 * in. WSAEFAULT: no lpdwCount, or room but no lpNetworks or too small a cbSize.
 * WSANOTINITIALISED.
 */
typedef int (WSPAPI *LPFN_WSDQUERYNETWORKS)(LPWSDNETWORK lpNetworks,
	LPDWORD lpdwCount, LPINT lpErrno);

/* ---- sockets that several processes have ------------------------------ */

#define WSDID_ABANDON                                                         \
	{0x6d1f0a56, 0x3c1e, 0x4b7a,                                          \
		{0x9a, 0x52, 0x0e, 0x57, 0x53, 0x44, 0x00, 0x06}}

/*
 * For the processes of a fork that are not the last to have a socket: the
 * WSPCloseSocket that follows frees what this process has of it and tells
 * nobody. The peer of a connection goes on with the other processes; the
 * requests in a listener's queue stay there for them. If there is no other
 * process after all, the system ends both. Does not block. WSAENOTSOCK.
 */
typedef int (WSPAPI *LPFN_WSDABANDON)(SOCKET s, LPINT lpErrno);

/* ---- a listener that wants no more ------------------------------------ */

#define WSDID_STOPLISTENING                                                   \
	{0x6d1f0a58, 0x3c1e, 0x4b7a,                                          \
		{0x9a, 0x52, 0x0e, 0x57, 0x53, 0x44, 0x00, 0x08}}

/*
 * Requests that arrive from now on are refused as if nobody listened; those in
 * the queue stay there for WSPAccept. There is no way back but closing. Does not
 * block. WSAENOTSOCK, WSAEINVAL not listening, WSAEOPNOTSUPP.
 */
typedef int (WSPAPI *LPFN_WSDSTOPLISTENING)(SOCKET s, LPINT lpErrno);

/* ---- the channel: messages without overlapped requests ----------------- */

#define WSDID_OPENCHANNEL                                                     \
	{0x6d1f0a55, 0x3c1e, 0x4b7a,                                          \
		{0x9a, 0x52, 0x0e, 0x57, 0x53, 0x44, 0x00, 0x05}}

/* dwFlags of Send. */
#define WSD_SEND_RESERVE 0x1u /* short control message: may use the space that
				 the provider keeps back (256 bytes) */

/*
 * A channel gives messages of one connected socket directly: a send is copied
 * before it returns, from any memory, and a received message is read in place.
 *
 * Every member function returns 0 or a Winsock code, never blocks, makes no
 * upcall. The caller serialises {Send} and, separately, {Peek, Release}; the
 * others may run beside them. With WSD_CAP_FORK_SHARED the same holds across
 * the processes of a fork. While a channel is open, WSPSend, WSPRecv and
 * WSPDuplicateSocket on the socket give WSAEINVAL. The channel ends with
 * WSPCloseSocket; nothing else frees it.
 *
 * Registration and RDMA work beside it, with two differences. WSPRdmaWrite and
 * WSPRdmaRead count as Send, and asking for their results
 * (WSPGetOverlappedResult) as Send and Peek, in what the caller serialises. And
 * only requests that are polled can be had (hEvent bit 0 set); one that wants
 * the upcall is refused with WSAEINVAL. Memory exposed to the peer is served by
 * Peek: while some is exposed, the caller has to go on looking.
 */
typedef struct _WSDCHANNEL WSDCHANNEL, *LPWSDCHANNEL;
struct _WSDCHANNEL {
	DWORD cbSize; /* in: sizeof(WSDCHANNEL) */
	DWORD dwMaxMessage;
	PVOID lpContext; /* the provider's */

	/* What to wait on. Owned by the provider, see SetWaitHandle. */
	WSDWAITHANDLE hWait;

	/*
	 * Sends one message gathered from n buffers, at most 1024 of them
	 * (more, or unknown flags: WSAEINVAL). WSAEWOULDBLOCK no room,
	 * WSAEMSGSIZE, WSAECONNRESET peer gone, WSAECONNREFUSED the pending
	 * connect was refused, WSAENOTCONN (pending connect, no EARLY_SEND).
	 */
	int (WSPAPI *Send)(PVOID lpContext, const WSABUF *lpBuffers, DWORD n,
		DWORD dwFlags);
	/*
	 * The oldest message, in place, until Release. The peer may change its
	 * bytes meanwhile: copy first, then check. WSAEWOULDBLOCK none; when the
	 * connection is over and nothing is left: WSAECONNRESET, WSAECONNREFUSED.
	 */
	int (WSPAPI *Peek)(PVOID lpContext, LPWSABUF lpMessage);
	void (WSPAPI *Release)(PVOID lpContext);

	/* A number that is different after each arrival of a message; wraps. */
	ULONG64 (WSPAPI *Arrivals)(PVOID lpContext);

	/*
	 * Asks that hWait become readable at the next change towards dwInterest
	 * (WSD_IN, WSD_OUT). 0 armed; WSAEALREADY it is there already. Doorbells
	 * stay until drained.
	 */
	int (WSPAPI *Arm)(PVOID lpContext, DWORD dwInterest);
	/* Takes doorbells away; with bKeep leaves at least one (several sleepers).
	 * 0, or WSAEWOULDBLOCK there was none, WSAECONNRESET the peer is gone,
	 * WSAECONNABORTED it has sent something else than doorbells. */
	int (WSPAPI *Drain)(PVOID lpContext, BOOL bKeep);
	/*
	 * 0 connected, WSAEWOULDBLOCK connect pending, else why it is over, or
	 * WSAETIMEDOUT: the pending connect has taken too long. With bThorough
	 * asks the system whether the peer lives (one system call).
	 */
	int (WSPAPI *Status)(PVOID lpContext, BOOL bThorough);
	/*
	 * From now on the provider uses h: hWait itself, which is the caller's from
	 * then on, or a duplicate made by the caller; then the provider closes its
	 * own. The caller closes h only after WSPCloseSocket. May be called again
	 * with another duplicate.
	 */
	void (WSPAPI *SetWaitHandle)(PVOID lpContext, WSDWAITHANDLE h);
	/*
	 * Would Arm(WSD_OUT) say WSAEALREADY? Asks for no wake-up: for who looks
	 * often before sleeping.
	 */
	BOOL (WSPAPI *Writable)(PVOID lpContext);
};

/*
 * Opens the channel of a connected socket (or, with WSD_CAP_EARLY_SEND, of one
 * whose connect is pending). Once per socket.
 * WSAENOTSOCK; WSAENOTCONN; WSAEINVAL receives or sends are pending, or it is
 * open already; WSAEFAULT cbSize too small; WSAEOPNOTSUPP.
 */
typedef int (WSPAPI *LPFN_WSDOPENCHANNEL)(SOCKET s, LPWSDCHANNEL lpChannel,
	LPINT lpErrno);

#ifdef __cplusplus
}
#endif

#endif
