/* SPDX-License-Identifier: MIT */
/* SO_RCVTIMEO, SO_SNDTIMEO and SO_RCVLOWAT. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LIMIT_MS = 200 };

static void set_limit(int fd, int option, int ms)
{
	struct timeval limit = {ms / 1000, ms % 1000 * 1000};

	CHECK_OK(setsockopt(fd, SOL_SOCKET, option, &limit, sizeof(limit)));
}

/* A limit says how long at least; how late it comes is up to the machine. */
static void check_elapsed(int64_t since)
{
	CHECK_GE(clock_ms() - since, LIMIT_MS * 9 / 10);
	CHECK(clock_ms() - since < 10000);
}

CASE(RCVTIMEO_ends_each_receiving_call_with_EAGAIN)
{
	struct pair pair = pair_open();
	char bytes[8];
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	int64_t since;

	set_limit(pair.server, SO_RCVTIMEO, LIMIT_MS);
	since = clock_ms();
	CHECK_ERRNO(recv(pair.server, bytes, 8, 0), EAGAIN);
	check_elapsed(since);
	since = clock_ms();
	CHECK_ERRNO(read(pair.server, bytes, 8), EAGAIN);
	check_elapsed(since);
	since = clock_ms();
	CHECK_ERRNO(recvmsg(pair.server, &header, 0), EAGAIN);
	check_elapsed(since);
	since = clock_ms();
	CHECK_ERRNO(readv(pair.server, &part, 1), EAGAIN);
	check_elapsed(since);
	roundtrip(pair.client, pair.server);
}

CASE(RCVTIMEO_does_not_delay_data)
{
	struct pair pair = pair_open();

	set_limit(pair.server, SO_RCVTIMEO, 15000);
	send_text(pair.client, "prompt");
	recv_text(pair.server, "prompt");
	CHECK_OK(close(pair.client));
	expect_eof(pair.server);
}

CASE(RCVTIMEO_with_WAITALL_gives_what_came)
{
	struct pair pair = pair_open();
	char bytes[100];
	int64_t since = clock_ms();

	set_limit(pair.server, SO_RCVTIMEO, LIMIT_MS);
	send_text(pair.client, "part");
	wait_queued(pair.server, 4);
	CHECK_EQ(recv(pair.server, bytes, 100, MSG_WAITALL), 4);
	check_elapsed(since);
}

static void send_later(void *argument)
{
	pause_ms(100);
	send_text(*(int *)argument, "later");
}

CASE(RCVTIMEO_of_0_means_for_ever)
{
	struct pair pair = pair_open();
	pid_t child;

	set_limit(pair.server, SO_RCVTIMEO, 20);
	set_limit(pair.server, SO_RCVTIMEO, 0);
	child = child_start(send_later, &pair.client);
	recv_text(pair.server, "later");
	child_join(child);
}

CASE(RCVTIMEO_set_before_connect_counts)
{
	int listener = listener_open(IPV4), fd = client_socket(IPV4, 0);
	struct address target = listener_target(listener, IPV4);
	int64_t since;
	char byte;

	set_limit(fd, SO_RCVTIMEO, LIMIT_MS);
	CHECK_OK(connect(fd, ADDRESS(target)));
	since = clock_ms();
	CHECK_ERRNO(recv(fd, &byte, 1, 0), EAGAIN);
	check_elapsed(since);
}

CASE(RCVTIMEO_ends_accept_with_EAGAIN)
{
	int listener = listener_open(IPV4);
	int64_t since;

	set_limit(listener, SO_RCVTIMEO, LIMIT_MS);
	since = clock_ms();
	CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
	check_elapsed(since);
	listener_serves(listener);
}

CASE(RCVTIMEO_does_not_limit_poll)
{
	struct pair pair = pair_open();
	struct pollfd look = {pair.server, POLLIN, 0};
	int64_t since = clock_ms();

	set_limit(pair.server, SO_RCVTIMEO, 20);
	CHECK_EQ(poll(&look, 1, LIMIT_MS), 0);
	check_elapsed(since);
}

/* A call that runs out of time having sent something says how much. */
CASE(SNDTIMEO_ends_send_with_EAGAIN)
{
	struct pair pair = pair_open();
	uint64_t filled = fill_until_full(pair.client);
	int64_t since;

	set_limit(pair.client, SO_SNDTIMEO, LIMIT_MS);
	since = clock_ms();
	CHECK_ERRNO(send(pair.client, "x", 1, 0), EAGAIN);
	check_elapsed(since);
	since = clock_ms();
	CHECK_ERRNO(write(pair.client, "x", 1), EAGAIN);
	check_elapsed(since);
	recv_pattern(pair.server, 0, filled);
	roundtrip(pair.client, pair.server);
}

CASE(SNDTIMEO_gives_what_was_sent_in_time)
{
	static char bytes[64 * 1024 * 1024];
	struct pair pair = pair_open();
	int64_t since = clock_ms();
	ssize_t n;

	pattern_fill(bytes, sizeof(bytes), 0);
	set_limit(pair.client, SO_SNDTIMEO, LIMIT_MS);
	n = CHECK_OK(send(pair.client, bytes, sizeof(bytes), 0));
	check_elapsed(since);
	CHECK(n > 0 && n < (ssize_t)sizeof(bytes));
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	recv_pattern(pair.server, 0, n);
	expect_eof(pair.server);
}

static void signal_ends_timed_call(int option)
{
	struct pair pair = pair_open();
	struct pester pester;
	char byte = 'x';

	signal_catch(SIGUSR1, SA_RESTART);
	if (option == SO_SNDTIMEO)
		fill_until_full(pair.client);
	set_limit(pair.client, option, 15000);
	pester_start(&pester);
	if (option == SO_SNDTIMEO)
		CHECK_ERRNO(send(pair.client, &byte, 1, 0), EINTR);
	else
		CHECK_ERRNO(recv(pair.client, &byte, 1, 0), EINTR);
	pester_stop(&pester);
}
CASE_CALL(recv_with_RCVTIMEO_gives_EINTR_despite_SA_RESTART,
        signal_ends_timed_call(SO_RCVTIMEO));
CASE_CALL(send_with_SNDTIMEO_gives_EINTR_despite_SA_RESTART,
        signal_ends_timed_call(SO_SNDTIMEO));

CASE(RCVLOWAT_holds_poll_back)
{
	struct pair pair = pair_open();
	int least = 10;

	CHECK_OK(setsockopt(
	        pair.server, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least)));
	send_text(pair.client, "five ");
	wait_queued(pair.server, 5);
	CHECK_EQ(events_now(pair.server, POLLIN), 0);
	send_text(pair.client, "more.");
	CHECK_EQ(wait_for(pair.server, POLLIN), POLLIN);
	recv_text(pair.server, "five more.");
}
