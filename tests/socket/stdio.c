/* SPDX-License-Identifier: MIT */
/* The C library's streams over a connection. */
#include "pair.h"
#include "stream.h"
#include "task.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *stream_of(int fd, const char *mode)
{
	FILE *made = fdopen(fd, mode);

	CHECK(made != NULL);
	CHECK_EQ(fileno(made), fd);
	return made;
}

CASE(fprintf_sends_and_fgets_receives)
{
	struct pair pair = pair_open();
	FILE *out = stream_of(pair.client, "w");
	FILE *in = stream_of(pair.server, "r");
	char line[64];

	for (int i = 0; i < 100; i++) {
		CHECK(fprintf(out, "line %d of %s\n", i, "many") > 0);
		CHECK_EQ(fflush(out), 0);
		CHECK(fgets(line, sizeof(line), in) != NULL);
		CHECK_EQ(atoi(line + 5), i);
	}
	CHECK_EQ(fclose(out), 0);
	CHECK(fgets(line, sizeof(line), in) == NULL);
	CHECK(feof(in) && !ferror(in));
	CHECK_EQ(fclose(in), 0);
}

CASE(streams_in_both_directions_over_one_connection)
{
	struct pair pair = pair_open();
	FILE *out = stream_of(pair.client, "w");
	FILE *in = stream_of(CHECK_OK(dup(pair.client)), "r");
	char line[64];

	CHECK_EQ(setvbuf(out, NULL, _IOLBF, 0), 0);
	CHECK(fputs("question\n", out) >= 0);
	recv_text(pair.server, "question\n");
	send_text(pair.server, "answer\n");
	CHECK(fgets(line, sizeof(line), in) != NULL);
	CHECK_EQ(strcmp(line, "answer\n"), 0);
	CHECK_EQ(fclose(out), 0);
	expect_silence(pair.server);
	CHECK_EQ(fclose(in), 0);
	expect_eof(pair.server);
}

static void write_stream(void *argument)
{
	FILE *out = stream_of(*(int *)argument, "w");
	char bytes[1000];

	for (int i = 0; i < 1000; i++) {
		pattern_fill(bytes, sizeof(bytes), i * sizeof(bytes));
		CHECK_EQ(fwrite(bytes, 1, sizeof(bytes), out), sizeof(bytes));
	}
	CHECK_EQ(fclose(out), 0);
}

CASE(fwrite_and_fread_carry_a_megabyte)
{
	struct pair pair = pair_open();
	pid_t child = child_start(write_stream, &pair.client);
	FILE *in = stream_of(pair.server, "r");
	char bytes[2500];

	for (int i = 0; i < 400; i++) {
		CHECK_EQ(fread(bytes, 1, sizeof(bytes), in), sizeof(bytes));
		pattern_check(bytes, sizeof(bytes), i * sizeof(bytes));
	}
	child_join(child);
	CHECK_OK(close(pair.client));
	CHECK_EQ(fgetc(in), EOF);
}

CASE(an_unbuffered_stream_sends_at_once)
{
	struct pair pair = pair_open();
	FILE *out = stream_of(pair.client, "w");

	CHECK_EQ(setvbuf(out, NULL, _IONBF, 0), 0);
	for (char c = 'a'; c <= 'z'; c++)
		CHECK_EQ(fputc(c, out), c);
	recv_text(pair.server, "abcdefghijklmnopqrstuvwxyz");
}

CASE(dprintf_sends)
{
	struct pair pair = pair_open();

	CHECK_EQ(dprintf(pair.client, "%s %d\n", "number", 42), 10);
	recv_text(pair.server, "number 42\n");
}

CASE(getline_receives_a_long_line)
{
	struct pair pair = pair_open();
	FILE *in = stream_of(pair.server, "r");
	char bytes[100001], *line = NULL;
	size_t room = 0;

	memset(bytes, 'x', 100000);
	bytes[100000] = '\n';
	send_all(pair.client, bytes, sizeof(bytes));
	CHECK_EQ(getline(&line, &room, in), 100001);
	CHECK_BYTES(line, bytes, sizeof(bytes));
	CHECK_OK(close(pair.client));
	CHECK_EQ(getline(&line, &room, in), -1);
}

CASE(a_connection_cannot_be_positioned)
{
	struct pair pair = pair_open();
	FILE *in = stream_of(pair.server, "r");

	CHECK_ERRNO(fseek(in, 10, SEEK_SET), ESPIPE);
	CHECK_ERRNO(ftell(in), ESPIPE);
}
