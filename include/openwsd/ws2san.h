/* SPDX-License-Identifier: MIT */
/*
 * openwsd/ws2san.h - what Windows Sockets Direct adds to the SPI.
 *
 * Start-up with the longer upcall table, memory registration, and RDMA. The
 * extension functions are not in the procedure table: the switch asks for each
 * by its identifier with SIO_GET_EXTENSION_FUNCTION_POINTER (R48 to R53). The
 * rules at the top of ws2spi.h hold for them too.
 *
 * On Windows this is the real ws2san.h with what older copies lack.
 */
#ifndef OPENWSD_WS2SAN_H
#define OPENWSD_WS2SAN_H

#include <openwsd/winsock2.h>
#include <openwsd/ws2spi.h>

#ifdef _WIN32

#ifdef __MINGW32__
#include <ddk/ws2san.h>
#else
#include <ws2san.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* There only when compiling for Windows XP or later. */
#ifndef WSAID_MEMORYREGISTRATIONCACHECALLBACK
#define WSAID_MEMORYREGISTRATIONCACHECALLBACK                                 \
	{0xE5DA4AF8, 0xD824, 0x48CD,                                          \
		{0xA7, 0x99, 0x63, 0x37, 0xA9, 0x8E, 0xD2, 0xAF}}

typedef int(WSPAPI *LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK)(
	PVOID lpvAddress, SIZE_T Size, LPINT lpErrno);

int WSPAPI WSPMemoryRegistrationCacheCallback(
	PVOID lpvAddress, SIZE_T Size, LPINT lpErrno);
#endif

#ifdef __cplusplus
}
#endif

#else /* Linux */

