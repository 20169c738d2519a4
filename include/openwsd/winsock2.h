/* SPDX-License-Identifier: MIT */
/*
 * openwsd/winsock2.h - the Windows Sockets types that the SPI is written in.
 *
 * On Windows this is the real <winsock2.h> and <ws2tcpip.h>. On Linux it
 * supplies the same names with the same values and layouts, so that one source
 * serves both. scripts/check-abi compares the two.
 *
 * What the host already has stays the host's: struct sockaddr and its family,
 * AF_*, SOCK_*, IPPROTO_*, SOL_SOCKET, SO_DEBUG, MSG_*, SOMAXCONN, fd_set,
 * struct timeval. On the Linux SPI an address family, a level or a flag is
 * therefore the host's number. Where Windows has another value under the same
 * name and the SPI needs that value, it is called WSD_name here.
 */
#ifndef OPENWSD_WINSOCK2_H
#define OPENWSD_WINSOCK2_H

#ifdef _WIN32

#include <winsock2.h>
#include <ws2tcpip.h>

#else

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>

#endif

#include <stddef.h>
#include <string.h>

/* One spelling of a compile-time check for C11 and C++11. */
#ifdef __cplusplus
#define WSD_STATIC_ASSERT(expr, text) static_assert(expr, text)
#else
#define WSD_STATIC_ASSERT(expr, text) _Static_assert(expr, text)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifdef _WIN32

/* The Windows values under the names that portable code uses. */
#define WSD_SOL_SOCKET  SOL_SOCKET
#define WSD_SOMAXCONN   SOMAXCONN
#define WSD_MSG_PARTIAL MSG_PARTIAL
#define WSD_IOC_VOID    IOC_VOID
#define WSD_IOC_OUT     IOC_OUT
#define WSD_IOC_IN      IOC_IN
#define WSD_IOC_INOUT   IOC_INOUT

/* Younger than some SDKs. */
#ifndef XP1_SAN_SUPPORT_SDP
#define XP1_SAN_SUPPORT_SDP 0x00080000
#endif
#ifndef PFL_NETWORKDIRECT_PROVIDER
#define PFL_NETWORKDIRECT_PROVIDER 0x00000010
#endif
#ifndef WSA_FLAG_NO_HANDLE_INHERIT
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif
#ifndef WSA_FLAG_REGISTERED_IO
#define WSA_FLAG_REGISTERED_IO 0x100
#endif

#else /* Linux */

/* Basic types. LONG and DWORD have 32 bits everywhere. */

typedef char CHAR;
typedef unsigned char UCHAR;
typedef unsigned char BYTE;
typedef int16_t SHORT;
typedef uint16_t USHORT;
typedef uint16_t WORD;
typedef int INT;
typedef unsigned int UINT;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef int64_t LONG64;
typedef uint64_t ULONG64;
typedef int BOOL;

typedef intptr_t INT_PTR;
typedef intptr_t LONG_PTR;
typedef uintptr_t UINT_PTR;
typedef uintptr_t ULONG_PTR;
typedef uintptr_t DWORD_PTR;
typedef size_t SIZE_T;

/* One UTF-16 unit; u"..." has this type in C and in C++. Never wchar_t. */
#ifdef __cplusplus
typedef char16_t WCHAR;
#else
typedef uint_least16_t WCHAR;
#endif

typedef void *PVOID;
typedef void *LPVOID;
typedef CHAR *LPSTR;
typedef const CHAR *LPCSTR;
typedef WCHAR *LPWSTR;
typedef const WCHAR *LPCWSTR;
typedef BYTE *LPBYTE;
typedef WORD *LPWORD;
typedef INT *LPINT;
typedef DWORD *LPDWORD;
typedef DWORD_PTR *PDWORD_PTR;

/* Opaque; on Linux what it stands for is said where it is used. */
typedef void *HANDLE;
typedef HANDLE *LPHANDLE;
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

/* Only for the two SPI entries that speak of windows; never used on Linux. */
typedef struct HWND__ *HWND;
typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM;

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

