/* SPDX-License-Identifier: MIT */
/* Urgent data. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_urgent(int fd, char byte)
{
	CHECK_EQ(send(fd, &byte, 1, MSG_OOB), 1);
}

CASE(an_urgent_byte_is_received_out_of_band)
{
	struct pair pair = pair_open();
	char byte = 0;

	send_text(pair.client, "ab");
	send_urgent(pair.client, '!');
	CHECK_EQ(wait_for(pair.server, POLLPRI), POLLPRI);
	CHECK_EQ(recv(pair.server, &byte, 1, MSG_OOB), 1);
	CHECK_EQ(byte, '!');
	send_text(pair.client, "cd");
	recv_text(pair.server, "abcd");
}

CASE(an_urgent_byte_alone_is_no_data)
{
	struct pair pair = pair_open();
	char byte;

	send_urgent(pair.client, '!');
	wait_for(pair.server, POLLPRI);
	CHECK_EQ(recv(pair.server, &byte, 1, MSG_OOB), 1);
	CHECK_EQ(byte, '!');
	expect_silence(pair.server);
	roundtrip(pair.client, pair.server);
}

CASE(an_urgent_byte_can_be_received_once_only)
{
	struct pair pair = pair_open();
	char byte;

	CHECK_ERRNO(recv(pair.server, &byte, 1, MSG_OOB), EINVAL);
	send_urgent(pair.client, '!');
	wait_for(pair.server, POLLPRI);
	CHECK_EQ(recv(pair.server, &byte, 1, MSG_OOB | MSG_PEEK), 1);
	CHECK_EQ(recv(pair.server, &byte, 1, MSG_OOB), 1);
	CHECK_ERRNO(recv(pair.server, &byte, 1, MSG_OOB), EINVAL);
}

CASE(OOBINLINE_keeps_the_urgent_byte_in_its_place)
{
	struct pair pair = pair_open();
	int on = 1;
	char byte;

	CHECK_OK(setsockopt(
	        pair.server, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)));
	send_text(pair.client, "ab");
	send_urgent(pair.client, '!');
	send_text(pair.client, "cd");
	recv_text(pair.server, "ab!cd");
	CHECK_ERRNO(recv(pair.server, &byte, 1, MSG_OOB), EINVAL);
}

CASE(sockatmark_says_when_the_mark_is_reached)
{
	struct pair pair = pair_open();
	char bytes[16];

	send_text(pair.client, "ab");
	send_urgent(pair.client, '!');
	send_text(pair.client, "cd");
	wait_for(pair.server, POLLPRI);
	CHECK_EQ(sockatmark(pair.server), 0);
	CHECK_EQ(recv(pair.server, bytes, 2, MSG_WAITALL), 2);
	CHECK_EQ(sockatmark(pair.server), 1);
	recv_text(pair.server, "cd");
	CHECK_EQ(sockatmark(pair.server), 0);
}

CASE(reading_stops_at_the_mark)
{
	struct pair pair = pair_open();
	char bytes[16];

	send_text(pair.client, "ab");
	send_urgent(pair.client, '!');
	send_text(pair.client, "cd");
	wait_queued(pair.server, 2);
	wait_for(pair.server, POLLPRI);
	CHECK_EQ(recv(pair.server, bytes, sizeof(bytes), 0), 2);
	CHECK_BYTES(bytes, "ab", 2);
	recv_text(pair.server, "cd");
}

CASE(select_says_exceptional_for_an_urgent_byte)
{
	struct pair pair = pair_open();
	fd_set other;
	char byte;

	FD_ZERO(&other);
	FD_SET(pair.server, &other);
	send_urgent(pair.client, '!');
	CHECK_EQ(select(pair.server + 1, NULL, NULL, &other, NULL), 1);
	CHECK(FD_ISSET(pair.server, &other));
	CHECK_EQ(recv(pair.server, &byte, 1, MSG_OOB), 1);
}

CASE(an_urgent_byte_raises_SIGURG_for_the_owner)
{
	struct pair pair = pair_open();

	signal_catch(SIGURG, SA_RESTART);
	CHECK_OK(fcntl(pair.server, F_SETOWN, getpid()));
	CHECK_EQ(fcntl(pair.server, F_GETOWN), getpid());
	send_urgent(pair.client, '!');
	while (signal_count() == 0)
		pause_ms(1);
}
