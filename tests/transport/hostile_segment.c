/* SPDX-License-Identifier: MIT */
/*
 * A peer that stores anything anywhere in the segment. Its victim may lose the
 * connection, and nothing else: it does not crash, and its other connections
 * go on.
 */
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "process.h"
#include "transport/shm/shm_rdma.h"

/* ---- one wrong word -------------------------------------------------- */

/* What the client has stored is noticed by the server's peek and ends the
 * connection for both. */
static void is_noticed_by_peek(struct pair *p)
{
	const void *data;
	uint32_t len;

	CHECK_ST(ops->peek(p->server, &data, &len), ST_PROTOCOL);
	CHECK_ST(ops->status(p->server, false), ST_PROTOCOL);
	CHECK_ST(ops->send(p->server, NULL, 0, 0), ST_PROTOCOL);
	ops->release(p->server);
	CHECK_ST(ops->status(p->client, false), ST_PROTOCOL);
	pair_close(p);
}

static struct shm_ring_words *client_ring(struct pair *p)
{
	pair_open(p);
	return p->client->tx.words;
}

static void head_of(uint64_t head)
{
	struct pair p;

	atomic_store(&client_ring(&p)->head, head);
	is_noticed_by_peek(&p);
}

CASE(hostile_heads_are_noticed)
{
	head_of(1);
	head_of(4);
	head_of(UINT64_MAX);
}

/* The receiver does not need it. */
static void tail_of(uint64_t tail)
{
	const void *data;
	struct pair p;
	uint32_t len;

	atomic_store(&client_ring(&p)->tail, tail);
	CHECK_ST(ops->peek(p.server, &data, &len), ST_AGAIN);
	ops->arrivals(p.server);
	ops->release(p.server);
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	pair_close(&p);
}

CASE(hostile_tails_do_no_harm)
{
	tail_of(1);
	tail_of(8);
	tail_of(SHM_RING_SIZE + 8);
	tail_of((uint64_t)-8);
	tail_of(UINT64_MAX);
}

static void record_of(uint64_t at, uint64_t header)
{
	struct shm_ring_words *w;
	struct pair p;

	w = client_ring(&p);
	atomic_store(&w->head, at);
	atomic_store(ring_word(&p.client->tx, at), header);
	is_noticed_by_peek(&p);
}

CASE(hostile_records_are_noticed)
{
	record_of(0, SHM_HEADER(0, 1));
	record_of(0, SHM_HEADER(SHM_DATA, UINT32_MAX));
	record_of(0, SHM_HEADER(SHM_DATA, SHM_MESSAGE_MAX + 1));
	record_of(0, SHM_HEADER(SHM_DATA, SHM_RING_SIZE));
	record_of(0, SHM_HEADER(SHM_SKIP, 0));
	record_of(0, SHM_HEADER(SHM_SKIP, SHM_RING_SIZE - 16));
	record_of(0, SHM_HEADER(SHM_KINDS, 0));
	record_of(0, SHM_HEADER(UINT32_MAX, 8));
	record_of(0, SHM_HEADER(SHM_ASK_READ, 39));
	record_of(0, SHM_HEADER(SHM_REPLY, 0));
}

/* A record may not go around the end of the ring. */
CASE(hostile_records_around_the_end_of_the_ring_are_noticed)
{
	uint64_t at = SHM_RING_SIZE - 8;

	record_of(at, SHM_HEADER(SHM_DATA, 1));
	record_of(at, SHM_HEADER(SHM_DATA, 1000));
	record_of(at, SHM_HEADER(SHM_SKIP, 8));
	record_of(at, SHM_HEADER(SHM_WRITE_BYTES, 64));
	record_of(at + 5 * SHM_RING_SIZE, SHM_HEADER(SHM_DATA, 1));
}