/* Windows names a calling convention here; Linux has one. */
#ifndef FAR
#define FAR
#endif
#ifndef CALLBACK
#define CALLBACK
#endif
#ifndef WSAAPI
#define WSAAPI
#endif

/* Version words: major in the low byte, minor in the high byte. */
#ifndef MAKEWORD
#define MAKEWORD(low, high)                                                   \
	((WORD)((BYTE)(low) | (WORD)((WORD)(BYTE)(high) << 8)))
#endif
#ifndef LOBYTE
#define LOBYTE(w) ((BYTE)((w)&0xff))
#endif
#ifndef HIBYTE
#define HIBYTE(w) ((BYTE)(((w) >> 8) & 0xff))
#endif
#ifndef WINSOCK_VERSION
#define WINSOCK_VERSION MAKEWORD(2, 2)
#endif

/* 128-bit identifier; the first three members are in host byte order. */
#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
	ULONG Data1;
	USHORT Data2;
	USHORT Data3;
	BYTE Data4[8];
} GUID;
#endif
typedef GUID *LPGUID;

/* Sockets, addresses */

/*
 * Either end's name for a socket: the provider's descriptor or the switch's
 * handle, each any value with a meaning to its maker (spec 5, R24, R30). Not
 * a file descriptor unless its maker says so.
 */
typedef UINT_PTR SOCKET;
typedef UINT GROUP;

#define INVALID_SOCKET (~(SOCKET)0)
#define SOCKET_ERROR   (-1)

typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_in6 SOCKADDR_IN6, *PSOCKADDR_IN6, *LPSOCKADDR_IN6;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE,
	*LPSOCKADDR_STORAGE;
typedef struct timeval TIMEVAL, *PTIMEVAL, *LPTIMEVAL;

/* An address of given length; whoever fills it owns what it points to. */
typedef struct _SOCKET_ADDRESS {
	LPSOCKADDR lpSockaddr;
	INT iSockaddrLength;
} SOCKET_ADDRESS, *PSOCKET_ADDRESS, *LPSOCKET_ADDRESS;

/*
 * Answer to SIO_ADDRESS_LIST_QUERY: iAddressCount entries, which may be 0, and
 * the addresses themselves in the same buffer (R54 to R58).
 */
typedef struct _SOCKET_ADDRESS_LIST {
	INT iAddressCount;
	SOCKET_ADDRESS Address[1];
} SOCKET_ADDRESS_LIST, *PSOCKET_ADDRESS_LIST, *LPSOCKET_ADDRESS_LIST;

/* Buffers and overlapped requests */

/* A run of bytes; the caller owns the array and the bytes (R142, R143). */
typedef struct _WSABUF {
	ULONG len;
	CHAR *buf;
} WSABUF, *LPWSABUF;

/*
 * A request in flight. From posting until completion it belongs to the
 * provider, from then on to the caller again (R129 to R132).
 *
 * Internal      WSS_OPERATION_IN_PROGRESS until completion, changed last
 * InternalHigh  bytes transferred
 * Offset        result flags
 * OffsetHigh    WSA error, 0 for success
 * hEvent        bit 0 set: no completion upcall is wanted (R126 to R128);
 *               the other bits: an event to signal, or none
 *
 * Windows has a union of Offset and OffsetHigh with a pointer, which no
 * Winsock call uses.
 */
typedef struct _OVERLAPPED {
	ULONG_PTR Internal;
	ULONG_PTR InternalHigh;
	DWORD Offset;
	DWORD OffsetHigh;
	HANDLE hEvent;
} OVERLAPPED, *LPOVERLAPPED;
typedef struct _OVERLAPPED WSAOVERLAPPED, *LPWSAOVERLAPPED;

/*
 * Event object. On Linux an eventfd descriptor in an encoding that keeps NULL
 * for "no event" and the two low bits free; see wsd_event_from_fd().
 */
typedef HANDLE WSAEVENT;
typedef HANDLE *LPWSAEVENT;
#define WSA_INVALID_EVENT ((WSAEVENT)NULL)

