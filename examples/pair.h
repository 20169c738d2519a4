/* SPDX-License-Identifier: MIT */
/*
 * pair.h - two connected sockets of one process, for an example that shows
 * something else. by_hand.c makes the same calls, with more words.
 */
#ifndef EXAMPLES_PAIR_H
#define EXAMPLES_PAIR_H

#include <openwsd/ws2san.h>

#include <stdlib.h>
#include <time.h>

#include "load.h"

static WSPPROC_TABLE san; /* the provider's functions */
static int error;         /* what the last call that failed has stored */

static void step(const char *what, int failed)
{
	if (failed) {
		fprintf(stderr, "%s: error %d\n", what, error);
		exit(1);
	}
	puts(what);
}

static SOCKET WSPAPI create_handle(DWORD entry, DWORD_PTR context, LPINT err)
{
	static SOCKET last = 100;

	return ++last;
}

static int WSPAPI close_handle(SOCKET handle, LPINT err)
{
	return 0;
}

/* Must be there, and never comes if no request asks for it. */
static int WSPAPI complete(SOCKET handle, LPWSAOVERLAPPED request,
	DWORD failure, DWORD bytes, LPINT err)
{
	abort();
}

/* Stores an extension function. */
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
	WSAPROTOCOL_INFOW other = {0};
	WSPDATA about;

	if (!start_up)
		exit(1);
	error = start_up(MAKEWORD(2, 2), &about, &other, &upcalls, &san);
	step("WSPStartupEx", error != 0);
}

static SOCKET bound(struct sockaddr_in a)
{
	WSAPROTOCOL_INFOW new = {0};
	SOCKET s = san.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &new, 0,
		WSA_FLAG_OVERLAPPED, &error);

	step("socket", s == INVALID_SOCKET || san.lpWSPBind(s,
		(struct sockaddr *)&a, sizeof a, &error));
	return s;
}

static SOCKET accepted(SOCKET listener, time_t end)
{
	SOCKET s;

	do {
		s = san.lpWSPAccept(listener, NULL, NULL, NULL, 0, &error);
	} while (s == INVALID_SOCKET && error == WSAEWOULDBLOCK &&
		time(NULL) < end);
	step("accepted", s == INVALID_SOCKET);
	return s;
}

/* Connects through ports `port` and port + 1 of the loopback address. */
static void connect_pair(int port, SOCKET *client, SOCKET *server)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_port = htons((unsigned short)(port + 1)),
		.sin_addr.s_addr = htonl(0x7f000001)};
	struct sockaddr_in to = from;
	time_t end = time(NULL) + 10;
	WSANETWORKEVENTS e = {0};
	SOCKET listener;

	to.sin_port = htons((unsigned short)port);
	listener = bound(to);
	step("listening", san.lpWSPListen(listener, 1, &error));
	*client = bound(from);
	step("connecting", san.lpWSPConnect(*client, (struct sockaddr *)&to,
		sizeof to, NULL, NULL, NULL, NULL, &error) &&
		error != WSAEWOULDBLOCK);
	*server = accepted(listener, end);
	while (!(e.lNetworkEvents & FD_CONNECT) && time(NULL) < end &&
		!san.lpWSPEnumNetworkEvents(*client, NULL, &e, &error))
		;
	error = e.iErrorCode[FD_CONNECT_BIT];
	step("connected", error || !(e.lNetworkEvents & FD_CONNECT));
	step("no listener any more", san.lpWSPCloseSocket(listener, &error));
}

#endif
