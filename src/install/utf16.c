/* SPDX-License-Identifier: MIT */
#include "install/utf16.h"

#include <stdint.h>

#define REPLACEMENT UINT32_C(0xfffd)

/* ---- reading ---------------------------------------------------------- */

/* How many bytes a first byte announces; 0: it is none. */
static unsigned announced(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

static int is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c < 0xe000;
}

/* The character at *text, which is advanced; 0 at the end. */
static uint32_t next_utf8(const uint8_t **text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *p = *text;
	unsigned n = announced(*p);
	uint32_t c = n > 1 ? *p & (0xffu >> (n + 1)) : *p;

	if (*p)
		*text = p + 1;
	if (n == 0)
		return REPLACEMENT;
	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (n > 1 && (c < least[n] || c > 0x10ffff || is_surrogate(c)))
		return REPLACEMENT;
	if (*p)
		*text = p + n;
	return c;
}

/* The same of UTF-16, of which *left units are there. */
static uint32_t next_utf16(const WCHAR **text, size_t *left)
{
	uint32_t c = *left ? **text : 0, low;

	if (c == 0)
		return 0;
	(*text)++;
	(*left)--;
	if (!is_surrogate(c))
		return c;
	low = *left ? **text : 0;
	if (c >= 0xdc00 || low < 0xdc00 || low >= 0xe000)
		return REPLACEMENT;
	(*text)++;
	(*left)--;
	return 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
}

/* ---- writing ---------------------------------------------------------- */

static size_t put_utf8(uint32_t c, char out[4])
{
	static const uint8_t mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(mark[n] | c);
	return n;
}

size_t utf16_from_utf8(const char *text, WCHAR *out, size_t room)
{
	const uint8_t *from = (const uint8_t *)text;
	size_t used = 0;
	uint32_t c;

	while ((c = next_utf8(&from)) != 0) {
		size_t n = c < 0x10000 ? 1 : 2;

		if (used + n >= room)
			break;
		if (n == 2) {
			c -= 0x10000;
			out[used++] = (WCHAR)(0xd800 + (c >> 10));
			c = 0xdc00 + (c & 0x3ff);
		}
		out[used++] = (WCHAR)c;
	}
	out[used] = 0;
	return used;
}

size_t utf16_to_utf8(const WCHAR *text, size_t max, char *out, size_t room)
{
	size_t used = 0;
	uint32_t c;

	while ((c = next_utf16(&text, &max)) != 0) {
		char bytes[4];
		size_t n = put_utf8(c, bytes);

		if (used + n >= room)
			break;
		for (size_t i = 0; i < n; i++)
			out[used++] = bytes[i];
	}
	out[used] = 0;
	return used;
}
