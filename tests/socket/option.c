/* SPDX-License-Identifier: MIT */
/* Socket options of a live connection. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static int get(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	CHECK_OK(getsockopt(fd, level, option, &value, &length));
	CHECK_EQ(length, sizeof(value));
	return value;
}

static void set(int fd, int level, int option, int value)
{
	CHECK_OK(setsockopt(fd, level, option, &value, sizeof(value)));
}

static void reports_kind(enum family family)
{
	struct pair pair = pair_open_over(family);
	int client = family == IPV6 || family == MAPPED ? AF_INET6 : AF_INET;
	int server = family == IPV6 || family == DUAL ? AF_INET6 : AF_INET;

	CHECK_EQ(get(pair.client, SOL_SOCKET, SO_DOMAIN), client);
	CHECK_EQ(get(pair.server, SOL_SOCKET, SO_DOMAIN), server);
	CHECK_EQ(get(pair.client, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(get(pair.server, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(get(pair.client, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	CHECK_EQ(get(pair.server, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
}
CASE_PER_FAMILY(domain_type_and_protocol_are_those_of_tcp, reports_kind);

CASE(SO_ERROR_is_0_on_both_ends)
{
	struct pair pair = pair_open();

	CHECK_EQ(get(pair.client, SOL_SOCKET, SO_ERROR), 0);
	CHECK_EQ(get(pair.server, SOL_SOCKET, SO_ERROR), 0);
}

CASE(SO_ACCEPTCONN_is_1_on_the_listener_only)
{
	int listener = listener_open(IPV4);
	struct pair pair = pair_through(listener);

	CHECK_EQ(get(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
	CHECK_EQ(get(pair.client, SOL_SOCKET, SO_ACCEPTCONN), 0);
	CHECK_EQ(get(pair.server, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

CASE(buffer_sizes_are_positive_and_can_be_set)
{
	struct pair pair = pair_open();

	CHECK(get(pair.client, SOL_SOCKET, SO_RCVBUF) > 0);
	CHECK(get(pair.client, SOL_SOCKET, SO_SNDBUF) > 0);
	set(pair.client, SOL_SOCKET, SO_RCVBUF, 65536);
	set(pair.client, SOL_SOCKET, SO_SNDBUF, 65536);
	CHECK_GE(get(pair.client, SOL_SOCKET, SO_RCVBUF), 65536);
	CHECK_GE(get(pair.client, SOL_SOCKET, SO_SNDBUF), 65536);
	roundtrip(pair.client, pair.server);
}

static void send_much(void *argument)
{
	send_pattern(*(int *)argument, 0, 100000);
}

CASE(the_smallest_buffers_still_carry_much_data)
{
	struct pair pair = pair_open();
	pid_t child;

	set(pair.client, SOL_SOCKET, SO_SNDBUF, 1);
	set(pair.server, SOL_SOCKET, SO_RCVBUF, 8192);
	child = child_start(send_much, &pair.client);
	recv_pattern(pair.server, 0, 100000);
	child_join(child);
}

/* On a connection: set one value, read it back, set the other, read back. */
static void keeps(int level, int option, int one, int other)
{
	struct pair pair = pair_open();

	set(pair.client, level, option, one);
	CHECK_EQ(get(pair.client, level, option), one);
	set(pair.client, level, option, other);
	CHECK_EQ(get(pair.client, level, option), other);
	roundtrip(pair.client, pair.server);
}
CASE_CALL(TCP_NODELAY_is_kept, keeps(IPPROTO_TCP, TCP_NODELAY, 1, 0));
CASE_CALL(TCP_KEEPIDLE_is_kept, keeps(IPPROTO_TCP, TCP_KEEPIDLE, 77, 99));
CASE_CALL(TCP_KEEPINTVL_is_kept, keeps(IPPROTO_TCP, TCP_KEEPINTVL, 7, 9));
CASE_CALL(TCP_KEEPCNT_is_kept, keeps(IPPROTO_TCP, TCP_KEEPCNT, 3, 5));
CASE_CALL(TCP_USER_TIMEOUT_is_kept,
        keeps(IPPROTO_TCP, TCP_USER_TIMEOUT, 30000, 0));
CASE_CALL(TCP_QUICKACK_can_be_set, keeps(IPPROTO_TCP, TCP_QUICKACK, 1, 1));
CASE_CALL(SO_KEEPALIVE_is_kept, keeps(SOL_SOCKET, SO_KEEPALIVE, 1, 0));
CASE_CALL(SO_REUSEADDR_is_kept, keeps(SOL_SOCKET, SO_REUSEADDR, 1, 0));
CASE_CALL(SO_OOBINLINE_is_kept, keeps(SOL_SOCKET, SO_OOBINLINE, 1, 0));
CASE_CALL(SO_PRIORITY_is_kept, keeps(SOL_SOCKET, SO_PRIORITY, 3, 0));
CASE_CALL(SO_RCVLOWAT_is_kept, keeps(SOL_SOCKET, SO_RCVLOWAT, 5, 1));
CASE_CALL(SO_BROADCAST_is_kept, keeps(SOL_SOCKET, SO_BROADCAST, 1, 0));
CASE_CALL(SO_DONTROUTE_is_kept, keeps(SOL_SOCKET, SO_DONTROUTE, 1, 0));
CASE_CALL(IP_TOS_is_kept, keeps(IPPROTO_IP, IP_TOS, 0x10, 0));
CASE_CALL(IP_TTL_is_kept, keeps(IPPROTO_IP, IP_TTL, 33, 64));

