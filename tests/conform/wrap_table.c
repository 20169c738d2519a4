/* SPDX-License-Identifier: MIT */
/* The functions that the switch calls: each puts its arguments into a call. */
#include <string.h>

#include "wrap_real.h"

static intptr_t run(enum entry e, struct call *c, LPINT lpErrno)
{
	intptr_t result = entry[e](c);

	if (c->error && lpErrno)
		*lpErrno = c->error;
	return result;
}

/* Nothing here writes to what the switch promised to leave alone. */
#define UNCONST(p) ((void *)(uintptr_t)(p))

static int WSPAPI my_cleanup(LPINT e)
{
	struct call c = {.error = 0};

	return (int)run(CLEANUP, &c, e);
}

static SOCKET WSPAPI my_socket(int af, int type, int protocol,
	LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags, LPINT e)
{
	struct call c = {.af = af, .type = type, .protocol = protocol,
		.info = info, .group = g, .flags = flags};

	return (SOCKET)run(SOCKET_, &c, e);
}

static int WSPAPI my_bind(SOCKET s, const struct sockaddr *name, int len,
	LPINT e)
{
	struct call c = {.s = s, .name = UNCONST(name), .name_len = len};

	return (int)run(BIND, &c, e);
}

static int WSPAPI my_listen(SOCKET s, int backlog, LPINT e)
{
	struct call c = {.s = s, .backlog = backlog};

	return (int)run(LISTEN, &c, e);
}

static int WSPAPI my_connect(SOCKET s, const struct sockaddr *name, int len,
	LPWSABUF caller, LPWSABUF callee, LPQOS sqos, LPQOS gqos, LPINT e)
{
	struct call c = {.s = s, .name = UNCONST(name), .name_len = len,
		.caller = caller, .callee = callee, .sqos = sqos,
		.gqos = gqos};

	return (int)run(CONNECT, &c, e);
}

static SOCKET WSPAPI my_accept(SOCKET s, struct sockaddr *name, LPINT room,
	LPCONDITIONPROC condition, DWORD_PTR data, LPINT e)
{
	struct call c = {.s = s, .name = name, .name_room = room,
		.condition = condition, .condition_data = data};

	return (SOCKET)run(ACCEPT, &c, e);
}

static int WSPAPI my_close(SOCKET s, LPINT e)
{
	struct call c = {.s = s};

	return (int)run(CLOSE, &c, e);
}

static int WSPAPI my_get_option(SOCKET s, int level, int option, char *value,
	LPINT room, LPINT e)
{
	struct call c = {.s = s, .level = level, .option = option,
		.value = value, .value_room = room};

	return (int)run(GET_OPTION, &c, e);
}

static int WSPAPI my_set_option(SOCKET s, int level, int option,
	const char *value, int len, LPINT e)
{
	struct call c = {.s = s, .level = level, .option = option,
		.value = UNCONST(value), .value_len = len};

	return (int)run(SET_OPTION, &c, e);
}

static int WSPAPI my_ioctl(SOCKET s, DWORD code, LPVOID in, DWORD in_len,
	LPVOID out, DWORD out_len, LPDWORD returned, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT e)
{
	struct call c = {.s = s, .code = code, .in = in, .in_len = in_len,
		.out = out, .out_len = out_len, .returned = returned, .ov = ov,
		.routine = routine, .thread = thread};

	return (int)run(IOCTL, &c, e);
}

static BOOL WSPAPI my_qos_by_name(SOCKET s, LPWSABUF name, LPQOS qos, LPINT e)
{
	struct call c = {.s = s, .qos_name = name, .sqos = qos};

	return (BOOL)run(QOS_BY_NAME, &c, e);
}

static int WSPAPI my_select(SOCKET s, WSAEVENT event, LONG mask, LPINT e)
{
	struct call c = {.s = s, .event = event, .mask = mask};

	return (int)run(SELECT, &c, e);
}

static int WSPAPI my_enum(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS events,
	LPINT e)
{
	struct call c = {.s = s, .event = event, .events = events};

	return (int)run(ENUM, &c, e);
}

static int WSPAPI my_send(SOCKET s, LPWSABUF buffers, DWORD count,
	LPDWORD moved, DWORD flags, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT e)
{
	struct call c = {.s = s, .buffers = buffers, .count = count,
		.moved = moved, .flags = flags, .ov = ov, .routine = routine,
		.thread = thread};

	return (int)run(SEND, &c, e);
}

static int WSPAPI my_recv(SOCKET s, LPWSABUF buffers, DWORD count,
	LPDWORD moved, LPDWORD flags, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT e)
{
	struct call c = {.s = s, .buffers = buffers, .count = count,
		.moved = moved, .flags_out = flags, .ov = ov,
		.routine = routine, .thread = thread};

	return (int)run(RECV, &c, e);
}

static BOOL WSPAPI my_result(SOCKET s, LPWSAOVERLAPPED ov, LPDWORD moved,
	BOOL wait, LPDWORD flags, LPINT e)
{
	struct call c = {.s = s, .ov = ov, .moved = moved, .wait = wait,
		.flags_out = flags};

	return (BOOL)run(RESULT, &c, e);
}

