/* SPDX-License-Identifier: MIT */
/* epoll, level-triggered: what is reported, and how waiting ends. */
#include "pair.h"
#include "stream.h"
#include "task.h"
#include "watch.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { ALL = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP };

CASE(epoll_of_a_new_connection_says_writable_only)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.client, ALL, 1);
	CHECK_EQ(watch_one(epoll, 1), EPOLLOUT);
	CHECK_EQ(watch_one(epoll, 1), EPOLLOUT);
	watch_mod(epoll, pair.client, EPOLLIN, 1);
	watch_none(epoll, 0);
}

CASE(epoll_level_repeats_until_the_data_is_read)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, EPOLLIN, 7);
	send_text(pair.client, "hello");
	for (int i = 0; i < 3; i++)
		CHECK_EQ(watch_one(epoll, 7), EPOLLIN);
	recv_text(pair.server, "hell");
	CHECK_EQ(watch_one(epoll, 7), EPOLLIN);
	recv_text(pair.server, "o");
	watch_none(epoll, 20);
	send_text(pair.client, "again");
	CHECK_EQ(watch_one(epoll, 7), EPOLLIN);
}

CASE(epoll_reports_data_that_was_there_before_ADD)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	send_text(pair.client, "hello");
	wait_queued(pair.server, 5);
	watch_add(epoll, pair.server, EPOLLIN, 7);
	CHECK_EQ(watch_one(epoll, 7), EPOLLIN);
}

CASE(epoll_keeps_all_64_bits_of_the_data)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.client, EPOLLOUT, 0xfedcba9876543210);
	CHECK_EQ(watch_one(epoll, 0xfedcba9876543210), EPOLLOUT);
	watch_mod(epoll, pair.client, EPOLLOUT, 0x8000000000000001);
	CHECK_EQ(watch_one(epoll, 0x8000000000000001), EPOLLOUT);
}

CASE(epoll_MOD_changes_what_is_reported)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, EPOLLIN, 1);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	watch_mod(epoll, pair.server, EPOLLOUT, 2);
	CHECK_EQ(watch_one(epoll, 2), EPOLLOUT);
	watch_mod(epoll, pair.server, EPOLLIN | EPOLLOUT, 3);
	CHECK_EQ(watch_one(epoll, 3), EPOLLIN | EPOLLOUT);
	watch_mod(epoll, pair.server, 0, 4);
	watch_none(epoll, 0);
	watch_mod(epoll, pair.server, EPOLLIN, 5);
	CHECK_EQ(watch_one(epoll, 5), EPOLLIN);
}

CASE(epoll_DEL_ends_reports)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, EPOLLIN, 1);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	watch_del(epoll, pair.server);
	watch_none(epoll, 20);
	watch_add(epoll, pair.server, EPOLLIN, 2);
	CHECK_EQ(watch_one(epoll, 2), EPOLLIN);
}

CASE(epoll_says_writable_again_when_the_peer_reads)
{
	struct pair pair = pair_open();
	int epoll = watch_open();
	uint64_t filled = fill_until_full(pair.client);

	watch_add(epoll, pair.client, EPOLLOUT, 1);
	watch_none(epoll, 0);
	recv_pattern(pair.server, 0, filled);
	CHECK_EQ(watch_one(epoll, 1), EPOLLOUT);
}

CASE(epoll_after_half_close_says_RDHUP_but_not_HUP)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, EPOLLRDHUP, 1);
	send_text(pair.client, "data is not asked for");
	watch_none(epoll, 20);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	CHECK_EQ(watch_one(epoll, 1), EPOLLRDHUP);
	watch_mod(epoll, pair.server, ALL, 1);
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	watch_mod(epoll, pair.server, 0, 1);
	watch_none(epoll, 0);
}

CASE(epoll_says_HUP_though_nobody_asked)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, 0, 1);
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	expect_eof(pair.server);
	watch_none(epoll, 0);
	CHECK_OK(shutdown(pair.server, SHUT_WR));
	CHECK_EQ(watch_one(epoll, 1), EPOLLHUP);
}