/* Network events */

#define FD_READ_BIT                     0
#define FD_WRITE_BIT                    1
#define FD_OOB_BIT                      2
#define FD_ACCEPT_BIT                   3
#define FD_CONNECT_BIT                  4
#define FD_CLOSE_BIT                    5
#define FD_QOS_BIT                      6
#define FD_GROUP_QOS_BIT                7
#define FD_ROUTING_INTERFACE_CHANGE_BIT 8
#define FD_ADDRESS_LIST_CHANGE_BIT      9

#define FD_READ                     (1 << FD_READ_BIT)
#define FD_WRITE                    (1 << FD_WRITE_BIT)
#define FD_OOB                      (1 << FD_OOB_BIT)
#define FD_ACCEPT                   (1 << FD_ACCEPT_BIT)
#define FD_CONNECT                  (1 << FD_CONNECT_BIT)
#define FD_CLOSE                    (1 << FD_CLOSE_BIT)
#define FD_QOS                      (1 << FD_QOS_BIT)
#define FD_GROUP_QOS                (1 << FD_GROUP_QOS_BIT)
#define FD_ROUTING_INTERFACE_CHANGE (1 << FD_ROUTING_INTERFACE_CHANGE_BIT)
#define FD_ADDRESS_LIST_CHANGE      (1 << FD_ADDRESS_LIST_CHANGE_BIT)

#define FD_MAX_EVENTS 10
#define FD_ALL_EVENTS ((1 << FD_MAX_EVENTS) - 1)

/* Events since the last look, and an error for each, by bit number (R67). */
typedef struct _WSANETWORKEVENTS {
	LONG lNetworkEvents;
	INT iErrorCode[FD_MAX_EVENTS];
} WSANETWORKEVENTS, *LPWSANETWORKEVENTS;

/* Quality of service: carried through the SPI, used by no SAN of ours. */

typedef ULONG SERVICETYPE;

#define SERVICETYPE_NOTRAFFIC      0
#define SERVICETYPE_BESTEFFORT     1
#define SERVICETYPE_CONTROLLEDLOAD 2
#define SERVICETYPE_GUARANTEED     3
#define QOS_NOT_SPECIFIED          0xFFFFFFFFu

/* One direction of a flow; QOS_NOT_SPECIFIED stands for any value. */
typedef struct _flowspec {
	ULONG TokenRate;
	ULONG TokenBucketSize;
	ULONG PeakBandwidth;
	ULONG Latency;
	ULONG DelayVariation;
	SERVICETYPE ServiceType;
	ULONG MaxSduSize;
	ULONG MinimumPolicedSize;
} FLOWSPEC, *PFLOWSPEC, *LPFLOWSPEC;

/* Both directions and what only the provider understands. */
typedef struct _QualityOfService {
	FLOWSPEC SendingFlowspec;
	FLOWSPEC ReceivingFlowspec;
	WSABUF ProviderSpecific;
} QOS, *LPQOS;

/* Protocol catalog */

#define MAX_PROTOCOL_CHAIN 7
#define WSAPROTOCOL_LEN    255

/* Values of ChainLen; more than 1 is a chain of catalog entries. */
#define LAYERED_PROTOCOL 0
#define BASE_PROTOCOL    1

/* Which catalog entries a protocol is made of, top first. */
typedef struct _WSAPROTOCOLCHAIN {
	INT ChainLen;
	DWORD ChainEntries[MAX_PROTOCOL_CHAIN];
} WSAPROTOCOLCHAIN, *LPWSAPROTOCOLCHAIN;

/*
 * A catalog entry: what a provider offers. dwProviderReserved carries the
 * token of a socket that is handed to another process (spec 12); on Linux
 * iAddressFamily is the host's AF_*.
 */
