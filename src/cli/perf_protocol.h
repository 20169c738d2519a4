/* SPDX-License-Identifier: MIT */
/*
 * perf_protocol.h - what the two ends of `wsd perf` and `wsd ping` say to each
 * other, in messages of the SAN. Numbers are little-endian.
 *
 * Both sides have PERF_WINDOW receives posted, always: whoever sends has at
 * most so many messages under way that the other has not taken. A transfer of
 * n bytes is sent as pieces, each as long as both sides can, the last shorter.
 *
 *   command  u32 magic, u16 version, u16 operation, u32 size, u32 count,
 *            u32 longest message, u32 length of a descriptor, descriptor
 *
 * HELLO   the client's first; the server answers with another, which has the
 *         descriptor of PERF_SIZE_MAX bytes that the client may read and write
 *         (none when the server's provider would not expose them)
 * ECHO    `count` transfers of `size` bytes follow; the server sends each
 *         message back
 * SINK    the same, but the server only counts: it sends an ack of 8 bytes,
 *         the number of messages so far, after each PERF_ACK_EVERY messages
 *         and after the last
 * SYNC    the server answers with another SYNC
 */
#ifndef WSD_CLI_PERF_PROTOCOL_H
#define WSD_CLI_PERF_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spi_link.h"

#define PERF_MAGIC UINT32_C(0x50445357) /* "WSDP" */
#define PERF_VERSION 1
#define PERF_SIZE_MAX (UINT32_C(1) << 20)
#define PERF_PIECE_MIN UINT32_C(256)
#define PERF_PIECE_MAX (UINT32_C(64) << 10)
#define PERF_COMMAND_MAX 256

enum { PERF_WINDOW = 16, PERF_ACK_EVERY = PERF_WINDOW / 2, PERF_ACK_SIZE = 8 };

enum perf_operation { PERF_HELLO = 1, PERF_ECHO, PERF_SINK, PERF_SYNC };

struct perf_command {
	enum perf_operation operation;
	uint32_t size, count;
	uint32_t longest;
	struct link_exposed exposed; /* len 0: nothing */
};

/* Returns the length; buf has PERF_COMMAND_MAX bytes. */
size_t perf_encode(const struct perf_command *c, void *buf);

/* False when these bytes are no command, or one that cannot be obeyed. */
bool perf_decode(const void *buf, size_t len, struct perf_command *out);

/* How many messages a transfer takes, and how long the nth (from 0) is. */
uint32_t perf_pieces(uint32_t size, uint32_t longest);
uint32_t perf_piece(uint32_t size, uint32_t longest, uint32_t n);

#endif