CASE(epoll_says_ERR_and_HUP_upon_reset)
{
	struct pair pair = pair_open();
	struct linger linger = {1, 0};
	int epoll = watch_open();

	watch_add(epoll, pair.server, EPOLLIN | EPOLLRDHUP, 1);
	CHECK_OK(setsockopt(
	        pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	CHECK_OK(close(pair.client));
	CHECK_EQ(watch_one(epoll, 1),
	        EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
}

CASE(epoll_of_a_listener_says_readable_upon_connect)
{
	int listener = listener_open(IPV4), epoll = watch_open();

	watch_add(epoll, listener, EPOLLIN, 1);
	watch_none(epoll, 0);
	client_of(listener);
	client_of(listener);
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	server_of(listener);
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	server_of(listener);
	watch_none(epoll, 20);
}

CASE(epoll_with_little_room_reports_all_in_turn)
{
	enum { MANY = 20 };
	struct epoll_event events[3];
	int epoll = watch_open(), left = MANY;
	char seen[MANY] = {0};

	for (int i = 0; i < MANY; i++)
		watch_add(epoll, pair_open().client, EPOLLOUT, i);
	for (int turn = 0; turn < MANY && left > 0; turn++) {
		CHECK_EQ(epoll_wait(epoll, events, 3, -1), 3);
		for (int i = 0; i < 3; i++) {
			left -= !seen[events[i].data.u64];
			seen[events[i].data.u64] = 1;
		}
	}
	CHECK_EQ(left, 0);
}

CASE(epoll_reports_only_those_that_are_ready_of_100)
{
	enum { MANY = 100 };
	struct epoll_event events[MANY];
	struct pair pairs[MANY];
	int epoll = watch_open();

	for (int i = 0; i < MANY; i++) {
		pairs[i] = pair_open();
		watch_add(epoll, pairs[i].server, EPOLLIN, i);
	}
	for (int i = 0; i < MANY; i += 25) {
		send_text(pairs[i].client, "x");
		wait_queued(pairs[i].server, 1);
	}
	CHECK_EQ(epoll_wait(epoll, events, MANY, 0), MANY / 25);
	for (int i = 0; i < MANY / 25; i++)
		CHECK_EQ(events[i].data.u64 % 25, 0);
}

CASE(epoll_mixes_connections_with_everything_else)
{
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	struct pair pair = pair_open();
	int epoll = watch_open(), event = CHECK_OK(eventfd(0, 0));
	int timer = CHECK_OK(timerfd_create(CLOCK_MONOTONIC, 0)), ends[2];

	CHECK_OK(pipe(ends));
	watch_add(epoll, pair.server, EPOLLIN, 1);
	watch_add(epoll, event, EPOLLIN, 2);
	watch_add(epoll, timer, EPOLLIN, 3);
	watch_add(epoll, ends[0], EPOLLIN, 4);
	watch_none(epoll, 0);
	CHECK_OK(eventfd_write(event, 1));
	CHECK_EQ(watch_one(epoll, 2), EPOLLIN);
	watch_del(epoll, event);
	CHECK_OK(timerfd_settime(timer, 0, &soon, NULL));
	CHECK_EQ(watch_one(epoll, 3), EPOLLIN);
	watch_del(epoll, timer);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	watch_del(epoll, pair.server);
	CHECK_OK(close(ends[1]));
	CHECK_EQ(watch_one(epoll, 4), EPOLLHUP);
}

CASE(epoll_wait_takes_as_long_as_it_was_told)
{
	struct pair pair = pair_open();
	int epoll = watch_open();
	int64_t since = clock_ms();

	watch_add(epoll, pair.server, EPOLLIN, 1);
	watch_none(epoll, 150);
	CHECK_GE(clock_ms() - since, 149);
	since = clock_ms();
	watch_none(epoll, 0);
	watch_none(epoll, 1);
	CHECK(clock_ms() - since < 5000);
}

CASE(epoll_pwait2_takes_as_long_as_it_was_told)
{
	struct pair pair = pair_open();
	struct timespec limit = {0, 150 * 1000 * 1000};
	struct epoll_event event;
	int epoll = watch_open(), n;
	int64_t since = clock_ms();

	watch_add(epoll, pair.server, EPOLLIN, 1);
	n = epoll_pwait2(epoll, &event, 1, &limit, NULL);
	if (n < 0 && errno == ENOSYS)
		case_skip("this kernel has no epoll_pwait2");
	CHECK_EQ(n, 0);
	CHECK_GE(clock_ms() - since, 149);
	send_text(pair.client, "hello");
	CHECK_EQ(epoll_pwait2(epoll, &event, 1, NULL, NULL), 1);
	CHECK_EQ(event.events, EPOLLIN);
	limit.tv_nsec = -1;
	CHECK_ERRNO(epoll_pwait2(epoll, &event, 1, &limit, NULL), EINVAL);
}

CASE(epoll_pwait_lets_a_blocked_signal_in)
{
	struct pair pair = pair_open();
	struct epoll_event event;
	int epoll = watch_open();
	sigset_t none;

	sigemptyset(&none);
	watch_add(epoll, pair.server, EPOLLIN, 1);
	signal_catch(SIGUSR1, SA_RESTART);
	signal_block(SIGUSR1);
	raise(SIGUSR1);
	CHECK_ERRNO(epoll_pwait(epoll, &event, 1, -1, &none), EINTR);
	CHECK_EQ(signal_count(), 1);
	raise(SIGUSR1);
	CHECK_EQ(epoll_pwait(epoll, &event, 1, 20, NULL), 0);
	CHECK_EQ(signal_count(), 1);
}

static void send_later(void *argument)
{
	pause_ms(50);
	send_text(*(int *)argument, "later");
}

CASE(epoll_wait_is_woken_by_data_from_another_process)
{
	struct pair pair = pair_open();
	struct epoll_event event;
	int epoll = watch_open();
	pid_t child = child_start(send_later, &pair.client);

	watch_add(epoll, pair.server, EPOLLIN, 1);
	CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
	recv_text(pair.server, "later");
	child_join(child);
}
