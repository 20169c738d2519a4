/* SPDX-License-Identifier: MIT */
/* accept and accept4: flags, addresses and errors. */
#include "pair.h"
#include "stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void accepted_with(int flags, int status, int descriptor)
{
	int listener = listener_open(IPV4);
	int client = client_of(listener);
	int server = CHECK_OK(accept4(listener, NULL, NULL, flags));

	CHECK_EQ(fcntl(server, F_GETFL) & O_NONBLOCK, status);
	CHECK_EQ(fcntl(server, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQ(fcntl(server, F_GETFD) & FD_CLOEXEC, descriptor);
	roundtrip(client, server);
}

CASE_CALL(accept4_without_flags_sets_none, accepted_with(0, 0, 0));
CASE_CALL(accept4_with_NONBLOCK_sets_only_that,
        accepted_with(SOCK_NONBLOCK, O_NONBLOCK, 0));
CASE_CALL(accept4_with_CLOEXEC_sets_only_that,
        accepted_with(SOCK_CLOEXEC, 0, FD_CLOEXEC));
CASE_CALL(accept4_with_both_flags_sets_both,
        accepted_with(SOCK_NONBLOCK | SOCK_CLOEXEC, O_NONBLOCK, FD_CLOEXEC));

CASE(accept_sets_no_flags)
{
	int listener = listener_open(IPV4);
	int client = client_of(listener);
	int server = CHECK_OK(accept(listener, NULL, NULL));

	CHECK_EQ(fcntl(server, F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(fcntl(server, F_GETFD) & FD_CLOEXEC, 0);
	roundtrip(client, server);
}

CASE(accept4_with_unknown_flag_gives_EINVAL)
{
	int listener = listener_open(IPV4);

	client_of(listener);
	CHECK_ERRNO(accept4(listener, NULL, NULL, 1 << 30), EINVAL);
	server_of(listener);
}

CASE(accepted_socket_does_not_inherit_NONBLOCK_or_CLOEXEC)
{
	int listener = listener_open(IPV4);
	int client, server;

	CHECK_OK(fcntl(listener, F_SETFL, O_NONBLOCK));
	CHECK_OK(fcntl(listener, F_SETFD, FD_CLOEXEC));
	client = client_of(listener);
	wait_for(listener, POLLIN);
	server = server_of(listener);
	CHECK_EQ(fcntl(server, F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(fcntl(server, F_GETFD) & FD_CLOEXEC, 0);
	roundtrip(client, server);
}

static void peer_address(enum family family)
{
	int listener = listener_open(family);
	int client = client_of_family(listener, family);
	struct address peer = {.length = sizeof(peer.storage)};
	int server = CHECK_OK(accept(
	        listener, (struct sockaddr *)&peer.storage, &peer.length));
	int six = family == IPV6 || family == DUAL;

	CHECK_EQ(peer.storage.ss_family, six ? AF_INET6 : AF_INET);
	CHECK_EQ(peer.length,
	        six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	address_match(peer, address_local(client));
	address_match(peer, address_peer(server));
}
CASE_PER_FAMILY(accept_gives_the_address_of_the_client, peer_address);

static void cut_address(socklen_t room)
{
	int listener = listener_open(IPV4);
	struct address full, want = address_local(client_of(listener));
	socklen_t length = room;

	memset(&full, 0xa5, sizeof(full));
	CHECK_OK(accept(listener, (struct sockaddr *)&full.storage, &length));
	CHECK_EQ(length, sizeof(struct sockaddr_in));
	CHECK_BYTES(&full.storage, &want.storage, room);
	CHECK_EQ(((unsigned char *)&full.storage)[room], 0xa5);
}
CASE_CALL(accept_cuts_the_address_to_the_room_given, cut_address(4));
CASE_CALL(accept_with_no_room_stores_no_address, cut_address(0));

CASE(accept_with_negative_room_gives_EINVAL)
{
	int listener = listener_open(IPV4);
	struct address got;
	socklen_t length = -1;

	client_of(listener);
	CHECK_ERRNO(accept(listener, (struct sockaddr *)&got.storage, &length),
	        EINVAL);
}

CASE(nonblocking_accept_without_a_connection_gives_EAGAIN)
{
	int listener = listener_open(IPV4);

	CHECK_OK(fcntl(listener, F_SETFL, O_NONBLOCK));
	CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
	CHECK_ERRNO(accept4(listener, NULL, NULL, SOCK_NONBLOCK), EAGAIN);
	client_of(listener);
	wait_for(listener, POLLIN);
	server_of(listener);
	CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
}

CASE(accept_on_a_fresh_socket_gives_EINVAL)
{
	CHECK_ERRNO(accept(client_socket(IPV4, 0), NULL, NULL), EINVAL);
}

CASE(accept_on_a_connected_socket_gives_EINVAL)
{
	struct pair pair = pair_open();

	CHECK_ERRNO(accept(pair.client, NULL, NULL), EINVAL);
	CHECK_ERRNO(accept4(pair.server, NULL, NULL, SOCK_CLOEXEC), EINVAL);
	roundtrip(pair.client, pair.server);
}

CASE(accept_on_a_datagram_socket_gives_EOPNOTSUPP)
{
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_ERRNO(accept(fd, NULL, NULL), EOPNOTSUPP);
}

CASE(accept_on_what_is_no_socket_gives_ENOTSOCK_or_EBADF)
{
	int ends[2];

	CHECK_OK(pipe(ends));
	CHECK_ERRNO(accept(ends[0], NULL, NULL), ENOTSOCK);
	CHECK_OK(close(ends[0]));
	CHECK_ERRNO(accept(ends[0], NULL, NULL), EBADF);
	CHECK_ERRNO(accept4(-1, NULL, NULL, 0), EBADF);
}
