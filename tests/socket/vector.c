/* SPDX-License-Identifier: MIT */
/* Scatter and gather: many parts, empty parts, too many parts. */
#include "pair.h"
#include "stream.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROOM = 256 * 1024 };

static char out[ROOM], in[ROOM];

/* Cuts a buffer in parts of lengths i % modulus; returns the total. */
static size_t cut(struct iovec *parts, int count, char *buffer, int modulus)
{
	size_t used = 0;

	for (int i = 0; i < count; i++) {
		parts[i] = (struct iovec){buffer + used, i % modulus};
		used += i % modulus;
	}
	CHECK(used <= ROOM);
	return used;
}

/* Receives exactly `length` bytes, each time into all the parts that are. */
static void scatter(int fd, struct iovec *parts, int count, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = CHECK_OK(readv(fd, parts, count));

		CHECK(n > 0);
		for (int i = 0; i < count && n > 0; i++) {
			size_t used = parts[i].iov_len;

			used = used < (size_t)n ? used : (size_t)n;
			parts[i].iov_base = (char *)parts[i].iov_base + used;
			parts[i].iov_len -= used;
			done += used;
			n -= used;
		}
	}
}

static void gather_scatter(int out_parts, int out_modulus, int in_parts)
{
	struct pair pair = pair_open();
	struct iovec parts[IOV_MAX];
	size_t length = cut(parts, out_parts, out, out_modulus);

	pattern_fill(out, length, 0);
	CHECK_EQ(writev(pair.client, parts, out_parts), length);
	cut(parts, in_parts, in, ROOM / in_parts);
	parts[in_parts - 1].iov_len =
	        ROOM - ((char *)parts[in_parts - 1].iov_base - in);
	scatter(pair.server, parts, in_parts, length);
	pattern_check(in, length, 0);
	expect_silence(pair.server);
}

CASE_CALL(two_parts_are_gathered_and_scattered, gather_scatter(2, 2, 2));
CASE_CALL(seventeen_parts_are_gathered_into_three, gather_scatter(17, 9, 3));
CASE_CALL(parts_of_which_every_second_is_empty, gather_scatter(900, 2, 700));
CASE_CALL(the_largest_number_of_parts_that_is_allowed,
        gather_scatter(IOV_MAX, 200, IOV_MAX));

CASE(parts_of_one_page_each_across_a_hundred_kilobytes)
{
	struct pair pair = pair_open();
	struct iovec parts[25];

	pattern_fill(out, 25 * 4096, 0);
	for (int i = 0; i < 25; i++)
		parts[i] = (struct iovec){out + i * 4096, 4096};
	CHECK_EQ(writev(pair.client, parts, 25), 25 * 4096);
	for (int i = 0; i < 25; i++)
		parts[i].iov_base = in + i * 4096;
	scatter(pair.server, parts, 25, 25 * 4096);
	pattern_check(in, 25 * 4096, 0);
}

CASE(too_many_parts_give_EINVAL_or_EMSGSIZE)
{
	struct pair pair = pair_open();
	struct iovec parts[IOV_MAX + 1];
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = IOV_MAX + 1};
	volatile int negative = -1;

	cut(parts, IOV_MAX + 1, out, 2);
	send_text(pair.server, "here");
	wait_for(pair.client, POLLIN);
	CHECK_ERRNO(writev(pair.client, parts, IOV_MAX + 1), EINVAL);
	CHECK_ERRNO(readv(pair.client, parts, IOV_MAX + 1), EINVAL);
	CHECK_ERRNO(sendmsg(pair.client, &header, 0), EMSGSIZE);
	CHECK_ERRNO(recvmsg(pair.client, &header, 0), EMSGSIZE);
	CHECK_ERRNO(writev(pair.client, parts, negative), EINVAL);
	CHECK_ERRNO(readv(pair.client, parts, negative), EINVAL);
	recv_text(pair.client, "here");
	expect_silence(pair.server);
}

CASE(a_part_of_negative_length_gives_EINVAL)
{
	struct pair pair = pair_open();
	struct iovec parts[] = {{out, 1}, {out, (size_t)-1}};

	CHECK_ERRNO(writev(pair.client, parts, 2), EINVAL);
	CHECK_ERRNO(readv(pair.client, parts, 2), EINVAL);
	roundtrip(pair.client, pair.server);
}

CASE(no_parts_at_all_transfer_nothing)
{
	struct pair pair = pair_open();
	struct iovec empty[] = {{out, 0}, {NULL, 0}};
	struct msghdr header = {.msg_iov = empty, .msg_iovlen = 2};

	CHECK_EQ(writev(pair.client, empty, 0), 0);
	CHECK_EQ(writev(pair.client, empty, 2), 0);
	CHECK_EQ(sendmsg(pair.client, &header, 0), 0);
	header.msg_iovlen = 0;
	CHECK_EQ(sendmsg(pair.client, &header, 0), 0);
	CHECK_EQ(readv(pair.client, empty, 0), 0);
	CHECK_EQ(readv(pair.client, empty, 2), 0);
	expect_silence(pair.server);
	roundtrip(pair.client, pair.server);
}

CASE(readv_fills_parts_in_order_and_no_further_than_data)
{
	struct pair pair = pair_open();
	struct iovec parts[] = {{in, 3}, {in + 10, 0}, {in + 20, 3}};

	memset(in, '.', 30);
	send_text(pair.client, "abcd");
	wait_queued(pair.server, 4);
	CHECK_EQ(readv(pair.server, parts, 3), 4);
	CHECK_BYTES(in, "abc.......", 10);
	CHECK_BYTES(in + 20, "d.........", 10);
}
