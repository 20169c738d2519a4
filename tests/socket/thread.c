/* SPDX-License-Identifier: MIT */
/* Threads: connections of their own, and one connection for several. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { CROWD = 16, ECHOES = 1000 };

static void *echo_thread(void *argument)
{
	int fd = *(int *)argument;

	echo_all(fd);
	CHECK_OK(close(fd));
	return NULL;
}

static void *ask_thread(void *argument)
{
	int fd = *(int *)argument;

	for (int i = 0; i < ECHOES; i++) {
		send_pattern(fd, i, 64);
		recv_pattern(fd, i, 64);
	}
	CHECK_OK(close(fd));
	return NULL;
}

CASE(sixteen_threads_echo_on_connections_of_their_own)
{
	pthread_t clients[CROWD], servers[CROWD];
	struct pair pairs[CROWD];

	for (int i = 0; i < CROWD; i++) {
		pairs[i] = pair_open();
		servers[i] = thread_start(echo_thread, &pairs[i].server);
		clients[i] = thread_start(ask_thread, &pairs[i].client);
	}
	for (int i = 0; i < CROWD; i++) {
		thread_join(clients[i]);
		thread_join(servers[i]);
	}
}

static void *visit_many(void *argument)
{
	int listener = *(int *)argument;

	for (int i = 0; i < 30; i++) {
		int client = client_of(listener);

		send_pattern(client, i, 1000);
		recv_pattern(client, i, 1000);
		CHECK_OK(close(client));
	}
	return NULL;
}

static void *serve_many(void *argument)
{
	int listener = *(int *)argument;

	for (int i = 0; i < 30; i++) {
		int server = server_of(listener);

		echo_all(server);
		CHECK_OK(close(server));
	}
	return NULL;
}

CASE(eight_threads_connect_while_eight_threads_accept)
{
	int listener = listener_open(IPV4);
	pthread_t threads[16];

	for (int i = 0; i < 16; i++)
		threads[i] = thread_start(
		        i % 2 ? visit_many : serve_many, &listener);
	for (int i = 0; i < 16; i++)
		thread_join(threads[i]);
}

static void *recv_later(void *argument)
{
	recv_text(*(int *)argument, "answer");
	return NULL;
}

CASE(one_thread_is_blocked_in_recv_while_another_sends)
{
	struct pair pair = pair_open();
	pthread_t thread = thread_start(recv_later, &pair.client);

	pause_ms(20);
	for (int i = 0; i < 100; i++) {
		send_text(pair.client, "question");
		recv_text(pair.server, "question");
	}
	send_text(pair.server, "answer");
	thread_join(thread);
}

enum { RECORDS = 3000, RECORD = 3000, WHOLE = 30, SHORT = 1000 };

struct writer {
	int fd;
	int mark;
};

/* Each byte is its writer's mark and the low bits of its own number. */
static void *write_numbered(void *argument)
{
	struct writer *writer = argument;
	unsigned char record[RECORD];
	unsigned number = 0;

	for (int i = 0; i < RECORDS; i++) {
		for (int k = 0; k < RECORD; k++)
			record[k] = writer->mark << 7 | (number++ & 0x7f);
		CHECK_EQ(send(writer->fd, record, RECORD, 0), RECORD);
	}
	return NULL;
}

static void check_numbered(const unsigned char *bytes, unsigned next[2])
{
	for (int i = 0; i < RECORD; i++) {
		int mark = bytes[i] >> 7;

		CHECK_EQ(bytes[i] & 0x7f, next[mark] & 0x7f);
		next[mark]++;
	}
}

/* A send that has to wait for room may let another in between. */
CASE(two_threads_sending_on_one_connection_lose_no_bytes)
{
	struct pair pair = pair_open();
	struct writer writers[] = {{pair.client, 0}, {pair.client, 1}};
	unsigned char bytes[RECORD];
	unsigned next[2] = {0, 0};
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		threads[i] = thread_start(write_numbered, &writers[i]);
	for (int i = 0; i < 2 * RECORDS; i++) {
		recv_all(pair.server, bytes, RECORD);
		check_numbered(bytes, next);
	}
	CHECK_EQ(next[0], RECORDS * RECORD);
	CHECK_EQ(next[1], RECORDS * RECORD);
	for (int i = 0; i < 2; i++)
		thread_join(threads[i]);
	expect_silence(pair.server);
}

static void *write_whole(void *argument)
{
	struct writer *writer = argument;
	char record[SHORT];

	memset(record, writer->mark, sizeof(record));
	for (int i = 0; i < WHOLE; i++)
		CHECK_EQ(send(writer->fd, record, SHORT, 0), SHORT);
	return NULL;
}

CASE(records_of_two_threads_stay_whole_where_there_is_room)
{
	struct pair pair = pair_open();
	struct writer writers[] = {{pair.client, 0}, {pair.client, 1}};
	char record[SHORT];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		threads[i] = thread_start(write_whole, &writers[i]);
	for (int i = 0; i < 2; i++)
		thread_join(threads[i]);
	for (int i = 0; i < 2 * WHOLE; i++) {
		recv_all(pair.server, record, SHORT);
		for (int k = 1; k < SHORT; k++)
			CHECK_EQ(record[k], record[0]);
	}
	expect_silence(pair.server);
}

static atomic_llong received, sum;

