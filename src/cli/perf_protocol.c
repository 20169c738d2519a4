/* SPDX-License-Identifier: MIT */
#include "perf_protocol.h"

#include <string.h>

#include "base/le.h"

/* Where each number is. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_OPERATION = 6,
	AT_SIZE = 8,
	AT_COUNT = 12,
	AT_LONGEST = 16,
	AT_DESCRIPTOR_LEN = 20,
	AT_DESCRIPTOR = 24,
};

size_t perf_encode(const struct perf_command *c, void *buf)
{
	uint8_t *to = buf;

	le_put32(to + AT_MAGIC, PERF_MAGIC);
	le_put16(to + AT_VERSION, PERF_VERSION);
	le_put16(to + AT_OPERATION, (uint16_t)c->operation);
	le_put32(to + AT_SIZE, c->size);
	le_put32(to + AT_COUNT, c->count);
	le_put32(to + AT_LONGEST, c->longest);
	le_put32(to + AT_DESCRIPTOR_LEN, (uint32_t)c->exposed.len);
	memcpy(to + AT_DESCRIPTOR, c->exposed.descriptor, c->exposed.len);
	return AT_DESCRIPTOR + c->exposed.len;
}

static bool makes_sense(const struct perf_command *c)
{
	switch (c->operation) {
	case PERF_HELLO:
		return c->longest >= PERF_PIECE_MIN;
	case PERF_ECHO:
	case PERF_SINK:
		return c->size > 0 && c->size <= PERF_SIZE_MAX && c->count > 0;
	case PERF_SYNC:
		return true;
	}
	return false;
}

bool perf_decode(const void *buf, size_t len, struct perf_command *out)
{
	const uint8_t *from = buf;

	memset(out, 0, sizeof *out);
	if (len < AT_DESCRIPTOR || le_get32(from + AT_MAGIC) != PERF_MAGIC ||
		le_get16(from + AT_VERSION) != PERF_VERSION)
		return false;
	out->operation = (enum perf_operation)le_get16(from + AT_OPERATION);
	out->size = le_get32(from + AT_SIZE);
	out->count = le_get32(from + AT_COUNT);
	out->longest = le_get32(from + AT_LONGEST);
	out->exposed.len = le_get32(from + AT_DESCRIPTOR_LEN);
	if (out->exposed.len > LINK_DESCRIPTOR_MAX ||
		len - AT_DESCRIPTOR < out->exposed.len)
		return false;
	memcpy(out->exposed.descriptor, from + AT_DESCRIPTOR,
		out->exposed.len);
	return makes_sense(out);
}

uint32_t perf_pieces(uint32_t size, uint32_t longest)
{
	return size / longest + (size % longest != 0);
}

uint32_t perf_piece(uint32_t size, uint32_t longest, uint32_t n)
{
	uint32_t left = size - n * longest;

	return left < longest ? left : longest;
}
