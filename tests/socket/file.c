/* SPDX-License-Identifier: MIT */
/* Between files and connections: sendfile and splice. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* A file that holds the pattern, positioned at its begin. */
static int pattern_file(size_t length)
{
	int fd = CHECK_OK(memfd_create("pattern", MFD_CLOEXEC));
	char *bytes = malloc(length);

	pattern_fill(bytes, length, 0);
	CHECK_EQ(write(fd, bytes, length), length);
	CHECK_OK(lseek(fd, 0, SEEK_SET));
	free(bytes);
	return fd;
}

CASE(sendfile_without_offset_moves_the_file_position)
{
	struct pair pair = pair_open();
	int file = pattern_file(10000);

	CHECK_EQ(sendfile(pair.client, file, NULL, 4000), 4000);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 4000);
	CHECK_EQ(sendfile(pair.client, file, NULL, 4000), 4000);
	recv_pattern(pair.server, 0, 8000);
	expect_silence(pair.server);
}

CASE(sendfile_with_offset_moves_the_offset_only)
{
	struct pair pair = pair_open();
	int file = pattern_file(10000);
	off_t offset = 1001;

	CHECK_EQ(sendfile(pair.client, file, &offset, 5000), 5000);
	CHECK_EQ(offset, 6001);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 0);
	recv_pattern(pair.server, 1001, 5000);
	expect_silence(pair.server);
}

CASE(sendfile_stops_at_the_end_of_the_file)
{
	struct pair pair = pair_open();
	int file = pattern_file(10000);
	off_t offset = 9000;

	CHECK_EQ(sendfile(pair.client, file, &offset, 5000), 1000);
	CHECK_EQ(offset, 10000);
	CHECK_EQ(sendfile(pair.client, file, &offset, 5000), 0);
	CHECK_EQ(sendfile(pair.client, file, &offset, 0), 0);
	recv_pattern(pair.server, 9000, 1000);
	expect_silence(pair.server);
}

CASE(sendfile_from_a_connection_gives_EINVAL)
{
	struct pair pair = pair_open();
	int file = pattern_file(10);

	send_text(pair.client, "hello");
	CHECK_ERRNO(sendfile(file, pair.server, NULL, 5), EINVAL);
	recv_text(pair.server, "hello");
}

CASE(sendfile_from_a_closed_file_gives_EBADF)
{
	struct pair pair = pair_open();

	CHECK_ERRNO(sendfile(pair.client, -1, NULL, 5), EBADF);
	CHECK_ERRNO(sendfile(-1, pattern_file(10), NULL, 5), EBADF);
}

struct sending {
	int fd;
	int file;
	int with_offset;
};

static void send_file(void *argument)
{
	struct sending *sending = argument;
	size_t length = lseek(sending->file, 0, SEEK_END), left = length;
	off_t offset = 0;

	CHECK_OK(lseek(sending->file, 0, SEEK_SET));
	while (left > 0) {
		ssize_t n = CHECK_OK(sendfile(sending->fd, sending->file,
		        sending->with_offset ? &offset : NULL, left));

		CHECK(n > 0);
		left -= n;
	}
	CHECK_EQ(offset, sending->with_offset ? length : 0);
}

static void send_large_file(int with_offset)
{
	enum { LENGTH = 5000001 };
	struct pair pair = pair_open();
	struct sending sending = {
	        pair.client, pattern_file(LENGTH), with_offset};
	pid_t child = child_start(send_file, &sending);

	CHECK_OK(close(pair.client));
	recv_pattern(pair.server, 0, LENGTH);
	expect_eof(pair.server);
	child_join(child);
}
CASE_CALL(sendfile_without_offset_sends_5_megabytes, send_large_file(0));
CASE_CALL(sendfile_with_offset_sends_5_megabytes, send_large_file(1));

CASE(nonblocking_sendfile_gives_EAGAIN_when_full)
{
	struct pair pair = pair_open();
	int file = pattern_file(4096);
	uint64_t filled = fill_until_full(pair.client);
	off_t offset = 0;

	CHECK_OK(fcntl(pair.client, F_SETFL, O_NONBLOCK));
	CHECK_ERRNO(sendfile(pair.client, file, &offset, 4096), EAGAIN);
	CHECK_EQ(offset, 0);
	recv_pattern(pair.server, 0, filled);
	expect_silence(pair.server);
}

CASE(splice_from_a_pipe_to_a_connection)
{
	struct pair pair = pair_open();
	int ends[2];

	CHECK_OK(pipe(ends));
	CHECK_EQ(write(ends[1], "through the pipe", 16), 16);
	CHECK_EQ(splice(ends[0], NULL, pair.client, NULL, 16, 0), 16);
	recv_text(pair.server, "through the pipe");
}

CASE(splice_from_a_connection_to_a_pipe)
{
	struct pair pair = pair_open();
	char bytes[16];
	int ends[2];

	CHECK_OK(pipe(ends));
	send_text(pair.client, "through the pipe");
	wait_queued(pair.server, 16);
	CHECK_EQ(splice(pair.server, NULL, ends[1], NULL, 16, 0), 16);
	CHECK_EQ(read(ends[0], bytes, 16), 16);
	CHECK_BYTES(bytes, "through the pipe", 16);
	CHECK_OK(close(pair.client));
	CHECK_EQ(splice(pair.server, NULL, ends[1], NULL, 16, 0), 0);
}
