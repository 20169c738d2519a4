/* SPDX-License-Identifier: MIT */
/* O_NONBLOCK, FIONBIO, FIONREAD; filling up and draining. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

CASE(NONBLOCK_is_set_and_cleared_by_fcntl)
{
	struct pair pair = pair_open();
	int flags = CHECK_OK(fcntl(pair.client, F_GETFL));
	char byte;

	CHECK_EQ(flags & O_NONBLOCK, 0);
	CHECK_OK(fcntl(pair.client, F_SETFL, flags | O_NONBLOCK));
	CHECK_EQ(fcntl(pair.client, F_GETFL), flags | O_NONBLOCK);
	CHECK_ERRNO(recv(pair.client, &byte, 1, 0), EAGAIN);
	CHECK_OK(fcntl(pair.client, F_SETFL, flags));
	CHECK_EQ(fcntl(pair.client, F_GETFL), flags);
}

CASE(NONBLOCK_is_set_and_cleared_by_FIONBIO)
{
	struct pair pair = pair_open();
	int on = 1, off = 0;
	char byte;

	CHECK_OK(ioctl(pair.client, FIONBIO, &on));
	CHECK_EQ(fcntl(pair.client, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_ERRNO(read(pair.client, &byte, 1), EAGAIN);
	CHECK_OK(ioctl(pair.client, FIONBIO, &off));
	CHECK_EQ(fcntl(pair.client, F_GETFL) & O_NONBLOCK, 0);
}

CASE(CLOEXEC_is_set_and_cleared_by_ioctl)
{
	struct pair pair = pair_open();

	CHECK_OK(ioctl(pair.client, FIOCLEX));
	CHECK_EQ(fcntl(pair.client, F_GETFD), FD_CLOEXEC);
	CHECK_OK(ioctl(pair.client, FIONCLEX));
	CHECK_EQ(fcntl(pair.client, F_GETFD), 0);
}

CASE(NONBLOCK_at_one_end_leaves_the_other_blocking)
{
	struct pair pair = pair_open();

	CHECK_OK(fcntl(pair.client, F_SETFL, O_NONBLOCK));
	CHECK_EQ(fcntl(pair.server, F_GETFL) & O_NONBLOCK, 0);
}

static void send_later(void *argument)
{
	int fd = *(int *)argument;

	pause_ms(50);
	send_text(fd, "later");
}

CASE(a_socket_made_blocking_again_waits)
{
	struct pair pair = pair_open();
	pid_t child;
	char byte;

	CHECK_OK(fcntl(pair.client, F_SETFL, O_NONBLOCK));
	CHECK_ERRNO(recv(pair.client, &byte, 1, 0), EAGAIN);
	CHECK_OK(fcntl(pair.client, F_SETFL, 0));
	child = child_start(send_later, &pair.server);
	recv_text(pair.client, "later");
	child_join(child);
}

CASE(every_receiving_call_gives_EAGAIN_without_data)
{
	struct pair pair = pair_open();
	char bytes[8];
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	struct mmsghdr headers = {.msg_hdr = header};
	int fd = pair.server;

	CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	CHECK_ERRNO(recv(fd, bytes, 8, 0), EAGAIN);
	CHECK_ERRNO(recv(fd, bytes, 8, MSG_PEEK), EAGAIN);
	CHECK_ERRNO(recv(fd, bytes, 8, MSG_WAITALL), EAGAIN);
	CHECK_ERRNO(recvfrom(fd, bytes, 8, 0, NULL, NULL), EAGAIN);
	CHECK_ERRNO(recvmsg(fd, &header, 0), EAGAIN);
	CHECK_ERRNO(recvmmsg(fd, &headers, 1, 0, NULL), EAGAIN);
	CHECK_ERRNO(read(fd, bytes, 8), EAGAIN);
	CHECK_ERRNO(readv(fd, &part, 1), EAGAIN);
}

CASE(every_sending_call_gives_EAGAIN_when_full)
{
	struct pair pair = pair_open();
	struct iovec part = {"x", 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	struct mmsghdr headers = {.msg_hdr = header};
	uint64_t filled = fill_until_full(pair.client);
	int fd = pair.client;

	CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	CHECK_ERRNO(send(fd, "x", 1, 0), EAGAIN);
	CHECK_ERRNO(sendto(fd, "x", 1, 0, NULL, 0), EAGAIN);
	CHECK_ERRNO(sendmsg(fd, &header, 0), EAGAIN);
	CHECK_ERRNO(sendmmsg(fd, &headers, 1, 0), EAGAIN);
	CHECK_ERRNO(write(fd, "x", 1), EAGAIN);
	CHECK_ERRNO(writev(fd, &part, 1), EAGAIN);
	recv_pattern(pair.server, 0, filled);
	expect_silence(pair.server);
}

/* Reads at the other end until the full one is writable again. */
static uint64_t drain_until_writable(struct pair pair, uint64_t at)
{
	while (!(events_now(pair.client, POLLOUT) & POLLOUT)) {
		at += drain(pair.server, at);
		poll(NULL, 0, 1);
	}
	return at;
}

