/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <errno.h>
#include <sys/mman.h>

static _Atomic(struct pool *) pools;

static void enlist(struct pool *p)
{
	p->next_pool = atomic_load(&pools);
	while (!atomic_compare_exchange_weak(&pools, &p->next_pool, p))
		;
}

void pools_forked(void)
{
	for (struct pool *p = atomic_load(&pools); p; p = p->next_pool)
		guard_reset(&p->guard);
}

static void *new_chunk(size_t len)
{
	int saved = errno;
	void *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = saved;
	return m == MAP_FAILED ? NULL : m;
}

static struct pooled *make(struct pool *p)
{
	uint32_t made = atomic_load_explicit(&p->made, memory_order_relaxed);
	uint32_t chunk = made / POOL_CHUNK, slot = made % POOL_CHUNK;
	struct pooled *o;

	if (chunk == POOL_CHUNKS)
		return NULL;
	if (made == 0 && !p->chunks[0])
		enlist(p);
	if (!p->chunks[chunk])
		p->chunks[chunk] = new_chunk(p->size * POOL_CHUNK);
	if (!p->chunks[chunk])
		return NULL;
	o = (struct pooled *)((char *)p->chunks[chunk] + slot * p->size);
	o->index = made;
	/* Pairs with pool_at: what has an index is there. */
	atomic_store_explicit(&p->made, made + 1, memory_order_release);
	return o;
}

void *pool_take(struct pool *p)
{
	bool entered = guard_enter(&p->guard);
	struct pooled *o = p->free;

	if (o)
		p->free = o->next_free;
	else
		o = make(p);
	guard_leave(&p->guard, entered);
	return o;
}

void pool_give(struct pool *p, void *object)
{
	struct pooled *o = object;
	bool entered = guard_enter(&p->guard);

	o->next_free = p->free;
	p->free = o;
	guard_leave(&p->guard, entered);
}

void *pool_at(struct pool *p, uint32_t index)
{
	if (index >= atomic_load_explicit(&p->made, memory_order_acquire))
		return NULL;
	return (char *)p->chunks[index / POOL_CHUNK] +
		index % POOL_CHUNK * p->size;
}
