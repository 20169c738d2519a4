/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <stdio.h>

/* Bytes of the well-formed UTF-8 character at p (0: it is not well formed). */
static unsigned utf8_length(const unsigned char *p)
{
	unsigned n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2
		: p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	for (unsigned i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void put_character(const unsigned char *p, unsigned n)
{
	if (n == 0)
		putchar('?');
	else if (*p < ' ')
		printf("\\u%04x", *p);
	else if (*p == '"' || *p == '\\')
		printf("\\%c", *p);
	else
		fwrite(p, 1, n, stdout);
}

void json_string(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	putchar('"');
	while (*p) {
		unsigned n = utf8_length(p);

		put_character(p, n);
		p += n ? n : 1;
	}
	putchar('"');
}

void json_member(const char *key, const char *text, const char *after)
{
	json_string(key);
	fputs(": ", stdout);
	json_string(text);
	fputs(after, stdout);
}