CASE(SO_LINGER_is_kept)
{
	struct pair pair = pair_open();
	struct linger linger = {1, 30}, got = {0, 0};
	socklen_t length = sizeof(got);

	CHECK_OK(setsockopt(
	        pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	CHECK_OK(getsockopt(pair.client, SOL_SOCKET, SO_LINGER, &got, &length));
	CHECK_EQ(length, sizeof(got));
	CHECK_EQ(got.l_onoff, 1);
	CHECK_EQ(got.l_linger, 30);
}

static void time_limit_is_kept(int option)
{
	struct pair pair = pair_open();
	struct timeval limit = {3, 500000}, got = {-1, -1};
	socklen_t length = sizeof(got);
	int fd = pair.client;

	CHECK_OK(getsockopt(fd, SOL_SOCKET, option, &got, &length));
	CHECK(got.tv_sec == 0 && got.tv_usec == 0);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, option, &limit, sizeof(limit)));
	CHECK_OK(getsockopt(fd, SOL_SOCKET, option, &got, &length));
	CHECK_EQ(length, sizeof(got));
	CHECK_EQ(got.tv_sec, 3);
	CHECK_EQ(got.tv_usec, 500000);
	limit.tv_usec = 1000000;
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, option, &limit, sizeof(limit)),
	        EDOM);
}
CASE_CALL(SO_RCVTIMEO_is_kept, time_limit_is_kept(SO_RCVTIMEO));
CASE_CALL(SO_SNDTIMEO_is_kept, time_limit_is_kept(SO_SNDTIMEO));

static int tcp_state(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	memset(&info, 0xff, sizeof(info));
	CHECK_OK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	CHECK(length > 0 && length <= sizeof(info));
	return info.tcpi_state;
}

CASE(TCP_INFO_says_established_or_listening)
{
	int listener = listener_open(IPV4);
	struct pair pair = pair_through(listener);

	CHECK_EQ(tcp_state(listener), TCP_LISTEN);
	CHECK_EQ(tcp_state(pair.client), TCP_ESTABLISHED);
	CHECK_EQ(tcp_state(pair.server), TCP_ESTABLISHED);
	CHECK_EQ(tcp_state(client_socket(IPV4, 0)), TCP_CLOSE);
}

CASE(TCP_INFO_says_when_the_peer_has_ended)
{
	struct pair pair = pair_open();

	CHECK_OK(shutdown(pair.client, SHUT_WR));
	expect_eof(pair.server);
	CHECK_EQ(tcp_state(pair.server), TCP_CLOSE_WAIT);
}

CASE(TCP_INFO_fits_in_little_room)
{
	struct pair pair = pair_open();
	unsigned char state = 0;
	socklen_t length = sizeof(state);

	CHECK_OK(getsockopt(
	        pair.client, IPPROTO_TCP, TCP_INFO, &state, &length));
	CHECK_EQ(length, sizeof(state));
	CHECK_EQ(state, TCP_ESTABLISHED);
}

CASE(TCP_MAXSEG_is_positive)
{
	CHECK(get(pair_open().client, IPPROTO_TCP, TCP_MAXSEG) > 0);
}

CASE(options_set_before_connect_hold_after_it)
{
	int listener = listener_open(IPV4), fd = client_socket(IPV4, 0);
	struct address target = listener_target(listener, IPV4);

	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_IP, IP_TOS, 0x10);
	CHECK_OK(connect(fd, ADDRESS(target)));
	CHECK_EQ(get(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(get(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	CHECK_EQ(get(fd, IPPROTO_IP, IP_TOS), 0x10);
}

CASE(accepted_sockets_have_options_of_the_listener)
{
	int listener = listener_open(IPV4);
	struct pair pair;

	set(listener, IPPROTO_TCP, TCP_NODELAY, 1);
	set(listener, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
	pair = pair_through(listener);
	CHECK_EQ(get(pair.server, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(get(pair.server, IPPROTO_TCP, TCP_KEEPIDLE), 77);
	CHECK_EQ(get(pair.server, SOL_SOCKET, SO_KEEPALIVE), 1);
	CHECK_EQ(get(pair.server, SOL_SOCKET, SO_REUSEADDR), 1);
	CHECK_EQ(get(pair.client, IPPROTO_TCP, TCP_NODELAY), 0);
	CHECK_EQ(get(pair.client, SOL_SOCKET, SO_KEEPALIVE), 0);
}

CASE(options_of_one_end_are_not_those_of_the_other)
{
	struct pair pair = pair_open();

	set(pair.client, IPPROTO_TCP, TCP_NODELAY, 1);
	set(pair.client, SOL_SOCKET, SO_KEEPALIVE, 1);
	CHECK_EQ(get(pair.server, IPPROTO_TCP, TCP_NODELAY), 0);
	CHECK_EQ(get(pair.server, SOL_SOCKET, SO_KEEPALIVE), 0);
}

CASE(fstat_says_that_it_is_a_socket)
{
	struct pair pair = pair_open();
	struct stat client, server;

	CHECK_OK(fstat(pair.client, &client));
	CHECK_OK(fstat(pair.server, &server));
	CHECK(S_ISSOCK(client.st_mode) && S_ISSOCK(server.st_mode));
	CHECK(client.st_ino != server.st_ino);
}

CASE(isatty_says_no)
{
	CHECK_EQ(isatty(pair_open().client), 0);
	CHECK_EQ(errno, ENOTTY);
}
