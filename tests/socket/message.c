/* SPDX-License-Identifier: MIT */
/* sendmsg, recvmsg and their plural: headers, names, counts. */
#include "pair.h"
#include "stream.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct msghdr header_of(struct iovec *part)
{
	return (struct msghdr){.msg_iov = part, .msg_iovlen = 1};
}

CASE(recvmsg_reports_no_name_no_control_and_no_flags)
{
	struct pair pair = pair_open();
	struct sockaddr_storage name;
	char bytes[8], control[64];
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr header = header_of(&part);

	header.msg_name = &name;
	header.msg_namelen = sizeof(name);
	header.msg_control = control;
	header.msg_controllen = sizeof(control);
	header.msg_flags = -1;
	send_text(pair.client, "hello");
	wait_queued(pair.server, 5);
	CHECK_EQ(recvmsg(pair.server, &header, 0), 5);
	CHECK_BYTES(bytes, "hello", 5);
	CHECK_EQ(header.msg_namelen, 0);
	CHECK_EQ(header.msg_controllen, 0);
	CHECK_EQ(header.msg_flags, 0);
	CHECK_EQ(header.msg_iovlen, 1);
	CHECK_EQ(part.iov_len, sizeof(bytes));
}

CASE(recvmsg_into_less_room_than_data_is_not_truncation)
{
	struct pair pair = pair_open();
	char bytes[2];
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr header = header_of(&part);

	send_text(pair.client, "hello");
	wait_queued(pair.server, 5);
	CHECK_EQ(recvmsg(pair.server, &header, 0), 2);
	CHECK_EQ(header.msg_flags & MSG_TRUNC, 0);
	recv_text(pair.server, "llo");
}

CASE(recvmsg_at_end_of_file_gives_0)
{
	struct pair pair = pair_open();
	char bytes[8];
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr header = header_of(&part);

	CHECK_OK(close(pair.client));
	CHECK_EQ(recvmsg(pair.server, &header, 0), 0);
	CHECK_EQ(header.msg_flags, 0);
	CHECK_EQ(recvmsg(pair.server, &header, MSG_WAITALL), 0);
}

CASE(recvfrom_on_a_connection_stores_no_address)
{
	struct pair pair = pair_open();
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	char bytes[8];

	send_text(pair.client, "hello");
	wait_queued(pair.server, 5);
	CHECK_EQ(recvfrom(pair.server, bytes, sizeof(bytes), 0,
	                 (struct sockaddr *)&name, &length),
	        5);
	CHECK_EQ(length, 0);
}

CASE(sendto_on_a_connection_ignores_the_address)
{
	struct pair pair = pair_open();
	struct address other = address_refused(IPV4);
	struct iovec part = {"you", 3};
	struct msghdr header = header_of(&part);

	CHECK_EQ(sendto(pair.client, "hello", 5, 0, ADDRESS(other)), 5);
	header.msg_name = &other.storage;
	header.msg_namelen = other.length;
	CHECK_EQ(sendmsg(pair.client, &header, 0), 3);
	recv_text(pair.server, "helloyou");
}

CASE(sendto_an_address_does_not_connect)
{
	int listener = listener_open(IPV4);
	struct address target = listener_target(listener, IPV4);
	int fd = client_socket(IPV4, 0);

	CHECK_ERRNO2(sendto(fd, "x", 1, MSG_NOSIGNAL, ADDRESS(target)), EPIPE,
	        ENOTCONN);
}

static void messages_of(
        struct mmsghdr *headers, struct iovec *parts, char *bytes, int count)
{
	for (int i = 0; i < count; i++) {
		parts[i] = (struct iovec){bytes + 4 * i, 4};
		headers[i] = (struct mmsghdr){header_of(&parts[i]), 99};
	}
}

CASE(sendmmsg_sends_messages_in_order_and_counts_bytes)
{
	struct pair pair = pair_open();
	char bytes[] = "one.two.tri.";
	struct mmsghdr headers[3];
	struct iovec parts[3];

	messages_of(headers, parts, bytes, 3);
	parts[1].iov_len = 0;
	CHECK_EQ(sendmmsg(pair.client, headers, 3, 0), 3);
	CHECK_EQ(headers[0].msg_len, 4);
	CHECK_EQ(headers[1].msg_len, 0);
	CHECK_EQ(headers[2].msg_len, 4);
	recv_text(pair.server, "one.tri.");
	CHECK_EQ(sendmmsg(pair.client, headers, 0, 0), 0);
	expect_silence(pair.server);
}

CASE(recvmmsg_with_WAITALL_fills_each_message)
{
	struct pair pair = pair_open();
	struct mmsghdr headers[3];
	struct iovec parts[3];
	char bytes[12];

	messages_of(headers, parts, bytes, 3);
	send_text(pair.client, "one.two.tri.");
	CHECK_EQ(recvmmsg(pair.server, headers, 3, MSG_WAITALL, NULL), 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(headers[i].msg_len, 4);
	CHECK_BYTES(bytes, "one.two.tri.", 12);
}

CASE(recvmmsg_with_WAITFORONE_stops_when_data_ends)
{
	struct pair pair = pair_open();
	struct mmsghdr headers[8];
	struct iovec parts[8];
	char bytes[32];

	messages_of(headers, parts, bytes, 8);
	send_text(pair.client, "one.two.xy");
	wait_queued(pair.server, 10);
	CHECK_EQ(recvmmsg(pair.server, headers, 8, MSG_WAITFORONE, NULL), 3);
	CHECK_EQ(headers[0].msg_len, 4);
	CHECK_EQ(headers[2].msg_len, 2);
	CHECK_BYTES(bytes, "one.two.xy", 10);
}

CASE(recvmmsg_without_data_gives_EAGAIN)
{
	struct pair pair = pair_open();
	struct mmsghdr headers[2];
	struct iovec parts[2];
	char bytes[8];

	messages_of(headers, parts, bytes, 2);
	CHECK_ERRNO(
	        recvmmsg(pair.server, headers, 2, MSG_DONTWAIT, NULL), EAGAIN);
	roundtrip(pair.client, pair.server);
}

CASE(sendmmsg_to_a_closed_peer_gives_EPIPE)
{
	struct pair pair = pair_open();
	char bytes[] = "one.two.";
	struct mmsghdr headers[2];
	struct iovec parts[2];

	messages_of(headers, parts, bytes, 2);
	CHECK_OK(close(pair.server));
	expect_unsendable(pair.client);
	CHECK_ERRNO(sendmmsg(pair.client, headers, 2, MSG_NOSIGNAL), EPIPE);
}
