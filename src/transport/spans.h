/* SPDX-License-Identifier: MIT */
/* spans.h - a message in pieces: how long it is, and put together. */
#ifndef WSD_TRANSPORT_SPANS_H
#define WSD_TRANSPORT_SPANS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "os/os.h"

/* False: more than max bytes. */
static inline bool spans_total(const struct os_span *spans, unsigned count,
	uint32_t max, uint32_t *total)
{
	size_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		if (spans[i].len > max - sum)
			return false;
		sum += spans[i].len;
	}
	*total = (uint32_t)sum;
	return true;
}

/* An empty piece may be at NULL. */
static inline void spans_gather(uint8_t *to, const struct os_span *spans,
	unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (spans[i].len == 0)
			continue;
		memcpy(to, spans[i].base, spans[i].len);
		to += spans[i].len;
	}
}

#endif
