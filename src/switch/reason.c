/* SPDX-License-Identifier: MIT */
#include "switch/reason.h"

static const char *const codes[SW_REASON_COUNT] = {
#define SW_REASON_CODE(name, code, text) [name] = code,
	SW_REASON_LIST(SW_REASON_CODE)
#undef SW_REASON_CODE
};

static const char *const texts[SW_REASON_COUNT] = {
#define SW_REASON_TEXT(name, code, text) [name] = text,
	SW_REASON_LIST(SW_REASON_TEXT)
#undef SW_REASON_TEXT
};

const char *sw_reason_code(enum sw_reason r)
{
	return (unsigned)r < SW_REASON_COUNT ? codes[r] : "unknown";
}

const char *sw_reason_text(enum sw_reason r)
{
	return (unsigned)r < SW_REASON_COUNT ? texts[r] : "unknown reason";
}
