/* SPDX-License-Identifier: MIT */
/* hostile.h - memory that shows whether somebody wrote beside it. */
#ifndef TRANSPORT_HOSTILE_H
#define TRANSPORT_HOSTILE_H

#include "cases.h"

#define GUARD 4096
#define EXPOSED 1000

/* Memory with a guard on both sides. */
struct guarded {
	uint8_t before[GUARD];
	uint8_t exposed[EXPOSED];
	uint8_t after[GUARD];
};

static inline void guards_intact(const struct guarded *g)
{
	for (int i = 0; i < GUARD; i++)
		CHECK(g->before[i] == 0xa5 && g->after[i] == 0xa5);
}

#endif
