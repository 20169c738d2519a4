/* SPDX-License-Identifier: MIT */
/*
 * descriptor.c - the table of slots, in chunks that are never freed, so that a
 * look-up may follow any pointer in it without a lock. Thousands of sockets
 * opened and closed reuse the same slots (R215).
 */
#include "provider/descriptor.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "os/os.h"
#include "provider/socket.h"

enum {
	WIDE = sizeof(SOCKET) > 4,
	INDEX_BITS = WIDE ? 20 : 14,
	GENERATION_BITS = 31 - (WIDE ? 0 : INDEX_BITS),
	CHUNK = 512,
	LINE = 64,
	CHUNKS = (1 << INDEX_BITS) / CHUNK,
};

#define INDEX_MASK (((SOCKET)1 << INDEX_BITS) - 1)
#define GENERATION_MASK ((UINT32_C(1) << GENERATION_BITS) - 1)

/* A slot's word: generation, one bit "open", references. */
#define OPEN (UINT64_C(1) << 31)
#define REFERENCES (OPEN - 1)

/* A cache line of its own: threads count on different sockets at once. */
struct slot {
	_Alignas(LINE) _Atomic uint64_t word;
	struct prov_socket *socket; /* valid while there are references */
	unsigned next_free;         /* table.lock */
};

static struct {
	struct os_mutex lock; /* role: descriptor table; a leaf */
	struct os_cond none_left;
	unsigned used;       /* slots that were ever in use */
	unsigned first_free; /* index + 1; 0: none */
	unsigned count;
	_Atomic(struct slot *) chunk[CHUNKS];
	struct slot first[CHUNK];
} table = {.lock = OS_MUTEX_INIT};

static void init_table(void)
{
	os_cond_init(&table.none_left);
}

static struct slot *slot_at(unsigned index)
{
	struct slot *base = index < CHUNK
		? table.first
		: atomic_load_explicit(&table.chunk[index / CHUNK],
			memory_order_acquire);

	return base ? base + index % CHUNK : NULL;
}

static uint32_t generation_of(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* The slot a descriptor names, whatever its generation; NULL: none. */
static struct slot *slot_of(SOCKET d, uint32_t *generation)
{
	SOCKET high = d >> INDEX_BITS;

	if (high == 0 || high > GENERATION_MASK)
		return NULL;
	*generation = (uint32_t)high;
	return slot_at((unsigned)(d & INDEX_MASK));
}

/* Makes room for slot `index`. table.lock held. */
static enum status grow(unsigned index)
{
	uintptr_t memory;

	if (slot_at(index))
		return ST_OK;
	memory = (uintptr_t)calloc(CHUNK + 1, sizeof(struct slot));
	if (!memory)
		return ST_NOMEM;
	memory = (memory + LINE - 1) / LINE * LINE;
	atomic_store_explicit(&table.chunk[index / CHUNK],
		(struct slot *)memory, memory_order_release);
	return ST_OK;
}

/* table.lock held. */
static enum status take_slot(unsigned *index)
{
	enum status st;

	if (table.first_free) {
		*index = table.first_free - 1;
		table.first_free = slot_at(*index)->next_free;
		return ST_OK;
	}
	if (table.used == (unsigned)CHUNKS * CHUNK)
		return ST_NOHANDLES;
	st = grow(table.used);
	if (st == ST_OK)
		*index = table.used++;
	return st;
}

enum status prov_descriptor_open(struct prov_socket *s, SOCKET *out)
{
	static struct os_once once = OS_ONCE_INIT;
	uint32_t generation;
	unsigned index;
	enum status st;
	struct slot *slot;

	os_once(&once, init_table);
	os_mutex_lock(&table.lock);
	st = take_slot(&index);
	if (st == ST_OK)
		table.count++;
	os_mutex_unlock(&table.lock);
	if (st != ST_OK)
		return st;
	slot = slot_at(index);
	generation = (generation_of(atomic_load(&slot->word)) + 1) &
		GENERATION_MASK;
	if (generation == 0)
		generation = 1;
	*out = (SOCKET)generation << INDEX_BITS | index;
	s->descriptor = *out;
	slot->socket = s;
	/* Pairs with the acquire in hold: whoever sees OPEN sees the socket. */
	atomic_store_explicit(&slot->word,
		(uint64_t)generation << 32 | OPEN | 1, memory_order_release);
	return ST_OK;
}

/* Adds to an open slot's word, or takes its OPEN away; NULL: it is not open. */
static inline struct prov_socket *change_open(SOCKET d, uint64_t more,
	uint64_t less)
{
	uint32_t generation = 0;
	struct slot *slot = slot_of(d, &generation);
	uint64_t word;

	if (!slot)
		return NULL;
	word = atomic_load_explicit(&slot->word, memory_order_relaxed);
	do {
		if (generation_of(word) != generation || !(word & OPEN))
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(&slot->word, &word,
		word + more - less, memory_order_acquire,
		memory_order_relaxed));
	return slot->socket;
}

struct prov_socket *prov_descriptor_hold(SOCKET d)
{
	return change_open(d, 1, 0);
}

void prov_descriptor_hold_again(SOCKET d)
{
	uint32_t generation;

	atomic_fetch_add_explicit(&slot_of(d, &generation)->word, 1,
		memory_order_relaxed);
}

static void free_slot(struct slot *slot, unsigned index)
{
	slot->socket = NULL;
	os_mutex_lock(&table.lock);
	slot->next_free = table.first_free;
	table.first_free = index + 1;
	if (--table.count == 0)
		os_cond_broadcast(&table.none_left);
	os_mutex_unlock(&table.lock);
}

void prov_descriptor_release(SOCKET d)
{
	uint32_t generation;
	struct slot *slot = slot_of(d, &generation);
	uint64_t before = atomic_fetch_sub_explicit(&slot->word, 1,
		memory_order_acq_rel);

	if ((before & REFERENCES) != 1)
		return;
	prov_socket_end(slot->socket);
	free_slot(slot, (unsigned)(d & INDEX_MASK));
}

struct prov_socket *prov_descriptor_close(SOCKET d)
{
	return change_open(d, 0, OPEN);
}

struct prov_socket *prov_descriptor_next(unsigned *cursor)
{
	unsigned used;

	os_mutex_lock(&table.lock);
	used = table.used;
	os_mutex_unlock(&table.lock);
	while (*cursor < used) {
		unsigned index = (*cursor)++;
		uint64_t word = atomic_load(&slot_at(index)->word);
		SOCKET d = (SOCKET)generation_of(word) << INDEX_BITS | index;
		struct prov_socket *s = prov_descriptor_hold(d);

		if (s)
			return s;
	}
	return NULL;
}

unsigned prov_descriptor_count(void)
{
	unsigned count;

	os_mutex_lock(&table.lock);
	count = table.count;
	os_mutex_unlock(&table.lock);
	return count;
}

enum status prov_descriptor_wait_none(uint64_t ns)
{
	uint64_t now = os_now();
	uint64_t until = now + ns;
	unsigned left;

	os_mutex_lock(&table.lock);
	for (; table.count > 0 && now < until; now = os_now())
		os_cond_wait(&table.none_left, &table.lock, until - now);
	left = table.count;
	os_mutex_unlock(&table.lock);
	return left ? ST_TIMEDOUT : ST_OK;
}
