/* SPDX-License-Identifier: MIT */
/*
 * kept.h - which memory is pinned, for the cache callback to look at.
 *
 * The callback comes at any place: inside free() with the heap's locks held, in
 * a signal handler, in the middle of the cache's own work, in a child whose
 * parent had other threads. No lock can be taken in all of these. So what it
 * needs to know stands in a table of its own, one slot a pin, and all it does
 * is to change one word there by compare-and-swap. The pin's owner finds out
 * when it wants to use the pin again.
 *
 * A slot has one owner, who serialises the calls for it.
 */
#ifndef WSD_PROVIDER_KEPT_H
#define WSD_PROVIDER_KEPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one process, at most (R187). Who gets no slot must not keep its pin. */
enum { KEPT_SLOTS = 4096 };

struct kept {
	_Atomic uint64_t word; /* what is the case, and how often it changed */
	_Atomic uintptr_t base, end;
};

/*
 * A slot in use. Before the memory is pinned: then no change of its mapping is
 * missed, whenever it comes. NULL: none is left.
 */
struct kept *kept_claim(const void *base, uint64_t len);
/* No longer pinned. NULL is ignored. */
void kept_release(struct kept *k);
/* Use it (once more). False: its memory has gone. */
bool kept_use(struct kept *k);
/* Nobody uses it. False: its memory has gone. */
bool kept_rest(struct kept *k);
/* Has its memory gone? */
bool kept_is_gone(struct kept *k);

/* A number that changes whenever kept_forget has found something. */
unsigned kept_losses(void);

struct kept_found {
	bool resting, in_use; /* at least one of these */
};
/* The mapping of these addresses changes. For any thread at any time. */
struct kept_found kept_forget(const void *base, size_t len);

#endif
