/* SPDX-License-Identifier: MIT */
/*
 * A peer that asks for transfers it may not have, answers ones that nobody
 * asked for, or counts itself in for ever.
 */
#include <string.h>

#include "hostile.h"
#include "pair.h"
#include "transport/shm/shm_rdma.h"

static void one_wild_write(struct pair *p, struct guarded *g,
	const struct shm_served_head *head, uint32_t len)
{
	static uint8_t junk[SHM_SERVED_CHUNK];
	struct os_span span = {junk, len};
	const void *data;
	enum status result;
	uint64_t cookie;
	uint32_t got;

	CHECK_OK(shm_served_post(p->client, SHM_WRITE_BYTES, head, &span, 1, 0,
		len));
	CHECK_ST(ops->peek(p->server, &data, &got), ST_AGAIN);
	ops->reap(p->server, &cookie, &result);
	ops->peek(p->client, &data, &got);
	guards_intact(g);
}

/* The slot in the segment says what the peer likes; the table does not. */
CASE(hostile_served_writes_stay_inside_the_exposure)
{
	static const uint64_t offsets[] = {0, 1, EXPOSED - 1, EXPOSED,
		EXPOSED + 1, UINT64_MAX, UINT64_MAX - EXPOSED, 1 << 20};
	static struct guarded g;
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct shm_slot *slot;
	struct pair p;

	memset(&g, 0xa5, sizeof g);
	pair_open(&p);
	CHECK_OK(ops->expose(p.server, g.exposed, EXPOSED, 3, descriptor));
	slot = &p.client->segment->slots[SHM_SERVER][0];
	for (unsigned i = 0; i < 8; i++) {
		struct shm_served_head head = {.id = i, .offset = offsets[i],
			.key = atomic_load(&slot->key), .code = 1};

		atomic_store(&slot->len, UINT64_MAX);
		atomic_store(&slot->base, 0);
		one_wild_write(&p, &g, &head, EXPOSED + 1);
		one_wild_write(&p, &g, &head, SHM_SERVED_CHUNK);
		head.slot = SHM_SLOTS + i;
		one_wild_write(&p, &g, &head, 10);
		head.slot = 1 + i;
		one_wild_write(&p, &g, &head, 10);
	}
	pair_close(&p);
}

CASE(hostile_served_questions_without_end_break_the_connection_only)
{
	uint8_t memory[10], descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct shm_served_head head = {.len = 1};
	const void *data;
	enum status st;
	struct pair p;
	uint32_t len;

	pair_open(&p);
	CHECK_OK(ops->expose(p.server, memory, 10, 1, descriptor));
	for (int i = 0; i < 100; i++)
		CHECK_OK(shm_served_post(p.client, SHM_ASK_READ, &head, NULL,
			0, 0, 0));
	while ((st = ops->peek(p.server, &data, &len)) == ST_AGAIN &&
	       ops->arm(p.server, TRANSPORT_IN) == ST_AGAIN)
		;
	CHECK_ST(st, ST_PROTOCOL);
	pair_close(&p);
}

static void ask_for_nothing(struct pair *p)
{
	struct shm_served_head head = {.len = 1, .code = 1};
	const void *data;
	uint32_t len;

	for (int i = 0; i < 10; i++) {
		CHECK_OK(shm_served_post(p->client, SHM_ASK_READ, &head, NULL,
			0, 0, 0));
		CHECK_OK(shm_served_post(p->client, SHM_WRITE_BYTES, &head,
			NULL, 0, 0, 0));
	}
	CHECK_ST(ops->peek(p->server, &data, &len), ST_AGAIN);
}

/* Nobody calls reap who exposes nothing; and yet there is no busy waiting. */
CASE(hostile_questions_about_nothing_keep_nobody_awake)
{
	uint8_t memory[10], descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct pair p;

	pair_open(&p);
	ask_for_nothing(&p);
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	CHECK_OK(ops->expose(p.server, memory, 10, 1, descriptor));
	ask_for_nothing(&p);
	CHECK_ST(ops->arm(p.server, TRANSPORT_IN), ST_AGAIN);
	CHECK_OK(ops->conceal(p.server, descriptor));
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	pair_close(&p);
}

