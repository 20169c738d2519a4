/* SPDX-License-Identifier: MIT */
/* select and pselect. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

static void set_of(fd_set *set, int one, int other)
{
	FD_ZERO(set);
	FD_SET(one, set);
	FD_SET(other, set);
}

static int limit_of(struct pair pair)
{
	return (pair.client > pair.server ? pair.client : pair.server) + 1;
}

CASE(select_of_a_new_connection_says_writable_only)
{
	struct pair pair = pair_open();
	fd_set in, out, other;

	set_of(&in, pair.client, pair.server);
	set_of(&out, pair.client, pair.server);
	set_of(&other, pair.client, pair.server);
	CHECK_EQ(select(limit_of(pair), &in, &out, &other, NULL), 2);
	CHECK(FD_ISSET(pair.client, &out) && FD_ISSET(pair.server, &out));
	CHECK(!FD_ISSET(pair.client, &in) && !FD_ISSET(pair.server, &in));
	CHECK(!FD_ISSET(pair.client, &other));
}

CASE(select_says_readable_for_data_and_for_end_of_file)
{
	struct pair pair = pair_open();
	fd_set in;

	send_text(pair.client, "hello");
	set_of(&in, pair.client, pair.server);
	CHECK_EQ(select(limit_of(pair), &in, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(pair.server, &in) && !FD_ISSET(pair.client, &in));
	recv_text(pair.server, "hello");
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	set_of(&in, pair.client, pair.server);
	CHECK_EQ(select(limit_of(pair), &in, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(pair.server, &in));
	expect_eof(pair.server);
}

CASE(select_counts_each_set)
{
	struct pair pair = pair_open();
	fd_set in, out;

	send_text(pair.client, "hello");
	wait_for(pair.server, POLLIN);
	set_of(&in, pair.server, pair.server);
	set_of(&out, pair.server, pair.server);
	CHECK_EQ(select(limit_of(pair), &in, &out, NULL, NULL), 2);
}

CASE(select_looks_no_further_than_the_limit)
{
	struct pair pair = pair_open();
	int ends[2];
	struct timeval none = {0, 0};
	fd_set in;

	CHECK_OK(pipe(ends));
	send_text(pair.client, "hello");
	wait_for(pair.server, POLLIN);
	set_of(&in, pair.server, pair.server);
	CHECK_EQ(select(pair.server, &in, NULL, NULL, &none), 0);
	CHECK_EQ(select(0, NULL, NULL, NULL, &none), 0);
	CHECK_ERRNO(select(-1, NULL, NULL, NULL, &none), EINVAL);
}

CASE(select_takes_as_long_as_it_was_told_and_empties_the_sets)
{
	struct pair pair = pair_open();
	struct timeval limit = {0, 150 * 1000};
	int64_t since = clock_ms();
	fd_set in;

	set_of(&in, pair.client, pair.server);
	CHECK_EQ(select(limit_of(pair), &in, NULL, NULL, &limit), 0);
	CHECK_GE(clock_ms() - since, 149);
	CHECK(!FD_ISSET(pair.client, &in) && !FD_ISSET(pair.server, &in));
	CHECK(limit.tv_sec == 0 && limit.tv_usec == 0);
}

CASE(select_says_how_much_time_is_left)
{
	struct pair pair = pair_open();
	struct timeval limit = {15, 0};
	fd_set in;

	send_text(pair.client, "hello");
	set_of(&in, pair.client, pair.server);
	CHECK_EQ(select(limit_of(pair), &in, NULL, NULL, &limit), 1);
	CHECK(limit.tv_sec < 15 || limit.tv_usec == 0);
	CHECK(limit.tv_sec >= 0);
}

CASE(pselect_leaves_the_time_alone)
{
	struct pair pair = pair_open();
	struct timespec limit = {0, 50 * 1000 * 1000};
	fd_set in;

	set_of(&in, pair.client, pair.server);
	CHECK_EQ(pselect(limit_of(pair), &in, NULL, NULL, &limit, NULL), 0);
	CHECK(limit.tv_sec == 0 && limit.tv_nsec == 50 * 1000 * 1000);
	CHECK(!FD_ISSET(pair.server, &in));
}

CASE(pselect_lets_a_blocked_signal_in)
{
	struct pair pair = pair_open();
	sigset_t none;
	fd_set in;

	sigemptyset(&none);
	signal_catch(SIGUSR1, SA_RESTART);
	signal_block(SIGUSR1);
	raise(SIGUSR1);
	set_of(&in, pair.client, pair.server);
	CHECK_ERRNO(
	        pselect(limit_of(pair), &in, NULL, NULL, NULL, &none), EINTR);
	CHECK_EQ(signal_count(), 1);
}

CASE(select_of_a_closed_descriptor_gives_EBADF)
{
	struct pair pair = pair_open();
	struct timeval none = {0, 0};
	fd_set in;

	set_of(&in, pair.client, pair.server);
	CHECK_OK(close(pair.client));
	CHECK_ERRNO(select(limit_of(pair), &in, NULL, NULL, &none), EBADF);
}

static void send_later(void *argument)
{
	pause_ms(50);
	send_text(*(int *)argument, "later");
}

CASE(select_is_woken_by_data_from_another_process)
{
	struct pair pair = pair_open();
	pid_t child = child_start(send_later, &pair.client);
	fd_set in;

	set_of(&in, pair.client, pair.server);
	CHECK_EQ(select(limit_of(pair), &in, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(pair.server, &in));
	recv_text(pair.server, "later");
	child_join(child);
}

CASE(select_mixes_connections_with_pipes_at_end_of_file)
{
	struct pair pair = pair_open();
	int ends[2];
	fd_set in;

	CHECK_OK(pipe(ends));
	CHECK_OK(close(ends[1]));
	set_of(&in, pair.server, ends[0]);
	CHECK_EQ(select(FD_SETSIZE, &in, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(ends[0], &in) && !FD_ISSET(pair.server, &in));
}

CASE(select_of_a_listener_says_readable_upon_connect)
{
	int listener = listener_open(IPV4);
	struct timeval none = {0, 0};
	fd_set in;

	set_of(&in, listener, listener);
	CHECK_EQ(select(listener + 1, &in, NULL, NULL, &none), 0);
	client_of(listener);
	set_of(&in, listener, listener);
	CHECK_EQ(select(listener + 1, &in, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(listener, &in));
}

CASE(select_says_writable_when_a_connect_completes_or_fails)
{
	int listener = listener_open(IPV4);
	struct address good = listener_target(listener, IPV4);
	struct address bad = address_refused(IPV4);
	int fds[] = {client_socket(IPV4, SOCK_NONBLOCK),
	        client_socket(IPV4, SOCK_NONBLOCK)};
	fd_set out;

	connect(fds[0], ADDRESS(good));
	connect(fds[1], ADDRESS(bad));
	for (int i = 0; i < 2; i++) {
		set_of(&out, fds[i], fds[i]);
		CHECK_EQ(select(fds[i] + 1, NULL, &out, NULL, NULL), 1);
		CHECK(FD_ISSET(fds[i], &out));
	}
	roundtrip(fds[0], server_of(listener));
}

CASE(select_works_up_to_the_last_number)
{
	struct rlimit limit;
	struct pair pair = pair_open();
	fd_set in;

	CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_cur < FD_SETSIZE)
		case_skip("RLIMIT_NOFILE is below %d", FD_SETSIZE);
	CHECK_EQ(dup2(pair.server, FD_SETSIZE - 1), FD_SETSIZE - 1);
	send_text(pair.client, "hello");
	set_of(&in, pair.client, FD_SETSIZE - 1);
	CHECK_EQ(select(FD_SETSIZE, &in, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(FD_SETSIZE - 1, &in));
	recv_text(FD_SETSIZE - 1, "hello");
}
