/* SPDX-License-Identifier: MIT */
#define CASE_HELPER
#include "stream.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 32 * 1024, WAIT_MS = 10000, SETTLE_MS = 100 };

static uint64_t word_at(uint64_t offset)
{
	uint64_t word = (offset / 8 + 1) * 0x9e3779b97f4a7c15u;

	return word ^ word >> 29;
}

/* How many bytes of the word at this offset are wanted. */
static size_t piece_at(uint64_t offset, size_t length)
{
	size_t rest = 8 - offset % 8;

	return rest < length ? rest : length;
}

void pattern_fill(void *buffer, size_t length, uint64_t offset)
{
	char *at = buffer;

	while (length > 0) {
		uint64_t word = word_at(offset);
		size_t piece = piece_at(offset, length);

		if (piece == 8)
			memcpy(at, &word, 8);
		else
			memcpy(at, (char *)&word + offset % 8, piece);
		at += piece;
		offset += piece;
		length -= piece;
	}
}

static void pattern_differs(const char *got, const char *want, uint64_t offset)
{
	while (*got == *want)
		got++, want++, offset++;
	FAIL("stream offset %llu: got 0x%02x, expected 0x%02x",
	        (unsigned long long)offset, *got & 0xff, *want & 0xff);
}

void pattern_check(const void *buffer, size_t length, uint64_t offset)
{
	const char *at = buffer;

	while (length > 0) {
		uint64_t word = word_at(offset);
		const char *want = (char *)&word + offset % 8;
		size_t piece = piece_at(offset, length);

		if (memcmp(at, want, piece) != 0)
			pattern_differs(at, want, offset);
		at += piece;
		offset += piece;
		length -= piece;
	}
}

/* EAGAIN is no answer of a blocking socket. */
static void wait_if_nonblocking(int fd, short events)
{
	if (errno != EAGAIN || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		FAIL("transfer on descriptor %d: %s", fd, strerror(errno));
	wait_for(fd, events);
}

void send_all(int fd, const void *buffer, size_t length)
{
	const char *at = buffer;

	while (length > 0) {
		ssize_t n = send(fd, at, length, MSG_NOSIGNAL);

		if (n < 0) {
			wait_if_nonblocking(fd, POLLOUT);
			continue;
		}
		CHECK(n > 0 && (size_t)n <= length);
		at += n;
		length -= n;
	}
}

void recv_all(int fd, void *buffer, size_t length)
{
	char *at = buffer;

	while (length > 0) {
		ssize_t n = recv(fd, at, length, 0);

		if (n < 0) {
			wait_if_nonblocking(fd, POLLIN);
			continue;
		}
		if (n == 0)
			FAIL("end of file with %zu bytes still due", length);
		CHECK((size_t)n <= length);
		at += n;
		length -= n;
	}
}

void send_text(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

void recv_text(int fd, const char *text)
{
	char got[256];

	recv_all(fd, got, strlen(text));
	CHECK_BYTES(got, text, strlen(text));
}

static size_t chunk_of(size_t length)
{
	return length < CHUNK ? length : CHUNK;
}

void send_pattern(int fd, uint64_t offset, size_t length)
{
	char chunk[CHUNK];

	for (size_t n; length > 0; length -= n, offset += n) {
		n = chunk_of(length);
		pattern_fill(chunk, n, offset);
		send_all(fd, chunk, n);
	}
}

void recv_pattern(int fd, uint64_t offset, size_t length)
{
	char chunk[CHUNK];

	for (size_t n; length > 0; length -= n, offset += n) {
		n = chunk_of(length);
		recv_all(fd, chunk, n);
		pattern_check(chunk, n, offset);
	}
}

void roundtrip(int a, int b)
{
	send_text(a, "there");
	recv_text(b, "there");
	send_text(b, "and back");
	recv_text(a, "and back");
}

void echo_all(int fd)
{
	char chunk[CHUNK];
	ssize_t n;

	while ((n = CHECK_OK(recv(fd, chunk, sizeof(chunk), 0))) > 0)
		send_all(fd, chunk, n);
}

void expect_eof(int fd)
{
	char byte;

	wait_for(fd, POLLIN);
	CHECK_EQ(recv(fd, &byte, 1, 0), 0);
}

void expect_gone(int fd)
{
	ssize_t n;
	char byte;

	wait_for(fd, POLLIN);
	n = recv(fd, &byte, 1, 0);
	if (n > 0)
		FAIL("got a byte, expected end of file or ECONNRESET");
	if (n < 0 && errno != ECONNRESET)
		FAIL("got %s, expected end of file or ECONNRESET",
		        strerror(errno));
}

void expect_unsendable(int fd)
{
	while (send(fd, "?", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ||
	        errno == EAGAIN)
		poll(NULL, 0, 1);
	CHECK(errno == EPIPE || errno == ECONNRESET);
}

void expect_silence(int fd)
{
	char byte;

	CHECK_ERRNO(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), EAGAIN);
}

short wait_for(int fd, short events)
{
	struct pollfd look = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&look, 1, WAIT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		FAIL("waited %d ms in vain for events 0x%x", WAIT_MS, events);
	CHECK_EQ(n, 1);
	return look.revents;
}

short events_now(int fd, short events)
{
	struct pollfd look = {.fd = fd, .events = events};
	int n = CHECK_OK(poll(&look, 1, 0));

	CHECK_EQ(n, look.revents != 0);
	return look.revents;
}

void wait_queued(int fd, int length)
{
	int queued;

	for (;;) {
		CHECK_OK(ioctl(fd, FIONREAD, &queued));
		if (queued == length)
			return;
		CHECK(queued < length);
		poll(NULL, 0, 1);
	}
}

/* What is still under way may make room: full is what is full twice. */
uint64_t fill_until_full(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLOUT};
	int settled = 0;
	uint64_t total = 0;
	char chunk[CHUNK];
	ssize_t n;

	for (;;) {
		pattern_fill(chunk, CHUNK, total);
		n = send(fd, chunk, CHUNK, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			total += n;
			settled = 0;
			continue;
		}
		CHECK_EQ(errno, EAGAIN);
		if (settled)
			break;
		settled = poll(&look, 1, SETTLE_MS) == 0;
	}
	CHECK(total > 0);
	return total;
}

uint64_t drain(int fd, uint64_t offset)
{
	uint64_t total = 0;
	char chunk[CHUNK];
	ssize_t n;

	while ((n = recv(fd, chunk, CHUNK, MSG_DONTWAIT)) > 0) {
		pattern_check(chunk, n, offset + total);
		total += n;
	}
	if (n < 0)
		CHECK_EQ(errno, EAGAIN);
	return total;
}