static void own_cursors_of(uint64_t tail, uint64_t head)
{
	struct os_span span = {NULL, 0};
	struct shm_ring_words *w;
	struct pair p;

	w = client_ring(&p);
	atomic_store(&w->tail, tail);
	atomic_store(&w->intent, tail);
	atomic_store(&w->head, head);
	atomic_store(&w->head_cache, head);
	CHECK_ST(ops->send(p.client, &span, 1, 0), ST_PROTOCOL);
	CHECK_ST(ops->status(p.server, false), ST_PROTOCOL);
	pair_close(&p);
}

/* The peer can reach even the sender's own cursor. */
CASE(hostile_changes_of_ones_own_cursors_are_noticed)
{
	own_cursors_of(4, 0);
	own_cursors_of(0, 8);
	own_cursors_of(0, 4);
	own_cursors_of(SHM_RING_SIZE + 8, 0);
	own_cursors_of(UINT64_MAX, UINT64_MAX);
}

static void expect_zeros(struct transport_conn *c, uint32_t want)
{
	static const uint8_t zeros[64];
	const void *data;
	uint32_t len;

	CHECK_OK(ops->peek(c, &data, &len));
	CHECK_EQ(len, want);
	CHECK_BYTES(data, zeros, len);
	ops->release(c);
}

/* A half of a fork is killed while it publishes a message of 8 bytes: with its
 * intent stored, maybe its header, but not its tail. */
static void killed_while_publishing(uint64_t header, enum status want)
{
	struct os_span span = {NULL, 0};
	struct shm_ring_words *w;
	struct pair p;

	w = client_ring(&p);
	atomic_store(&w->intent, 16);
	atomic_store(ring_word(&p.client->tx, 0), header);
	CHECK_ST(ops->send(p.client, &span, 1, 0), want);
	if (header && want == ST_OK) {
		expect_zeros(p.server, 8);
		CHECK_EQ(atomic_load(&w->tail), 16 + 8);
	}
	if (want == ST_OK)
		expect_text(p.server, "");
	pair_close(&p);
}

CASE(a_sender_goes_on_behind_what_a_killed_half_has_sent)
{
	killed_while_publishing(0, ST_OK);
	killed_while_publishing(SHM_HEADER(SHM_DATA, 8), ST_OK);
	killed_while_publishing(SHM_HEADER(SHM_DATA, UINT32_MAX), ST_PROTOCOL);
	killed_while_publishing(SHM_HEADER(SHM_DATA, SHM_RING_SIZE),
		ST_PROTOCOL);
}

CASE(hostile_answers_are_noticed)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *c = connect_to(&at);
	struct transport_request *r = take_next(l);

	atomic_store(&c->segment->state, 77);
	ops->refuse(r, REFUSE_REJECTED);
	atomic_store(&c->segment->state, 77);
	CHECK_ST(ops->status(c, true), ST_PROTOCOL);
	CHECK_ST(ops->status(c, false), ST_PROTOCOL);
	ops->close(c, false);
	ops->close_listener(l);
}

CASE(an_answer_counts_once)
{
	struct pair p;

	pair_open(&p);
	atomic_store(&p.server->segment->state, SHM_REFUSED);
	CHECK_OK(ops->status(p.client, true));
	atomic_store(&p.server->segment->state, SHM_REQUESTED);
	CHECK_OK(ops->status(p.client, true));
	pair_close(&p);
}

CASE(hostile_bytes_on_the_link_are_noticed)
{
	struct pair p;

	pair_open(&p);
	CHECK_OK(os_link_send(ops->handle(p.client), "nonsense", 8, NULL, 0));
	CHECK_ST(ops->drain(p.server, false), ST_PROTOCOL);
	CHECK_ST(ops->status(p.server, false), ST_PROTOCOL);
	pair_close(&p);
}

CASE(hostile_floods_of_doorbells_are_drained)
{
	struct pair p;

	pair_open(&p);
	for (int i = 0; i < 20000; i++)
		os_link_ring(ops->handle(p.client));
	send_text(p.client, "x");
	expect_text(p.server, "x");
	while (ops->drain(p.server, false) == ST_OK)
		;
	CHECK(!handle_rings(p.server));
	pair_close(&p);
}

