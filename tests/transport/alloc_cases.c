/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out at every place in turn. This program is linked with
 * --wrap=NAME for each function below. What fails must say ST_NOMEM, leak
 * nothing, and work when it is tried again.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "pair.h"
#include "transport/shm/shm_rdma.h"

/* The n-th allocation fails; 0: none. */
static _Atomic unsigned fail_at;

bool alloc_fails(void)
{
	return atomic_load(&fail_at) != 0 && atomic_fetch_sub(&fail_at, 1) == 1;
}

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);

void *__wrap_malloc(size_t len)
{
	return alloc_fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
	return alloc_fails() ? NULL : __real_calloc(n, len);
}

/* Once more, when there was no memory. */
#define TRY(call)                                                             \
	do {                                                                  \
		enum status try_st = (call);                                  \
		if (try_st == ST_NOMEM)                                       \
			try_st = (call);                                      \
		CHECK_OK(try_st);                                             \
	} while (0)

static void meet(struct pair *p)
{
	struct addr from = client_addr(4);
	struct transport_request *r;

	p->at = addr_v4(127, 0, 0, 1, random_port());
	TRY(ops->listen(&p->at, false, 2, &p->listener));
	TRY(ops->connect(&from, &p->at, "", 0, &p->client));
	TRY(ops->take(p->listener, &r));
	CHECK_OK(ops->accept(r, &p->server));
}

#define SPANS 20

static enum status start(struct transport_conn *c, uint8_t *bytes,
	const uint8_t *descriptor)
{
	struct os_span spans[SPANS];
	enum status st;

	for (int i = 0; i < SPANS; i++)
		spans[i] = (struct os_span){bytes + i, 1};
	st = ops->rdma(c, TRANSPORT_WRITE, spans, SPANS, descriptor,
		ops->limits.descriptor_len, 0, 1);
	return st == ST_PENDING ? ST_OK : st;
}

static void transfer(struct pair *p)
{
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	uint8_t theirs[SPANS] = {0}, mine[SPANS];
	enum status result;
	const void *data;
	uint64_t cookie;
	uint32_t len;

	pattern(mine, SPANS, 4);
	TRY(ops->expose(p->server, theirs, SPANS, 2, descriptor));
	TRY(start(p->client, mine, descriptor));
	while (ops->reap(p->client, &cookie, &result) != ST_OK) {
		CHECK_ST(ops->peek(p->server, &data, &len), ST_AGAIN);
		ops->reap(p->server, &cookie, &result);
		CHECK_ST(ops->peek(p->client, &data, &len), ST_AGAIN);
	}
	CHECK_OK(result);
	check_pattern(theirs, SPANS, 4);
}

/* To ourselves. */
static void move(struct transport_conn **c)
{
	uint8_t blob[TRANSPORT_HANDOFF_MAX];
	os_handle handles[TRANSPORT_HANDOFF_HANDLES];
	os_handle copies[TRANSPORT_HANDOFF_HANDLES];
	struct transport_conn *moved;
	unsigned count;
	uint32_t len;

	CHECK_OK(ops->pack(*c, blob, &len, handles, &count));
	for (unsigned i = 0; i < count; i++)
		CHECK_OK(os_handle_duplicate(handles[i], &copies[i]));
	TRY(ops->unpack(blob, len, copies, count, &moved));
	ops->close(*c, true);
	*c = moved;
}

static void live(void)
{
	struct pair p;

	meet(&p);
	transfer(&p);
	move(&p.server);
	send_text(p.client, "after all");
	expect_text(p.server, "after all");
	pair_close(&p);
}

CASE(memory_that_runs_out_anywhere_is_told_and_harms_nothing)
{
	unsigned n = 0;

	shm_rdma_forbid_direct(true);
	live(); /* what is made once per process */
	do {
		atomic_store(&fail_at, ++n);
		live();
	} while (atomic_load(&fail_at) == 0);
	CHECK(n > 8);
}

/* It needs the memory for the segment only when it has left the queue. */
CASE(a_request_waits_until_there_is_memory_for_it)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 2);
	struct transport_conn *c = connect_to(&at);
	struct transport_request *r;

	for (unsigned n = 1; n <= 3; n++) {
		atomic_store(&fail_at, n);
		CHECK_ST(ops->take(l, &r), ST_NOMEM);
		CHECK_EQ(atomic_load(&fail_at), 0);
	}
	CHECK_OK(ops->take(l, &r));
	ops->refuse(r, REFUSE_NO_RESOURCES);
	expect_status(c, ST_TIMEDOUT);
	ops->close(c, false);
	c = connect_to(&at);
	atomic_store(&fail_at, 3);
	CHECK_ST(ops->take(l, &r), ST_NOMEM);
	ops->close_listener(l); /* with one in hand */
	expect_status(c, ST_TIMEDOUT);
	ops->close(c, false);
}
