/* SPDX-License-Identifier: MIT */
/* Connections shared with forked processes. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

static void serve_connection(void *argument)
{
	struct pair *pair = argument;

	CHECK_OK(close(pair->client));
	echo_all(pair->server);
}

CASE(the_parent_accepts_and_the_child_serves)
{
	int listener = listener_open(IPV4);

	for (int i = 0; i < 5; i++) {
		struct pair pair = pair_through(listener);
		pid_t child = child_start(serve_connection, &pair);

		CHECK_OK(close(pair.server));
		send_pattern(pair.client, 0, 50000);
		recv_pattern(pair.client, 0, 50000);
		CHECK_OK(shutdown(pair.client, SHUT_WR));
		expect_eof(pair.client);
		child_join(child);
		CHECK_OK(close(pair.client));
	}
}

static void use_client(void *argument)
{
	struct pair *pair = argument;

	CHECK_OK(close(pair->server));
	send_pattern(pair->client, 0, 50000);
	recv_pattern(pair->client, 0, 50000);
}

CASE(the_child_uses_the_client_end)
{
	struct pair pair = pair_open();
	pid_t child;

	roundtrip(pair.client, pair.server);
	child = child_start(use_client, &pair);
	CHECK_OK(close(pair.client));
	echo_all(pair.server);
	child_join(child);
}

/* Descriptors of a connection, and a pipe in each direction for turns. */
struct turns {
	struct pair pair;
	int to_child[2];
	int to_parent[2];
};

static struct turns turns_open(void)
{
	struct turns made = {.pair = pair_open()};

	CHECK_OK(pipe(made.to_child));
	CHECK_OK(pipe(made.to_parent));
	return made;
}

static void turn_give(int ends[2])
{
	CHECK_EQ(write(ends[1], "t", 1), 1);
}

static void turn_take(int ends[2])
{
	char byte;

	CHECK_EQ(read(ends[0], &byte, 1), 1);
}

static void write_in_turn(void *argument)
{
	struct turns *turns = argument;

	for (int i = 0; i < 200; i++) {
		turn_take(turns->to_child);
		send_pattern(turns->pair.client, i * 2000 + 1000, 1000);
		turn_give(turns->to_parent);
	}
}

CASE(parent_and_child_write_in_turn)
{
	struct turns turns = turns_open();
	pid_t child = child_start(write_in_turn, &turns);

	for (int i = 0; i < 200; i++) {
		send_pattern(turns.pair.client, i * 2000, 1000);
		turn_give(turns.to_child);
		turn_take(turns.to_parent);
		recv_pattern(turns.pair.server, i * 2000, 2000);
	}
	child_join(child);
}

static void read_in_turn(void *argument)
{
	struct turns *turns = argument;

	for (int i = 0; i < 200; i++) {
		turn_take(turns->to_child);
		recv_pattern(turns->pair.server, i * 2000 + 1000, 1000);
		turn_give(turns->to_parent);
	}
}

CASE(parent_and_child_read_in_turn)
{
	struct turns turns = turns_open();
	pid_t child = child_start(read_in_turn, &turns);

	for (int i = 0; i < 200; i++) {
		send_pattern(turns.pair.client, i * 2000, 2000);
		recv_pattern(turns.pair.server, i * 2000, 1000);
		turn_give(turns.to_child);
		turn_take(turns.to_parent);
	}
	child_join(child);
}

static void read_all(void *argument)
{
	recv_pattern(((struct pair *)argument)->client, 0, 3000000);
}

CASE(the_child_reads_while_the_parent_writes_on_one_descriptor)
{
	struct pair pair = pair_open();
	pid_t reader = child_start(read_all, &pair);
	pid_t echo = child_start(serve_connection, &pair);

	CHECK_OK(close(pair.server));
	send_pattern(pair.client, 0, 3000000);
	child_join(reader);
	CHECK_OK(close(pair.client));
	child_join(echo);
}

static void do_nothing(void *argument)
{
}

CASE(exit_of_a_child_leaves_the_connection_to_the_parent)
{
	struct pair pair = pair_open();

	for (int i = 0; i < 5; i++) {
		child_join(child_start(do_nothing, NULL));
		expect_silence(pair.server);
		roundtrip(pair.client, pair.server);
	}
}

static void use_and_close(void *argument)
{
	struct pair *pair = argument;

	roundtrip(pair->client, pair->server);
	pair_close(*pair);
}

CASE(a_child_may_use_and_close_what_the_parent_keeps)
{
	struct pair pair = pair_open();

	child_join(child_start(use_and_close, &pair));
	roundtrip(pair.client, pair.server);
	CHECK_OK(close(pair.client));
	expect_eof(pair.server);
}

static void hold(void *argument)
{
	struct turns *turns = argument;

	CHECK_OK(close(turns->pair.server));
	turn_give(turns->to_parent);
	turn_take(turns->to_child);
}

CASE(the_peer_sees_the_end_only_when_both_have_closed)
{
	struct turns turns = turns_open();
	pid_t child = child_start(hold, &turns);

	turn_take(turns.to_parent);
	CHECK_OK(close(turns.pair.client));
	pause_ms(50);
	expect_silence(turns.pair.server);
	send_text(turns.pair.server, "still there?");
	turn_give(turns.to_child);
	child_join(child);
	expect_gone(turns.pair.server);
}

