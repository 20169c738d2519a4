/* SPDX-License-Identifier: MIT */
#include "fault_life.h"

#include <stdatomic.h>
#include <string.h>

#include <openwsd/ws2san.h>

#include "base/sockaddr.h"
#include "conform/cases.h"
#include "os/os.h"
#include "os/os_child.h"

#define PATIENCE (5 * UINT64_C(1000000000))
#define BUFFERS 20 /* more than fit without an allocation */
#define PIECE 100

enum { LISTENER, CLIENT, SERVER, TAKEN, SOCKETS };

static WSPPROC_TABLE t;
static SOCKET sockets[SOCKETS];
static WSAEVENT accept_event, connect_event;
static char mine[BUFFERS * PIECE], theirs[BUFFERS * PIECE];

static struct {
	LPFN_WSPREGISTERMEMORY register_memory;
	LPFN_WSPDEREGISTERMEMORY deregister_memory;
	LPFN_WSPREGISTERRDMAMEMORY register_rdma;
	LPFN_WSPDEREGISTERRDMAMEMORY deregister_rdma;
	LPFN_WSPRDMAWRITE rdma_write;
	LPFN_WSPRDMAREAD rdma_read;
} more;

/* ---- a switch's upcalls -------------------------------------------- */

static _Atomic unsigned created, closed, completed;

static SOCKET WSPAPI create_handle(DWORD entry, DWORD_PTR context, LPINT error)
{
	return 0x70000000 + atomic_fetch_add(&created, 1);
}

static int WSPAPI close_handle(SOCKET s, LPINT error)
{
	atomic_fetch_add(&closed, 1);
	return 0;
}

static int WSPAPI complete(SOCKET s, LPWSAOVERLAPPED ov, DWORD error,
	DWORD bytes, LPINT lpErrno)
{
	ov->InternalHigh = bytes;
	__atomic_store_n(&ov->Internal, 0, __ATOMIC_RELEASE);
	atomic_fetch_add(&completed, 1);
	return 0;
}

/* ---- one request --------------------------------------------------- */

struct call {
	WSAOVERLAPPED ov;
	SOCKET s;
	bool started;
};

static struct call calls[8];
static unsigned call_count;

static struct call *call_new(SOCKET s, bool notify)
{
	struct call *c = &calls[call_count++];

	memset(c, 0, sizeof *c);
	c->s = s;
	c->ov.hEvent = (WSAEVENT)(uintptr_t)!notify;
	return c;
}

static bool is_pending(const struct call *c)
{
	return __atomic_load_n(&c->ov.Internal, __ATOMIC_ACQUIRE) ==
		WSS_OPERATION_IN_PROGRESS;
}

/* The code it was started with, 0 when it was. */
static int started(struct call *c, int result, const int *code)
{
	CHECK_EQ(result, SOCKET_ERROR);
	c->started = *code == WSA_IO_PENDING;
	return c->started ? 0 : *code;
}

/* Lets it do what it can, and what its peer has asked for. */
static void look(SOCKET s)
{
	WSAOVERLAPPED nobody = {.Internal = WSS_OPERATION_IN_PROGRESS,
		.hEvent = (WSAEVENT)1};
	DWORD bytes, flags;
	int err = 0;

	t.lpWSPGetOverlappedResult(s, &nobody, &bytes, FALSE, &flags, &err);
}

/* How it ended. */
static int result_of(struct call *c)
{
	uint64_t limit = os_now() + PATIENCE;
	DWORD bytes, flags;
	int err = 0;

	while (!t.lpWSPGetOverlappedResult(c->s, &c->ov, &bytes, FALSE,
			&flags, &err)) {
		if (err != WSA_IO_INCOMPLETE)
			return err;
		if (os_now() > limit)
			FAIL("a request does not end");
		look(sockets[SERVER]);
		look(sockets[CLIENT]);
	}
	return 0;
}

