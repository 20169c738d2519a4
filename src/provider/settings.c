/* SPDX-License-Identifier: MIT */
/*
 * settings.c - what the environment may set.
 *
 *   WSD_CONNECT_TIMEOUT_MS   a connect without an answer fails with
 *                            WSAETIMEDOUT after so long (R86)
 *   WSD_HANDOFF_TIMEOUT_MS   a socket that no process takes over ends after so
 *                            long (R210)
 *
 * A value out of range, or no number, is ignored.
 */
#include <stdlib.h>

#include "provider/process.h"

#define MS UINT64_C(1000000)

static uint64_t milliseconds(const char *name, long def, long min, long max)
{
	const char *text = getenv(name);
	char *end;
	long value;

	if (!text || !*text)
		return (uint64_t)def * MS;
	value = strtol(text, &end, 10);
	if (*end || value < min || value > max)
		value = def;
	return (uint64_t)value * MS;
}

void prov_settings_read(struct prov_settings *out)
{
	out->connect_timeout = milliseconds("WSD_CONNECT_TIMEOUT_MS", 5000, 1,
		600000);
	out->handoff_timeout = milliseconds("WSD_HANDOFF_TIMEOUT_MS", 30000, 1,
		600000);
}
