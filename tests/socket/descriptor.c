/* SPDX-License-Identifier: MIT */
/* Descriptors: duplicates, numbers, and what closing them does. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HIGH = 200 };

enum duplication { DUP, DUP2, DUP3, F_DUP, F_DUP_CLOEXEC };

static int duplicate(int fd, enum duplication how)
{
	switch (how) {
	case DUP:
		return dup(fd);
	case DUP2:
		return dup2(fd, HIGH);
	case DUP3:
		return dup3(fd, HIGH, O_CLOEXEC);
	case F_DUP:
		return fcntl(fd, F_DUPFD, HIGH);
	default:
		return fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
	}
}

/* Both names work; the connection ends when the last is closed. */
static void duplicates_share(enum duplication how)
{
	struct pair pair = pair_open();
	int copy = CHECK_OK(duplicate(pair.client, how));
	int cloexec = how == DUP3 || how == F_DUP_CLOEXEC;

	CHECK(how == DUP || copy == HIGH);
	CHECK_EQ(fcntl(copy, F_GETFD), cloexec ? FD_CLOEXEC : 0);
	roundtrip(pair.client, pair.server);
	roundtrip(copy, pair.server);
	send_text(pair.server, "shared");
	recv_text(pair.client, "sha");
	recv_text(copy, "red");
	CHECK_OK(close(pair.client));
	roundtrip(copy, pair.server);
	expect_silence(pair.server);
	CHECK_OK(close(copy));
	expect_eof(pair.server);
}
CASE_CALL(dup_shares_the_connection, duplicates_share(DUP));
CASE_CALL(dup2_shares_the_connection, duplicates_share(DUP2));
CASE_CALL(dup3_shares_the_connection, duplicates_share(DUP3));
CASE_CALL(F_DUPFD_shares_the_connection, duplicates_share(F_DUP));
CASE_CALL(
        F_DUPFD_CLOEXEC_shares_the_connection, duplicates_share(F_DUP_CLOEXEC));