typedef struct _WSAPROTOCOL_INFOW {
	DWORD dwServiceFlags1; /* XP1_* */
	DWORD dwServiceFlags2;
	DWORD dwServiceFlags3;
	DWORD dwServiceFlags4;
	DWORD dwProviderFlags; /* PFL_* */
	GUID ProviderId;
	DWORD dwCatalogEntryId;
	WSAPROTOCOLCHAIN ProtocolChain;
	INT iVersion;
	INT iAddressFamily;
	INT iMaxSockAddr;
	INT iMinSockAddr;
	INT iSocketType;
	INT iProtocol;
	INT iProtocolMaxOffset;
	INT iNetworkByteOrder; /* BIGENDIAN or LITTLEENDIAN */
	INT iSecurityScheme;
	DWORD dwMessageSize; /* 0: stream, 0xFFFFFFFF: no limit */
	DWORD dwProviderReserved;
	WCHAR szProtocol[WSAPROTOCOL_LEN + 1];
} WSAPROTOCOL_INFOW, *LPWSAPROTOCOL_INFOW;

/* dwProviderFlags */
#define PFL_MULTIPLE_PROTO_ENTRIES  0x00000001
#define PFL_RECOMMENDED_PROTO_ENTRY 0x00000002
#define PFL_HIDDEN                  0x00000004
#define PFL_MATCHES_PROTOCOL_ZERO   0x00000008
#define PFL_NETWORKDIRECT_PROVIDER  0x00000010

/* dwServiceFlags1 */
#define XP1_CONNECTIONLESS           0x00000001
#define XP1_GUARANTEED_DELIVERY      0x00000002
#define XP1_GUARANTEED_ORDER         0x00000004
#define XP1_MESSAGE_ORIENTED         0x00000008
#define XP1_PSEUDO_STREAM            0x00000010
#define XP1_GRACEFUL_CLOSE           0x00000020
#define XP1_EXPEDITED_DATA           0x00000040
#define XP1_CONNECT_DATA             0x00000080
#define XP1_DISCONNECT_DATA          0x00000100
#define XP1_SUPPORT_BROADCAST        0x00000200
#define XP1_SUPPORT_MULTIPOINT       0x00000400
#define XP1_MULTIPOINT_CONTROL_PLANE 0x00000800
#define XP1_MULTIPOINT_DATA_PLANE    0x00001000
#define XP1_QOS_SUPPORTED            0x00002000
#define XP1_INTERRUPT                0x00004000
#define XP1_UNI_SEND                 0x00008000
#define XP1_UNI_RECV                 0x00010000
#define XP1_IFS_HANDLES              0x00020000
#define XP1_PARTIAL_MESSAGE          0x00040000
#define XP1_SAN_SUPPORT_SDP          0x00080000

/* iNetworkByteOrder, iSecurityScheme */
#define BIGENDIAN              0x0000
#define LITTLEENDIAN           0x0001
#define SECURITY_PROTOCOL_NONE 0x0000

/* Arguments and results of calls */

/* dwFlags of WSPSocket */
#define WSA_FLAG_OVERLAPPED             0x01
#define WSA_FLAG_MULTIPOINT_C_ROOT      0x02
#define WSA_FLAG_MULTIPOINT_C_LEAF      0x04
#define WSA_FLAG_MULTIPOINT_D_ROOT      0x08
#define WSA_FLAG_MULTIPOINT_D_LEAF      0x10
#define WSA_FLAG_ACCESS_SYSTEM_SECURITY 0x40
#define WSA_FLAG_NO_HANDLE_INHERIT      0x80
#define WSA_FLAG_REGISTERED_IO          0x100

/* Each of af, type, protocol: take it from lpProtocolInfo. */
#define FROM_PROTOCOL_INFO (-1)

#define SG_UNCONSTRAINED_GROUP 0x01
#define SG_CONSTRAINED_GROUP   0x02

/* Answers of a condition function */
#define CF_ACCEPT 0x0000
#define CF_REJECT 0x0001
#define CF_DEFER  0x0002

/* WSPShutdown, WSPJoinLeaf: entries that a SAN provider never sees used */
#define SD_RECEIVE       0x00
#define SD_SEND          0x01
#define SD_BOTH          0x02
#define JL_SENDER_ONLY   0x01
#define JL_RECEIVER_ONLY 0x02
#define JL_BOTH          0x04