#ifdef __cplusplus
extern "C" {
#endif

/* Socket options, unsigned int (spec 14, R40, R41) */
#define SO_MAX_RDMA_SIZE       0x700D
#define SO_RDMA_THRESHOLD_SIZE 0x700E

/*
 * dwFlags of registration. For WSPRegisterMemory what this process does with
 * the memory, for WSPRegisterRdmaMemory what the peer may do (spec 11).
 */
#define MEM_READ      1
#define MEM_WRITE     2
#define MEM_READWRITE 3

/* Identifiers of the extension functions, as initialisers of a GUID */
#define WSAID_REGISTERMEMORY                                                  \
	{0xC0B422F5, 0xF58C, 0x11D1,                                          \
		{0xAD, 0x6C, 0x00, 0xC0, 0x4F, 0xA3, 0x4A, 0x2D}}
#define WSAID_DEREGISTERMEMORY                                                \
	{0xC0B422F6, 0xF58C, 0x11D1,                                          \
		{0xAD, 0x6C, 0x00, 0xC0, 0x4F, 0xA3, 0x4A, 0x2D}}
#define WSAID_REGISTERRDMAMEMORY                                              \
	{0xC0B422F7, 0xF58C, 0x11D1,                                          \
		{0xAD, 0x6C, 0x00, 0xC0, 0x4F, 0xA3, 0x4A, 0x2D}}
#define WSAID_DEREGISTERRDMAMEMORY                                            \
	{0xC0B422F8, 0xF58C, 0x11D1,                                          \
		{0xAD, 0x6C, 0x00, 0xC0, 0x4F, 0xA3, 0x4A, 0x2D}}
#define WSAID_RDMAWRITE                                                       \
	{0xC0B422F9, 0xF58C, 0x11D1,                                          \
		{0xAD, 0x6C, 0x00, 0xC0, 0x4F, 0xA3, 0x4A, 0x2D}}
#define WSAID_RDMAREAD                                                        \
	{0xC0B422FA, 0xF58C, 0x11D1,                                          \
		{0xAD, 0x6C, 0x00, 0xC0, 0x4F, 0xA3, 0x4A, 0x2D}}
#define WSAID_MEMORYREGISTRATIONCACHECALLBACK                                 \
	{0xE5DA4AF8, 0xD824, 0x48CD,                                          \
		{0xA7, 0x99, 0x63, 0x37, 0xA9, 0x8E, 0xD2, 0xAF}}

/*
 * The upcalls that the switch offers to a SAN provider: the ordinary table and
 * one more. The caller owns it; the provider copies it during start-up (R15).
 */
typedef struct _WSPUPCALLTABLEEX {
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
	LPWPUCOMPLETEOVERLAPPEDREQUEST lpWPUCompleteOverlappedRequest;
} WSPUPCALLTABLEEX, *LPWSPUPCALLTABLEEX;

/* A run of bytes inside memory that WSPRegisterMemory gave `handle` for. */
typedef struct _WSABUFEX {
	ULONG len;
	CHAR *buf;
	HANDLE handle;
} WSABUFEX, *LPWSABUFEX;

/*
 * Start-up: fills *lpWSPData and *lpProcTable, copies *lpUpcallTable. The
 * catalog entry is that of the TCP/IP provider when the switch calls. Returns
 * 0 or the error itself; each success wants one WSPCleanup. Spec 7.0, R8 to
 * R22.
 */
typedef int(WSPAPI *LPWSPSTARTUPEX)(WORD wVersionRequested,
	LPWSPDATA lpWSPData, LPWSAPROTOCOL_INFOW lpProtocolInfo,
	LPWSPUPCALLTABLEEX lpUpcallTable, LPWSPPROC_TABLE lpProcTable);

/*
 * Lets the provider use a buffer of this process for transfers on socket s.
 * Returns a handle that counts its registrations, or NULL. The memory stays
 * the caller's, and must stay mapped until the last deregistration. Spec 8.1.
 */
typedef HANDLE(WSPAPI *LPFN_WSPREGISTERMEMORY)(SOCKET s, PVOID lpBuffer,
	DWORD dwBufferLength, DWORD dwFlags, LPINT lpErrno);

/*
 * Takes back one registration. WSAEINVAL for a handle that is not one of this
 * socket's, or while a transfer uses it. Spec 8.2.
 */
typedef int(WSPAPI *LPFN_WSPDEREGISTERMEMORY)(
	SOCKET s, HANDLE Handle, LPINT lpErrno);

/*
 * Opens a buffer to the peer of socket s and to nobody else, and stores a
 * descriptor that the peer can use. *lpdwDescriptorLength is the room, then
 * the size; too small a room is WSAEFAULT, and the size is stored. Spec 8.3.
 */
typedef int(WSPAPI *LPFN_WSPREGISTERRDMAMEMORY)(SOCKET s, PVOID lpBuffer,
	DWORD dwBufferLength, DWORD dwFlags, LPVOID lpRdmaBufferDescriptor,
	LPDWORD lpdwDescriptorLength, LPINT lpErrno);

/*
 * Takes back one such registration; after the last the peer has no access.
 * WSAEINVAL for an unknown descriptor or one in use. Spec 8.4.
 */
typedef int(WSPAPI *LPFN_WSPDEREGISTERRDMAMEMORY)(SOCKET s,
	LPVOID lpRdmaBufferDescriptor, DWORD dwDescriptorLength,
	LPINT lpErrno);

/*
 * Gathers local buffers into the peer's memory at an offset; WSA_IO_PENDING or
 * an error. A WSPSend posted later is not delivered before the bytes are
 * visible. Spec 8.5, R151, R153.
 */
typedef int(WSPAPI *LPFN_WSPRDMAWRITE)(SOCKET s, LPWSABUFEX lpBuffers,
	DWORD dwBufferCount, LPVOID lpTargetBufferDescriptor,
	DWORD dwTargetDescriptorLength, DWORD dwTargetBufferOffset,
	LPDWORD lpdwNumberOfBytesWritten, DWORD dwFlags,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

/*
 * Scatters the peer's memory at an offset into local buffers; WSA_IO_PENDING
 * or an error. A WSPSend posted later does not leave before the read is done.
 * A provider need not have it. Spec 8.6, R50, R152.
 */
typedef int(WSPAPI *LPFN_WSPRDMAREAD)(SOCKET s, LPWSABUFEX lpBuffers,
	DWORD dwBufferCount, LPVOID lpTargetBufferDescriptor,
	DWORD dwTargetDescriptorLength, DWORD dwTargetBufferOffset,
	LPDWORD lpdwNumberOfBytesRead, DWORD dwFlags,
	LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

/*
 * A range of addresses is about to change its mapping: forget all that is
 * cached in any part of it. WSAEFAULT: could not; WSAEINVAL: never was cached.
 * Needed only of a provider that has a cache. Spec 8.7 and 11, R51.
 */
typedef int(WSPAPI *LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK)(
	PVOID lpvAddress, SIZE_T Size, LPINT lpErrno);

/*
 * The functions by name, as a provider defines them; contracts above. Only
 * WSPStartupEx is exported (R1); a provider built with hidden visibility marks
 * its definition. The real header declares the others too, so they cannot be
 * static in either.
 */
int WSPAPI WSPStartupEx(WORD wVersionRequested, LPWSPDATA lpWSPData,
	LPWSAPROTOCOL_INFOW lpProtocolInfo, LPWSPUPCALLTABLEEX lpUpcallTable,
	LPWSPPROC_TABLE lpProcTable);

HANDLE WSPAPI WSPRegisterMemory(SOCKET s, PVOID lpBuffer,
	DWORD dwBufferLength, DWORD dwFlags, LPINT lpErrno);

int WSPAPI WSPDeregisterMemory(SOCKET s, HANDLE Handle, LPINT lpErrno);

int WSPAPI WSPRegisterRdmaMemory(SOCKET s, PVOID lpBuffer,
	DWORD dwBufferLength, DWORD dwFlags, LPVOID lpRdmaBufferDescriptor,
	LPDWORD lpdwDescriptorLength, LPINT lpErrno);

int WSPAPI WSPDeregisterRdmaMemory(SOCKET s, LPVOID lpRdmaBufferDescriptor,
	DWORD dwDescriptorLength, LPINT lpErrno);

int WSPAPI WSPRdmaWrite(SOCKET s, LPWSABUFEX lpBuffers, DWORD dwBufferCount,
	LPVOID lpTargetBufferDescriptor, DWORD dwTargetDescriptorLength,
	DWORD dwTargetBufferOffset, LPDWORD lpdwNumberOfBytesWritten,
	DWORD dwFlags, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

int WSPAPI WSPRdmaRead(SOCKET s, LPWSABUFEX lpBuffers, DWORD dwBufferCount,
	LPVOID lpTargetBufferDescriptor, DWORD dwTargetDescriptorLength,
	DWORD dwTargetBufferOffset, LPDWORD lpdwNumberOfBytesRead,
	DWORD dwFlags, LPWSAOVERLAPPED lpOverlapped,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
	LPWSATHREADID lpThreadId, LPINT lpErrno);

int WSPAPI WSPMemoryRegistrationCacheCallback(
	PVOID lpvAddress, SIZE_T Size, LPINT lpErrno);

#ifdef __cplusplus
}
#endif

#endif /* Linux */

WSD_STATIC_ASSERT(sizeof(WSABUFEX) == 3 * sizeof(void *), "WSABUFEX");
WSD_STATIC_ASSERT(
	offsetof(WSABUFEX, handle) == 2 * sizeof(void *), "WSABUFEX.handle");
WSD_STATIC_ASSERT(sizeof(WSPUPCALLTABLEEX) == 16 * sizeof(LPWSPCLEANUP),
	"WSPUPCALLTABLEEX");

#endif
