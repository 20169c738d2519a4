/* SPDX-License-Identifier: MIT */
/* Large amounts: both directions at once, many messages, odd sizes. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { MEGA = 1024 * 1024, EACH = 200 * 1024 };

/* The peer of `pair.client`, in a process of its own. */
static pid_t peer_start(struct pair pair, void (*body)(void *))
{
	pid_t pid = child_start(body, &pair);

	CHECK_OK(close(pair.server));
	return pid;
}

static void write_then_read(int fd)
{
	char *bytes = malloc(EACH);

	pattern_fill(bytes, EACH, 0);
	send_all(fd, bytes, EACH);
	recv_pattern(fd, 0, EACH);
	free(bytes);
}

static void write_then_read_peer(void *argument)
{
	write_then_read(((struct pair *)argument)->server);
}

CASE(both_processes_write_200_kilobytes_before_they_read)
{
	struct pair pair = pair_open();
	pid_t peer = peer_start(pair, write_then_read_peer);

	write_then_read(pair.client);
	child_join(peer);
}

static void *write_then_read_thread(void *argument)
{
	write_then_read(*(int *)argument);
	return NULL;
}

CASE(both_threads_write_200_kilobytes_before_they_read)
{
	struct pair pair = pair_open();
	pthread_t peer = thread_start(write_then_read_thread, &pair.server);

	write_then_read(pair.client);
	thread_join(peer);
}

static void *send_64_megabytes(void *argument)
{
	send_pattern(*(int *)argument, 0, 64 * MEGA);
	return NULL;
}

/* One thread sends while this one receives. */
static void duplex(int fd)
{
	pthread_t sender = thread_start(send_64_megabytes, &fd);

	recv_pattern(fd, 0, 64 * MEGA);
	thread_join(sender);
}

static void duplex_peer(void *argument)
{
	duplex(((struct pair *)argument)->server);
}

CASE(full_duplex_64_megabytes_between_processes)
{
	struct pair pair = pair_open();
	pid_t peer = peer_start(pair, duplex_peer);

	duplex(pair.client);
	child_join(peer);
}

static void *duplex_thread(void *argument)
{
	duplex(*(int *)argument);
	return NULL;
}

CASE(full_duplex_64_megabytes_between_threads)
{
	struct pair pair = pair_open();
	pthread_t peer = thread_start(duplex_thread, &pair.server);

	duplex(pair.client);
	thread_join(peer);
}

static void echo_peer(void *argument)
{
	struct pair *pair = argument;
	int on = 1;

	CHECK_OK(close(pair->client));
	CHECK_OK(setsockopt(
	        pair->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	echo_all(pair->server);
}

static void ping_pong(int rounds, size_t most)
{
	struct pair pair = pair_open();
	pid_t peer = peer_start(pair, echo_peer);
	unsigned seed = 1;
	uint64_t at = 0;
	int on = 1;

	CHECK_OK(setsockopt(
	        pair.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	for (int i = 0; i < rounds; i++) {
		size_t length = most == 8 ? 8 : 1 + rand_r(&seed) % most;

		send_pattern(pair.client, at, length);
		recv_pattern(pair.client, at, length);
		at += length;
	}
	CHECK_OK(close(pair.client));
	child_join(peer);
}
CASE_CALL(ping_pong_of_20000_small_messages, ping_pong(20000, 8));
CASE_CALL(ping_pong_of_messages_up_to_10_kilobytes, ping_pong(3000, 10000));
CASE_CALL(ping_pong_of_messages_up_to_150_kilobytes, ping_pong(200, 150000));

CASE(ping_pong_of_100000_small_messages_in_one_thread)
{
	struct pair pair = pair_open();

	for (int i = 0; i < 100000; i++) {
		send_pattern(pair.client, i, 8);
		recv_pattern(pair.server, i, 8);
		send_pattern(pair.server, i + 8, 8);
		recv_pattern(pair.client, i + 8, 8);
	}
}

static void send_single_bytes(void *argument)
{
	struct pair *pair = argument;

	for (int i = 0; i < 100000; i++)
		send_pattern(pair->server, i, 1);
}

CASE(a_hundred_thousand_single_bytes_arrive_in_order)
{
	struct pair pair = pair_open();
	pid_t peer = peer_start(pair, send_single_bytes);

	recv_pattern(pair.client, 0, 100000);
	child_join(peer);
	expect_eof(pair.client);
}

/* Sizes small and large in turn, so that every path is taken and left. */
static size_t odd_size(unsigned *seed)
{
	unsigned draw = rand_r(seed);

	return 1 + draw % (1u << (draw >> 8) % 19);
}

static void send_odd_sizes(void *argument)
{
	struct pair *pair = argument;
	char *bytes = malloc(MEGA);
	unsigned seed = 2;
	uint64_t at = 0;

	while (at < 32 * MEGA) {
		size_t length = odd_size(&seed);

		pattern_fill(bytes, length, at);
		send_all(pair->server, bytes, length);
		at += length;
	}
	free(bytes);
}

/* Receives from this offset to the end of file; returns the offset there. */
static uint64_t receive_odd_sizes(int fd, uint64_t at)
{
	char *bytes = malloc(MEGA);
	unsigned seed = 3;
	ssize_t n;

	do {
		n = CHECK_OK(recv(fd, bytes, odd_size(&seed), 0));
		pattern_check(bytes, n, at);
		at += n;
	} while (n > 0);
	free(bytes);
	return at;
}

CASE(a_stream_of_random_sizes_is_received_in_other_random_sizes)
{
	struct pair pair = pair_open();
	pid_t peer = peer_start(pair, send_odd_sizes);

	CHECK_GE(receive_odd_sizes(pair.client, 0), 32 * MEGA);
	child_join(peer);
}

CASE(a_slow_reader_holds_a_fast_writer_back_without_loss)
{
	struct pair pair = pair_open();
	pid_t peer = peer_start(pair, send_odd_sizes);
	uint64_t at = 0;

	for (int i = 0; i < 20; i++, at += 100000) {
		recv_pattern(pair.client, at, 100000);
		pause_ms(5);
	}
	CHECK_GE(receive_odd_sizes(pair.client, at), 32 * MEGA);
	child_join(peer);
}