/* Socket options that only Windows has, at level SOL_SOCKET */
#define SO_GROUP_ID           0x2001
#define SO_GROUP_PRIORITY     0x2002
#define SO_MAX_MSG_SIZE       0x2003
#define SO_PROTOCOL_INFOW     0x2005
#define PVD_CONFIG            0x3001
#define SO_CONDITIONAL_ACCEPT 0x3002

/* The host's, spelled as in <netinet/tcp.h>: both may be included. */
#ifndef TCP_NODELAY
#define TCP_NODELAY 1
#endif

/* The level as Windows numbers it; the Linux SPI uses the host's number. */
#define WSD_SOL_SOCKET 0xFFFF

/*
 * The backlog that asks WSPListen for a reasonable maximum (R92). The host's
 * SOMAXCONN is an ordinary number here, 128 or 4096.
 */
#define WSD_SOMAXCONN 0x7FFFFFFF

/* MSG_PARTIAL; the host uses this bit for MSG_MORE. */
#define WSD_MSG_PARTIAL 0x8000

/*
 * Control codes: direction, owner, number. The four directions carry our
 * prefix because <sys/ioctl.h> has the short names with other values.
 */
#define WSD_IOC_VOID  0x20000000u
#define WSD_IOC_OUT   0x40000000u
#define WSD_IOC_IN    0x80000000u
#define WSD_IOC_INOUT (WSD_IOC_IN | WSD_IOC_OUT)

#define IOC_UNIX     0x00000000u
#define IOC_WS2      0x08000000u
#define IOC_PROTOCOL 0x10000000u
#define IOC_VENDOR   0x18000000u

#define _WSAIO(owner, n)   (WSD_IOC_VOID | (owner) | (n))
#define _WSAIOR(owner, n)  (WSD_IOC_OUT | (owner) | (n))
#define _WSAIOW(owner, n)  (WSD_IOC_IN | (owner) | (n))
#define _WSAIORW(owner, n) (WSD_IOC_INOUT | (owner) | (n))

#define SIO_ASSOCIATE_HANDLE               _WSAIOW(IOC_WS2, 1)
#define SIO_ENABLE_CIRCULAR_QUEUEING       _WSAIO(IOC_WS2, 2)
#define SIO_FIND_ROUTE                     _WSAIOR(IOC_WS2, 3)
#define SIO_FLUSH                          _WSAIO(IOC_WS2, 4)
#define SIO_GET_BROADCAST_ADDRESS          _WSAIOR(IOC_WS2, 5)
#define SIO_GET_EXTENSION_FUNCTION_POINTER _WSAIORW(IOC_WS2, 6)
#define SIO_GET_QOS                        _WSAIORW(IOC_WS2, 7)
#define SIO_GET_GROUP_QOS                  _WSAIORW(IOC_WS2, 8)
#define SIO_MULTIPOINT_LOOPBACK            _WSAIOW(IOC_WS2, 9)
#define SIO_MULTICAST_SCOPE                _WSAIOW(IOC_WS2, 10)
#define SIO_SET_QOS                        _WSAIOW(IOC_WS2, 11)
#define SIO_SET_GROUP_QOS                  _WSAIOW(IOC_WS2, 12)
#define SIO_TRANSLATE_HANDLE               _WSAIORW(IOC_WS2, 13)
#define SIO_ROUTING_INTERFACE_QUERY        _WSAIORW(IOC_WS2, 20)
#define SIO_ROUTING_INTERFACE_CHANGE       _WSAIOW(IOC_WS2, 21)
#define SIO_ADDRESS_LIST_QUERY             _WSAIOR(IOC_WS2, 22)
#define SIO_ADDRESS_LIST_CHANGE            _WSAIO(IOC_WS2, 23)
#define SIO_QUERY_TARGET_PNP_HANDLE        _WSAIOR(IOC_WS2, 24)
#define SIO_ADDRESS_LIST_SORT              _WSAIORW(IOC_WS2, 25)

