/* SPDX-License-Identifier: MIT */
/*
 * cursor.h - reading and writing little-endian bytes with bounds.
 *
 * A cursor that would leave its buffer becomes bad and stays bad; reads then
 * give 0 and writes do nothing. Check `bad` once, at the end.
 */
#ifndef WSD_BASE_CURSOR_H
#define WSD_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	uint8_t *at, *end;
	bool bad;
};

static inline struct cursor cursor_over(void *buf, size_t len)
{
	struct cursor c = {buf, (uint8_t *)buf + len, false};

	return c;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* The next n bytes, or NULL. */
static inline uint8_t *cursor_take(struct cursor *c, size_t n)
{
	uint8_t *p = c->at;

	if (c->bad || cursor_left(c) < n) {
		c->bad = true;
		return NULL;
	}
	c->at += n;
	return p;
}

static inline uint64_t cursor_get(struct cursor *c, unsigned bytes)
{
	const uint8_t *p = cursor_take(c, bytes);
	uint64_t v = 0;

	for (unsigned i = 0; p && i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline void cursor_put(struct cursor *c, unsigned bytes, uint64_t v)
{
	uint8_t *p = cursor_take(c, bytes);

	for (unsigned i = 0; p && i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void cursor_get_bytes(struct cursor *c, void *out, size_t n)
{
	const uint8_t *p = cursor_take(c, n);

	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

static inline void cursor_put_bytes(struct cursor *c, const void *in, size_t n)
{
	uint8_t *p = cursor_take(c, n);

	if (p)
		memcpy(p, in, n);
}

#endif