static void shut_down(void *argument)
{
	CHECK_OK(shutdown(((struct pair *)argument)->client, SHUT_WR));
}

CASE(shutdown_in_a_child_acts_on_the_connection_of_the_parent)
{
	struct pair pair = pair_open();

	child_join(child_start(shut_down, &pair));
	expect_eof(pair.server);
	CHECK_ERRNO(send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	send_text(pair.server, "still here");
	recv_text(pair.client, "still here");
}

static void grandchild(void *argument)
{
	pid_t child = child_start(serve_connection, argument);

	CHECK_OK(close(((struct pair *)argument)->server));
	CHECK_OK(close(((struct pair *)argument)->client));
	child_join(child);
}

CASE(a_grandchild_serves)
{
	struct pair pair = pair_open();
	pid_t child = child_start(grandchild, &pair);

	CHECK_OK(close(pair.server));
	send_pattern(pair.client, 0, 50000);
	recv_pattern(pair.client, 0, 50000);
	CHECK_OK(close(pair.client));
	child_join(child);
}

static void serve_listener(void *argument)
{
	int listener = *(int *)argument;

	for (;;) {
		int server = server_of(listener);

		echo_all(server);
		CHECK_OK(close(server));
	}
}

enum { WORKERS = 4, CLIENTS = 40 };

static void visit(int listener, uint64_t at)
{
	int client = client_of(listener);

	send_pattern(client, at, 3000);
	recv_pattern(client, at, 3000);
	CHECK_OK(shutdown(client, SHUT_WR));
	expect_eof(client);
	CHECK_OK(close(client));
}

static void prefork(void (*serve)(void *))
{
	int listener = listener_open(IPV4);
	pid_t workers[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		workers[i] = child_start(serve, &listener);
	for (int i = 0; i < CLIENTS; i++)
		visit(listener, i * 1000);
	for (int i = 0; i < WORKERS; i++)
		child_kill(workers[i]);
}
CASE_CALL(four_children_accept_from_one_listener, prefork(serve_listener));

/* As web servers do: wait for the listener, then all try to accept. */
static void serve_polled(void *argument)
{
	int listener = *(int *)argument;

	for (;;) {
		int server;

		poll(&(struct pollfd){listener, POLLIN, 0}, 1, -1);
		server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (server < 0) {
			CHECK_EQ(errno, EAGAIN);
			continue;
		}
		echo_all(server);
		CHECK_OK(close(server));
	}
}

static void prefork_polled(void)
{
	int listener =
	        CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	pid_t workers[WORKERS];

	CHECK_OK(listen(listener, CLIENTS));
	for (int i = 0; i < WORKERS; i++)
		workers[i] = child_start(serve_polled, &listener);
	for (int i = 0; i < CLIENTS; i++)
		visit(listener, i * 1000);
	for (int i = 0; i < WORKERS; i++)
		child_kill(workers[i]);
}
CASE_CALL(four_children_poll_one_nonblocking_listener, prefork_polled());

static void visit_ten(void *argument)
{
	for (int i = 0; i < 10; i++)
		visit(*(int *)argument, i * 1000);
}

CASE(four_servers_and_four_clients_in_processes_of_their_own)
{
	int listener = listener_open(IPV4);
	pid_t servers[WORKERS], clients[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		servers[i] = child_start(serve_listener, &listener);
	for (int i = 0; i < WORKERS; i++)
		clients[i] = child_start(visit_ten, &listener);
	for (int i = 0; i < WORKERS; i++)
		child_join(clients[i]);
	for (int i = 0; i < WORKERS; i++)
		child_kill(servers[i]);
}

/* The listener's process connects, forks, and only then accepts. */
CASE(fork_between_connect_and_accept)
{
	int listener = listener_open(IPV4), client = client_of(listener);
	pid_t child = child_start(do_nothing, NULL);
	int server = server_of(listener);

	roundtrip(client, server);
	child_join(child);
	roundtrip(client, server);
}

static void close_it(void *argument)
{
	CHECK_OK(close(*(int *)argument));
}

/* As servers do that fork for each connection. */
CASE(a_child_that_closes_the_listener_leaves_its_queue_to_the_parent)
{
	int listener = listener_open(IPV4);
	int clients[3];

	for (int i = 0; i < 3; i++)
		clients[i] = client_of(listener);
	child_join(child_start(close_it, &listener));
	for (int i = 0; i < 3; i++) {
		int server = server_of(listener);

		roundtrip(clients[i], server);
		CHECK_OK(close(server));
		expect_eof(clients[i]);
	}
}

/* Exit is a close, too. */
CASE(a_child_that_exits_leaves_the_queue_of_the_listener)
{
	int listener = listener_open(IPV4), client = client_of(listener);

	child_join(child_start(do_nothing, NULL));
	roundtrip(client, server_of(listener));
}

static void serve_later(void *argument)
{
	pause_ms(50);
	echo_all(server_of(*(int *)argument));
}

CASE(a_parent_that_closes_the_listener_leaves_its_queue_to_the_child)
{
	int listener = listener_open(IPV4), client = client_of(listener);
	pid_t child = child_start(serve_later, &listener);
	char got[3];

	CHECK_OK(close(listener));
	CHECK_EQ(send(client, "abc", 3, 0), 3);
	CHECK_EQ(recv(client, got, 3, MSG_WAITALL), 3);
	CHECK_OK(shutdown(client, SHUT_WR));
	child_join(child);
}
