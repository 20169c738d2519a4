/* SPDX-License-Identifier: MIT */
/*
 * rdma.c - remote memory access with the extension functions of a SAN service
 * provider.
 *
 * Two sockets of this process are connected (pair.h). The server opens memory
 * to the client and sends it a descriptor of that memory. The client writes
 * there and reads from there, without any call on the server's side, and sends
 * a word when it is done. Then the server closes the memory to the client,
 * which from now on gets an error.
 *
 *     rdma PROVIDER [PORT]
 *     examples/rdma src/provider/libwsd-shm.so     (in the build directory)
 *
 * Prints each step. Ends with 0 when all went well.
 */
#include <string.h>

#include "pair.h"

enum { DESCRIPTOR_ROOM = 256, BYTES = 128 << 10, HALF = BYTES / 2 };

static LPFN_WSPREGISTERMEMORY register_memory;
static LPFN_WSPREGISTERRDMAMEMORY register_rdma;
static LPFN_WSPDEREGISTERRDMAMEMORY deregister_rdma;
static LPFN_WSPRDMAWRITE rdma_write;
static LPFN_WSPRDMAREAD rdma_read;

static char server_memory[BYTES], client_memory[BYTES];
static char server_mail[DESCRIPTOR_ROOM], client_mail[DESCRIPTOR_ROOM];

#define REQUEST {.Internal = WSS_OPERATION_IN_PROGRESS, \
	.hEvent = (HANDLE)(ULONG_PTR)1} /* bit 0: no upcall */

/* Waits for the end of a request: is it an error? */
static int fails(SOCKET s, WSAOVERLAPPED *o)
{
	DWORD bytes, flags;

	return !san.lpWSPGetOverlappedResult(s, o, &bytes, TRUE, &flags,
		&error);
}

/* A data call has succeeded when it says that the request is on its way. */
static int not_posted(int result)
{
	return result && error != WSA_IO_PENDING;
}

static void message(SOCKET from, char *out, DWORD len, SOCKET to, char *in)
{
	WSABUF send = {len, out}, receive = {DESCRIPTOR_ROOM, in};
	WSAOVERLAPPED sent = REQUEST, got = REQUEST;
	DWORD n, flags = 0;

	step("WSPRecv", not_posted(san.lpWSPRecv(to, &receive, 1, &n, &flags,
		&got, NULL, NULL, &error)));
	step("WSPSend", not_posted(san.lpWSPSend(from, &send, 1, &n, 0, &sent,
		NULL, NULL, &error)));
	step("sent", fails(from, &sent));
	step("arrived", fails(to, &got));
}

/* WSPRdmaWrite or WSPRdmaRead between `at` and the peer's memory. */
static int rdma(LPFN_WSPRDMAWRITE call, SOCKET s, char *at, HANDLE handle,
	char *descriptor, DWORD len, DWORD offset)
{
	WSABUFEX piece = {HALF, at, handle};
	WSAOVERLAPPED o = REQUEST;
	DWORD n;

	return not_posted(call(s, &piece, 1, descriptor, len, offset, &n, 0, &o,
		NULL, NULL, &error)) || fails(s, &o);
}

static int all(const char *p, char c)
{
	return p[0] == c && !memcmp(p, p + 1, HALF - 1);
}

int main(int argc, char **argv)
{
	int port = argc > 2 ? atoi(argv[2]) : 7481;
	DWORD len = DESCRIPTOR_ROOM;
	char opened[DESCRIPTOR_ROOM];
	SOCKET client, server;
	HANDLE h;

	if (argc < 2 || argc > 3 || port < 1 || port > 65534) {
		fprintf(stderr, "usage: rdma PROVIDER [PORT]\n");
		return 2;
	}
	start(argv[1]);
	extend("extension function WSPRegisterMemory",
		(GUID)WSAID_REGISTERMEMORY, &register_memory);
	extend("extension function WSPRegisterRdmaMemory",
		(GUID)WSAID_REGISTERRDMAMEMORY, &register_rdma);
	extend("extension function WSPDeregisterRdmaMemory",
		(GUID)WSAID_DEREGISTERRDMAMEMORY, &deregister_rdma);
	extend("extension function WSPRdmaWrite",
		(GUID)WSAID_RDMAWRITE, &rdma_write);
	extend("extension function WSPRdmaRead",
		(GUID)WSAID_RDMAREAD, &rdma_read);
	connect_pair(port, &client, &server);
	memset(server_memory, 's', BYTES);
	memset(client_memory, 'c', BYTES);

	/* What this process itself uses; closing the sockets takes it back. */
	h = register_memory(client, client_memory, BYTES, MEM_READWRITE,
		&error);
	step("WSPRegisterMemory", !h ||
		!register_memory(client, client_mail, sizeof client_mail,
			MEM_READWRITE, &error) ||
		!register_memory(server, server_mail, sizeof server_mail,
			MEM_READWRITE, &error));
	/* What the peer may use, with these rights, until it is taken back. */
	step("WSPRegisterRdmaMemory", register_rdma(server, server_memory,
		BYTES, MEM_READWRITE, opened, &len, &error));
	memcpy(server_mail, opened, len);
	message(server, server_mail, len, client, client_mail);

	step("WSPRdmaWrite", rdma(rdma_write, client, client_memory, h,
		client_mail, len, 0));
	step("WSPRdmaRead", rdma(rdma_read, client, client_memory + HALF, h,
		client_mail, len, HALF));
	message(client, client_mail, 1, server, server_mail);
	step("both sides have both halves", !all(server_memory, 'c') ||
		!all(server_memory + HALF, 's') || !all(client_memory, 'c') ||
		!all(client_memory + HALF, 's'));

	step("WSPDeregisterRdmaMemory", deregister_rdma(server, opened, len,
		&error));
	step("no access any more", !rdma(rdma_write, client, client_memory, h,
		client_mail, len, 0));
	printf("    it failed with error %d, as it should\n", error);
	step("WSPCloseSocket", san.lpWSPCloseSocket(client, &error) ||
		san.lpWSPCloseSocket(server, &error));
	step("WSPCleanup", san.lpWSPCleanup(&error));
	return 0;
}