CASE(duplicates_share_NONBLOCK_but_not_CLOEXEC)
{
	struct pair pair = pair_open();
	int copy = CHECK_OK(dup(pair.client));
	char byte;

	CHECK_OK(fcntl(copy, F_SETFL, O_NONBLOCK));
	CHECK_OK(fcntl(copy, F_SETFD, FD_CLOEXEC));
	CHECK_EQ(fcntl(pair.client, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(fcntl(pair.client, F_GETFD), 0);
	CHECK_ERRNO(recv(pair.client, &byte, 1, 0), EAGAIN);
}

CASE(duplicates_share_options)
{
	struct pair pair = pair_open();
	int copy = CHECK_OK(dup(pair.client)), on = 1, got = 0;
	socklen_t length = sizeof(got);

	CHECK_OK(setsockopt(copy, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
	CHECK_OK(getsockopt(
	        pair.client, SOL_SOCKET, SO_KEEPALIVE, &got, &length));
	CHECK_EQ(got, 1);
	address_match(address_local(copy), address_local(pair.client));
}

CASE(dup2_and_dup3_onto_itself)
{
	struct pair pair = pair_open();

	CHECK_EQ(dup2(pair.client, pair.client), pair.client);
	CHECK_ERRNO(dup3(pair.client, pair.client, 0), EINVAL);
	CHECK_ERRNO(dup3(pair.client, HIGH, 1 << 30), EINVAL);
	CHECK_ERRNO(dup2(pair.client, -1), EBADF);
	CHECK_ERRNO(dup2(-1, pair.client), EBADF);
	roundtrip(pair.client, pair.server);
}

CASE(dup2_over_a_connection_closes_it)
{
	struct pair old = pair_open(), new = pair_open();

	CHECK_EQ(dup2(new.client, old.client), old.client);
	expect_eof(old.server);
	roundtrip(old.client, new.server);
	CHECK_OK(close(new.client));
	roundtrip(old.client, new.server);
}

CASE(dup2_of_a_file_over_a_connection_closes_it)
{
	struct pair pair = pair_open();
	int null = CHECK_OK(open("/dev/null", O_RDWR));

	CHECK_EQ(dup2(null, pair.client), pair.client);
	expect_eof(pair.server);
	CHECK_EQ(write(pair.client, "gone", 4), 4);
	CHECK_ERRNO(send(pair.client, "x", 1, 0), ENOTSOCK);
}

CASE(dup2_of_a_connection_over_standard_input_and_output)
{
	struct pair pair = pair_open();
	char byte;

	CHECK_EQ(dup2(pair.server, 0), 0);
	CHECK_EQ(dup2(pair.server, 1), 1);
	CHECK_OK(close(pair.server));
	send_text(pair.client, "i");
	CHECK_EQ(read(0, &byte, 1), 1);
	CHECK_EQ(byte, 'i');
	CHECK_EQ(write(1, "o", 1), 1);
	recv_text(pair.client, "o");
	CHECK_OK(close(0));
	CHECK_OK(close(1));
	expect_eof(pair.client);
}

CASE(a_duplicate_of_a_listener_accepts)
{
	int listener = listener_open(IPV4);
	int copy = CHECK_OK(dup(listener));

	listener_serves(copy);
	listener_serves(listener);
	CHECK_OK(close(listener));
	listener_serves(copy);
}

CASE(a_duplicate_made_before_connect_is_connected_too)
{
	int listener = listener_open(IPV4), fd = client_socket(IPV4, 0);
	struct address target = listener_target(listener, IPV4);
	int copy = CHECK_OK(dup(fd)), server;

	CHECK_OK(connect(fd, ADDRESS(target)));
	server = server_of(listener);
	roundtrip(copy, server);
	roundtrip(fd, server);
	CHECK_OK(close(fd));
	roundtrip(copy, server);
	CHECK_OK(close(copy));
	expect_eof(server);
}

CASE(close_range_closes_connections)
{
	struct pair pair = pair_open();
	int fd = CHECK_OK(fcntl(pair.client, F_DUPFD, HIGH));

	CHECK_OK(close(pair.client));
	roundtrip(fd, pair.server);
	if (close_range(HIGH, HIGH + 10, 0) < 0 && errno == ENOSYS)
		case_skip("this kernel has no close_range");
	expect_eof(pair.server);
	CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
}

CASE(close_range_with_CLOEXEC_leaves_connections_open)
{
	struct pair pair = pair_open();

	if (close_range(pair.client, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		case_skip("no CLOSE_RANGE_CLOEXEC here: errno %d", errno);
	CHECK_EQ(fcntl(pair.client, F_GETFD), FD_CLOEXEC);
	roundtrip(pair.client, pair.server);
}

CASE(new_descriptors_get_the_lowest_free_number)
{
	int next = descriptor_next();
	int listener = listener_open(IPV4), client, server;

	CHECK_EQ(listener, next);
	client = client_of(listener);
	CHECK_EQ(client, next + 1);
	server = server_of(listener);
	CHECK_EQ(server, next + 2);
	roundtrip(client, server);
	CHECK_EQ(descriptor_next(), next + 3);
	CHECK_OK(close(listener));
	CHECK_EQ(dup(server), next);
	CHECK_OK(close(client));
	CHECK_EQ(descriptor_next(), next + 1);
}

CASE(a_connection_may_have_the_number_0)
{
	int listener = listener_open(IPV4), client, server;

	CHECK_OK(close(0));
	client = client_of(listener);
	CHECK_EQ(client, 0);
	server = server_of(listener);
	roundtrip(0, server);
	CHECK_OK(close(0));
	expect_eof(server);
}

CASE(running_out_of_descriptors_gives_EMFILE_and_breaks_nothing)
{
	struct pair pair = pair_open();
	int listener = listener_open(IPV4), client = client_of(listener);
	struct rlimit limit = {64, 64};

	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	while (dup(0) >= 0)
		;
	CHECK_EQ(errno, EMFILE);
	CHECK_ERRNO(dup(pair.client), EMFILE);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EMFILE);
	CHECK_ERRNO(accept(listener, NULL, NULL), EMFILE);
	roundtrip(pair.client, pair.server);
	CHECK_OK(close(63));
	roundtrip(client, server_of(listener));
}

static void close_all(void *argument)
{
	struct pair pair;

	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	CHECK_EQ(descriptor_next(), 3);
	pair = pair_open();
	roundtrip(pair.client, pair.server);
}

CASE(closing_every_descriptor_above_2_does_no_harm)
{
	struct pair pair = pair_open();
	pid_t child = child_start(close_all, NULL);

	child_join(child);
	roundtrip(pair.client, pair.server);
	close_all(NULL);
}

/* Programs and libraries that close without the C library. */
CASE(a_close_by_raw_system_call_ends_the_connection)
{
	struct pair pair = pair_open(), other;

	roundtrip(pair.client, pair.server);
	CHECK_OK(syscall(SYS_close, pair.client));
	expect_eof(pair.server);
	other = pair_open();
	roundtrip(other.client, other.server);
}

/* As a program does that does not even go through syscall(). */
static void close_unseen(int fd)
{
#if defined(__x86_64__)
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(SYS_close), "D"((long)fd)
			 : "rcx", "r11", "memory");
	CHECK_EQ(r, 0);
#else
	CHECK_OK(syscall(SYS_close, fd));
#endif
}

/* A client that nobody sees connect. */
static int plain_client(int listener)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

	CHECK_OK(fd);
	CHECK_OK(getsockname(listener, (struct sockaddr *)&sa, &len));
	CHECK_OK(syscall(SYS_connect, fd, &sa, len));
	return fd;
}

CASE(a_number_that_was_closed_unseen_serves_again)
{
	int listener = listener_open(IPV4);

	for (int i = 0; i < 20; i++) {
		int client = client_of(listener), server = server_of(listener);

		roundtrip(client, server);
		close_unseen(server);
		expect_eof(client);
		client = i % 2 ? client_of(listener) : plain_client(listener);
		server = server_of(listener);
		roundtrip(client, server);
		roundtrip(client, server);
		CHECK_OK(close(client));
		expect_eof(server);
		CHECK_OK(close(server));
	}
}

CASE(raw_system_calls_transfer)
{
	struct pair pair = pair_open();
	char got[8];

	CHECK_EQ(syscall(SYS_write, pair.client, "abcd", (size_t)4), 4);
	CHECK_EQ(syscall(SYS_read, pair.server, got, sizeof got), 4);
	CHECK_EQ(memcmp(got, "abcd", 4), 0);
	CHECK_EQ(syscall(SYS_sendto, pair.server, "ef", (size_t)2, 0, NULL, 0),
		2);
	CHECK_EQ(syscall(SYS_recvfrom, pair.client, got, sizeof got, 0, NULL,
			 NULL), 2);
	CHECK_EQ(memcmp(got, "ef", 2), 0);
	CHECK_OK(syscall(SYS_shutdown, pair.client, SHUT_WR));
	expect_eof(pair.server);
}

CASE(a_duplicate_by_raw_system_call_is_the_same_connection)
{
	struct pair pair = pair_open();
	int copy = (int)syscall(SYS_dup, pair.client);

	CHECK(copy >= 0);
	CHECK_OK(close(pair.client));
	roundtrip(copy, pair.server);
}
