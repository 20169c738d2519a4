/* SPDX-License-Identifier: MIT */
/* Orderly and abortive ends, as the other side sees them. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_linger(int fd, int on, int seconds)
{
	struct linger linger = {on, seconds};

	CHECK_OK(
	        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
}

CASE(close_delivers_what_was_sent_and_then_end_of_file)
{
	struct pair pair = pair_open();
	uint64_t filled = fill_until_full(pair.client);

	CHECK_OK(close(pair.client));
	recv_pattern(pair.server, 0, filled);
	expect_eof(pair.server);
}

CASE(sending_to_a_closed_peer_fails_in_the_end)
{
	struct pair pair = pair_open();

	CHECK_OK(close(pair.server));
	expect_unsendable(pair.client);
	CHECK_ERRNO(send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
}

CASE(blocking_send_to_a_closed_peer_fails_in_the_end)
{
	struct pair pair = pair_open();

	CHECK_OK(close(pair.server));
	while (send(pair.client, "x", 1, MSG_NOSIGNAL) == 1)
		pause_ms(1);
	CHECK(errno == EPIPE || errno == ECONNRESET);
}

CASE(close_with_unread_data_ends_the_peer)
{
	struct pair pair = pair_open();

	send_text(pair.client, "never read");
	wait_for(pair.server, POLLIN);
	CHECK_OK(close(pair.server));
	expect_gone(pair.client);
	expect_unsendable(pair.client);
}

static void *send_much(void *argument)
{
	static char bytes[65536];
	int fd = *(int *)argument;

	while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
	CHECK(errno == EPIPE || errno == ECONNRESET);
	return NULL;
}

CASE(blocked_send_is_woken_when_the_peer_closes)
{
	struct pair pair = pair_open();
	pthread_t thread = thread_start(send_much, &pair.client);

	pause_ms(100);
	CHECK_OK(close(pair.server));
	thread_join(thread);
}

/* Ends without closing the server end, of which it is the last holder. */
static void exit_later(void *argument)
{
	struct pair *pair = argument;

	CHECK_OK(close(pair->client));
	pause_ms(50);
}

CASE(blocked_recv_is_woken_when_the_peer_closes)
{
	struct pair pair = pair_open();
	pid_t child = child_start(exit_later, &pair);
	char byte;

	CHECK_OK(close(pair.server));
	CHECK_EQ(recv(pair.client, &byte, 1, 0), 0);
	child_join(child);
}

CASE(linger_0_resets_the_peer)
{
	struct pair pair = pair_open();
	char byte;

	set_linger(pair.client, 1, 0);
	CHECK_OK(close(pair.client));
	wait_for(pair.server, POLLIN);
	CHECK_ERRNO(recv(pair.server, &byte, 1, 0), ECONNRESET);
}

CASE(a_reset_is_reported_once_and_then_end_of_file)
{
	struct pair pair = pair_open();
	char byte;

	set_linger(pair.client, 1, 0);
	CHECK_OK(close(pair.client));
	wait_for(pair.server, POLLIN);
	CHECK_ERRNO(recv(pair.server, &byte, 1, 0), ECONNRESET);
	CHECK_EQ(recv(pair.server, &byte, 1, 0), 0);
	CHECK_ERRNO(send(pair.server, "x", 1, MSG_NOSIGNAL), EPIPE);
}

CASE(SO_ERROR_takes_the_reset)
{
	struct pair pair = pair_open();
	socklen_t length = sizeof(int);
	int error;

	set_linger(pair.client, 1, 0);
	CHECK_OK(close(pair.client));
	wait_for(pair.server, POLLIN);
	CHECK_OK(
	        getsockopt(pair.server, SOL_SOCKET, SO_ERROR, &error, &length));
	CHECK_EQ(error, ECONNRESET);
	CHECK_OK(
	        getsockopt(pair.server, SOL_SOCKET, SO_ERROR, &error, &length));
	CHECK_EQ(error, 0);
}

CASE(a_reset_wakes_poll_with_error_and_hangup)
{
	struct pair pair = pair_open();
	short want = POLLIN | POLLERR | POLLHUP | POLLRDHUP;

	set_linger(pair.client, 1, 0);
	CHECK_OK(close(pair.client));
	CHECK_EQ(wait_for(pair.server, POLLIN | POLLRDHUP), want);
}

/* Data from before the reset may be lost, but not wrong. */
CASE(a_reset_after_data_ends_the_peer)
{
	struct pair pair = pair_open();
	uint64_t at = 0;
	char bytes[100];
	ssize_t n;

	send_pattern(pair.client, 0, 1000);
	set_linger(pair.client, 1, 0);
	CHECK_OK(close(pair.client));
	while ((n = recv(pair.server, bytes, sizeof(bytes), 0)) > 0) {
		pattern_check(bytes, n, at);
		at += n;
	}
	CHECK_EQ(n, -1);
	CHECK_EQ(errno, ECONNRESET);
}

CASE(linger_with_time_delivers_all)
{
	struct pair pair = pair_open();

	set_linger(pair.client, 1, 5);
	send_pattern(pair.client, 0, 10000);
	CHECK_OK(close(pair.client));
	recv_pattern(pair.server, 0, 10000);
	expect_eof(pair.server);
}

CASE(exit_without_close_is_an_orderly_end)
{
	struct pair pair = pair_open();
	pid_t child = child_start(exit_later, &pair);

	CHECK_OK(close(pair.server));
	child_join(child);
	expect_eof(pair.client);
	CHECK_EQ(recv(pair.client, &(char){0}, 1, 0), 0);
}

CASE(both_ends_may_close_at_once)
{
	for (int i = 0; i < 200; i++) {
		struct pair pair = pair_open();

		send_text(pair.client, "crossing");
		send_text(pair.server, "crossing");
		pair_close(pair);
	}
}

CASE(poll_after_close_of_the_peer_reports_readable_and_RDHUP)
{
	struct pair pair = pair_open();

	CHECK_OK(close(pair.server));
	CHECK_EQ(wait_for(pair.client, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
}
