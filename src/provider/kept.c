/* SPDX-License-Identifier: MIT */
/*
 * kept.c - R183, R184 and R187, without a lock.
 *
 * The word has the state in its low bits and above them a count that goes up
 * with each change. Who has read base and end, and then exchanges the word,
 * knows by the count that all three belonged together.
 */
#include "provider/kept.h"

enum kept_state {
	FREE,
	CLAIMED, /* base and end are being written */
	RESTING,
	IN_USE,
	DOOMED, /* in use while its memory has gone */
	GONE,
};

#define STATES 8u

static struct kept slots[KEPT_SLOTS];
static _Atomic unsigned reached; /* all beyond have never been claimed */
static _Atomic unsigned next;    /* where the search begins */
static _Atomic unsigned losses;

static enum kept_state state_of(uint64_t word)
{
	return (enum kept_state)(word % STATES);
}

static uint64_t word_after(uint64_t word, enum kept_state state)
{
	return (word / STATES + 1) * STATES + state;
}

/* Pairs with the exchanges of the others: base and end are this word's. */
static uint64_t look(struct kept *k)
{
	return atomic_load_explicit(&k->word, memory_order_acquire);
}

static bool change(struct kept *k, uint64_t from, enum kept_state to)
{
	return atomic_compare_exchange_strong(&k->word, &from,
		word_after(from, to));
}

/* ---- the owner ----------------------------------------------------- */

static void reach(unsigned index)
{
	unsigned seen = atomic_load(&reached);

	while (seen <= index &&
		!atomic_compare_exchange_weak(&reached, &seen, index + 1))
		;
}

static struct kept *take_free(void)
{
	unsigned from = atomic_load(&next);

	for (unsigned n = 0; n < KEPT_SLOTS; n++) {
		unsigned i = (from + n) % KEPT_SLOTS;
		uint64_t word = look(&slots[i]);

		if (state_of(word) == FREE && change(&slots[i], word, CLAIMED)) {
			atomic_store(&next, i + 1);
			reach(i);
			return &slots[i];
		}
	}
	return NULL;
}

struct kept *kept_claim(const void *base, uint64_t len)
{
	struct kept *k = take_free();

	if (!k)
		return NULL;
	atomic_store(&k->base, (uintptr_t)base);
	atomic_store(&k->end, (uintptr_t)base + len);
	change(k, look(k), IN_USE);
	return k;
}

void kept_release(struct kept *k)
{
	unsigned i;

	if (!k)
		return;
	while (!change(k, look(k), FREE))
		; /* at most once: the callback has come between */
	/* The lowest are used again first, so the callback has few to look at. */
	i = (unsigned)(k - slots);
	if (i < atomic_load(&next))
		atomic_store(&next, i);
}

bool kept_use(struct kept *k)
{
	uint64_t word = look(k);

	return state_of(word) == IN_USE ||
		(state_of(word) == RESTING && change(k, word, IN_USE));
}

bool kept_rest(struct kept *k)
{
	uint64_t word = look(k);

	return state_of(word) == IN_USE && change(k, word, RESTING);
}

bool kept_is_gone(struct kept *k)
{
	return state_of(look(k)) >= DOOMED;
}

unsigned kept_losses(void)
{
	return atomic_load(&losses);
}

/* ---- the callback -------------------------------------------------- */

static bool overlaps(const struct kept *k, uintptr_t from, uintptr_t to)
{
	return atomic_load(&k->base) < to && from < atomic_load(&k->end);
}

/* One slot; true when it has changed meanwhile. */
static bool forget(struct kept *k, uintptr_t from, uintptr_t to,
	struct kept_found *found)
{
	uint64_t word = look(k);
	enum kept_state state = state_of(word);

	if (state < RESTING || state == GONE || !overlaps(k, from, to))
		return look(k) != word;
	if (state == DOOMED) {
		found->in_use = true;
		return false;
	}
	if (!change(k, word, state == IN_USE ? DOOMED : GONE))
		return true;
	if (state == IN_USE)
		found->in_use = true;
	else
		found->resting = true;
	return false;
}

struct kept_found kept_forget(const void *base, size_t len)
{
	struct kept_found found = {false, false};
	uintptr_t from = (uintptr_t)base, to = from + len;
	unsigned count = atomic_load(&reached);

	for (unsigned i = 0; i < count; i++)
		while (forget(&slots[i], from, to, &found))
			;
	if (found.resting || found.in_use)
		atomic_fetch_add(&losses, 1);
	return found;
}
