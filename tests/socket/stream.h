/* SPDX-License-Identifier: MIT */
/*
 * Bytes through a connection.  The pattern is an endless sequence in which
 * bytes at different offsets differ, so that a byte that is lost, doubled or
 * moved shows.
 */
#ifndef SOCKET_STREAM_H
#define SOCKET_STREAM_H

#include "cases.h"

#include <stdint.h>

void pattern_fill(void *buffer, size_t length, uint64_t offset);
void pattern_check(const void *buffer, size_t length, uint64_t offset);

/* Whole buffers; recv_all fails at end of file.  Fine with O_NONBLOCK too. */
void send_all(int fd, const void *buffer, size_t length);
void recv_all(int fd, void *buffer, size_t length);
void send_text(int fd, const char *text);
void recv_text(int fd, const char *text);
void send_pattern(int fd, uint64_t offset, size_t length);
void recv_pattern(int fd, uint64_t offset, size_t length);

/* A few bytes there and back, over two ends in this process. */
void roundtrip(int a, int b);
/* Serves until end of file: what comes is sent back. */
void echo_all(int fd);

/* Waits for end of file. */
void expect_eof(int fd);
/* Waits for end of file or ECONNRESET. */
void expect_gone(int fd);
/* Sends until it fails, which must be by EPIPE or ECONNRESET. */
void expect_unsendable(int fd);
/* Nothing to read now, and not at end of file either. */
void expect_silence(int fd);

/* Waits for any of these events (10 s at most) and returns what poll saw. */
short wait_for(int fd, short events);
/* What poll sees without waiting. */
short events_now(int fd, short events);
/* Waits until FIONREAD gives exactly `length`. */
void wait_queued(int fd, int length);

/*
 * Sends the pattern from offset 0 until nothing more goes in, and returns how
 * much that was.  Once it returns, the state holds until the peer reads.
 */
uint64_t fill_until_full(int fd);
/* Receives, without waiting, all there is; returns how much. */
uint64_t drain(int fd, uint64_t offset);

#ifndef CASE_HELPER
#define pattern_check(b, l, o)  (CASE_HERE, pattern_check(b, l, o))
#define send_all(fd, b, l)      (CASE_HERE, send_all(fd, b, l))
#define recv_all(fd, b, l)      (CASE_HERE, recv_all(fd, b, l))
#define send_text(fd, text)     (CASE_HERE, send_text(fd, text))
#define recv_text(fd, text)     (CASE_HERE, recv_text(fd, text))
#define send_pattern(fd, o, l)  (CASE_HERE, send_pattern(fd, o, l))
#define recv_pattern(fd, o, l)  (CASE_HERE, recv_pattern(fd, o, l))
#define roundtrip(a, b)         (CASE_HERE, roundtrip(a, b))
#define echo_all(fd)            (CASE_HERE, echo_all(fd))
#define expect_eof(fd)          (CASE_HERE, expect_eof(fd))
#define expect_gone(fd)         (CASE_HERE, expect_gone(fd))
#define expect_unsendable(fd)   (CASE_HERE, expect_unsendable(fd))
#define expect_silence(fd)      (CASE_HERE, expect_silence(fd))
#define wait_for(fd, events)    (CASE_HERE, wait_for(fd, events))
#define events_now(fd, events)  (CASE_HERE, events_now(fd, events))
#define wait_queued(fd, length) (CASE_HERE, wait_queued(fd, length))
#define fill_until_full(fd)     (CASE_HERE, fill_until_full(fd))
#define drain(fd, offset)       (CASE_HERE, drain(fd, offset))
#endif

#endif