CASE(hostile_answers_to_transfers_never_asked_for_are_ignored)
{
	struct shm_served_head head = {.id = 5, .len = 100};
	uint8_t junk[100] = {0};
	struct os_span span = {junk, 100};
	struct pair p;

	pair_open(&p);
	CHECK_OK(shm_served_post(p.client, SHM_READ_BYTES, &head, &span, 1, 0,
		100));
	CHECK_OK(shm_served_post(p.client, SHM_REPLY, &head, NULL, 0, 0, 0));
	send_text(p.client, "x");
	expect_text(p.server, "x");
	pair_close(&p);
}

CASE(hostile_served_writes_need_the_right)
{
	struct shm_served_head head = {.code = 1};
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	static struct guarded g;
	struct pair p;

	memset(&g, 0xa5, sizeof g);
	pair_open(&p);
	CHECK_OK(ops->expose(p.server, g.exposed, EXPOSED, 1, descriptor));
	head.key = atomic_load(
		&p.client->segment->slots[SHM_SERVER][0].key);
	one_wild_write(&p, &g, &head, 10);
	CHECK_EQ(g.exposed[0], 0xa5);
	pair_close(&p);
}

/* What the server sends for a read that is not ours to have. */
static void one_wild_read(struct pair *p, const struct shm_served_head *head)
{
	const void *data;
	enum status result;
	struct ring_record rec;
	uint64_t cookie;
	uint32_t got;

	CHECK_OK(shm_served_post(p->client, SHM_ASK_READ, head, NULL, 0, 0,
		0));
	CHECK_ST(ops->peek(p->server, &data, &got), ST_AGAIN);
	ops->reap(p->server, &cookie, &result);
	while (ring_observe(&p->client->rx, &rec) == ST_OK) {
		CHECK(rec.kind != SHM_READ_BYTES);
		ring_consume(&p->client->rx, &rec);
	}
}

/* R177, R179: by its own table, not by what the segment says. */
CASE(hostile_served_reads_get_nothing_but_what_was_exposed_for_reading)
{
	static const uint64_t offsets[] = {EXPOSED, EXPOSED - 9, UINT64_MAX,
		UINT64_MAX - 9, 1 << 20};
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct shm_served_head head = {.len = 10};
	static struct guarded g;
	struct shm_slot *slot;
	struct pair p;

	pair_open(&p);
	slot = &p.client->segment->slots[SHM_SERVER][0];
	CHECK_OK(ops->expose(p.server, g.exposed, EXPOSED, 2, descriptor));
	head.key = atomic_load(&slot->key);
	atomic_store(&slot->rights, 3);
	one_wild_read(&p, &head); /* for writing only */
	CHECK_OK(ops->conceal(p.server, descriptor));
	CHECK_OK(ops->expose(p.server, g.exposed, EXPOSED, 1, descriptor));
	one_wild_read(&p, &head); /* with a key that was */
	head.key = atomic_load(&slot->key);
	atomic_store(&slot->len, UINT64_MAX);
	for (int i = 0; i < 5; i++) {
		head.offset = offsets[i];
		one_wild_read(&p, &head);
	}
	pair_close(&p);
}

/* R176, R180: while it is exposed, and not before and not after. */
CASE(hostile_served_transfers_need_an_exposure_that_is_there_now)
{
	uint8_t descriptor[2][TRANSPORT_DESCRIPTOR_MAX];
	struct shm_served_head head = {.len = 10, .code = 1};
	static struct guarded g;
	struct shm_slot *slot;
	struct pair p;
	uint64_t key;

	memset(&g, 0xa5, sizeof g);
	pair_open(&p);
	slot = &p.client->segment->slots[SHM_SERVER][0];
	CHECK_OK(ops->expose(p.server, g.exposed, 10, 3, descriptor[0]));
	key = head.key = atomic_load(&slot->key);
	CHECK_OK(ops->conceal(p.server, descriptor[0]));
	atomic_store(&slot->state, SHM_EXPOSED); /* the peer says it is there */
	one_wild_write(&p, &g, &head, 10);
	one_wild_read(&p, &head);
	atomic_store(&slot->state, SHM_FREE);
	CHECK_OK(ops->expose(p.server, g.exposed, 10, 3, descriptor[1]));
	CHECK(atomic_load(&slot->key) != key); /* same memory, same slot */
	one_wild_write(&p, &g, &head, 10);
	one_wild_read(&p, &head);
	CHECK_EQ(g.exposed[0], 0xa5);
	pair_close(&p);
}

