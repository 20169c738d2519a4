/* SPDX-License-Identifier: MIT */
/* Memory that goes and comes back at the same address: R176, R183 to R185. */
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
