/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include "cases.h"
#include "codes.h"
#include "ledger.h"
#include "spi_driver.h"
#include "trace.h"

/* The extension functions as the provider gave them. */
static struct {
	LPFN_WSPREGISTERMEMORY register_memory;
	LPFN_WSPDEREGISTERMEMORY deregister_memory;
	LPFN_WSPREGISTERRDMAMEMORY register_rdma;
	LPFN_WSPDEREGISTERRDMAMEMORY deregister_rdma;
	LPFN_WSPRDMAWRITE rdma_write;
	LPFN_WSPRDMAREAD rdma_read;
	LPFN_WSPMEMORYREGISTRATIONCACHECALLBACK cache_callback;
} raw;

/* The code of a call that has returned; 0 for success, or when not told. */
static int finish(const char *function, bool failed, const int *error)
{
	int code = failed && error ? *error : 0;

	trace_leave(code);
	if (code == WSAEINPROGRESS) /* R37 */
		case_violation(37, "%s gives WSAEINPROGRESS", function);
	return code;
}

/* ---- sockets ------------------------------------------------------- */

/* Handles made in this thread since it entered WSPSocket or WSPAccept. */
static _Thread_local unsigned handles_made;
static _Thread_local SOCKET handle_made;

void watch_handle_made(SOCKET handle)
{
	handles_made++;
	handle_made = handle;
}

static void expect_handle(void)
{
	handles_made = 0;
	handle_made = INVALID_SOCKET;
}

static SOCKET WSPAPI watch_socket(int af, int type, int protocol,
	LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags, LPINT error)
{
	bool is_new = !info || info->dwProviderReserved == 0;
	SOCKET s;

	trace_enter("WSPSocket");
	expect_handle();
	s = spi.raw.lpWSPSocket(af, type, protocol, info, g, flags, error);
	finish("WSPSocket", s == INVALID_SOCKET, error);
	if (s == INVALID_SOCKET)
		return s;
	if (is_new && handles_made != 1) /* R23 */
		case_violation(23, "WSPSocket called WPUCreateSocketHandle %u "
			"times, expected 1", handles_made);
	ledger_opened(s, handle_made);
	return s;
}

static SOCKET WSPAPI watch_accept(SOCKET l, struct sockaddr *addr,
	LPINT addrlen, LPCONDITIONPROC condition, DWORD_PTR data, LPINT error)
{
	SOCKET s;

	trace_enter("WSPAccept");
	expect_handle();
	s = spi.raw.lpWSPAccept(l, addr, addrlen, condition, data, error);
	finish("WSPAccept", s == INVALID_SOCKET, error);
	if (s == INVALID_SOCKET)
		return s;
	if (handles_made == 0) /* R105 */
		case_violation(105, "WSPAccept has not called "
			"WPUCreateSocketHandle");
	ledger_opened(s, handle_made);
	return s;
}

static int WSPAPI watch_close(SOCKET s, LPINT error)
{
	int r, code;

	trace_enter("WSPCloseSocket");
	ledger_closing(s);
	r = spi.raw.lpWSPCloseSocket(s, error);
	code = finish("WSPCloseSocket", r != 0, error);
	if (r != 0 && code != WSAENOTSOCK)
		ledger_not_closed(s);
	if (code == WSAEWOULDBLOCK) /* R190 */
		case_violation(190, "WSPCloseSocket gives WSAEWOULDBLOCK");
	return r;
}

/* ---- calls of no further interest ---------------------------------- */

/* R36: the switch and TCP/IP look after who has which port. */
static void not_in_use(const char *function, int code)
{
	if (code == WSAEADDRINUSE)
		case_violation(36, "%s gives WSAEADDRINUSE", function);
}

static int WSPAPI watch_bind(SOCKET s, const struct sockaddr *name, int len,
	LPINT error)
{
	int r;

	trace_enter("WSPBind");
	r = spi.raw.lpWSPBind(s, name, len, error);
	not_in_use("WSPBind", finish("WSPBind", r != 0, error));
	return r;
}

static int WSPAPI watch_listen(SOCKET s, int backlog, LPINT error)
{
	int r;

	trace_enter("WSPListen");
	r = spi.raw.lpWSPListen(s, backlog, error);
	not_in_use("WSPListen", finish("WSPListen", r != 0, error));
	return r;
}

