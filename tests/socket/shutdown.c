/* SPDX-License-Identifier: MIT */
/* shutdown and half-closed connections. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

static void half_close(enum family family)
{
	struct pair pair = pair_open_over(family);

	send_text(pair.client, "question");
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	recv_text(pair.server, "question");
	expect_eof(pair.server);
	send_pattern(pair.server, 0, 100000);
	recv_pattern(pair.client, 0, 100000);
	CHECK_OK(close(pair.server));
	expect_eof(pair.client);
}
CASE_PER_FAMILY(a_half_closed_connection_works_the_other_way, half_close);

CASE(the_server_can_half_close_too)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.server, SHUT_WR));
	expect_eof(pair.client);
	send_text(pair.client, "still here");
	recv_text(pair.server, "still here");
}

CASE(end_of_file_stays)
{
	struct pair pair = pair_open();
	char byte;

	send_text(pair.client, "last");
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	recv_text(pair.server, "last");
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(recv(pair.server, &byte, 1, 0), 0);
		CHECK_EQ(recv(pair.server, &byte, 1, MSG_DONTWAIT), 0);
		CHECK_EQ(read(pair.server, &byte, 1), 0);
	}
}

CASE(data_sent_before_half_close_all_arrives)
{
	struct pair pair = pair_open();
	uint64_t filled = fill_until_full(pair.client);

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	recv_pattern(pair.server, 0, filled);
	expect_eof(pair.server);
}

CASE(send_after_shutdown_WR_gives_EPIPE)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	CHECK_ERRNO(send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(
	        send(pair.client, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT), EPIPE);
	send_text(pair.server, "still here");
	recv_text(pair.client, "still here");
}

CASE(recv_after_shutdown_RD_gives_0)
{
	struct pair pair = pair_open();
	char byte;

	CHECK_OK(shutdown(pair.client, SHUT_RD));
	CHECK_EQ(recv(pair.client, &byte, 1, 0), 0);
	CHECK_EQ(recv(pair.client, &byte, 1, MSG_DONTWAIT), 0);
	send_text(pair.client, "still here");
	recv_text(pair.server, "still here");
}

CASE(data_received_before_shutdown_RD_can_be_read)
{
	struct pair pair = pair_open();

	send_text(pair.server, "early");
	wait_queued(pair.client, 5);
	CHECK_OK(shutdown(pair.client, SHUT_RD));
	recv_text(pair.client, "early");
	expect_eof(pair.client);
}

CASE(the_peer_does_not_notice_shutdown_RD)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_RD));
	pause_ms(20);
	expect_silence(pair.server);
	CHECK_EQ(send(pair.server, "x", 1, MSG_NOSIGNAL), 1);
	pause_ms(20);
	CHECK_EQ(send(pair.server, "x", 1, MSG_NOSIGNAL), 1);
}

CASE(shutdown_RDWR_ends_both_directions)
{
	struct pair pair = pair_open();
	char byte;

	send_text(pair.client, "last");
	CHECK_OK(shutdown(pair.client, SHUT_RDWR));
	CHECK_EQ(recv(pair.client, &byte, 1, 0), 0);
	CHECK_ERRNO(send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	recv_text(pair.server, "last");
	expect_eof(pair.server);
}

CASE(shutdown_WR_twice_is_allowed)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	expect_eof(pair.server);
	send_text(pair.server, "still here");
	recv_text(pair.client, "still here");
}

CASE(shutdown_RD_then_WR_is_allowed)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_RD));
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	expect_eof(pair.server);
}

/* How soon the ends forget the connection is TCP's affair. */
CASE(shutdown_when_both_have_ended_gives_ENOTCONN_in_the_end)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	expect_eof(pair.server);
	CHECK_OK(shutdown(pair.server, SHUT_WR));
	expect_eof(pair.client);
	while (shutdown(pair.client, SHUT_WR) == 0)
		pause_ms(1);
	CHECK_EQ(errno, ENOTCONN);
	while (shutdown(pair.server, SHUT_RDWR) == 0)
		pause_ms(1);
	CHECK_EQ(errno, ENOTCONN);
}

CASE(shutdown_without_a_connection_gives_ENOTCONN)
{
	int fd = client_socket(IPV4, 0);

	CHECK_ERRNO(shutdown(fd, SHUT_RD), ENOTCONN);
	CHECK_ERRNO(shutdown(fd, SHUT_WR), ENOTCONN);
	CHECK_ERRNO(shutdown(fd, SHUT_RDWR), ENOTCONN);
}

CASE(shutdown_of_an_unknown_kind_gives_EINVAL)
{
	struct pair pair = pair_open();

	CHECK_ERRNO(shutdown(pair.client, 3), EINVAL);
	CHECK_ERRNO(shutdown(pair.client, -1), EINVAL);
	roundtrip(pair.client, pair.server);
}

CASE(shutdown_acts_on_all_duplicates)
{
	struct pair pair = pair_open();
	int copy = CHECK_OK(dup(pair.client));

	CHECK_OK(shutdown(copy, SHUT_WR));
	CHECK_ERRNO(send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	expect_eof(pair.server);
}

static void *recv_until_end(void *argument)
{
	char byte;

	CHECK_EQ(recv(*(int *)argument, &byte, 1, 0), 0);
	return NULL;
}

static void shutdown_wakes_recv(int how)
{
	struct pair pair = pair_open();
	pthread_t thread = thread_start(recv_until_end, &pair.client);

	pause_ms(50);
	CHECK_OK(shutdown(pair.client, how));
	thread_join(thread);
}
CASE_CALL(blocked_recv_is_woken_by_shutdown_RD, shutdown_wakes_recv(SHUT_RD));
CASE_CALL(
        blocked_recv_is_woken_by_shutdown_RDWR, shutdown_wakes_recv(SHUT_RDWR));

static void *send_until_EPIPE(void *argument)
{
	static char bytes[65536];
	ssize_t n;

	do
		n = send(*(int *)argument, bytes, sizeof(bytes), MSG_NOSIGNAL);
	while (n > 0);
	CHECK_EQ(n, -1);
	CHECK_EQ(errno, EPIPE);
	return NULL;
}

CASE(blocked_send_is_woken_by_shutdown_WR)
{
	struct pair pair = pair_open();
	pthread_t thread = thread_start(send_until_EPIPE, &pair.client);

	pause_ms(100);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	thread_join(thread);
}

static void *poll_until_end(void *argument)
{
	CHECK(wait_for(*(int *)argument, POLLIN) & POLLIN);
	return NULL;
}

CASE(blocked_poll_is_woken_by_shutdown_RD)
{
	struct pair pair = pair_open();
	pthread_t thread = thread_start(poll_until_end, &pair.client);

	pause_ms(50);
	CHECK_OK(shutdown(pair.client, SHUT_RD));
	thread_join(thread);
}