static int WSPAPI my_duplicate(SOCKET s, DWORD process,
	LPWSAPROTOCOL_INFOW info, LPINT e)
{
	struct call c = {.s = s, .process = process, .info = info};

	return (int)run(DUPLICATE, &c, e);
}

/* ---- extension functions ------------------------------------------- */

static HANDLE WSPAPI my_register(SOCKET s, PVOID base, DWORD len, DWORD flags,
	LPINT e)
{
	struct call c = {.s = s, .base = base, .len = len, .flags = flags};

	return (HANDLE)run(REGISTER, &c, e);
}

static int WSPAPI my_deregister(SOCKET s, HANDLE handle, LPINT e)
{
	struct call c = {.s = s, .handle = handle};

	return (int)run(DEREGISTER, &c, e);
}

static int WSPAPI my_expose(SOCKET s, PVOID base, DWORD len, DWORD flags,
	LPVOID descriptor, LPDWORD room, LPINT e)
{
	struct call c = {.s = s, .base = base, .len = len, .flags = flags,
		.descriptor = descriptor, .descriptor_room = room};

	return (int)run(EXPOSE, &c, e);
}

static int WSPAPI my_conceal(SOCKET s, LPVOID descriptor, DWORD len, LPINT e)
{
	struct call c = {.s = s, .descriptor = descriptor,
		.descriptor_len = len};

	return (int)run(CONCEAL, &c, e);
}

static struct call rdma(SOCKET s, LPWSABUFEX local, DWORD count,
	LPVOID descriptor, DWORD descriptor_len, DWORD offset, LPDWORD moved,
	DWORD flags, LPWSAOVERLAPPED ov)
{
	return (struct call){.s = s, .local = local, .count = count,
		.descriptor = descriptor, .descriptor_len = descriptor_len,
		.offset = offset, .moved = moved, .flags = flags, .ov = ov};
}

static int WSPAPI my_write(SOCKET s, LPWSABUFEX local, DWORD count,
	LPVOID descriptor, DWORD descriptor_len, DWORD offset, LPDWORD moved,
	DWORD flags, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT e)
{
	struct call c = rdma(s, local, count, descriptor, descriptor_len,
		offset, moved, flags, ov);

	c.routine = routine;
	c.thread = thread;
	return (int)run(WRITE, &c, e);
}

static int WSPAPI my_read(SOCKET s, LPWSABUFEX local, DWORD count,
	LPVOID descriptor, DWORD descriptor_len, DWORD offset, LPDWORD moved,
	DWORD flags, LPWSAOVERLAPPED ov,
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
	LPINT e)
{
	struct call c = rdma(s, local, count, descriptor, descriptor_len,
		offset, moved, flags, ov);

	c.routine = routine;
	c.thread = thread;
	return (int)run(READ, &c, e);
}

static int WSPAPI my_uncache(PVOID address, SIZE_T size, LPINT e)
{
	struct call c = {.base = address, .len = size};

	return (int)run(UNCACHE, &c, e);
}

typedef void (*any_function)(void);

void wrap_extension(const void *id, void *out)
{
	static const struct {
		GUID id;
		any_function f;
	} mine[] = {
		{WSAID_REGISTERMEMORY, (any_function)my_register},
		{WSAID_DEREGISTERMEMORY, (any_function)my_deregister},
		{WSAID_REGISTERRDMAMEMORY, (any_function)my_expose},
		{WSAID_DEREGISTERRDMAMEMORY, (any_function)my_conceal},
		{WSAID_RDMAWRITE, (any_function)my_write},
		{WSAID_RDMAREAD, (any_function)my_read},
		{WSAID_MEMORYREGISTRATIONCACHECALLBACK,
			(any_function)my_uncache},
	};

	for (unsigned i = 0; i < sizeof mine / sizeof mine[0]; i++)
		if (memcmp(&mine[i].id, id, sizeof(GUID)) == 0)
			memcpy(out, &mine[i].f, sizeof mine[i].f);
}

/* ---- the table ----------------------------------------------------- */

/* What is not for SAN stays as the real provider has it. */
void wrap_table(LPWSPPROC_TABLE t)
{
	*t = provider.t;
	t->lpWSPAccept = my_accept;
	t->lpWSPBind = my_bind;
	t->lpWSPCleanup = my_cleanup;
	t->lpWSPCloseSocket = my_close;
	t->lpWSPConnect = my_connect;
	t->lpWSPDuplicateSocket = my_duplicate;
	t->lpWSPEnumNetworkEvents = my_enum;
	t->lpWSPEventSelect = my_select;
	t->lpWSPGetOverlappedResult = my_result;
	t->lpWSPGetSockOpt = my_get_option;
	t->lpWSPGetQOSByName = my_qos_by_name;
	t->lpWSPIoctl = my_ioctl;
	t->lpWSPListen = my_listen;
	t->lpWSPRecv = my_recv;
	t->lpWSPSend = my_send;
	t->lpWSPSetSockOpt = my_set_option;
	t->lpWSPSocket = my_socket;
}
