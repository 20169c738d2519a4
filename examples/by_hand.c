/* SPDX-License-Identifier: MIT */
/*
 * by_hand.c - a SAN service provider, used without any switch.
 *
 * Shows the calls that a Windows Sockets switch makes: it loads the provider,
 * gives it upcalls and gets its table of functions; connects two sockets of
 * this process with each other; sends a message; and takes everything down.
 *
 *     by_hand PROVIDER [PORT]
 *     examples/by_hand src/provider/libwsd-shm.so     (in the build directory)
 *     examples/by_hand.exe src/provider/wsdshm.dll
 *
 * Prints each step, upcalls indented. Ends with 0 when all went well.
 */
#include <openwsd/ws2san.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "load.h"

static WSPPROC_TABLE san; /* the provider's functions */
static LPFN_WSPREGISTERMEMORY register_memory;
static LPFN_WSPDEREGISTERMEMORY deregister_memory;
static int error; /* what the last call that failed has stored */

/* Says how a call went; a failure is the end. */
static void step(const char *what, int failed)
{
	if (failed) {
		fprintf(stderr, "%s: error %d\n", what, error);
		exit(1);
	}
	puts(what);
}

/* ---- upcalls: what the provider wants of a switch -------------------- */

/* A switch has its own handle for each socket, and the provider keeps it. */
static SOCKET WSPAPI create_handle(DWORD entry, DWORD_PTR context, LPINT err)
{
	static SOCKET last = 100;

	printf("    new handle %u\n", (unsigned)++last);
	return last;
}

static int WSPAPI close_handle(SOCKET handle, LPINT err)
{
	printf("    handle %u closed\n", (unsigned)handle);
	return 0;
}

/* Comes from any thread, for requests that want it (bit 0 of hEvent clear). */
static int WSPAPI complete(SOCKET handle, LPWSAOVERLAPPED request,
	DWORD failure, DWORD bytes, LPINT err)
{
	printf("    request of handle %u complete: %u bytes, error %u\n",
		(unsigned)handle, (unsigned)bytes, (unsigned)failure);
	request->InternalHigh = bytes;
	atomic_thread_fence(memory_order_release); /* Internal comes last */
	*(volatile ULONG_PTR *)&request->Internal = 0;
	return 0;
}

/* Stores an extension function, which is not in the table. */
static void extend(const char *name, GUID id, void *function)
{
	DWORD bytes;

	step(name, san.lpWSPIoctl(INVALID_SOCKET,
		SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, function,
		sizeof(load_function), &bytes, NULL, NULL, NULL, &error));
}

static void start(const char *path)
{
	LPWSPSTARTUPEX start_up = (LPWSPSTARTUPEX)load(path, "WSPStartupEx");
	WSPUPCALLTABLEEX upcalls = {.lpWPUCreateSocketHandle = create_handle,
		.lpWPUCloseSocketHandle = close_handle,
		.lpWPUCompleteOverlappedRequest = complete};
	WSAPROTOCOL_INFOW other = {0}; /* not the provider's own: a switch */
	WSPDATA about;

	if (!start_up)
		exit(1);
	error = start_up(MAKEWORD(2, 2), &about, &other, &upcalls, &san);
	step("WSPStartupEx", error != 0);
	extend("extension function WSPRegisterMemory",
		(GUID)WSAID_REGISTERMEMORY, &register_memory);
	extend("extension function WSPDeregisterMemory",
		(GUID)WSAID_DEREGISTERMEMORY, &deregister_memory);
}

/* ---- sockets ---------------------------------------------------------- */

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(0x7f000001)};
}

static SOCKET new_socket(int port)
{
	struct sockaddr_in a = loopback(port);
	WSAPROTOCOL_INFOW new = {0};
	SOCKET s;

	s = san.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &new, 0,
		WSA_FLAG_OVERLAPPED, &error);
	step("WSPSocket", s == INVALID_SOCKET);
	step("WSPBind", san.lpWSPBind(s, (struct sockaddr *)&a, sizeof a,
		&error));
	return s;
}