/* States of overlapped requests, and errors that are not Winsock's own */
#define WSA_INVALID_HANDLE    6
#define WSA_NOT_ENOUGH_MEMORY 8
#define WSA_INVALID_PARAMETER 87
#define WSA_OPERATION_ABORTED 995
#define WSA_IO_INCOMPLETE     996
#define WSA_IO_PENDING        997

/* Winsock errors */
#define WSABASEERR 10000

#define WSAEINTR           (WSABASEERR + 4)
#define WSAEBADF           (WSABASEERR + 9)
#define WSAEACCES          (WSABASEERR + 13)
#define WSAEFAULT          (WSABASEERR + 14)
#define WSAEINVAL          (WSABASEERR + 22)
#define WSAEMFILE          (WSABASEERR + 24)
#define WSAEWOULDBLOCK     (WSABASEERR + 35)
#define WSAEINPROGRESS     (WSABASEERR + 36)
#define WSAEALREADY        (WSABASEERR + 37)
#define WSAENOTSOCK        (WSABASEERR + 38)
#define WSAEDESTADDRREQ    (WSABASEERR + 39)
#define WSAEMSGSIZE        (WSABASEERR + 40)
#define WSAEPROTOTYPE      (WSABASEERR + 41)
#define WSAENOPROTOOPT     (WSABASEERR + 42)
#define WSAEPROTONOSUPPORT (WSABASEERR + 43)
#define WSAESOCKTNOSUPPORT (WSABASEERR + 44)
#define WSAEOPNOTSUPP      (WSABASEERR + 45)
#define WSAEPFNOSUPPORT    (WSABASEERR + 46)
#define WSAEAFNOSUPPORT    (WSABASEERR + 47)
#define WSAEADDRINUSE      (WSABASEERR + 48)
#define WSAEADDRNOTAVAIL   (WSABASEERR + 49)
#define WSAENETDOWN        (WSABASEERR + 50)
#define WSAENETUNREACH     (WSABASEERR + 51)
#define WSAENETRESET       (WSABASEERR + 52)
#define WSAECONNABORTED    (WSABASEERR + 53)
#define WSAECONNRESET      (WSABASEERR + 54)
#define WSAENOBUFS         (WSABASEERR + 55)
#define WSAEISCONN         (WSABASEERR + 56)
#define WSAENOTCONN        (WSABASEERR + 57)
#define WSAESHUTDOWN       (WSABASEERR + 58)
#define WSAETOOMANYREFS    (WSABASEERR + 59)
#define WSAETIMEDOUT       (WSABASEERR + 60)
#define WSAECONNREFUSED    (WSABASEERR + 61)
#define WSAELOOP           (WSABASEERR + 62)
#define WSAENAMETOOLONG    (WSABASEERR + 63)
#define WSAEHOSTDOWN       (WSABASEERR + 64)
#define WSAEHOSTUNREACH    (WSABASEERR + 65)
#define WSAENOTEMPTY       (WSABASEERR + 66)
#define WSAEPROCLIM        (WSABASEERR + 67)
#define WSAEUSERS          (WSABASEERR + 68)
#define WSAEDQUOT          (WSABASEERR + 69)
#define WSAESTALE          (WSABASEERR + 70)
#define WSAEREMOTE         (WSABASEERR + 71)

#define WSASYSNOTREADY         (WSABASEERR + 91)
#define WSAVERNOTSUPPORTED     (WSABASEERR + 92)
#define WSANOTINITIALISED      (WSABASEERR + 93)
#define WSAEDISCON             (WSABASEERR + 101)
#define WSAENOMORE             (WSABASEERR + 102)
#define WSAECANCELLED          (WSABASEERR + 103)
#define WSAEINVALIDPROCTABLE   (WSABASEERR + 104)
#define WSAEINVALIDPROVIDER    (WSABASEERR + 105)
#define WSAEPROVIDERFAILEDINIT (WSABASEERR + 106)
#define WSASYSCALLFAILURE      (WSABASEERR + 107)
#define WSASERVICE_NOT_FOUND   (WSABASEERR + 108)
#define WSATYPE_NOT_FOUND      (WSABASEERR + 109)
#define WSA_E_NO_MORE          (WSABASEERR + 110)
#define WSA_E_CANCELLED        (WSABASEERR + 111)
#define WSAEREFUSED            (WSABASEERR + 112)

