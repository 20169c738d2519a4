/* SPDX-License-Identifier: MIT */
/*
 * pool.h - objects whose memory stays theirs.
 *
 * Memory once used for an object of a pool is only ever used for objects of
 * that pool. So a thread that has followed a pointer too late still finds a
 * reference count there, sees that it is 0, and turns back. No malloc: the
 * calls that make objects may run in signal handlers.
 */
#ifndef WSD_PRELOAD_POOL_H
#define WSD_PRELOAD_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "guard.h"

/* The first member of every object. */
struct pooled {
	struct pooled *next_free;
	uint32_t index; /* for pool_at */
};

#define POOL_CHUNK 64
#define POOL_CHUNKS 16384

struct pool {
	struct guard guard;
	size_t size; /* of an object */
	_Atomic uint32_t made; /* pool_at looks at it without the guard */
	struct pooled *free;
	struct pool *next_pool; /* all that have been used */
	void *chunks[POOL_CHUNKS];
};

#define POOL_INIT(type) {.size = sizeof(type)}

/* NULL when there is no memory. Contents are the last user's, at first 0. */
void *pool_take(struct pool *p);
void pool_give(struct pool *p, void *object);
/* The object that has or had this index; NULL if none ever had. */
void *pool_at(struct pool *p, uint32_t index);

/* In a forked child. */
void pools_forked(void);

#endif
