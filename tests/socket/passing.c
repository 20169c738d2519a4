/* SPDX-License-Identifier: MIT */
/* Descriptors of connections passed over Unix-domain sockets. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static void pass(int channel, int fd)
{
	struct iovec part = {"f", 1};
	union control control = {.room = {0}};
	struct msghdr message = {.msg_iov = &part,
	        .msg_iovlen = 1,
	        .msg_control = &control,
	        .msg_controllen = sizeof(control)};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(channel, &message, 0), 1);
}

static int take(int channel, int flags)
{
	char byte;
	struct iovec part = {&byte, 1};
	union control control;
	struct msghdr message = {.msg_iov = &part,
	        .msg_iovlen = 1,
	        .msg_control = &control,
	        .msg_controllen = sizeof(control)};
	int fd;

	CHECK_EQ(recvmsg(channel, &message, flags), 1);
	CHECK_EQ(message.msg_controllen, sizeof(control));
	CHECK_EQ(control.header.cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void take_and_echo(void *argument)
{
	int *channel = argument, fd;

	CHECK_OK(close(channel[0]));
	fd = take(channel[1], 0);
	echo_all(fd);
}

/* The child exists before the connection, so it inherits nothing of it. */
CASE(a_passed_connection_is_served_by_another_process)
{
	int channel[2];
	struct pair pair;
	pid_t child;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	child = child_start(take_and_echo, channel);
	pair = pair_open();
	roundtrip(pair.client, pair.server);
	send_text(pair.client, "before");
	pass(channel[0], pair.server);
	CHECK_OK(close(pair.server));
	recv_text(pair.client, "before");
	send_pattern(pair.client, 0, 50000);
	recv_pattern(pair.client, 0, 50000);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	expect_eof(pair.client);
	child_join(child);
}

static void take_and_send(void *argument)
{
	int *channel = argument, fd;

	CHECK_OK(close(channel[0]));
	fd = take(channel[1], 0);
	send_pattern(fd, 7, 3000000);
	recv_pattern(fd, 9, 3000000);
	CHECK_OK(shutdown(fd, SHUT_WR));
	expect_eof(fd);
}

static void do_nothing(void *argument)
{
	(void)argument;
}

/* While another child comes and goes. */
CASE(much_data_goes_through_a_passed_connection)
{
	int channel[2];
	struct pair pair;
	pid_t child;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	child = child_start(take_and_send, channel);
	pair = pair_open();
	pass(channel[0], pair.server);
	CHECK_OK(close(pair.server));
	child_join(child_start(do_nothing, NULL));
	recv_pattern(pair.client, 7, 3000000);
	send_pattern(pair.client, 9, 3000000);
	expect_eof(pair.client);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	child_join(child);
}

static void take_and_abort(void *argument)
{
	struct linger now = {1, 0};
	int *channel = argument, fd;

	CHECK_OK(close(channel[0]));
	fd = take(channel[1], 0);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now));
	CHECK_OK(close(fd));
}

CASE(a_reset_reaches_the_peer_of_a_passed_connection)
{
	int channel[2];
	struct pair pair;
	pid_t child;
	char byte;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	child = child_start(take_and_abort, channel);
	pair = pair_open();
	pass(channel[0], pair.server);
	CHECK_OK(close(pair.server));
	CHECK_ERRNO(recv(pair.client, &byte, 1, 0), ECONNRESET);
	child_join(child);
}

static void take_and_serve(void *argument)
{
	int listener = take(((int *)argument)[1], 0);

	echo_all(server_of(listener));
}

CASE(a_passed_listener_accepts_in_another_process)
{
	int channel[2], listener, client;
	pid_t child;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	child = child_start(take_and_serve, channel);
	listener = listener_open(IPV4);
	pass(channel[0], listener);
	client = client_of(listener);
	send_text(client, "hello");
	recv_text(client, "hello");
	CHECK_OK(close(client));
	child_join(child);
}

CASE(a_passed_connection_comes_back_to_the_same_process)
{
	struct pair pair = pair_open();
	int channel[2], fd;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	pass(channel[0], pair.client);
	fd = take(channel[1], MSG_CMSG_CLOEXEC);
	CHECK(fd != pair.client);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	roundtrip(fd, pair.server);
	roundtrip(pair.client, pair.server);
	CHECK_OK(close(pair.client));
	roundtrip(fd, pair.server);
	CHECK_OK(close(fd));
	expect_eof(pair.server);
}

CASE(a_connection_under_way_between_processes_stays_open)
{
	struct pair pair = pair_open();
	int channel[2], fd;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	pass(channel[0], pair.client);
	CHECK_OK(close(pair.client));
	pause_ms(20);
	expect_silence(pair.server);
	send_text(pair.server, "waiting");
	fd = take(channel[1], 0);
	recv_text(fd, "waiting");
	roundtrip(fd, pair.server);
}

CASE(a_connection_lost_under_way_ends)
{
	struct pair pair = pair_open();
	int channel[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	pass(channel[0], pair.client);
	CHECK_OK(close(pair.client));
	CHECK_OK(close(channel[0]));
	CHECK_OK(close(channel[1]));
	expect_gone(pair.server);
}
