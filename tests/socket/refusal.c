/* SPDX-License-Identifier: MIT */
/* Options that must be refused: which error, and that nothing changes. */
#include "pair.h"
#include "stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Which errors unknown options give differs: a fresh socket tells. */
static void get_like_fresh(int level, int option)
{
	struct pair pair = pair_open();
	int fresh = client_socket(IPV4, 0), value = 0, want;
	socklen_t length = sizeof(value);

	CHECK_EQ(getsockopt(fresh, level, option, &value, &length), -1);
	want = errno;
	CHECK_ERRNO(
	        getsockopt(pair.client, level, option, &value, &length), want);
	CHECK_ERRNO(
	        getsockopt(pair.server, level, option, &value, &length), want);
	roundtrip(pair.client, pair.server);
}
CASE_CALL(getsockopt_of_an_unknown_level_fails, get_like_fresh(4711, 1));
CASE_CALL(getsockopt_of_an_unknown_socket_option_fails,
        get_like_fresh(SOL_SOCKET, 4711));
CASE_CALL(getsockopt_of_an_unknown_tcp_option_fails,
        get_like_fresh(IPPROTO_TCP, 4711));
CASE_CALL(getsockopt_of_an_unknown_ip_option_fails,
        get_like_fresh(IPPROTO_IP, 4711));

static void set_like_fresh(int level, int option, int value, socklen_t length)
{
	struct pair pair = pair_open();
	int fresh = client_socket(IPV4, 0), want;

	CHECK_EQ(setsockopt(fresh, level, option, &value, length), -1);
	want = errno;
	CHECK_ERRNO(
	        setsockopt(pair.client, level, option, &value, length), want);
	CHECK_ERRNO(
	        setsockopt(pair.server, level, option, &value, length), want);
	roundtrip(pair.client, pair.server);
}
CASE_CALL(setsockopt_of_an_unknown_level_fails,
        set_like_fresh(4711, 1, 1, sizeof(int)));
CASE_CALL(setsockopt_of_an_unknown_socket_option_fails,
        set_like_fresh(SOL_SOCKET, 4711, 1, sizeof(int)));
CASE_CALL(setsockopt_of_an_unknown_tcp_option_fails,
        set_like_fresh(IPPROTO_TCP, 4711, 1, sizeof(int)));
CASE_CALL(setsockopt_of_too_short_a_value_fails,
        set_like_fresh(SOL_SOCKET, SO_KEEPALIVE, 1, 1));
CASE_CALL(setsockopt_of_too_short_a_tcp_value_fails,
        set_like_fresh(IPPROTO_TCP, TCP_NODELAY, 1, 1));
CASE_CALL(setsockopt_of_too_short_a_linger_fails,
        set_like_fresh(SOL_SOCKET, SO_LINGER, 1, 4));
CASE_CALL(setsockopt_of_the_type_fails,
        set_like_fresh(SOL_SOCKET, SO_TYPE, SOCK_DGRAM, sizeof(int)));
CASE_CALL(setsockopt_of_the_error_fails,
        set_like_fresh(SOL_SOCKET, SO_ERROR, 0, sizeof(int)));
CASE_CALL(setsockopt_of_a_bad_keepalive_time_fails,
        set_like_fresh(IPPROTO_TCP, TCP_KEEPIDLE, 0, sizeof(int)));

CASE(getsockopt_cuts_to_the_room_given)
{
	struct pair pair = pair_open();
	unsigned char value[4] = {0, 0xa5, 0xa5, 0xa5};
	socklen_t length = 1;

	CHECK_OK(getsockopt(
	        pair.client, SOL_SOCKET, SO_ACCEPTCONN, value, &length));
	CHECK_EQ(length, 1);
	CHECK_EQ(value[1], 0xa5);
}

CASE(getsockopt_with_negative_room_gives_EINVAL)
{
	struct pair pair = pair_open();
	socklen_t length = -1;
	int value;

	CHECK_ERRNO(
	        getsockopt(pair.client, SOL_SOCKET, SO_TYPE, &value, &length),
	        EINVAL);
	length = -1;
	CHECK_ERRNO(getsockopt(pair.client, IPPROTO_TCP, TCP_NODELAY, &value,
	                    &length),
	        EINVAL);
}

CASE(socket_with_wrong_arguments_fails)
{
	CHECK_ERRNO(socket(4711, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, 15, 0), EINVAL);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM | 1 << 30, 0), EINVAL);
}
