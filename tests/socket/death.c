/* SPDX-License-Identifier: MIT */
/* Processes that are killed: what the other side sees, and how soon. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Normally at once; this long for machines under load. */
enum { SOON_MS = 5000 };

static void serve_for_ever(void *argument)
{
	struct pair *pair = argument;

	CHECK_OK(close(pair->client));
	for (;;)
		echo_all(pair->server);
}

static pid_t server_start(struct pair pair)
{
	pid_t child = child_start(serve_for_ever, &pair);

	CHECK_OK(close(pair.server));
	send_pattern(pair.client, 0, 5000);
	recv_pattern(pair.client, 0, 5000);
	return child;
}

CASE(the_peer_of_a_killed_process_sees_the_end_soon)
{
	struct pair pair = pair_open();
	pid_t child = server_start(pair);
	int64_t since = clock_ms();

	child_kill(child);
	expect_gone(pair.client);
	CHECK(clock_ms() - since < SOON_MS);
	expect_unsendable(pair.client);
}

CASE(a_killed_process_with_unread_data_ends_its_peer)
{
	struct pair pair = pair_open();
	pid_t child = server_start(pair);
	int64_t since;

	CHECK_OK(kill(child, SIGSTOP));
	fill_until_full(pair.client);
	since = clock_ms();
	child_kill(child);
	while (send(pair.client, "x", 1, MSG_NOSIGNAL) > 0)
		;
	CHECK(errno == EPIPE || errno == ECONNRESET);
	CHECK(clock_ms() - since < SOON_MS);
}

struct murder {
	pid_t victim;
};

static void *kill_later(void *argument)
{
	pause_ms(50);
	kill(((struct murder *)argument)->victim, SIGKILL);
	return NULL;
}

CASE(blocked_recv_is_woken_when_the_peer_is_killed)
{
	struct pair pair = pair_open();
	struct murder murder = {server_start(pair)};
	pthread_t thread = thread_start(kill_later, &murder);
	char byte;

	if (recv(pair.client, &byte, 1, 0) != 0)
		CHECK_EQ(errno, ECONNRESET);
	thread_join(thread);
	waitpid(murder.victim, NULL, 0);
}

CASE(blocked_send_is_woken_when_the_peer_is_killed)
{
	static char bytes[65536];
	struct pair pair = pair_open();
	struct murder murder = {server_start(pair)};
	pthread_t thread;

	CHECK_OK(kill(murder.victim, SIGSTOP));
	thread = thread_start(kill_later, &murder);
	while (send(pair.client, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
	CHECK(errno == EPIPE || errno == ECONNRESET);
	thread_join(thread);
	waitpid(murder.victim, NULL, 0);
}

static void send_and_wait(void *argument)
{
	struct pair *pair = argument;

	send_pattern(pair->server, 0, 10000);
	pause_ms(15000);
}

CASE(what_a_killed_process_had_sent_can_still_be_read)
{
	struct pair pair = pair_open();
	pid_t child = child_start(send_and_wait, &pair);

	CHECK_OK(close(pair.server));
	wait_queued(pair.client, 10000);
	child_kill(child);
	recv_pattern(pair.client, 0, 10000);
	expect_eof(pair.client);
}

CASE(a_killed_child_leaves_the_connection_to_the_parent)
{
	struct pair pair = pair_open();
	pid_t child = child_start(send_and_wait, &pair);

	wait_queued(pair.client, 10000);
	child_kill(child);
	recv_pattern(pair.client, 0, 10000);
	expect_silence(pair.client);
	roundtrip(pair.client, pair.server);
}

static void listen_and_tell(void *argument)
{
	struct address bound = address_local(listener_open(IPV4));
	int port = address_port(&bound);

	CHECK_EQ(write(*(int *)argument, &port, sizeof(port)), sizeof(port));
	pause_ms(15000);
}

CASE(connect_to_a_killed_listener_is_refused)
{
	struct address target;
	int ends[2], port;
	pid_t child;

	CHECK_OK(pipe(ends));
	child = child_start(listen_and_tell, &ends[1]);
	CHECK_EQ(read(ends[0], &port, sizeof(port)), sizeof(port));
	target = address_ipv4(INADDR_LOOPBACK, port);
	CHECK_OK(connect(client_socket(IPV4, 0), ADDRESS(target)));
	child_kill(child);
	CHECK_ERRNO(
	        connect(client_socket(IPV4, 0), ADDRESS(target)), ECONNREFUSED);
}

CASE(a_pending_connection_ends_when_the_listener_is_killed)
{
	struct address target;
	int ends[2], port, client = client_socket(IPV4, 0);
	pid_t child;

	CHECK_OK(pipe(ends));
	child = child_start(listen_and_tell, &ends[1]);
	CHECK_EQ(read(ends[0], &port, sizeof(port)), sizeof(port));
	target = address_ipv4(INADDR_LOOPBACK, port);
	CHECK_OK(connect(client, ADDRESS(target)));
	child_kill(child);
	expect_gone(client);
}

/* A process stopped for a while is slow, not dead. */
CASE(a_stopped_process_continues_where_it_was)
{
	struct pair pair = pair_open();
	pid_t child = server_start(pair);

	for (int i = 0; i < 5; i++) {
		CHECK_OK(kill(child, SIGSTOP));
		send_pattern(pair.client, 0, 50000);
		pause_ms(20);
		CHECK_OK(kill(child, SIGCONT));
		recv_pattern(pair.client, 0, 50000);
	}
	child_kill(child);
}

CASE(a_hundred_killed_clients_do_no_harm_to_a_server)
{
	int listener = listener_open(IPV4);

	for (int i = 0; i < 100; i++) {
		struct pair pair = pair_through(listener);
		struct pair crossed = {pair.server, pair.client};
		pid_t child = child_start(send_and_wait, &crossed);

		CHECK_OK(close(pair.client));
		recv_pattern(pair.server, 0, 5000);
		child_kill(child);
		CHECK_OK(close(pair.server));
	}
	listener_serves(listener);
}
