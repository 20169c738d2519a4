/* SPDX-License-Identifier: MIT */
#include "install/guid_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *guid_text(const GUID *id, char text[GUID_TEXT_MAX])
{
	const uint8_t *b = id->Data4;

	snprintf(text, GUID_TEXT_MAX,
		"{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
		(unsigned)id->Data1, id->Data2, id->Data3, b[0], b[1], b[2],
		b[3], b[4], b[5], b[6], b[7]);
	return text;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* The 16 bytes in the order of the text; hyphens where they belong. */
static bool parse_bytes(const char *text, uint8_t bytes[16])
{
	for (unsigned i = 0; i < 16; i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		high = digit(*text);
		low = high < 0 ? -1 : digit(text[1]);
		if (low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return true;
}

bool guid_parse(const char *text, GUID *out)
{
	size_t len = strlen(text);
	uint8_t b[16];

	if (len == GUID_TEXT_MAX - 1 && text[0] == '{' && text[len - 1] == '}')
		text++;
	else if (len != GUID_TEXT_MAX - 3)
		return false;
	if (!parse_bytes(text, b))
		return false;
	out->Data1 = (ULONG)b[0] << 24 | (ULONG)b[1] << 16 |
		(ULONG)b[2] << 8 | b[3];
	out->Data2 = (USHORT)(b[4] << 8 | b[5]);
	out->Data3 = (USHORT)(b[6] << 8 | b[7]);
	memcpy(out->Data4, b + 8, 8);
	return true;
}