/* ---- transfers ------------------------------------------------------- */

#define GUARD 4096
#define EXPOSED 1000

/* Memory with a guard on both sides. */
struct guarded {
	uint8_t before[GUARD];
	uint8_t exposed[EXPOSED];
	uint8_t after[GUARD];
};

static void guards_intact(const struct guarded *g)
{
	for (int i = 0; i < GUARD; i++)
		CHECK(g->before[i] == 0xa5 && g->after[i] == 0xa5);
}

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

/* ---- scribbling ------------------------------------------------------ */

enum scribble {
	ANYWHERE,   /* any word, any value */
	HEADER_ONLY,
	CURSORS,    /* values that are nearly right */
	RECORDS,    /* headers of records that are nearly right */
	SLOTS,
	BITS,       /* one at a time, rarely */
	SCRIBBLES
};

struct scribbler {
	struct addr at;
	enum scribble how;
	bool listens;
	bool early; /* before the victim has accepted */
	uint32_t seed;
};

static uint64_t nearly(uint64_t right, uint32_t *state)
{
	switch (random_next(state) % 6) {
	case 0:
		return right + 8 * (random_next(state) % 64);
	case 1:
		return right - 8 * (random_next(state) % 64);
	case 2:
		return right + SHM_RING_SIZE;
	case 3:
		return right + random_next(state) % 9;
	case 4:
		return 0;
	default:
		return right;
	}
}

static void scribble_cursors(struct transport_conn *c, uint32_t *state)
{
	struct shm_ring_words *w = &c->segment->rings[random_next(state) % 2];
	_Atomic uint64_t *words[4] = {&w->tail, &w->intent, &w->head,
		&w->head_cache};
	_Atomic uint64_t *to = words[random_next(state) % 4];
	_Atomic uint64_t *from = words[random_next(state) % 4];

	atomic_store(to, nearly(atomic_load(from), state));
	atomic_store(&w->reader_asleep, random_next(state));
	atomic_store(&w->writer_asleep, random_next(state));
}

static void scribble_records(struct transport_conn *c, uint32_t *state)
{
	uint64_t at = atomic_load(&c->rx.words->head);
	const struct shm_ring *r = &c->tx;

	if (random_next(state) % 2)
		at = atomic_load(&r->words->head);
	at = (at + 8 * (random_next(state) % 16)) & ~UINT64_C(7);
	atomic_store(ring_word(r, at), SHM_HEADER(random_next(state) % 8,
		nearly(random_next(state) % 256, state)));
	if (random_next(state) % 4 == 0)
		atomic_fetch_add(&r->words->tail,
			8 * (random_next(state) % 8));
}

static void scribble_slots(struct transport_conn *c, uint32_t *state)
{
	struct shm_slot *slot = &c->segment->slots[random_next(state) % 2]
		[random_next(state) % 8];
	_Atomic uint64_t *words[3] = {&slot->key, &slot->base, &slot->len};

	atomic_store(words[random_next(state) % 3],
		(uint64_t)random_next(state) << (random_next(state) % 33));
	if (random_next(state) % 2)
		atomic_store(&slot->state, random_next(state) % 4);
	if (random_next(state) % 8 == 0)
		atomic_store(&slot->pid, random_next(state) % 4);
}

static void scribble_once(struct transport_conn *c, enum scribble how,
	uint32_t *state)
{
	size_t words = (how == HEADER_ONLY ? sizeof *c->segment : c->size) / 8;
	_Atomic uint64_t *base = (_Atomic uint64_t *)(void *)c->segment;
	uint64_t value = (uint64_t)random_next(state) << 32 |
		random_next(state);

	switch (how) {
	case CURSORS:
		scribble_cursors(c, state);
		return;
	case RECORDS:
		scribble_records(c, state);
		return;
	case SLOTS:
		scribble_slots(c, state);
		return;
	case BITS:
		atomic_fetch_xor(&base[random_next(state) % words],
			UINT64_C(1) << random_next(state) % 64);
		os_yield();
		return;
	default:
		atomic_store(&base[random_next(state) % words], value);
	}
}

