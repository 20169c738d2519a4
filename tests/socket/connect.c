/* SPDX-License-Identifier: MIT */
/* connect: success, refusal, repetition. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static int pending_error(int fd)
{
	int error = -1;
	socklen_t length = sizeof(error);

	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
	return error;
}

/* Begins a connect that must not fail at once. */
static void begin(int fd, struct address target)
{
	if (connect(fd, ADDRESS(target)) < 0)
		CHECK_EQ(errno, EINPROGRESS);
}

static void connect_first(enum family family)
{
	int listener = listener_open(family);
	int client = client_of_family(listener, family);

	CHECK_EQ(pending_error(client), 0);
	roundtrip(client, server_of(listener));
}
CASE_PER_FAMILY(connect_succeeds_before_accept_in_one_thread, connect_first);

static void refused(enum family family)
{
	struct address nobody = address_refused(family);
	int fd = client_socket(family, 0);

	CHECK_ERRNO(connect(fd, ADDRESS(nobody)), ECONNREFUSED);
	CHECK_EQ(pending_error(fd), 0);
}
CASE_PER_FAMILY(connect_is_refused_when_nobody_listens, refused);

static void refused_later(enum family family)
{
	struct address nobody = address_refused(family);
	int fd = client_socket(family, SOCK_NONBLOCK);

	CHECK_ERRNO2(connect(fd, ADDRESS(nobody)), EINPROGRESS, ECONNREFUSED);
	if (errno == ECONNREFUSED)
		return;
	CHECK(wait_for(fd, POLLOUT) & POLLERR);
	CHECK_EQ(pending_error(fd), ECONNREFUSED);
	CHECK_EQ(pending_error(fd), 0);
}
CASE_PER_FAMILY(nonblocking_connect_reports_refusal_once, refused_later);

static void finish_later(enum family family)
{
	int listener = listener_open(family);
	int fd = client_socket(family, SOCK_NONBLOCK);

	begin(fd, listener_target(listener, family));
	CHECK_EQ(wait_for(fd, POLLOUT), POLLOUT);
	CHECK_EQ(pending_error(fd), 0);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	roundtrip(fd, server_of(listener));
}
CASE_PER_FAMILY(nonblocking_connect_becomes_writable, finish_later);

CASE(repeated_connect_gives_EISCONN_once_connected)
{
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);
	int fd = client_socket(IPV4, SOCK_NONBLOCK);

	begin(fd, target);
	wait_for(fd, POLLOUT);
	if (connect(fd, ADDRESS(target)) < 0)
		CHECK_EQ(errno, EISCONN);
	CHECK_ERRNO(connect(fd, ADDRESS(target)), EISCONN);
	roundtrip(fd, server_of(listener));
}

CASE(repeated_connect_reports_refusal)
{
	struct address nobody = address_refused(IPV4);
	int fd = client_socket(IPV4, SOCK_NONBLOCK);

	CHECK_ERRNO2(connect(fd, ADDRESS(nobody)), EINPROGRESS, ECONNREFUSED);
	if (errno == ECONNREFUSED)
		return;
	wait_for(fd, POLLOUT);
	CHECK_ERRNO(connect(fd, ADDRESS(nobody)), ECONNREFUSED);
}

CASE(connect_on_either_end_of_a_connection_gives_EISCONN)
{
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);
	int client = client_of(listener), server = server_of(listener);

	CHECK_ERRNO(connect(client, ADDRESS(target)), EISCONN);
	CHECK_ERRNO(connect(server, ADDRESS(target)), EISCONN);
	roundtrip(client, server);
}

CASE(connect_on_a_listener_gives_EISCONN)
{
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);

	CHECK_ERRNO(connect(listener, ADDRESS(target)), EISCONN);
	listener_serves(listener);
}

CASE(nonblocking_connect_of_64_sockets_at_once)
{
	int listener = listener_open(IPV4), clients[64];
	struct address target = listener_target(listener, IPV4);

	for (int i = 0; i < 64; i++) {
		clients[i] = client_socket(IPV4, SOCK_NONBLOCK);
		begin(clients[i], target);
	}
	for (int i = 0; i < 64; i++) {
		CHECK_EQ(wait_for(clients[i], POLLOUT), POLLOUT);
		send_text(clients[i], "hello");
	}
	for (int i = 0; i < 64; i++)
		recv_text(server_of(listener), "hello");
}

