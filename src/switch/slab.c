/* SPDX-License-Identifier: MIT */
/*
 * slab.c - memory that a forked child shares, in small pieces.
 *
 * A piece that was never shared by a fork goes back to its slab. One that was
 * may still be in use by another process and is not given out again; a slab
 * without pieces in use is unmapped, which each process does for itself. A
 * child never takes pieces from a slab that it inherited.
 */
#include <stdlib.h>
#include <string.h>

#include "switch/conn.h"

#define SLAB_BYTES 65536
#define PIECE_BYTES 512
#define PIECES (SLAB_BYTES / PIECE_BYTES)

_Static_assert(sizeof(struct sw_shared) <= PIECE_BYTES, "fits a piece");

struct sw_slab {
	struct sw_slab *next;
	uint8_t *base;
	unsigned in_use;
	unsigned free_count;
	bool inherited;
	uint8_t free_pieces[PIECES];
};

static struct sw_slab *slabs;
static struct os_mutex lock = OS_MUTEX_INIT;

static struct sw_slab *slab_create(void)
{
	struct sw_slab *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->base = os_shared_alloc(SLAB_BYTES);
	if (!s->base) {
		free(s);
		return NULL;
	}
	for (unsigned i = 0; i < PIECES; i++)
		s->free_pieces[i] = (uint8_t)(PIECES - 1 - i);
	s->free_count = PIECES;
	s->next = slabs;
	slabs = s;
	return s;
}

static struct sw_slab *slab_with_room(void)
{
	for (struct sw_slab *s = slabs; s; s = s->next)
		if (s->free_count > 0 && !s->inherited)
			return s;
	return slab_create();
}

struct sw_shared *slab_alloc(struct sw_slab **slab)
{
	struct sw_shared *piece = NULL;
	struct sw_slab *s;

	os_mutex_lock(&lock);
	s = slab_with_room();
	if (s) {
		unsigned i = s->free_pieces[--s->free_count];

		piece = (struct sw_shared *)(s->base + i * PIECE_BYTES);
		s->in_use++;
		*slab = s;
	}
	os_mutex_unlock(&lock);
	if (piece)
		memset(piece, 0, sizeof *piece);
	return piece;
}

static void slab_destroy(struct sw_slab *slab)
{
	struct sw_slab **p = &slabs;

	while (*p != slab)
		p = &(*p)->next;
	*p = slab->next;
	os_shared_free(slab->base, SLAB_BYTES);
	free(slab);
}

void slab_free(struct sw_slab *slab, struct sw_shared *s, bool ever_shared)
{
	unsigned i = (unsigned)(((uint8_t *)s - slab->base) / PIECE_BYTES);

	os_mutex_lock(&lock);
	if (!ever_shared && !slab->inherited)
		slab->free_pieces[slab->free_count++] = (uint8_t)i;
	/* The newest slab is kept, so that one connection that comes and goes
	 * does not map and unmap. */
	if (--slab->in_use == 0 && (slab != slabs || slab->inherited ||
					   slab->free_count < PIECES))
		slab_destroy(slab);
	os_mutex_unlock(&lock);
}

/* The child has one thread, and no one can hold the lock. */
void slab_forked(void)
{
	os_mutex_init(&lock);
	for (struct sw_slab *s = slabs; s; s = s->next)
		s->inherited = true;
}
