/* SPDX-License-Identifier: MIT */
/* Each sending and receiving call, blocking, from one byte to 8 MB. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t transfer(int fd, char *buffer, size_t length);

struct call {
	transfer *out;
	transfer *in;
};

/* Three parts, the middle one the largest. */
static void split(struct iovec parts[3], char *buffer, size_t length)
{
	size_t edge = length / 8;

	parts[0] = (struct iovec){buffer, edge};
	parts[1] = (struct iovec){buffer + edge, length - 2 * edge};
	parts[2] = (struct iovec){buffer + length - edge, edge};
}

static struct msghdr message(struct iovec *parts, size_t count)
{
	return (struct msghdr){.msg_iov = parts, .msg_iovlen = count};
}

static ssize_t by_send(int fd, char *buffer, size_t length)
{
	return send(fd, buffer, length, 0);
}

static ssize_t by_recv(int fd, char *buffer, size_t length)
{
	return recv(fd, buffer, length, 0);
}

static ssize_t by_write(int fd, char *buffer, size_t length)
{
	return write(fd, buffer, length);
}

static ssize_t by_read(int fd, char *buffer, size_t length)
{
	return read(fd, buffer, length);
}

static ssize_t by_writev(int fd, char *buffer, size_t length)
{
	struct iovec parts[3];

	split(parts, buffer, length);
	return writev(fd, parts, 3);
}

static ssize_t by_readv(int fd, char *buffer, size_t length)
{
	struct iovec parts[3];

	split(parts, buffer, length);
	return readv(fd, parts, 3);
}

static ssize_t by_sendto(int fd, char *buffer, size_t length)
{
	return sendto(fd, buffer, length, 0, NULL, 0);
}

static ssize_t by_recvfrom(int fd, char *buffer, size_t length)
{
	return recvfrom(fd, buffer, length, 0, NULL, NULL);
}

static ssize_t by_sendmsg(int fd, char *buffer, size_t length)
{
	struct iovec parts[3];
	struct msghdr header = message(parts, 3);

	split(parts, buffer, length);
	return sendmsg(fd, &header, 0);
}

static ssize_t by_recvmsg(int fd, char *buffer, size_t length)
{
	struct iovec parts[3];
	struct msghdr header = message(parts, 3);

	split(parts, buffer, length);
	return recvmsg(fd, &header, 0);
}

static void split_messages(
        struct mmsghdr headers[3], struct iovec parts[3], size_t length)
{
	for (int i = 0; i < 3; i++)
		headers[i] = (struct mmsghdr){message(&parts[i], 1), 0};
}

static ssize_t total(const struct mmsghdr *headers, int count)
{
	ssize_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += headers[i].msg_len;
	return sum;
}

static ssize_t by_sendmmsg(int fd, char *buffer, size_t length)
{
	struct mmsghdr headers[3];
	struct iovec parts[3];

	split(parts, buffer, length);
	split_messages(headers, parts, length);
	CHECK_EQ(sendmmsg(fd, headers, 3, 0), 3);
	return total(headers, 3);
}

/* Whole messages: a short one would leave a hole in the buffer. */
static ssize_t by_recvmmsg(int fd, char *buffer, size_t length)
{
	struct mmsghdr headers[3];
	struct iovec parts[3];

	split(parts, buffer, length);
	split_messages(headers, parts, length);
	if (parts[0].iov_len == 0)
		return recv(fd, buffer, length, 0);
	CHECK_EQ(recvmmsg(fd, headers, 3, MSG_WAITALL, NULL), 3);
	return total(headers, 3);
}

struct work {
	const struct call *call;
	struct pair pair;
	size_t length;
};

static void send_whole(void *argument)
{
	struct work *work = argument;
	char *buffer = malloc(work->length);

	CHECK_OK(close(work->pair.server));
	pattern_fill(buffer, work->length, 0);
	CHECK_EQ(work->call->out(work->pair.client, buffer, work->length),
	        work->length);
	free(buffer);
}

static void receive_whole(int fd, transfer *in, size_t length)
{
	char *buffer = malloc(length);
	size_t done = 0;

	while (done < length) {
		ssize_t n = CHECK_OK(in(fd, buffer + done, length - done));

		CHECK(n > 0 && n <= (ssize_t)(length - done));
		done += n;
	}
	pattern_check(buffer, length, 0);
	free(buffer);
}

/* A blocking call sends all it was given, however much that is. */
static void transfers(struct call call, size_t length)
{
	struct work work = {&call, pair_open(), length};
	pid_t child = child_start(send_whole, &work);

	CHECK_OK(close(work.pair.client));
	receive_whole(work.pair.server, call.in, length);
	expect_eof(work.pair.server);
	child_join(child);
}

#define EACH_LENGTH(title, call)                                               \
	CASE_CALL(title##_one_byte, transfers(call, 1));                       \
	CASE_CALL(title##_a_thousand_bytes, transfers(call, 1000));            \
	CASE_CALL(title##_64_kilobytes, transfers(call, 64 * 1024));           \
	CASE_CALL(title##_a_million_and_one_bytes, transfers(call, 1000001));  \
	CASE_CALL(title##_8_megabytes, transfers(call, 8 * 1024 * 1024))

static const struct call plain = {by_send, by_recv};
static const struct call file = {by_write, by_read};
static const struct call vector = {by_writev, by_readv};
static const struct call addressed = {by_sendto, by_recvfrom};
static const struct call single = {by_sendmsg, by_recvmsg};
static const struct call multiple = {by_sendmmsg, by_recvmmsg};

EACH_LENGTH(send_and_recv_transfer, plain);
EACH_LENGTH(write_and_read_transfer, file);
EACH_LENGTH(writev_and_readv_transfer, vector);
EACH_LENGTH(sendto_and_recvfrom_transfer, addressed);
EACH_LENGTH(sendmsg_and_recvmsg_transfer, single);
EACH_LENGTH(sendmmsg_and_recvmmsg_transfer, multiple);

static void transfer_over(enum family family)
{
	struct pair pair = pair_open_over(family);
	struct call call = plain;
	struct work work = {&call, pair, 300000};
	pid_t child = child_start(send_whole, &work);

	CHECK_OK(close(pair.client));
	receive_whole(pair.server, by_read, work.length);
	expect_eof(pair.server);
	child_join(child);
}
CASE_PER_FAMILY(a_transfer_arrives_whole, transfer_over);
