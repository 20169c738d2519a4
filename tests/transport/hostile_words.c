/* SPDX-License-Identifier: MIT */
/*
 * A peer that stores one wrong word in the segment, or on the link: it is
 * noticed, or does no harm.
 */
#include "pair.h"
#include "transport/shm/shm_conn.h"

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

/* ... while it publishes behind a gap at the end of the ring: the message is
 * out, maybe, but the gap before it is not, and so nothing is. */
static void killed_at_the_end_of_the_ring(uint64_t header)
{
	uint64_t end = SHM_RING_SIZE, at = end - 64;
	struct shm_ring_words *w;
	struct pair p;

	w = client_ring(&p);
	atomic_store(&w->tail, at);
	atomic_store(&w->head, at);
	atomic_store(&w->intent, end + 1008);
	atomic_store(ring_word(&p.client->tx, end), header);
	send_text(p.client, "short enough for the rest");
	send_text(p.client, "of the ring, but not both of them are");
	expect_text(p.server, "short enough for the rest");
	expect_text(p.server, "of the ring, but not both of them are");
	CHECK_EQ(ops->arrivals(p.server), atomic_load(&w->tail));
	pair_close(&p);
}

CASE(a_sender_forgets_what_a_killed_half_has_not_finished)
{
	killed_at_the_end_of_the_ring(0);
	killed_at_the_end_of_the_ring(SHM_HEADER(SHM_DATA, 1000));
}

/* Records without an end, and heads that move: arrivals comes back. */
CASE(hostile_records_all_around_the_ring_do_not_keep_arrivals_for_ever)
{
	struct shm_ring_words *w;
	struct pair p;

	w = client_ring(&p);
	for (uint64_t at = 0; at < SHM_RING_SIZE; at += 8)
		atomic_store(ring_word(&p.client->tx, at),
			SHM_HEADER(SHM_DATA, 0));
	for (uint32_t i = 0, state = 3; i < 1000; i++) {
		ops->arrivals(p.server);
		atomic_store(&w->head, (uint64_t)random_next(&state) << 31);
	}
	pair_close(&p);
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
	for (unsigned i = 0; i < case_rounds(20000); i++)
		os_link_ring(ops->handle(p.client));
	send_text(p.client, "x");
	expect_text(p.server, "x");
	while (ops->drain(p.server, false) == ST_OK)
		;
	CHECK(!handle_rings(p.server));
	pair_close(&p);
}