/* Behaves for a moment, so that there is something to spoil. */
static void behave(struct transport_conn *c, uint32_t *state)
{
	struct os_span span = {state, sizeof *state};
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	static uint8_t memory[1 << 16];
	const void *data;
	enum status result;
	uint64_t cookie;
	uint32_t len;

	ops->send(c, &span, 1, 0);
	if (ops->expose(c, memory, sizeof memory, 3, descriptor) == ST_OK) {
		span = (struct os_span){descriptor,
			ops->limits.descriptor_len};
		ops->send(c, &span, 1, 0);
	}
	ops->reap(c, &cookie, &result);
	if (ops->peek(c, &data, &len) == ST_OK)
		ops->release(c);
}

static struct transport_conn *meet_victim(const struct scribbler *s)
{
	struct transport_listener *l;
	struct transport_conn *c;

	if (!s->listens)
		return connect_to(&s->at);
	CHECK_OK(ops->listen(&s->at, false, 1, &l));
	if (ops->accept(take_next(l), &c) != ST_OK)
		process_exit(CASE_PASS); /* the victim has left */
	return c;
}

static void run_scribbler(void *arg)
{
	const struct scribbler *s = arg;
	struct transport_conn *c = meet_victim(s);
	uint32_t state = s->seed;

	if (!s->early)
		expect_status(c, ST_OK);
	for (;;) {
		for (uint32_t i = random_next(&state) % 8; i > 0; i--)
			behave(c, &state);
		for (uint32_t i = random_next(&state) % 8; i > 0; i--)
			scribble_once(c, s->how, &state);
		if (random_next(&state) % 64 == 0)
			shm_conn_ring(c);
	}
}

/* ---- its victim ------------------------------------------------------ */

struct victim {
	struct transport_conn *c;
	struct guarded *g;
	uint32_t state;
	uint8_t theirs[TRANSPORT_DESCRIPTOR_MAX]; /* the peer's, maybe */
	uint8_t mine[4][TRANSPORT_DESCRIPTOR_MAX];
};

static void victim_receives(struct victim *v)
{
	static uint8_t copy[SHM_MESSAGE_MAX];
	const void *data;
	uint32_t len;

	if (ops->peek(v->c, &data, &len) != ST_OK)
		return;
	CHECK(len <= sizeof copy);
	memcpy(copy, data, len);
	if (len == ops->limits.descriptor_len)
		memcpy(v->theirs, copy, len);
	ops->release(v->c);
}

static void victim_reaches(struct victim *v)
{
	static uint8_t bytes[5000];
	struct os_span span = {bytes, random_next(&v->state) % sizeof bytes};
	enum status result;
	uint64_t cookie;

	ops->rdma(v->c, random_next(&v->state) % 2 ? TRANSPORT_READ :
		TRANSPORT_WRITE, &span, 1, v->theirs,
		ops->limits.descriptor_len, random_next(&v->state) % 70000, 1);
	ops->reap(v->c, &cookie, &result);
}

static void victim_exposes(struct victim *v)
{
	uint8_t *d = v->mine[random_next(&v->state) % 4];

	ops->conceal(v->c, d);
	ops->expose(v->c, v->g->exposed, EXPOSED, 3, d);
}