/* All that were started end, one way or the other: the first code. */
static int finish(void)
{
	int first = 0;

	for (unsigned i = 0; i < call_count; i++) {
		int code = calls[i].started ? result_of(&calls[i]) : 0;

		first = first ? first : code;
		calls[i].started = false;
	}
	call_count = 0;
	return first;
}

/* ---- the steps: each a code, 0 for success ------------------------- */

static int make_sockets(void)
{
	int err = 0;

	for (int i = LISTENER; i <= CLIENT; i++) {
		sockets[i] = t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP,
			NULL, 0, WSA_FLAG_OVERLAPPED, &err);
		if (sockets[i] == INVALID_SOCKET)
			return err;
	}
	return 0;
}

static struct addr at;

static int listen_and_bind(void)
{
	union sockaddr_any name;
	struct addr from;
	int err = 0, len;

	from = at;
	from.port++;
	len = addr_to_sockaddr(&at, &name);
	if (t.lpWSPBind(sockets[LISTENER], &name.sa, len, &err) ||
		t.lpWSPListen(sockets[LISTENER], 4, &err))
		return err;
	len = addr_to_sockaddr(&from, &name);
	return t.lpWSPBind(sockets[CLIENT], &name.sa, len, &err) ? err : 0;
}

static int select_events(void)
{
	int err = 0;

	if (t.lpWSPEventSelect(sockets[LISTENER], accept_event, FD_ACCEPT,
			&err) ||
		t.lpWSPEventSelect(sockets[CLIENT], connect_event, FD_CONNECT,
			&err))
		return err;
	return 0;
}

static int connect_client(void)
{
	union sockaddr_any name;
	int err = 0, len = addr_to_sockaddr(&at, &name);

	if (t.lpWSPConnect(sockets[CLIENT], &name.sa, len, NULL, NULL, NULL,
			NULL, &err) && err != WSAEWOULDBLOCK)
		return err;
	return 0;
}

static int accept_client(void)
{
	int err = 0;

	if (os_event_wait(accept_event, PATIENCE) != ST_OK)
		FAIL("FD_ACCEPT is not signalled");
	sockets[SERVER] = t.lpWSPAccept(sockets[LISTENER], NULL, NULL, NULL, 0,
		&err);
	return sockets[SERVER] == INVALID_SOCKET ? err : 0;
}

static int connect_result(void)
{
	WSANETWORKEVENTS events;
	int err = 0;

	if (os_event_wait(connect_event, PATIENCE) != ST_OK)
		FAIL("FD_CONNECT is not signalled");
	if (t.lpWSPEnumNetworkEvents(sockets[CLIENT], connect_event, &events,
			&err))
		return err;
	return events.iErrorCode[FD_CONNECT_BIT];
}

static HANDLE registered[2];

static int register_memory(void)
{
	int err = 0;

	registered[0] = more.register_memory(sockets[CLIENT], mine,
		sizeof mine, MEM_READWRITE, &err);
	if (!registered[0])
		return err;
	registered[1] = more.register_memory(sockets[SERVER], theirs,
		sizeof theirs, MEM_READWRITE, &err);
	return registered[1] ? 0 : err;
}

static void pieces(WSABUF *out, char *of)
{
	for (int i = 0; i < BUFFERS; i++)
		out[i] = (WSABUF){PIECE, of + i * PIECE};
}

/* What has been started ends, and the bytes are there. */
static int arrive(int code)
{
	if (!code)
		code = finish();
	if (!code)
		CHECK_BYTES(theirs, mine, sizeof mine);
	return code;
}

/* One message, received with or without the upcall. */
static int transfer(bool notify)
{
	struct call *in = call_new(sockets[SERVER], notify);
	struct call *out = call_new(sockets[CLIENT], notify);
	WSABUF b[BUFFERS];
	DWORD n, flags = 0;
	int err = 0, code;

	memset(theirs, 0, sizeof theirs);
	memset(mine, notify ? 'n' : 'p', sizeof mine);
	pieces(b, theirs);
	code = started(in, t.lpWSPRecv(in->s, b, BUFFERS, &n, &flags, &in->ov,
			NULL, NULL, &err), &err);
	pieces(b, mine);
	if (!code)
		code = started(out, t.lpWSPSend(out->s, b, BUFFERS, &n, 0,
				&out->ov, NULL, NULL, &err), &err);
	return arrive(code);
}

