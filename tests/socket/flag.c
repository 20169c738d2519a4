/* SPDX-License-Identifier: MIT */
/* The MSG_ flags of sending and receiving, except those of urgent data. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

CASE(PEEK_leaves_the_data_where_it_is)
{
	struct pair pair = pair_open();
	char bytes[16];

	send_text(pair.client, "hello");
	wait_queued(pair.server, 5);
	CHECK_EQ(recv(pair.server, bytes, 2, MSG_PEEK), 2);
	CHECK_BYTES(bytes, "he", 2);
	CHECK_EQ(recv(pair.server, bytes, sizeof(bytes), MSG_PEEK), 5);
	CHECK_BYTES(bytes, "hello", 5);
	recv_text(pair.server, "hel");
	CHECK_EQ(recv(pair.server, bytes, sizeof(bytes), MSG_PEEK), 2);
	CHECK_BYTES(bytes, "lo", 2);
	recv_text(pair.server, "lo");
	expect_silence(pair.server);
}

CASE(PEEK_sees_data_of_several_sends)
{
	struct pair pair = pair_open();
	char bytes[16];

	send_text(pair.client, "one");
	send_text(pair.client, "two");
	wait_queued(pair.server, 6);
	CHECK_EQ(recv(pair.server, bytes, sizeof(bytes), MSG_PEEK), 6);
	CHECK_BYTES(bytes, "onetwo", 6);
	recv_text(pair.server, "onetwo");
}

static void send_later(void *argument)
{
	pause_ms(50);
	send_text(*(int *)argument, "later");
}

CASE(PEEK_waits_for_data)
{
	struct pair pair = pair_open();
	pid_t child = child_start(send_later, &pair.client);
	char byte;

	CHECK_EQ(recv(pair.server, &byte, 1, MSG_PEEK), 1);
	CHECK_EQ(byte, 'l');
	recv_text(pair.server, "later");
	child_join(child);
}

CASE(PEEK_at_end_of_file_gives_0)
{
	struct pair pair = pair_open();
	char byte;

	CHECK_OK(close(pair.client));
	CHECK_EQ(recv(pair.server, &byte, 1, MSG_PEEK), 0);
	CHECK_EQ(recv(pair.server, &byte, 1, MSG_PEEK), 0);
	CHECK_EQ(recv(pair.server, &byte, 1, 0), 0);
}

CASE(recvmsg_with_PEEK_scatters_and_leaves_the_data)
{
	struct pair pair = pair_open();
	char a[2], b[8];
	struct iovec parts[] = {{a, 2}, {b, 8}};
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};

	send_text(pair.client, "hello");
	wait_queued(pair.server, 5);
	CHECK_EQ(recvmsg(pair.server, &header, MSG_PEEK), 5);
	CHECK_BYTES(a, "he", 2);
	CHECK_BYTES(b, "llo", 3);
	recv_text(pair.server, "hello");
}

static void send_in_parts(void *argument)
{
	int fd = *(int *)argument;

	for (int i = 0; i < 10; i++) {
		send_pattern(fd, i * 1000, 1000);
		pause_ms(5);
	}
}

CASE(WAITALL_waits_until_the_buffer_is_full)
{
	struct pair pair = pair_open();
	pid_t child = child_start(send_in_parts, &pair.client);
	char bytes[10000];

	CHECK_EQ(recv(pair.server, bytes, sizeof(bytes), MSG_WAITALL), 10000);
	pattern_check(bytes, sizeof(bytes), 0);
	child_join(child);
}

static void send_a_megabyte(void *argument)
{
	send_pattern(*(int *)argument, 0, 1000000);
}

CASE(WAITALL_fills_a_megabyte)
{
	struct pair pair = pair_open();
	pid_t child = child_start(send_a_megabyte, &pair.client);
	char *bytes = malloc(1000000);

	CHECK_EQ(recv(pair.server, bytes, 1000000, MSG_WAITALL), 1000000);
	pattern_check(bytes, 1000000, 0);
	child_join(child);
}

CASE(WAITALL_gives_what_came_before_end_of_file)
{
	struct pair pair = pair_open();
	char bytes[100];

	send_text(pair.client, "short");
	CHECK_OK(close(pair.client));
	CHECK_EQ(recv(pair.server, bytes, 100, MSG_WAITALL), 5);
	CHECK_EQ(recv(pair.server, bytes, 100, MSG_WAITALL), 0);
}

CASE(WAITALL_with_DONTWAIT_gives_what_there_is)
{
	struct pair pair = pair_open();
	char bytes[100];

	CHECK_ERRNO(recv(pair.server, bytes, 100, MSG_WAITALL | MSG_DONTWAIT),
	        EAGAIN);
	send_text(pair.client, "short");
	wait_queued(pair.server, 5);
	CHECK_EQ(recv(pair.server, bytes, 100, MSG_WAITALL | MSG_DONTWAIT), 5);
}

CASE(DONTWAIT_gives_EAGAIN_and_leaves_the_socket_blocking)
{
	struct pair pair = pair_open();
	pid_t child;
	char byte;

	CHECK_ERRNO(recv(pair.server, &byte, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(fcntl(pair.server, F_GETFL) & O_NONBLOCK, 0);
	child = child_start(send_later, &pair.client);
	recv_text(pair.server, "later");
	child_join(child);
}

CASE(DONTWAIT_send_gives_EAGAIN_when_full)
{
	struct pair pair = pair_open();
	uint64_t filled = fill_until_full(pair.client);

	CHECK_ERRNO(send(pair.client, "x", 1, MSG_DONTWAIT), EAGAIN);
	recv_pattern(pair.server, 0, filled);
	expect_silence(pair.server);
	roundtrip(pair.client, pair.server);
}

CASE(NOSIGNAL_gives_EPIPE_and_no_signal)
{
	struct pair pair = pair_open();
	struct iovec part = {"x", 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	CHECK_ERRNO(send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(sendto(pair.client, "x", 1, MSG_NOSIGNAL, NULL, 0), EPIPE);
	CHECK_ERRNO(sendmsg(pair.client, &header, MSG_NOSIGNAL), EPIPE);
}

static void dies_of_SIGPIPE(int how)
{
	struct pair pair = pair_open();
	struct iovec part = {"x", 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	int file = CHECK_OK(open("/proc/self/exe", O_RDONLY));

	signal_catch(SIGPIPE, 0);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	if (how == 0)
		CHECK_ERRNO(send(pair.client, "x", 1, 0), EPIPE);
	if (how == 1)
		CHECK_ERRNO(write(pair.client, "x", 1), EPIPE);
	if (how == 2)
		CHECK_ERRNO(writev(pair.client, &part, 1), EPIPE);
	if (how == 3)
		CHECK_ERRNO(sendmsg(pair.client, &header, 0), EPIPE);
	if (how == 4)
		CHECK_ERRNO(sendfile(pair.client, file, NULL, 1), EPIPE);
	CHECK_EQ(signal_count(), 1);
}
CASE_CALL(send_after_shutdown_raises_SIGPIPE, dies_of_SIGPIPE(0));
CASE_CALL(write_after_shutdown_raises_SIGPIPE, dies_of_SIGPIPE(1));
CASE_CALL(writev_after_shutdown_raises_SIGPIPE, dies_of_SIGPIPE(2));
CASE_CALL(sendmsg_after_shutdown_raises_SIGPIPE, dies_of_SIGPIPE(3));
CASE_CALL(sendfile_after_shutdown_raises_SIGPIPE, dies_of_SIGPIPE(4));

CASE(an_ignored_SIGPIPE_leaves_EPIPE)
{
	struct pair pair = pair_open();

	signal(SIGPIPE, SIG_IGN);
	CHECK_OK(close(pair.server));
	expect_unsendable(pair.client);
	CHECK_ERRNO(write(pair.client, "x", 1), EPIPE);
	CHECK_ERRNO(send(pair.client, "x", 1, 0), EPIPE);
}

CASE(TRUNC_discards_data)
{
	struct pair pair = pair_open();

	send_text(pair.client, "throw away, keep");
	wait_queued(pair.server, 16);
	CHECK_EQ(recv(pair.server, NULL, 12, MSG_TRUNC), 12);
	recv_text(pair.server, "keep");
	expect_silence(pair.server);
}

CASE(MORE_delays_but_does_not_hold_back)
{
	struct pair pair = pair_open();

	CHECK_EQ(send(pair.client, "first ", 6, MSG_MORE), 6);
	CHECK_EQ(send(pair.client, "second", 6, 0), 6);
	recv_text(pair.server, "first second");
	CHECK_EQ(send(pair.client, "alone", 5, MSG_MORE), 5);
	recv_text(pair.server, "alone");
}

CASE(uncorked_data_arrives)
{
	struct pair pair = pair_open();
	int on = 1, off = 0;

	CHECK_OK(setsockopt(
	        pair.client, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)));
	send_text(pair.client, "in the ");
	send_text(pair.client, "bottle");
	CHECK_OK(setsockopt(
	        pair.client, IPPROTO_TCP, TCP_CORK, &off, sizeof(off)));
	recv_text(pair.server, "in the bottle");
}

CASE(ERRQUEUE_is_empty)
{
	struct pair pair = pair_open();
	char bytes[8];

	send_text(pair.client, "hello");
	wait_for(pair.server, POLLIN);
	CHECK_ERRNO(recv(pair.server, bytes, 8, MSG_ERRQUEUE), EAGAIN);
	recv_text(pair.server, "hello");
}

CASE(zero_length_send_sends_nothing)
{
	struct pair pair = pair_open();

	CHECK_EQ(send(pair.client, "", 0, 0), 0);
	CHECK_EQ(write(pair.client, "", 0), 0);
	CHECK_EQ(send(pair.client, NULL, 0, 0), 0);
	pause_ms(20);
	expect_silence(pair.server);
	roundtrip(pair.client, pair.server);
}

CASE(zero_length_receive_takes_nothing)
{
	struct pair pair = pair_open();
	char byte;

	CHECK_EQ(read(pair.server, &byte, 0), 0);
	send_text(pair.client, "hello");
	wait_for(pair.server, POLLIN);
	CHECK_EQ(recv(pair.server, &byte, 0, 0), 0);
	CHECK_EQ(read(pair.server, NULL, 0), 0);
	recv_text(pair.server, "hello");
}