/* No call here blocks; a switch would sleep on an event (WSPEventSelect). */
static SOCKET accept_one(SOCKET listener)
{
	time_t end = time(NULL) + 10;
	SOCKET s;

	do {
		s = san.lpWSPAccept(listener, NULL, NULL, NULL, 0, &error);
	} while (s == INVALID_SOCKET && error == WSAEWOULDBLOCK &&
		time(NULL) < end);
	step("WSPAccept", s == INVALID_SOCKET);
	return s;
}

static void finish_connect(SOCKET s)
{
	time_t end = time(NULL) + 10;
	WSANETWORKEVENTS e = {0};

	while (!(e.lNetworkEvents & FD_CONNECT) && time(NULL) < end &&
		!san.lpWSPEnumNetworkEvents(s, NULL, &e, &error))
		;
	error = e.iErrorCode[FD_CONNECT_BIT];
	step("connected", error || !(e.lNetworkEvents & FD_CONNECT));
}

static void transfer(SOCKET from, SOCKET to)
{
	static char out[] = "a message", in[100];
	WSABUF send = {sizeof out, out}, receive = {sizeof in, in};
	/* Bit 0 of hEvent: no upcall is wanted, the caller looks itself. */
	WSAOVERLAPPED sent = {.Internal = WSS_OPERATION_IN_PROGRESS,
		.hEvent = (HANDLE)(ULONG_PTR)1};
	WSAOVERLAPPED received = {.Internal = WSS_OPERATION_IN_PROGRESS};
	HANDLE h_out, h_in;
	DWORD bytes, flags = 0;

	/* All data lie in memory that is registered on their socket. */
	h_out = register_memory(from, out, sizeof out, MEM_READ, &error);
	h_in = register_memory(to, in, sizeof in, MEM_WRITE, &error);
	step("WSPRegisterMemory, for each side", !h_out || !h_in);
	step("WSPRecv", san.lpWSPRecv(to, &receive, 1, &bytes, &flags,
		&received, NULL, NULL, &error) && error != WSA_IO_PENDING);
	step("WSPSend", san.lpWSPSend(from, &send, 1, &bytes, 0, &sent, NULL,
		NULL, &error) && error != WSA_IO_PENDING);
	step("sent", !san.lpWSPGetOverlappedResult(from, &sent, &bytes, TRUE,
		&flags, &error));
	step("received", !san.lpWSPGetOverlappedResult(to, &received, &bytes,
		TRUE, &flags, &error));
	printf("%u bytes: \"%s\"\n", (unsigned)bytes, in);
	step("WSPDeregisterMemory", deregister_memory(from, h_out, &error) ||
		deregister_memory(to, h_in, &error));
}

int main(int argc, char **argv)
{
	int port = argc > 2 ? atoi(argv[2]) : 7471;
	struct sockaddr_in there = loopback(port);
	SOCKET listener, client, server;

	if (argc < 2 || argc > 3 || port < 1 || port > 65534) {
		fprintf(stderr, "usage: by_hand PROVIDER [PORT]\n");
		return 2;
	}
	start(argv[1]);
	listener = new_socket(port);
	step("WSPListen", san.lpWSPListen(listener, 5, &error));
	client = new_socket(port + 1);
	step("WSPConnect", san.lpWSPConnect(client, (struct sockaddr *)&there,
		sizeof there, NULL, NULL, NULL, NULL, &error) &&
		error != WSAEWOULDBLOCK);
	server = accept_one(listener);
	finish_connect(client);
	transfer(client, server);
	step("WSPCloseSocket", san.lpWSPCloseSocket(client, &error) ||
		san.lpWSPCloseSocket(server, &error) ||
		san.lpWSPCloseSocket(listener, &error));
	step("WSPCleanup", san.lpWSPCleanup(&error));
	return 0;
}
