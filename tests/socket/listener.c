/* SPDX-License-Identifier: MIT */
/* Listening sockets: pending connections, closing, sharing a port. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 100 };

CASE(a_hundred_pending_connections_are_all_accepted)
{
	int listener = listener_open(IPV4), clients[MANY];
	char seen[MANY] = {0};

	for (unsigned char i = 0; i < MANY; i++) {
		clients[i] = client_of(listener);
		send_all(clients[i], &i, 1);
	}
	for (int i = 0; i < MANY; i++) {
		int server = server_of(listener);
		unsigned char index;

		recv_all(server, &index, 1);
		CHECK(index < MANY && !seen[index]);
		seen[index] = 1;
		roundtrip(clients[index], server);
	}
}

CASE(data_sent_before_accept_is_received)
{
	int listener = listener_open(IPV4);
	int client = client_of(listener), server;

	send_pattern(client, 0, 16 * 1024);
	server = server_of(listener);
	recv_pattern(server, 0, 16 * 1024);
	roundtrip(server, client);
}

CASE(data_sent_and_closed_before_accept_is_received)
{
	int listener = listener_open(IPV4);
	int client = client_of(listener), server;

	send_pattern(client, 0, 16 * 1024);
	CHECK_OK(close(client));
	server = server_of(listener);
	recv_pattern(server, 0, 16 * 1024);
	expect_eof(server);
}

CASE(a_connection_closed_before_accept_is_accepted_and_at_end)
{
	int listener = listener_open(IPV4);

	CHECK_OK(close(client_of(listener)));
	expect_eof(server_of(listener));
	listener_serves(listener);
}

CASE(closing_the_listener_ends_a_pending_connection)
{
	int listener = listener_open(IPV4);
	int client = client_of(listener);

	CHECK_OK(close(listener));
	expect_gone(client);
	expect_unsendable(client);
}

CASE(closing_the_listener_ends_a_pending_connection_with_data)
{
	int listener = listener_open(IPV4);
	int client = client_of(listener);

	send_text(client, "never read");
	CHECK_OK(close(listener));
	expect_gone(client);
}

CASE(closing_the_listener_keeps_accepted_connections)
{
	int listener = listener_open(IPV4);
	int client = client_of(listener), server = server_of(listener);

	CHECK_OK(close(listener));
	roundtrip(client, server);
}

CASE(connect_after_the_listener_closed_is_refused)
{
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);

	listener_serves(listener);
	CHECK_OK(close(listener));
	CHECK_ERRNO(
	        connect(client_socket(IPV4, 0), ADDRESS(target)), ECONNREFUSED);
}

CASE(a_new_listener_on_the_same_port_gets_new_connections)
{
	int old = listener_open(IPV4), new;
	struct address at = address_local(old);
	int client = client_of(old), server = server_of(old);

	CHECK_OK(close(old));
	new = listener_open_at(at);
	listener_serves(new);
	roundtrip(client, server);
}

static int listener_sharing(struct address at)
{
	int one = 1, fd = client_socket(IPV4, 0);

	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	CHECK_OK(bind(fd, ADDRESS(at)));
	CHECK_OK(listen(fd, MANY));
	return fd;
}

/* Which of them gets a connection is the kernel's business. */
CASE(two_listeners_sharing_a_port_serve_all_connections_together)
{
	int one = listener_sharing(address_ipv4(INADDR_LOOPBACK, 0));
	int two = listener_sharing(address_local(one));
	struct pollfd both[] = {{one, POLLIN, 0}, {two, POLLIN, 0}};

	for (int i = 0; i < 40; i++) {
		int client = client_of(one), server;

		CHECK_EQ(poll(both, 2, 10000), 1);
		server = server_of(both[0].revents ? one : two);
		roundtrip(client, server);
	}
}

CASE(closing_one_of_two_listeners_sharing_a_port_leaves_the_other)
{
	int one = listener_sharing(address_ipv4(INADDR_LOOPBACK, 0));
	int two = listener_sharing(address_local(one));

	CHECK_OK(close(one));
	for (int i = 0; i < 20; i++)
		listener_serves(two);
}

CASE(bind_to_a_port_in_use_gives_EADDRINUSE)
{
	struct address at = address_local(listener_open(IPV4));

	CHECK_ERRNO(bind(client_socket(IPV4, 0), ADDRESS(at)), EADDRINUSE);
}

CASE(listen_without_bind_takes_an_ephemeral_port)
{
	int fd = client_socket(IPV4, 0);
	struct address bound;

	CHECK_OK(listen(fd, 1));
	bound = address_local(fd);
	CHECK(address_port(&bound) > 0);
	listener_serves(fd);
}

CASE(listen_twice_is_allowed)
{
	int fd = listener_open(IPV4);

	listener_serves(fd);
	CHECK_OK(listen(fd, 1));
	listener_serves(fd);
}

CASE(a_backlog_of_zero_lets_one_connection_in)
{
	int fd = client_socket(IPV4, 0);

	CHECK_OK(listen(fd, 0));
	listener_serves(fd);
}

CASE(bind_and_listen_on_a_connection_give_EINVAL)
{
	struct pair pair = pair_open();
	struct address at = address_ipv4(INADDR_LOOPBACK, 0);

	CHECK_ERRNO(listen(pair.client, 1), EINVAL);
	CHECK_ERRNO(listen(pair.server, 1), EINVAL);
	CHECK_ERRNO(bind(pair.client, ADDRESS(at)), EINVAL);
	roundtrip(pair.client, pair.server);
}

static void *accept_until_shutdown(void *argument)
{
	int listener = *(int *)argument;

	CHECK_ERRNO(accept(listener, NULL, NULL), EINVAL);
	return NULL;
}

CASE(blocked_accept_is_woken_by_shutdown_of_the_listener)
{
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);
	pthread_t thread = thread_start(accept_until_shutdown, &listener);

	pause_ms(50);
	CHECK_OK(shutdown(listener, SHUT_RD));
	thread_join(thread);
	CHECK_ERRNO(
	        connect(client_socket(IPV4, 0), ADDRESS(target)), ECONNREFUSED);
}

static void *accept_one(void *argument)
{
	int *fd = argument;

	*fd = CHECK_OK(accept(*fd, NULL, NULL));
	return NULL;
}

CASE(blocked_accept_is_woken_by_connect)
{
	int listener = listener_open(IPV4), fd = listener, client;
	pthread_t thread = thread_start(accept_one, &fd);

	pause_ms(50);
	client = client_of(listener);
	thread_join(thread);
	roundtrip(client, fd);
}

CASE(four_threads_blocked_in_accept_get_a_connection_each)
{
	int listener = listener_open(IPV4), fds[4];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		fds[i] = listener;
		threads[i] = thread_start(accept_one, &fds[i]);
	}
	for (int i = 0; i < 4; i++)
		send_text(client_of(listener), "hello");
	for (int i = 0; i < 4; i++) {
		thread_join(threads[i]);
		recv_text(fds[i], "hello");
	}
}
