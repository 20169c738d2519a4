/* SPDX-License-Identifier: MIT */
/* Memory that goes and comes back at the same address: R176, R181 to R187. */
#include <string.h>

#include "conform/endpoint.h"
#include "mock_transport.h"

enum { BLOCKS = 8, BLOCK = 16384, ROUNDS = 3000 };

/* Memory of the program, and what was made of it in this life of it. */
struct block {
	char *at;
	uint32_t life;
	struct exposed old; /* of an earlier life; len 0: none */
};

static struct block blocks[BLOCKS];
static char copy[BLOCK];

static uint32_t chance(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % below;
}

static int callback(const struct block *b, uint32_t at, uint32_t len)
{
	int err = 0;

	return spi.cache_callback(b->at + at, len, &err) ? err : 0;
}

static void block_fill(struct block *b)
{
	pattern(b->at, BLOCK, ++b->life * BLOCKS + (uint32_t)(b - blocks));
}

static void block_check(const struct block *b, const char *got, uint32_t at,
	uint32_t len)
{
	pattern(copy, BLOCK, b->life * BLOCKS + (uint32_t)(b - blocks));
	CHECK_BYTES(got, copy + at, len);
}

/* As a program does: first the callback, for all of it or piece by piece, then
 * the memory goes. It may come back at once. */
static void block_renew(struct block *b, uint32_t *state)
{
	void *at = b->at;

	for (int i = 0; i < 3; i++) {
		uint32_t from = chance(state, BLOCK);

		callback(b, from, 1 + chance(state, BLOCK - from));
	}
	callback(b, 0, BLOCK);
	CHECK_CODE(callback(b, 0, BLOCK), WSAEINVAL); /* R183: nothing is left */
	os_pages_free(at, BLOCK);
	CHECK_EQ(os_pages_alloc(&at, BLOCK, OS_PAGES_WRITE), ST_OK);
	CHECK(at == b->at);
	block_fill(b);
}