/* Calls raw.lp##name and looks at the code it fails with. */
#define PLAIN(result, function, name, failed, parameters, arguments)          \
	static result WSPAPI function parameters                              \
	{                                                                     \
		result r;                                                     \
                                                                              \
		trace_enter(#name);                                           \
		r = spi.raw.lp##name arguments;                               \
		finish(#name, r == failed, error);                            \
		return r;                                                     \
	}

PLAIN(int, watch_cleanup, WSPCleanup, SOCKET_ERROR, (LPINT error), (error))
PLAIN(int, watch_connect, WSPConnect, SOCKET_ERROR,
	(SOCKET s, const struct sockaddr *name, int len, LPWSABUF caller,
		LPWSABUF callee, LPQOS sqos, LPQOS gqos, LPINT error),
	(s, name, len, caller, callee, sqos, gqos, error))
PLAIN(int, watch_duplicate, WSPDuplicateSocket, SOCKET_ERROR,
	(SOCKET s, DWORD pid, LPWSAPROTOCOL_INFOW info, LPINT error),
	(s, pid, info, error))
PLAIN(int, watch_enum, WSPEnumNetworkEvents, SOCKET_ERROR,
	(SOCKET s, WSAEVENT e, LPWSANETWORKEVENTS events, LPINT error),
	(s, e, events, error))
PLAIN(int, watch_select, WSPEventSelect, SOCKET_ERROR,
	(SOCKET s, WSAEVENT e, LONG mask, LPINT error), (s, e, mask, error))
PLAIN(BOOL, watch_result, WSPGetOverlappedResult, FALSE,
	(SOCKET s, LPWSAOVERLAPPED ov, LPDWORD bytes, BOOL wait, LPDWORD flags,
		LPINT error),
	(s, ov, bytes, wait, flags, error))
PLAIN(BOOL, watch_qos, WSPGetQOSByName, FALSE,
	(SOCKET s, LPWSABUF name, LPQOS qos, LPINT error),
	(s, name, qos, error))
PLAIN(int, watch_getsockopt, WSPGetSockOpt, SOCKET_ERROR,
	(SOCKET s, int level, int name, char *value, LPINT len, LPINT error),
	(s, level, name, value, len, error))
PLAIN(int, watch_setsockopt, WSPSetSockOpt, SOCKET_ERROR,
	(SOCKET s, int level, int name, const char *value, int len,
		LPINT error),
	(s, level, name, value, len, error))

/* ---- requests ------------------------------------------------------ */

/* What a data function has returned; an unknown code counts as an error. */
static void posted(const char *function, LPWSAOVERLAPPED ov, int r,
	const int *error)
{
	int code = finish(function, r != 0, error);

	ledger_posted(ov, function, r == 0 ? 0 : error ? code : WSAEINVAL);
}

static int WSPAPI watch_send(SOCKET s, LPWSABUF b, DWORD n, LPDWORD bytes,
	DWORD flags, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT error)
{
	int r;

	trace_enter("WSPSend");
	ledger_post(ov, s);
	r = spi.raw.lpWSPSend(s, b, n, bytes, flags, ov, routine, thread,
		error);
	posted("WSPSend", ov, r, error);
	return r;
}

static int WSPAPI watch_recv(SOCKET s, LPWSABUF b, DWORD n, LPDWORD bytes,
	LPDWORD flags, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT error)
{
	int r;

	trace_enter("WSPRecv");
	ledger_post(ov, s);
	r = spi.raw.lpWSPRecv(s, b, n, bytes, flags, ov, routine, thread,
		error);
	posted("WSPRecv", ov, r, error);
	return r;
}

/* May finish at once. */
static int WSPAPI watch_ioctl(SOCKET s, DWORD control, LPVOID in, DWORD in_len,
	LPVOID out, DWORD out_len, LPDWORD bytes, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT error)
{
	int r;

	trace_enter("WSPIoctl");
	ledger_post(ov, s);
	r = spi.raw.lpWSPIoctl(s, control, in, in_len, out, out_len, bytes, ov,
		routine, thread, error);
	finish("WSPIoctl", r != 0, error);
	return r;
}

static int WSPAPI watch_write(SOCKET s, LPWSABUFEX b, DWORD n, LPVOID target,
	DWORD len, DWORD offset, LPDWORD bytes, DWORD flags,
	LPWSAOVERLAPPED ov, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
	LPWSATHREADID thread, LPINT error)
{
	int r;

	trace_enter("WSPRdmaWrite");
	ledger_post(ov, s);
	r = raw.rdma_write(s, b, n, target, len, offset, bytes, flags, ov,
		routine, thread, error);
	posted("WSPRdmaWrite", ov, r, error);
	return r;
}

static int WSPAPI watch_read(SOCKET s, LPWSABUFEX b, DWORD n, LPVOID target,
	DWORD len, DWORD offset, LPDWORD bytes, DWORD flags,
	LPWSAOVERLAPPED ov, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
	LPWSATHREADID thread, LPINT error)
{
	int r;

	trace_enter("WSPRdmaRead");
	ledger_post(ov, s);
	r = raw.rdma_read(s, b, n, target, len, offset, bytes, flags, ov,
		routine, thread, error);
	posted("WSPRdmaRead", ov, r, error);
	return r;
}

/* ---- memory -------------------------------------------------------- */

static HANDLE WSPAPI watch_register(SOCKET s, PVOID buffer, DWORD len,
	DWORD flags, LPINT error)
{
	HANDLE h;

	trace_enter("WSPRegisterMemory");
	h = raw.register_memory(s, buffer, len, flags, error);
	finish("WSPRegisterMemory", h == NULL, error);
	return h;
}

static int WSPAPI watch_deregister(SOCKET s, HANDLE h, LPINT error)
{
	int r;

	trace_enter("WSPDeregisterMemory");
	r = raw.deregister_memory(s, h, error);
	finish("WSPDeregisterMemory", r != 0, error);
	return r;
}

static int WSPAPI watch_register_rdma(SOCKET s, PVOID buffer, DWORD len,
	DWORD flags, LPVOID descriptor, LPDWORD descriptor_len, LPINT error)
{
	int r;

	trace_enter("WSPRegisterRdmaMemory");
	r = raw.register_rdma(s, buffer, len, flags, descriptor,
		descriptor_len, error);
	finish("WSPRegisterRdmaMemory", r != 0, error);
	return r;
}

static int WSPAPI watch_deregister_rdma(SOCKET s, LPVOID descriptor, DWORD len,
	LPINT error)
{
	int r;

	trace_enter("WSPDeregisterRdmaMemory");
	r = raw.deregister_rdma(s, descriptor, len, error);
	finish("WSPDeregisterRdmaMemory", r != 0, error);
	return r;
}

static int WSPAPI watch_callback(PVOID address, SIZE_T size, LPINT error)
{
	int r;

	trace_enter("WSPMemoryRegistrationCacheCallback");
	r = raw.cache_callback(address, size, error);
	finish("WSPMemoryRegistrationCacheCallback", r != 0, error);
	return r;
}

/* ---- tables -------------------------------------------------------- */

WSPPROC_TABLE watch_table(const WSPPROC_TABLE *table)
{
	WSPPROC_TABLE t = *table;

	t.lpWSPAccept = watch_accept;
	t.lpWSPBind = watch_bind;
	t.lpWSPCleanup = watch_cleanup;
	t.lpWSPCloseSocket = watch_close;
	t.lpWSPConnect = watch_connect;
	t.lpWSPDuplicateSocket = watch_duplicate;
	t.lpWSPEnumNetworkEvents = watch_enum;
	t.lpWSPEventSelect = watch_select;
	t.lpWSPGetOverlappedResult = watch_result;
	t.lpWSPGetQOSByName = watch_qos;
	t.lpWSPGetSockOpt = watch_getsockopt;
	t.lpWSPIoctl = watch_ioctl;
	t.lpWSPListen = watch_listen;
	t.lpWSPRecv = watch_recv;
	t.lpWSPSend = watch_send;
	t.lpWSPSetSockOpt = watch_setsockopt;
	t.lpWSPSocket = watch_socket;
	return t;
}

#define WATCH(member, function)                                               \
	do {                                                                  \
		raw.member = spi.member;                                      \
		if (spi.member)                                               \
			spi.member = function;                                \
	} while (0)

void watch_extensions(void)
{
	raw.register_rdma = spi.register_rdma;
	if (spi.register_rdma) /* BOOL or int, as the header likes */
		spi.register_rdma =
			(LPFN_WSPREGISTERRDMAMEMORY)watch_register_rdma;
	WATCH(register_memory, watch_register);
	WATCH(deregister_memory, watch_deregister);
	WATCH(deregister_rdma, watch_deregister_rdma);
	WATCH(rdma_write, watch_write);
	WATCH(rdma_read, watch_read);
	WATCH(cache_callback, watch_callback);
}