CASE(a_refused_socket_can_connect_when_somebody_listens)
{
	int fd = client_socket(IPV4, 0);
	int later = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	struct address at = address_ipv4(INADDR_LOOPBACK, 0);

	CHECK_OK(bind(later, ADDRESS(at)));
	at = address_local(later);
	CHECK_ERRNO(connect(fd, ADDRESS(at)), ECONNREFUSED);
	CHECK_OK(listen(later, 1));
	CHECK_OK(connect(fd, ADDRESS(at)));
	roundtrip(fd, server_of(later));
}

CASE(connect_to_AF_UNSPEC_ends_the_connection)
{
	struct address none = {.length = sizeof(struct sockaddr_in)};
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);
	int client = client_of(listener);

	none.storage.ss_family = AF_UNSPEC;
	roundtrip(client, server_of(listener));
	CHECK_OK(connect(client, ADDRESS(none)));
	CHECK_ERRNO2(send(client, "x", 1, MSG_NOSIGNAL), EPIPE, ECONNRESET);
	CHECK_OK(connect(client, ADDRESS(target)));
	roundtrip(client, server_of(listener));
}

CASE(peer_of_a_socket_connected_to_AF_UNSPEC_sees_the_end)
{
	struct address none = {.length = sizeof(struct sockaddr_in)};
	struct pair pair = pair_open();

	none.storage.ss_family = AF_UNSPEC;
	CHECK_OK(connect(pair.client, ADDRESS(none)));
	expect_gone(pair.server);
}

CASE(a_socket_connected_to_itself_hears_itself)
{
	struct address self = address_ipv4(INADDR_LOOPBACK, 0);
	int fd = client_socket(IPV4, 0);

	CHECK_OK(bind(fd, ADDRESS(self)));
	self = address_local(fd);
	CHECK_OK(connect(fd, ADDRESS(self)));
	roundtrip(fd, fd);
}

CASE(connect_with_a_wrong_address_gives_EINVAL_or_EAFNOSUPPORT)
{
	struct address target = listener_target(listener_open(IPV4), IPV4);
	int fd = client_socket(IPV4, 0);

	target.length = 4;
	CHECK_ERRNO(connect(fd, ADDRESS(target)), EINVAL);
	target.length = sizeof(struct sockaddr_in);
	target.storage.ss_family = AF_UNIX;
	CHECK_ERRNO(connect(fd, ADDRESS(target)), EAFNOSUPPORT);
}

CASE(connect_keeps_descriptor_and_status_flags)
{
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);
	int fd = client_socket(IPV4, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int next = descriptor_next();

	begin(fd, target);
	wait_for(fd, POLLOUT);
	CHECK_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(descriptor_next(), next);
}

CASE(send_before_connect_gives_EPIPE)
{
	int fd = client_socket(IPV4, 0);

	CHECK_ERRNO2(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE, ENOTCONN);
	signal_catch(SIGPIPE, 0);
	CHECK_ERRNO2(write(fd, "x", 1), EPIPE, ENOTCONN);
	CHECK_EQ(signal_count(), errno == EPIPE);
}

CASE(recv_before_connect_gives_ENOTCONN)
{
	int fd = client_socket(IPV4, 0);
	char byte;

	CHECK_ERRNO(recv(fd, &byte, 1, 0), ENOTCONN);
	CHECK_ERRNO(read(fd, &byte, 1), ENOTCONN);
}

CASE(send_and_recv_on_a_listener_fail)
{
	int fd = listener_open(IPV4);
	char byte;

	CHECK_ERRNO(recv(fd, &byte, 1, 0), ENOTCONN);
	CHECK_ERRNO2(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE, ENOTCONN);
}

CASE(a_thousand_connections_in_turn_leak_no_descriptor)
{
	int listener = listener_open(IPV4), before = 0;

	for (int i = 0; i < 1000; i++) {
		struct pair pair = pair_through(listener);

		if (i % 2)
			roundtrip(pair.client, pair.server);
		pair_close(pair);
		if (i == 10)
			before = descriptor_count();
	}
	CHECK_EQ(descriptor_count(), before);
}