CASE(a_full_socket_becomes_writable_when_the_peer_reads)
{
	struct pair pair = pair_open();
	uint64_t filled = fill_until_full(pair.client), at;

	CHECK_EQ(events_now(pair.client, POLLOUT), 0);
	at = drain_until_writable(pair, 0);
	CHECK(send(pair.client, "x", 1, MSG_DONTWAIT) == 1);
	recv_pattern(pair.server, at, filled - at);
	recv_text(pair.server, "x");
}

CASE(both_directions_fill_and_drain_independently)
{
	struct pair pair = pair_open();
	uint64_t there = fill_until_full(pair.client);
	uint64_t back = fill_until_full(pair.server);

	CHECK_EQ(events_now(pair.client, POLLIN | POLLOUT), POLLIN);
	CHECK_EQ(events_now(pair.server, POLLIN | POLLOUT), POLLIN);
	recv_pattern(pair.server, 0, there);
	recv_pattern(pair.client, 0, back);
	roundtrip(pair.client, pair.server);
}

CASE(a_socket_filled_again_and_again_sends_all)
{
	struct pair pair = pair_open();
	uint64_t at = 0, total = 0;
	char bytes[1000];

	while (total < 20000000) {
		ssize_t n;

		pattern_fill(bytes, sizeof(bytes), total);
		n = send(pair.client, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0) {
			CHECK_EQ(errno, EAGAIN);
			at = drain_until_writable(pair, at);
		}
		total += n > 0 ? n : 0;
	}
	recv_pattern(pair.server, at, total - at);
	expect_silence(pair.server);
}

CASE(FIONREAD_counts_what_can_be_read)
{
	struct pair pair = pair_open();
	int queued = -1;

	CHECK_OK(ioctl(pair.server, FIONREAD, &queued));
	CHECK_EQ(queued, 0);
	send_text(pair.client, "hello");
	wait_for(pair.server, POLLIN);
	CHECK_OK(ioctl(pair.server, FIONREAD, &queued));
	CHECK(queued > 0 && queued <= 5);
	wait_queued(pair.server, 5);
	recv_text(pair.server, "hell");
	CHECK_OK(ioctl(pair.server, FIONREAD, &queued));
	CHECK_EQ(queued, 1);
	recv_text(pair.server, "o");
	CHECK_OK(ioctl(pair.server, FIONREAD, &queued));
	CHECK_EQ(queued, 0);
}

CASE(FIONREAD_counts_data_after_half_close_but_no_end_of_file)
{
	struct pair pair = pair_open();
	int queued = -1;

	send_text(pair.client, "hello");
	CHECK_OK(shutdown(pair.client, SHUT_WR));
	CHECK(wait_for(pair.server, POLLRDHUP) & POLLRDHUP);
	CHECK_OK(ioctl(pair.server, FIONREAD, &queued));
	CHECK_EQ(queued, 5);
	recv_text(pair.server, "hello");
	CHECK_OK(ioctl(pair.server, FIONREAD, &queued));
	CHECK_EQ(queued, 0);
}

CASE(FIONREAD_on_a_listener_gives_EINVAL)
{
	int queued;

	CHECK_ERRNO(ioctl(listener_open(IPV4), FIONREAD, &queued), EINVAL);
}

CASE(SIOCOUTQ_becomes_0_when_the_peer_has_read)
{
	struct pair pair = pair_open();
	int unsent = -1;

	send_text(pair.client, "hello");
	recv_text(pair.server, "hello");
	do
		CHECK_OK(ioctl(pair.client, TIOCOUTQ, &unsent));
	while (unsent != 0);
}
