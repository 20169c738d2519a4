/* SPDX-License-Identifier: MIT */
#include "base/status.h"

static const char *const texts[ST_COUNT] = {
#define STATUS_TEXT(name, text) [name] = text,
	STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
};

static const char *const names[ST_COUNT] = {
#define STATUS_NAME(name, text) [name] = #name,
	STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
};

const char *status_text(enum status st)
{
	if ((unsigned)st >= ST_COUNT)
		return "unknown status";
	return texts[st];
}

const char *status_name(enum status st)
{
	if ((unsigned)st >= ST_COUNT)
		return "ST_?";
	return names[st];
}