/* R176: not two of thousands. */
CASE(every_exposure_has_a_key_of_its_own)
{
	enum { N = 3000 };
	static uint64_t keys[N];
	uint8_t memory[10], descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct pair p;

	pair_open(&p);
	for (int i = 0; i < N; i++) {
		CHECK_OK(ops->expose(p.server, memory, 10, 3, descriptor));
		keys[i] = atomic_load(
			&p.client->segment->slots[SHM_SERVER][0].key);
		CHECK_OK(ops->conceal(p.server, descriptor));
		for (int k = 0; k < i; k++)
			CHECK(keys[k] != keys[i]);
	}
	pair_close(&p);
}

/* Never more than a bounded number of records that are not for the caller. */
CASE(hostile_records_of_transfers_do_not_keep_peek_for_ever)
{
	struct shm_served_head head = {.id = 5};
	const void *data;
	struct pair p;
	uint32_t len;

	pair_open(&p);
	for (int i = 0; i < 100; i++)
		CHECK_OK(shm_served_post(p.client, SHM_REPLY, &head, NULL, 0,
			0, 0));
	send_text(p.client, "x");
	CHECK_ST(ops->peek(p.server, &data, &len), ST_AGAIN);
	CHECK_ST(ops->arm(p.server, TRANSPORT_IN), ST_AGAIN);
	CHECK_OK(ops->peek(p.server, &data, &len));
	expect_text(p.server, "x");
	pair_close(&p);
}

/* The answer to a read that brings more, or other, than was asked for. */
static void wrong_answer(uint64_t offset, uint32_t len, enum shm_kind kind)
{
	static uint8_t memory[1000], junk[2000];
	struct os_span mine = {memory, 500}, theirs = {junk, len};
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct shm_served_head head = {.offset = offset};
	const void *data;
	struct pair p;
	uint32_t got;

	pair_open(&p);
	memset(memory, 0xa5, sizeof memory);
	shm_rdma_forbid_direct(true);
	CHECK_OK(ops->expose(p.client, junk, sizeof junk, 1, descriptor));
	CHECK_ST(ops->rdma(p.server, TRANSPORT_READ, &mine, 1, descriptor,
		ops->limits.descriptor_len, 0, 1), ST_PENDING);
	head.id = shm_rdma_get(p.server)->transfers[0].id;
	CHECK_OK(shm_served_post(p.client, kind, &head, &theirs, 1, 0, len));
	CHECK_ST(ops->peek(p.server, &data, &got), ST_PROTOCOL);
	for (size_t i = 500; i < sizeof memory; i++)
		CHECK_EQ(memory[i], 0xa5);
	pair_close(&p);
}

CASE(hostile_answers_to_a_read_do_not_leave_its_spans)
{
	wrong_answer(0, 501, SHM_READ_BYTES);
	wrong_answer(1, 10, SHM_READ_BYTES);
	wrong_answer(UINT64_MAX, 2, SHM_READ_BYTES);
	wrong_answer(0, 0, SHM_REPLY); /* done, with nothing brought */
}

CASE(conceal_is_BUSY_while_the_peer_copies_and_free_when_it_is_dead)
{
	uint8_t memory[10], descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct shm_slot *slot;
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->expose(p.server, memory, 10, 3, descriptor));
	slot = &p.client->segment->slots[SHM_SERVER][0];
	atomic_store(&slot->state, SHM_EXPOSED + 1);
	CHECK_ST(ops->conceal(p.server, descriptor), ST_BUSY);
	atomic_store(&slot->state, SHM_EXPOSED);
	CHECK_OK(ops->conceal(p.server, descriptor));
	CHECK_OK(ops->expose(p.server, memory, 10, 3, descriptor));
	atomic_store(&slot->state, SHM_EXPOSED + 1);
	ops->close(p.client, false);
	CHECK_OK(ops->conceal(p.server, descriptor));
	ops->close(p.server, false);
	ops->close_listener(p.listener);
}

CASE(hostile_counts_of_users_do_not_keep_close_waiting)
{
	uint8_t memory[10], descriptor[TRANSPORT_DESCRIPTOR_MAX];
	uint64_t before;
	struct pair p;

	pair_open(&p);
	for (int i = 0; i < SHM_SLOTS; i++) {
		CHECK_OK(ops->expose(p.server, memory, 10, 3, descriptor));
		atomic_store(&p.client->segment->slots[SHM_SERVER][i].state,
			5);
	}
	before = os_now();
	ops->close(p.server, false);
	CHECK(os_now() - before < 500 * 1000 * 1000);
	ops->close(p.client, false);
	ops->close_listener(p.listener);
}
