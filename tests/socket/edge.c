/* SPDX-License-Identifier: MIT */
/* epoll, edge-triggered and one-shot. */
#include "pair.h"
#include "stream.h"
#include "task.h"
#include "watch.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

static const uint32_t IN = EPOLLIN | EPOLLET, OUT = EPOLLOUT | EPOLLET;

CASE(edge_comes_once_for_data_that_is_not_read)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, IN, 1);
	watch_none(epoll, 0);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	watch_none(epoll, 50);
}

CASE(edge_comes_again_with_each_arrival)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, IN, 1);
	for (int i = 0; i < 20; i++) {
		send_text(pair.client, "hello");
		CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
		watch_none(epoll, 5);
	}
	for (int i = 0; i < 20; i++)
		recv_text(pair.server, "hello");
	watch_none(epoll, 5);
}

CASE(edge_comes_again_after_all_was_read)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, IN, 1);
	for (int i = 0; i < 200; i++) {
		send_text(pair.client, "hello");
		CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
		recv_text(pair.server, "hello");
		expect_silence(pair.server);
		watch_none(epoll, 0);
	}
}

CASE(edge_does_not_come_for_reading_a_part)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, IN, 1);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	recv_text(pair.server, "he");
	watch_none(epoll, 20);
	send_text(pair.client, "again");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	recv_text(pair.server, "lloagain");
}

CASE(edge_comes_for_data_that_was_there_before_ADD)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	send_text(pair.client, "hello");
	wait_queued(pair.server, 5);
	watch_add(epoll, pair.server, IN, 1);
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	watch_none(epoll, 20);
}

CASE(edge_comes_again_upon_MOD)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, IN, 1);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	watch_none(epoll, 20);
	watch_mod(epoll, pair.server, IN, 2);
	CHECK_EQ(watch_one(epoll, 2), EPOLLIN);
	watch_none(epoll, 20);
}

CASE(edge_comes_for_end_of_file)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, IN | EPOLLRDHUP, 1);
	send_text(pair.client, "last");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	CHECK_OK(close(pair.client));
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN | EPOLLRDHUP);
	recv_text(pair.server, "last");
	expect_eof(pair.server);
}

CASE(edge_for_writing_comes_once_at_first)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.client, OUT, 1);
	CHECK_EQ(watch_one(epoll, 1), EPOLLOUT);
	watch_none(epoll, 20);
	send_text(pair.client, "hello");
	recv_text(pair.server, "hello");
	watch_none(epoll, 20);
}

static void full_then_edge(int before)
{
	struct pair pair = pair_open();
	int epoll = watch_open();
	uint64_t filled;

	if (before) {
		watch_add(epoll, pair.client, OUT, 1);
		CHECK_EQ(watch_one(epoll, 1), EPOLLOUT);
	}
	filled = fill_until_full(pair.client);
	if (before)
		epoll_wait(epoll, &(struct epoll_event){0}, 1, 0);
	else
		watch_add(epoll, pair.client, OUT, 1);
	watch_none(epoll, 0);
	recv_pattern(pair.server, 0, filled);
	CHECK_EQ(watch_one(epoll, 1), EPOLLOUT);
}
CASE_CALL(edge_for_writing_comes_when_a_full_socket_drains, full_then_edge(1));
CASE_CALL(edge_for_writing_comes_when_added_while_full, full_then_edge(0));

CASE(edges_for_both_directions_are_independent)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, IN | OUT | EPOLLRDHUP, 1);
	CHECK_EQ(watch_one(epoll, 1), EPOLLOUT);
	send_text(pair.client, "hello");
	while (!(watch_one(epoll, 1) & EPOLLIN))
		;
	recv_text(pair.server, "hello");
	send_text(pair.server, "reply");
	recv_text(pair.client, "reply");
	send_text(pair.client, "hello");
	while (!(watch_one(epoll, 1) & EPOLLIN))
		;
}

static void stream_in_pieces(void *argument)
{
	for (uint64_t at = 0; at < 20000000; at += 10007)
		send_pattern(*(int *)argument, at, 10007);
}

/* The way of event loops: a lost edge is a hang. */
CASE(edge_with_reading_until_EAGAIN_misses_nothing)
{
	struct pair pair = pair_open();
	int epoll = watch_open();
	uint64_t at = 0;
	pid_t child;

	watch_add(epoll, pair.server, IN | EPOLLRDHUP, 1);
	child = child_start(stream_in_pieces, &pair.client);
	while (at < 20000000) {
		CHECK(watch_one(epoll, 1) & EPOLLIN);
		at += drain(pair.server, at);
	}
	child_join(child);
}

static void read_slowly(void *argument)
{
	recv_pattern(*(int *)argument, 0, 20000000);
}

