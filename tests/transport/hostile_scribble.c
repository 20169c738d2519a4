/* SPDX-License-Identifier: MIT */
/*
 * A peer that stores anything anywhere in the segment, all the time. Its victim
 * may lose the connection, and nothing else: it does not crash, and its other
 * connections go on.
 */
#include <stdlib.h>
#include <string.h>

#include "hostile.h"
#include "pair.h"
#include "process.h"
#include "transport/shm/shm_rdma.h"

/* ---- the scribbler --------------------------------------------------- */

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

/* Who asks too slowly may be dropped (shm_listener.h), and tries again. */
static struct transport_conn *connect_accepted(const struct addr *to)
{
	uint64_t limit = os_now() + PATIENCE;
	struct transport_conn *c = connect_to(to);
	enum status st;

	while ((st = ops->status(c, true)) != ST_OK && os_now() < limit) {
		if (st == ST_RESET) {
			ops->close(c, false);
			c = connect_to(to);
		}
		os_yield();
	}
	CHECK_OK(st);
	return c;
}

static struct transport_conn *meet_victim(const struct scribbler *s)
{
	struct transport_listener *l;
	struct transport_conn *c;

	if (!s->listens)
		return s->early ? connect_to(&s->at) :
			connect_accepted(&s->at);
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

	if (s->listens)
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
	if (!s->early)
		CHECK_OK(st);
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
	process = process_start(run_scribbler, &s, sizeof s);
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
	for (uint32_t i = 0; i < case_rounds(40); i++) {
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