static int transfer_polled(void)
{
	return transfer(false);
}

static int transfer_notified(void)
{
	return transfer(true);
}

static char descriptor[64];
static DWORD descriptor_len;

static int expose(void)
{
	int err = 0;

	descriptor_len = sizeof descriptor;
	return more.register_rdma(sockets[SERVER], theirs, sizeof theirs,
		MEM_READWRITE, descriptor, &descriptor_len, &err) ? err : 0;
}

static int rdma(bool read)
{
	struct call *c = call_new(sockets[CLIENT], false);
	WSABUFEX b[BUFFERS];
	DWORD n;
	int err = 0, code;

	memset(read ? theirs : mine, read ? 'r' : 'w', sizeof mine);
	for (int i = 0; i < BUFFERS; i++)
		b[i] = (WSABUFEX){PIECE, mine + i * PIECE, registered[0]};
	code = started(c, read
		? more.rdma_read(c->s, b, BUFFERS, descriptor, descriptor_len,
			0, &n, 0, &c->ov, NULL, NULL, &err)
		: more.rdma_write(c->s, b, BUFFERS, descriptor,
			descriptor_len, 0, &n, 0, &c->ov, NULL, NULL, &err),
		&err);
	return arrive(code);
}

static int rdma_write(void)
{
	return rdma(false);
}

static int rdma_read(void)
{
	return rdma(true);
}

static int conceal(void)
{
	int err = 0;

	if (more.deregister_rdma(sockets[SERVER], descriptor, descriptor_len,
			&err) ||
		more.deregister_memory(sockets[SERVER], registered[1], &err) ||
		more.deregister_memory(sockets[CLIENT], registered[0], &err))
		return err;
	return 0;
}

static WSAPROTOCOL_INFOW handed;

static int hand_off(void)
{
	int err = 0;

	return t.lpWSPDuplicateSocket(sockets[SERVER], os_process_id(),
		&handed, &err) ? err : 0;
}

static int take_over(void)
{
	int err = 0;

	sockets[TAKEN] = t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP,
		&handed, 0, WSA_FLAG_OVERLAPPED, &err);
	if (sockets[TAKEN] == INVALID_SOCKET)
		return err;
	CHECK_EQ(t.lpWSPCloseSocket(sockets[SERVER], &err), 0);
	sockets[SERVER] = sockets[TAKEN];
	sockets[TAKEN] = INVALID_SOCKET;
	return 0;
}

static int list_addresses(void)
{
	_Alignas(8) char room[4096];
	DWORD n = 0;
	int err = 0;

	return t.lpWSPIoctl(sockets[CLIENT], SIO_ADDRESS_LIST_QUERY, NULL, 0,
		room, sizeof room, &n, NULL, NULL, NULL, &err) ? err : 0;
}

static int listen_for_less(void)
{
	int err = 0;

	return t.lpWSPListen(sockets[LISTENER], 2, &err) ? err : 0;
}

static const struct step {
	const char *name;
	int (*run)(void);
} steps[] = {
	{"WSPSocket", make_sockets},
	{"WSPBind, WSPListen", listen_and_bind},
	{"WSPEventSelect", select_events},
	{"SIO_ADDRESS_LIST_QUERY", list_addresses},
	{"WSPConnect", connect_client},
	{"WSPListen again", listen_for_less},
	{"WSPAccept", accept_client},
	{"FD_CONNECT", connect_result},
	{"WSPRegisterMemory", register_memory},
	{"a message, polled", transfer_polled},
	{"a message, notified", transfer_notified},
	{"WSPRegisterRdmaMemory", expose},
	{"WSPRdmaWrite", rdma_write},
	{"WSPRdmaRead", rdma_read},
	{"deregistering", conceal},
	{"WSPDuplicateSocket", hand_off},
	{"WSPSocket with a token", take_over},
	{"registering again", register_memory},
	{"a message after the hand-off", transfer_notified},
};