CASE(edge_with_writing_until_EAGAIN_misses_nothing)
{
	struct pair pair = pair_open();
	int epoll = watch_open();
	uint64_t at = 0;
	char bytes[5000];
	pid_t child;

	watch_add(epoll, pair.client, OUT, 1);
	child = child_start(read_slowly, &pair.server);
	while (at < 20000000) {
		ssize_t n;

		pattern_fill(bytes, sizeof(bytes), at);
		n = send(pair.client, bytes, sizeof(bytes), MSG_DONTWAIT);
		at += n > 0 ? n : 0;
		if (n > 0)
			continue;
		CHECK_EQ(errno, EAGAIN);
		watch_one(epoll, 1);
	}
	child_join(child);
}

CASE(edge_of_a_listener_comes_again_with_each_connection)
{
	int listener = listener_open(IPV4), epoll = watch_open();

	CHECK_OK(fcntl(listener, F_SETFL, O_NONBLOCK));
	watch_add(epoll, listener, IN, 1);
	for (int i = 0; i < 10; i++) {
		client_of(listener);
		CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
		watch_none(epoll, 5);
	}
	for (int i = 0; i < 10; i++)
		server_of(listener);
	CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
	client_of(listener);
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
}

CASE(oneshot_comes_once_until_MOD)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, EPOLLIN | EPOLLONESHOT, 1);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	watch_none(epoll, 20);
	send_text(pair.client, "again");
	watch_none(epoll, 20);
	watch_mod(epoll, pair.server, EPOLLIN | EPOLLONESHOT, 2);
	CHECK_EQ(watch_one(epoll, 2), EPOLLIN);
	watch_none(epoll, 20);
	recv_text(pair.server, "helloagain");
	watch_mod(epoll, pair.server, EPOLLIN | EPOLLONESHOT, 3);
	watch_none(epoll, 20);
	send_text(pair.client, "third");
	CHECK_EQ(watch_one(epoll, 3), EPOLLIN);
}

CASE(oneshot_hides_even_the_end_of_the_connection)
{
	struct pair pair = pair_open();
	int epoll = watch_open();

	watch_add(epoll, pair.server, EPOLLIN | EPOLLET | EPOLLONESHOT, 1);
	send_text(pair.client, "hello");
	CHECK_EQ(watch_one(epoll, 1), EPOLLIN);
	CHECK_OK(shutdown(pair.client, SHUT_RDWR));
	watch_none(epoll, 20);
	watch_mod(epoll, pair.server, EPOLLIN | EPOLLRDHUP, 1);
	CHECK(watch_one(epoll, 1) & EPOLLIN);
}

enum { CROWD = 16, ROUNDS = 100, WORKERS = 4 };

static int crowd_epoll, crowd_gate[2];
static struct pair crowd[CROWD];
static atomic_int crowd_left = CROWD;

static void serve_one(int index)
{
	char byte;

	if (CHECK_OK(recv(crowd[index].server, &byte, 1, 0)) == 0) {
		atomic_fetch_sub(&crowd_left, 1);
		return;
	}
	send_all(crowd[index].server, &byte, 1);
	watch_mod(crowd_epoll, crowd[index].server, EPOLLIN | EPOLLONESHOT,
	        index);
}

static void *serve_crowd(void *argument)
{
	struct epoll_event event;

	while (atomic_load(&crowd_left) > 0)
		if (CHECK_OK(epoll_wait(crowd_epoll, &event, 1, 20)) == 1)
			serve_one(event.data.u64);
	return NULL;
}

static void ask_crowd(void *argument)
{
	char go;

	CHECK_OK(read(crowd_gate[0], &go, 1));
	for (int i = 0; i < CROWD; i++)
		CHECK_OK(close(crowd[i].server));
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CROWD; i++)
			send_pattern(crowd[i].client, round, 1);
		for (int i = 0; i < CROWD; i++)
			recv_pattern(crowd[i].client, round, 1);
	}
}

/*
 * The child begins when all threads are there: while one is being made all
 * signals are blocked in the thread that makes it, so that the child's end,
 * which else nobody notices, would end the epoll_wait of another thread.
 */
CASE(oneshot_lets_four_threads_share_one_epoll)
{
	pthread_t threads[WORKERS];
	pid_t child;

	CHECK_OK(pipe(crowd_gate));
	crowd_epoll = watch_open();
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = pair_open();
		watch_add(crowd_epoll, crowd[i].server, EPOLLIN | EPOLLONESHOT,
		        i);
	}
	child = child_start(ask_crowd, NULL);
	for (int i = 0; i < CROWD; i++)
		CHECK_OK(close(crowd[i].client));
	for (int i = 0; i < WORKERS; i++)
		threads[i] = thread_start(serve_crowd, NULL);
	CHECK_EQ(write(crowd_gate[1], "", 1), 1);
	for (int i = 0; i < WORKERS; i++)
		thread_join(threads[i]);
	child_join(child);
}