/* R185: what arrives is what is there now. */
static void send_part(struct pair *p, const struct block *b, uint32_t at,
	uint32_t len)
{
	struct request in, out;
	DWORD n = 0;
	int err = 0;
	WSABUF buf = {len, b->at + at};
	HANDLE h = spi.register_memory(p->client.s, b->at + at, len, MEM_READ,
		&err);

	CHECK(h != NULL);
	must_receive(&p->server, 0, SLOT_BYTES, &in, POLLED);
	request_init(&out, POLLED);
	FAILS(spi.t.lpWSPSend(p->client.s, &buf, 1, &n, 0, &out.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	request_expect(p->client.s, &out, 0, len);
	request_expect(p->server.s, &in, 0, len);
	block_check(b, end_receive_slot(&p->server, 0), at, len);
	OK(spi.deregister_memory(p->client.s, h, &err));
}

static int read_remote(struct pair *p, const struct exposed *e, uint32_t len)
{
	WSABUFEX into = {len, end_receive_slot(&p->server, 1),
		p->server.receive_handle};
	struct request r;
	int code = post_rdma(RDMA_READ, p->server.s, &into, 1, e, 0, &r,
		POLLED);

	if (code != WSA_IO_PENDING)
		return code;
	request_wait(p->server.s, &r);
	return r.error;
}

/* R176: a descriptor of an earlier life is good for nothing. */
static void read_part(struct pair *p, struct block *b, uint32_t at,
	uint32_t len)
{
	struct exposed e;

	CHECK_EQ(expose(p->client.s, b->at + at, len, MEM_READ, &e), 0);
	CHECK_EQ(read_remote(p, &e, len), 0);
	block_check(b, end_receive_slot(&p->server, 1), at, len);
	if (b->old.len)
		CHECK_CODE(read_remote(p, &b->old, len), WSAEINVAL);
	CHECK_EQ(conceal(p->client.s, &e), 0);
	b->old = e;
}

CASE(R176_R183_R185_memory_that_goes_and_comes_back_thousands_of_times)
{
	uint32_t state = 5;
	struct pair p;

	spi_start();
	pair_open(&p);
	for (int i = 0; i < BLOCKS; i++) {
		void *at = NULL;

		CHECK_EQ(os_pages_alloc(&at, BLOCK, OS_PAGES_WRITE), ST_OK);
		blocks[i].at = at;
		block_fill(&blocks[i]);
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct block *b = &blocks[chance(&state, BLOCKS)];
		uint32_t len = 1 + chance(&state, SLOT_BYTES);
		uint32_t at = chance(&state, BLOCK - len + 1);

		send_part(&p, b, at, len);
		if (i % 4 == 0)
			read_part(&p, b, at, len);
		if (i % 2)
			block_renew(b, &state);
	}
	pair_close(&p);
	CHECK_EQ(mock_objects(), 0); /* R186 */
	spi_stop();
}

/* ---- which pins are made and which are kept ------------------------- */

enum { PLACES = 16 };

static struct pair two;
static char *places;                   /* PLACES blocks side by side */
static _Atomic unsigned pins[PLACES];  /* made for each of them */

static void count_pin(void *base, uint64_t len)
{
	size_t at = (size_t)((char *)base - places);

	if (at < (size_t)PLACES * BLOCK)
		atomic_fetch_add(&pins[at / BLOCK], 1);
}

static void open_places(void)
{
	void *at = NULL;

	spi_start();
	pair_open(&two);
	CHECK_EQ(os_pages_alloc(&at, (size_t)PLACES * BLOCK, OS_PAGES_WRITE),
		ST_OK);
	places = at;
	atomic_store(&mock_faults.during_pin, count_pin);
}

static void close_places(void)
{
	pair_close(&two);
	CHECK_EQ(mock_pinned(), 0); /* R186 */
	CHECK_EQ(mock_objects(), 0);
	spi_stop();
}

static HANDLE reg(unsigned i, size_t at, DWORD len)
{
	int err = 0;
	HANDLE h = spi.register_memory(two.client.s,
		places + (size_t)i * BLOCK + at, len, MEM_READ, &err);

	CHECK(h != NULL);
	return h;
}

static void dereg(HANDLE h)
{
	int err = 0;

	OK(spi.deregister_memory(two.client.s, h, &err));
}

/* Registers and lets go; true when the adapter had to pin. */
static bool pins_anew(unsigned i)
{
	unsigned before = atomic_load(&pins[i]);

	dereg(reg(i, 0, BLOCK));
	return atomic_load(&pins[i]) != before;
}

static int lose(size_t from, size_t len)
{
	int err = 0;

	return spi.cache_callback(places + from, len, &err) ? err : 0;
}

CASE(R181_R183_a_range_takes_what_it_touches_and_leaves_the_rest)
{
	open_places();
	for (unsigned i = 0; i < PLACES; i++)
		CHECK(pins_anew(i));
	for (unsigned i = 0; i < PLACES; i++)
		CHECK(!pins_anew(i)); /* R181 */
	/* The last byte of 2, all of 3 and 4, the first byte of 5. */
	CHECK_EQ(lose(3 * BLOCK - 1, 2 * BLOCK + 2), 0);
	for (unsigned i = 0; i < PLACES; i++)
		CHECK_EQ(pins_anew(i), i >= 2 && i <= 5);
	CHECK_EQ(lose(7 * BLOCK + 100, 1), 0); /* inside */
	CHECK_EQ(pins_anew(7), true);
	CHECK_EQ(pins_anew(6) || pins_anew(8), false);
	CHECK_CODE(lose(7 * BLOCK, 0), WSAEINVAL); /* nothing */
	CHECK_EQ(pins_anew(7), false);
	close_places();
}

CASE(R183_a_part_of_a_lost_pin_is_not_used_either)
{
	open_places();
	CHECK(pins_anew(0));
	CHECK_EQ(lose(0, 1), 0);
	dereg(reg(0, BLOCK / 2, BLOCK / 2)); /* what was not touched */
	CHECK_EQ(atomic_load(&pins[0]), 2);
	close_places();
}

CASE(R184_R185_what_goes_while_in_use_is_not_kept_afterwards)
{
	HANDLE a, b;

	open_places();
	a = reg(0, 0, BLOCK);
	CHECK_CODE(lose(0, BLOCK), WSAEFAULT);
	CHECK_CODE(lose(0, BLOCK), WSAEFAULT); /* as long as it is in use */
	b = reg(0, 0, BLOCK);
	CHECK_EQ(atomic_load(&pins[0]), 2); /* a's pages are not these */
	dereg(a);
	CHECK_EQ(pins_anew(0), false);      /* b's are */
	dereg(b);
	CHECK_EQ(lose(0, BLOCK), 0);
	CHECK_CODE(lose(0, BLOCK), WSAEINVAL);
	close_places();
}

CASE(R185_what_is_lost_goes_back_to_the_adapter_before_the_next_pin)
{
	unsigned before;

	open_places();
	before = mock_pinned();
	for (unsigned i = 0; i < 8; i++)
		CHECK(pins_anew(i));
	CHECK_EQ(mock_pinned(), before + 8);
	CHECK_EQ(lose(0, 8 * BLOCK), 0);
	CHECK(pins_anew(8));
	CHECK_EQ(mock_pinned(), before + 1);
	close_places();
}

/* The adapter's library frees memory while it pins: also the very same. */
static void lose_during_pin(void *base, uint64_t len)
{
	int err = 0;

	count_pin(base, len);
	spi.cache_callback(base, len, &err);
}

CASE(R183_the_callback_from_inside_pin_counts)
{
	open_places();
	atomic_store(&mock_faults.during_pin, lose_during_pin);
	CHECK(pins_anew(0));
	CHECK(pins_anew(0));
	atomic_store(&mock_faults.during_pin, count_pin);
	CHECK(pins_anew(0));
	CHECK(!pins_anew(0));
	close_places();
}

CASE(R187_the_process_keeps_no_more_than_there_are_places_for)
{
	enum { MANY = 5000 };
	static HANDLE all[MANY];

	open_places();
	for (unsigned i = 0; i < MANY; i++)
		all[i] = reg(i % PLACES, i, 1 + i % 7);
	CHECK(mock_pinned() > MANY / 2);
	CHECK_CODE(lose(0, (size_t)PLACES * BLOCK), WSAEFAULT);
	for (unsigned i = 0; i < MANY; i++)
		dereg(all[i]);
	CHECK(mock_pinned() < 50);
	CHECK(pins_anew(0)); /* and there is room again */
	CHECK(!pins_anew(0));
	close_places();
}

/* ---- at the same time (R211) ---------------------------------------- */

enum { OWNERS = 3, OWN = 4, TURNS = 4000 };

static _Atomic bool over;

/* Has some places alone: so what is pinned anew, and what is not, is known. */
static void own_places(void *arg)
{
	unsigned first = (unsigned)(uintptr_t)arg * OWN;
	uint32_t state = first + 1;

	for (unsigned n = 0; n < OWN; n++)
		CHECK(pins_anew(first + n));
	for (int turn = 0; turn < TURNS; turn++) {
		unsigned i = first + chance(&state, OWN);
		bool lost = chance(&state, 2);

		if (lost)
			CHECK_EQ(lose((size_t)i * BLOCK + chance(&state, BLOCK),
				1), 0);
		CHECK_EQ(pins_anew(i), lost);
	}
}

/* Shares its place with the callback. */
static void use_last(void *arg)
{
	while (!atomic_load(&over))
		dereg(reg(PLACES - 1, 0, BLOCK));
}

static void lose_last(void *arg)
{
	while (!atomic_load(&over))
		lose((size_t)(PLACES - 1) * BLOCK, BLOCK);
}

CASE(R183_R185_R211_callbacks_and_pins_at_the_same_time_lose_nothing)
{
	struct os_thread owners[OWNERS], others[3];

	open_places();
	for (uintptr_t i = 0; i < OWNERS; i++)
		CHECK_EQ(os_thread_start(&owners[i], "owner", own_places,
			(void *)i), ST_OK);
	CHECK_EQ(os_thread_start(&others[0], "use", use_last, NULL), ST_OK);
	CHECK_EQ(os_thread_start(&others[1], "lose", lose_last, NULL), ST_OK);
	CHECK_EQ(os_thread_start(&others[2], "lose", lose_last, NULL), ST_OK);
	for (int i = 0; i < OWNERS; i++)
		os_thread_join(&owners[i]);
	atomic_store(&over, true);
	for (int i = 0; i < 3; i++)
		os_thread_join(&others[i]);
	lose(0, (size_t)PLACES * BLOCK);
	CHECK_CODE(lose(0, (size_t)PLACES * BLOCK), WSAEINVAL);
	for (unsigned i = 0; i < PLACES; i++)
		CHECK(pins_anew(i));
	close_places();
}