static void victim_acts(struct victim *v)
{
	static uint8_t bytes[1 << 16];
	struct os_span span = {bytes, 0};

	switch (random_next(&v->state) % 8) {
	case 0:
	case 1:
		span.len = random_next(&v->state) % 300;
		ops->send(v->c, &span, 1, random_next(&v->state) % 2);
		break;
	case 2:
		span.len = random_next(&v->state) % sizeof bytes;
		ops->send(v->c, &span, 1, 0);
		break;
	case 3:
		ops->arm(v->c, random_next(&v->state) % 4);
		ops->drain(v->c, random_next(&v->state) % 2);
		break;
	case 4:
		ops->status(v->c, random_next(&v->state) % 2);
		ops->arrivals(v->c);
		break;
	case 5:
		victim_reaches(v);
		break;
	case 6:
		victim_exposes(v);
		break;
	default:
		victim_receives(v);
	}
}

/* The connection beside it that has done nothing wrong. */
static void bystander_talks(struct pair *p, uint32_t number)
{
	const void *data;
	uint32_t len;

	send_waiting(p->client, &number, sizeof number);
	CHECK_OK(next_message(p->server, &data, &len));
	CHECK_EQ(len, sizeof number);
	CHECK_BYTES(data, &number, sizeof number);
	ops->release(p->server);
}

static void victim_lives(struct victim *v, struct pair *bystander)
{
	uint64_t limit = os_now() + 20 * 1000 * 1000;
	uint32_t more = 200;

	while (os_now() < limit && more > 0) {
		victim_acts(v);
		bystander_talks(bystander, v->state);
		if (ops->status(v->c, false) != ST_OK)
			more--;
	}
	guards_intact(v->g);
	ops->close(v->c, false);
}

/* Finds a bad server; or a bad client, which may have spoilt its request. */
static bool meet_scribbler(const struct scribbler *s,
	struct transport_listener *l, struct transport_conn **out)
{
	uint64_t limit = os_now() + (s->early ? PATIENCE / 100 : PATIENCE);
	struct addr from = client_addr(4);
	struct transport_request *r;
	enum status st = ST_AGAIN;

	while (st != ST_OK && os_now() < limit) {
		st = s->listens ?
			ops->connect(&from, &s->at, "", 0, out) :
			ops->take(l, &r);
		os_yield();
	}
	if (st == ST_OK && !s->listens)
		st = ops->accept(r, out);
	CHECK(s->early || st == ST_OK);
	return st == ST_OK;
}

static void one_scribbler(const struct scribbler *how, struct pair *bystander)
{
	struct victim v = {.state = how->seed + 1};
	struct transport_listener *l = NULL;
	struct scribbler s = *how;
	struct process process;

	v.g = malloc(sizeof *v.g);
	memset(v.g, 0xa5, sizeof *v.g);
	s.at = addr_v4(127, 0, 0, 1, random_port());
	if (!s.listens)
		l = listen_free(&s.at, false, 1);
	process = process_start(run_scribbler, &s);
	if (meet_scribbler(&s, l, &v.c))
		victim_lives(&v, bystander);
	process_kill(process);
	if (l)
		ops->close_listener(l);
	free(v.g);
}

static void scribblers(enum scribble how)
{
	struct pair bystander;

	pair_open(&bystander);
	for (uint32_t i = 0; i < 40; i++) {
		struct scribbler s = {.how = how, .listens = i % 2,
			.early = i % 4 == 0, .seed = i * 7919 + how + 1};

		one_scribbler(&s, &bystander);
	}
	pair_close(&bystander);
}

CASE(hostile_random_words_anywhere_harm_one_connection_only)
{
	scribblers(ANYWHERE);
}

CASE(hostile_random_words_in_the_header_harm_one_connection_only)
{
	scribblers(HEADER_ONLY);
}

CASE(hostile_cursors_that_are_nearly_right_harm_one_connection_only)
{
	scribblers(CURSORS);
}

CASE(hostile_records_that_are_nearly_right_harm_one_connection_only)
{
	scribblers(RECORDS);
}

CASE(hostile_slots_harm_one_connection_only)
{
	scribblers(SLOTS);
}

CASE(hostile_single_bits_harm_one_connection_only)
{
	scribblers(BITS);
}
