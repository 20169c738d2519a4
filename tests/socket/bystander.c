/* SPDX-License-Identifier: MIT */
/* What is not a TCP connection works as ever, beside some that are. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int udp_socket(void)
{
	struct address at = address_ipv4(INADDR_LOOPBACK, 0);
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_OK(bind(fd, ADDRESS(at)));
	return fd;
}

CASE(udp_keeps_message_boundaries_and_addresses)
{
	struct pair pair = pair_open();
	int one = udp_socket(), two = udp_socket();
	struct address to = address_local(two), from = {.length = 128};
	char bytes[16];

	CHECK_EQ(sendto(one, "first", 5, 0, ADDRESS(to)), 5);
	CHECK_EQ(sendto(one, "", 0, 0, ADDRESS(to)), 0);
	CHECK_EQ(sendto(one, "third", 5, 0, ADDRESS(to)), 5);
	CHECK_EQ(recvfrom(two, bytes, 16, 0, (struct sockaddr *)&from.storage,
	                 &from.length),
	        5);
	address_match(from, address_local(one));
	CHECK_EQ(recv(two, bytes, 16, 0), 0);
	CHECK_EQ(recv(two, bytes, 2, MSG_TRUNC), 5);
	roundtrip(pair.client, pair.server);
}

CASE(connected_udp_to_the_port_of_a_tcp_listener_is_not_tcp)
{
	int listener = listener_open(IPV4);
	struct address target = address_local(listener);
	int udp = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), receiver;
	char bytes[8];

	receiver = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	if (bind(receiver, ADDRESS(target)) < 0)
		case_skip("UDP port %d is in use", address_port(&target));
	CHECK_OK(connect(udp, ADDRESS(target)));
	CHECK_EQ(send(udp, "hello", 5, 0), 5);
	CHECK_EQ(recv(receiver, bytes, 8, 0), 5);
	CHECK_EQ(events_now(listener, POLLIN), 0);
	listener_serves(listener);
}

static void unix_pair(int type)
{
	struct pair pair = pair_open();
	int ends[2];

	CHECK_OK(socketpair(AF_UNIX, type, 0, ends));
	roundtrip(pair.client, pair.server);
	CHECK_EQ(send(ends[0], "hello", 5, 0), 5);
	recv_text(ends[1], "hello");
	CHECK_OK(close(ends[0]));
	if (type != SOCK_DGRAM)
		expect_eof(ends[1]);
	roundtrip(pair.client, pair.server);
}
CASE_CALL(unix_stream_pairs_work, unix_pair(SOCK_STREAM));
CASE_CALL(unix_datagram_pairs_work, unix_pair(SOCK_DGRAM));
CASE_CALL(unix_seqpacket_pairs_work, unix_pair(SOCK_SEQPACKET));

CASE(unix_listeners_work)
{
	int listener = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0)), client;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(at);

	CHECK_OK(bind(listener, (struct sockaddr *)&at, sizeof(sa_family_t)));
	CHECK_OK(getsockname(listener, (struct sockaddr *)&at, &length));
	CHECK_OK(listen(listener, 1));
	client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(connect(client, (struct sockaddr *)&at, length));
	roundtrip(client, server_of(listener));
}

CASE(pipes_and_files_work)
{
	struct pair pair = pair_open();
	int ends[2], file = CHECK_OK(memfd_create("file", 0));
	char bytes[8];

	CHECK_OK(pipe2(ends, O_NONBLOCK));
	CHECK_ERRNO(read(ends[0], bytes, 8), EAGAIN);
	CHECK_EQ(write(ends[1], "pipe", 4), 4);
	CHECK_EQ(read(ends[0], bytes, 8), 4);
	CHECK_OK(close(ends[1]));
	CHECK_EQ(read(ends[0], bytes, 8), 0);
	CHECK_EQ(write(file, "file", 4), 4);
	CHECK_EQ(pread(file, bytes, 8, 1), 3);
	CHECK_BYTES(bytes, "ile", 3);
	roundtrip(pair.client, pair.server);
}

/* A number that was a connection becomes something else, and back. */
CASE(a_number_may_be_a_connection_then_a_pipe_then_a_connection)
{
	for (int i = 0; i < 50; i++) {
		struct pair pair = pair_open();
		int ends[2];
		char byte;

		roundtrip(pair.client, pair.server);
		CHECK_OK(pipe(ends));
		CHECK_EQ(dup2(ends[0], pair.client), pair.client);
		CHECK_EQ(dup2(ends[1], pair.server), pair.server);
		CHECK_EQ(write(pair.server, "x", 1), 1);
		CHECK_EQ(read(pair.client, &byte, 1), 1);
		pair_close(pair);
		CHECK_OK(close(ends[0]));
		CHECK_OK(close(ends[1]));
	}
}

CASE(udp_connect_and_disconnect)
{
	struct address none = {.length = sizeof(struct sockaddr_in)};
	int one = udp_socket(), two = udp_socket();
	struct address to = address_local(two);
	char bytes[8];

	none.storage.ss_family = AF_UNSPEC;
	CHECK_OK(connect(one, ADDRESS(to)));
	CHECK_EQ(write(one, "hello", 5), 5);
	CHECK_EQ(read(two, bytes, 8), 5);
	CHECK_OK(connect(one, ADDRESS(none)));
	CHECK_ERRNO(send(one, "x", 1, 0), EDESTADDRREQ);
}

CASE(getaddrinfo_finds_loopback_and_connects)
{
	struct addrinfo *found,
	        hints = {.ai_socktype = SOCK_STREAM,
	                .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	int listener = listener_open(IPV4), fd;
	struct address bound = address_local(listener);
	char port[16];

	snprintf(port, sizeof(port), "%d", address_port(&bound));
	CHECK_EQ(getaddrinfo("127.0.0.1", port, &hints, &found), 0);
	fd = CHECK_OK(socket(
	        found->ai_family, found->ai_socktype, found->ai_protocol));
	CHECK_OK(connect(fd, found->ai_addr, found->ai_addrlen));
	freeaddrinfo(found);
	roundtrip(fd, server_of(listener));
}