static void *count_bytes(void *argument)
{
	unsigned char bytes[1000];
	ssize_t n;

	while ((n = CHECK_OK(
	                recv(*(int *)argument, bytes, sizeof(bytes), 0)))) {
		for (ssize_t i = 0; i < n; i++)
			atomic_fetch_add(&sum, bytes[i]);
		atomic_fetch_add(&received, n);
	}
	return NULL;
}

CASE(four_threads_receive_from_one_connection)
{
	struct pair pair = pair_open();
	pthread_t threads[4];
	long long want = 0;
	char bytes[1000];

	for (int i = 0; i < 4; i++)
		threads[i] = thread_start(count_bytes, &pair.server);
	for (int i = 0; i < 2000; i++) {
		memset(bytes, i % 251, sizeof(bytes));
		want += (long long)sizeof(bytes) * (i % 251);
		send_all(pair.client, bytes, sizeof(bytes));
	}
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	for (int i = 0; i < 4; i++)
		thread_join(threads[i]);
	CHECK_EQ(atomic_load(&received), 2000 * sizeof(bytes));
	CHECK_EQ(atomic_load(&sum), want);
}

static void *open_and_close(void *argument)
{
	for (int i = 0; i < 200; i++) {
		struct pair pair = pair_open();

		roundtrip(pair.client, pair.server);
		pair_close(pair);
	}
	return NULL;
}

CASE(threads_open_and_close_connections_without_mixing_them_up)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		threads[i] = thread_start(open_and_close, NULL);
	for (int i = 0; i < 8; i++)
		thread_join(threads[i]);
}

static void *forever(void *argument)
{
	char byte;

	for (;;)
		recv(*(int *)argument, &byte, 1, 0);
	return NULL;
}

static void echo_child(void *argument)
{
	struct pair *pair = argument;

	roundtrip(pair->client, pair->server);
}

CASE(fork_while_other_threads_are_blocked)
{
	struct pair busy = pair_open(), pair = pair_open();

	thread_start(forever, &busy.client);
	pause_ms(20);
	for (int i = 0; i < 10; i++)
		child_join(child_start(echo_child, &pair));
	roundtrip(pair.client, pair.server);
}

static void *fork_often(void *argument)
{
	for (int i = 0; i < 30; i++)
		child_join(child_start(echo_child, argument));
	return NULL;
}

CASE(fork_while_other_threads_transfer)
{
	struct pair pair = pair_open(), busy = pair_open();
	pthread_t forker = thread_start(fork_often, &pair);
	pthread_t echo = thread_start(echo_thread, &busy.server);

	ask_thread(&busy.client);
	thread_join(echo);
	thread_join(forker);
}

static char byte;

/* It does not see the frames of a thread go away that is cancelled. */
static void skip_with_address_sanitizer(void)
{
#ifdef __SANITIZE_ADDRESS__
	case_skip("the address sanitizer knows no cancellation");
#endif
}

static void *cancelled(void *argument)
{
	recv(*(int *)argument, &byte, 1, 0);
	FAIL("recv returned, expected to be cancelled");
}

CASE(a_thread_blocked_in_recv_can_be_cancelled)
{
	struct pair pair = pair_open();
	pthread_t thread;
	void *result;

	skip_with_address_sanitizer();
	thread = thread_start(cancelled, &pair.client);
	pause_ms(20);
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	roundtrip(pair.client, pair.server);
}

static void *cancelled_late(void *argument)
{
	int fd = *(int *)argument;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	CHECK_EQ(recv(fd, &byte, 1, 0), 1);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	recv(fd, &byte, 1, 0);
	FAIL("recv returned, expected to be cancelled");
}

CASE(a_thread_that_allows_no_cancellation_goes_on_to_receive)
{
	struct pair pair = pair_open();
	pthread_t thread;
	void *result;

	skip_with_address_sanitizer();
	thread = thread_start(cancelled_late, &pair.client);
	pause_ms(20);
	CHECK_EQ(pthread_cancel(thread), 0);
	pause_ms(20);
	CHECK_EQ(send(pair.server, "x", 1, 0), 1);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	roundtrip(pair.client, pair.server);
}

static void *cancelled_while_sending(void *argument)
{
	static char bytes[65536];

	for (;;)
		send(*(int *)argument, bytes, sizeof bytes, 0);
	return NULL;
}

CASE(a_thread_blocked_in_send_can_be_cancelled)
{
	struct pair pair = pair_open();
	pthread_t thread;
	void *result;

	skip_with_address_sanitizer();
	thread = thread_start(cancelled_while_sending, &pair.client);
	pause_ms(50);
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
}

static void *cancelled_soon(void *argument)
{
	for (;;)
		recv(*(int *)argument, &byte, 1, 0);
	return NULL;
}

CASE(a_thread_is_cancelled_whatever_it_does_at_that_moment)
{
	struct pair pair = pair_open();
	void *result;

	skip_with_address_sanitizer();
	for (int i = 0; i < 200; i++) {
		pthread_t thread = thread_start(cancelled_soon, &pair.client);

		if (i % 4 == 1)
			CHECK_EQ(send(pair.server, "x", 1, 0), 1);
		if (i % 2)
			sched_yield();
		CHECK_EQ(pthread_cancel(thread), 0);
		CHECK_EQ(pthread_join(thread, &result), 0);
		CHECK(result == PTHREAD_CANCELED);
	}
}