/* ---- beginning and end --------------------------------------------- */

static void ask(const GUID *id, void *out)
{
	DWORD n = 0;
	int err = 0;

	CHECK_EQ(t.lpWSPIoctl(INVALID_SOCKET,
			 SIO_GET_EXTENSION_FUNCTION_POINTER, (void *)id,
			 sizeof *id, out, sizeof(void *), &n, NULL, NULL, NULL,
			 &err), 0);
}

static void ask_all(void)
{
	static const GUID ids[] = {WSAID_REGISTERMEMORY,
		WSAID_DEREGISTERMEMORY, WSAID_REGISTERRDMAMEMORY,
		WSAID_DEREGISTERRDMAMEMORY, WSAID_RDMAWRITE, WSAID_RDMAREAD};

	ask(&ids[0], &more.register_memory);
	ask(&ids[1], &more.deregister_memory);
	ask(&ids[2], &more.register_rdma);
	ask(&ids[3], &more.deregister_rdma);
	ask(&ids[4], &more.rdma_write);
	ask(&ids[5], &more.rdma_read);
}

static void start_up(void)
{
	WSPUPCALLTABLEEX upcalls = {
		.lpWPUCreateSocketHandle = create_handle,
		.lpWPUCloseSocketHandle = close_handle,
		.lpWPUCompleteOverlappedRequest = complete,
	};
	WSAPROTOCOL_INFOW info = {.iAddressFamily = AF_INET,
		.iSocketType = SOCK_STREAM, .iProtocol = IPPROTO_TCP};
	WSPDATA data;

	CHECK_EQ(WSPStartupEx(MAKEWORD(2, 2), &data, &info, &upcalls, &t), 0);
	ask_all();
}

static void end(void)
{
	int err = 0;

	for (int i = 0; i < SOCKETS; i++) {
		if (sockets[i] != INVALID_SOCKET)
			CHECK_EQ(t.lpWSPCloseSocket(sockets[i], &err), 0);
		sockets[i] = INVALID_SOCKET;
	}
	CHECK_EQ(t.lpWSPCleanup(&err), 0);
	CHECK_EQ(atomic_load(&closed), atomic_load(&created));
	for (unsigned i = 0; i < call_count; i++)
		CHECK(!calls[i].started || !is_pending(&calls[i]));
	call_count = 0;
}

static void nothing(void *arg)
{
}

/* What is made once per process; a sanitizer has a thread of its own as soon as
 * there is a second one. */
static void prepare_process(void)
{
	struct os_thread first;

	CHECK_EQ(os_event_create(&accept_event), ST_OK);
	CHECK_EQ(os_event_create(&connect_event), ST_OK);
	CHECK_EQ(os_thread_start(&first, "first", nothing, NULL), ST_OK);
	os_thread_join(&first);
}

/* One that has been joined may be seen for an instant. */
static void expect_threads(unsigned n)
{
	uint64_t limit = os_now() + PATIENCE;

	while (os_thread_count() != n && os_now() < limit)
		os_yield();
	CHECK_EQ(os_thread_count(), n);
}

static void prepare(void)
{
	at = addr_v4(127, 0, 0, 1, (uint16_t)(20000 + os_process_id() % 20000));
	for (int i = 0; i < SOCKETS; i++)
		sockets[i] = INVALID_SOCKET;
	if (!accept_event)
		prepare_process();
	os_event_reset(accept_event);
	os_event_reset(connect_event);
}

struct fate life(void (*arm)(void), void (*disarm)(void))
{
	struct fate out = {"", 0};
	unsigned handles, threads;

	prepare();
	handles = os_handle_count();
	threads = os_thread_count();
	start_up();
	arm();
	for (size_t i = 0; i < sizeof steps / sizeof *steps && !out.code; i++) {
		out.step = steps[i].name;
		out.code = steps[i].run();
	}
	end();
	disarm();
	CHECK_EQ(os_handle_count(), handles);
	expect_threads(threads);
	return out;
}