#define WSAHOST_NOT_FOUND          (WSABASEERR + 1001)
#define WSATRY_AGAIN               (WSABASEERR + 1002)
#define WSANO_RECOVERY             (WSABASEERR + 1003)
#define WSANO_DATA                 (WSABASEERR + 1004)
#define WSA_QOS_RECEIVERS          (WSABASEERR + 1005)
#define WSA_QOS_SENDERS            (WSABASEERR + 1006)
#define WSA_QOS_NO_SENDERS         (WSABASEERR + 1007)
#define WSA_QOS_NO_RECEIVERS       (WSABASEERR + 1008)
#define WSA_QOS_REQUEST_CONFIRMED  (WSABASEERR + 1009)
#define WSA_QOS_ADMISSION_FAILURE  (WSABASEERR + 1010)
#define WSA_QOS_POLICY_FAILURE     (WSABASEERR + 1011)
#define WSA_QOS_BAD_STYLE          (WSABASEERR + 1012)
#define WSA_QOS_BAD_OBJECT         (WSABASEERR + 1013)
#define WSA_QOS_TRAFFIC_CTRL_ERROR (WSABASEERR + 1014)
#define WSA_QOS_GENERIC_ERROR      (WSABASEERR + 1015)
#define WSA_QOS_ESERVICETYPE       (WSABASEERR + 1016)
#define WSA_QOS_EFLOWSPEC          (WSABASEERR + 1017)
#define WSA_QOS_EPROVSPECBUF       (WSABASEERR + 1018)
#define WSA_QOS_EFILTERSTYLE       (WSABASEERR + 1019)
#define WSA_QOS_EFILTERTYPE        (WSABASEERR + 1020)
#define WSA_QOS_EFILTERCOUNT       (WSABASEERR + 1021)
#define WSA_QOS_EOBJLENGTH         (WSABASEERR + 1022)
#define WSA_QOS_EFLOWCOUNT         (WSABASEERR + 1023)
#define WSA_QOS_EUNKNOWNPSOBJ      (WSABASEERR + 1024)
#define WSA_QOS_EPOLICYOBJ         (WSABASEERR + 1025)
#define WSA_QOS_EFLOWDESC          (WSABASEERR + 1026)
#define WSA_QOS_EPSFLOWSPEC        (WSABASEERR + 1027)
#define WSA_QOS_EPSFILTERSPEC      (WSABASEERR + 1028)
#define WSA_QOS_ESDMODEOBJ         (WSABASEERR + 1029)
#define WSA_QOS_ESHAPERATEOBJ      (WSABASEERR + 1030)
#define WSA_QOS_RESERVED_PETYPE    (WSABASEERR + 1031)

/* Functions that one side of the SPI gives to the other */

/*
 * Condition function of WSPAccept. The provider calls it in WSPAccept's own
 * thread, with no lock held and before the peer gets any answer (R100 to
 * R103). Every argument lives only for the call; those without a meaning to
 * the provider are NULL. Returns CF_ACCEPT, CF_REJECT or CF_DEFER.
 */
typedef int(CALLBACK *LPCONDITIONPROC)(LPWSABUF lpCallerId,
	LPWSABUF lpCallerData, LPQOS lpSQOS, LPQOS lpGQOS, LPWSABUF lpCalleeId,
	LPWSABUF lpCalleeData, GROUP *g, DWORD_PTR dwCallbackData);

/*
 * Runs in the thread that posted a request, once it is complete. The switch
 * never gives one to a SAN provider (spec 7.8): expect NULL.
 */
typedef void(CALLBACK *LPWSAOVERLAPPED_COMPLETION_ROUTINE)(DWORD dwError,
	DWORD cbTransferred, LPWSAOVERLAPPED lpOverlapped, DWORD dwFlags);

/*
 * wsd_event_from_fd: the event that stands for eventfd descriptor `fd`, or
 * WSA_INVALID_EVENT if fd is negative. Only an encoding: the descriptor stays
 * the caller's, who closes it when nobody can signal it any more. To signal is
 * to write 1 to the descriptor, to reset is to read it without blocking.
 */
static inline WSAEVENT wsd_event_from_fd(int fd)
{
	if (fd < 0)
		return WSA_INVALID_EVENT;
	return (WSAEVENT)(((uintptr_t)fd + 1) << 2);
}

/*
 * wsd_event_fd: the descriptor in `event`, or -1 if there is none. Ignores the
 * two low bits, so that it can be given WSAOVERLAPPED.hEvent as it is.
 */
static inline int wsd_event_fd(WSAEVENT event)
{
	uintptr_t n = (uintptr_t)event >> 2;

	if (n == 0 || n > (uintptr_t)INT32_MAX + 1)
		return -1;
	return (int)(n - 1);
}

#endif /* Linux */

/*
 * wsd_guid_equal: nonzero if both are the same identifier. For C and C++
 * alike, which IsEqualGUID is not: it takes pointers in one and references in
 * the other.
 */
static inline int wsd_guid_equal(const GUID *a, const GUID *b)
{
	return memcmp(a, b, sizeof(GUID)) == 0;
}

/* The layout that both sides of the SPI rely on. */
#define WSD_P sizeof(void *)
WSD_STATIC_ASSERT(sizeof(WCHAR) == 2, "WCHAR");
WSD_STATIC_ASSERT(sizeof(BOOL) == 4, "BOOL");
WSD_STATIC_ASSERT(sizeof(LONG) == 4, "LONG");
WSD_STATIC_ASSERT(sizeof(DWORD) == 4, "DWORD");
WSD_STATIC_ASSERT(sizeof(SOCKET) == WSD_P, "SOCKET");
WSD_STATIC_ASSERT(sizeof(GUID) == 16, "GUID");
WSD_STATIC_ASSERT(sizeof(WSABUF) == 2 * WSD_P, "WSABUF");
WSD_STATIC_ASSERT(offsetof(WSABUF, buf) == WSD_P, "WSABUF.buf");
WSD_STATIC_ASSERT(sizeof(WSAOVERLAPPED) == 3 * WSD_P + 8, "WSAOVERLAPPED");
WSD_STATIC_ASSERT(
	offsetof(WSAOVERLAPPED, Offset) == 2 * WSD_P, "WSAOVERLAPPED.Offset");
WSD_STATIC_ASSERT(offsetof(WSAOVERLAPPED, hEvent) == 2 * WSD_P + 8,
	"WSAOVERLAPPED.hEvent");
WSD_STATIC_ASSERT(sizeof(WSANETWORKEVENTS) == 44, "WSANETWORKEVENTS");
WSD_STATIC_ASSERT(sizeof(SOCKET_ADDRESS) == 2 * WSD_P, "SOCKET_ADDRESS");
WSD_STATIC_ASSERT(
	sizeof(SOCKET_ADDRESS_LIST) == 3 * WSD_P, "SOCKET_ADDRESS_LIST");
WSD_STATIC_ASSERT(sizeof(FLOWSPEC) == 32, "FLOWSPEC");
WSD_STATIC_ASSERT(sizeof(QOS) == 64 + 2 * WSD_P, "QOS");
WSD_STATIC_ASSERT(sizeof(WSAPROTOCOLCHAIN) == 32, "WSAPROTOCOLCHAIN");
WSD_STATIC_ASSERT(sizeof(WSAPROTOCOL_INFOW) == 628, "WSAPROTOCOL_INFOW");
WSD_STATIC_ASSERT(
	offsetof(WSAPROTOCOL_INFOW, ProviderId) == 20, "ProviderId");
WSD_STATIC_ASSERT(offsetof(WSAPROTOCOL_INFOW, dwProviderReserved) == 112,
	"dwProviderReserved");
#undef WSD_P

#ifdef __cplusplus
}
#endif

#endif
