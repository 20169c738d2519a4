/* SPDX-License-Identifier: MIT */
/* Connections and listeners that move to another process. */
#include <stdio.h>
#include <string.h>

#include "pair.h"
#include "process.h"

#define MOVES TRANSPORT_HANDOFF

/* ---- the way to the other process ------------------------------------ */

struct parcel {
	uint8_t blob[TRANSPORT_HANDOFF_MAX];
	uint32_t len;
	os_handle handles[TRANSPORT_HANDOFF_HANDLES];
	unsigned count;
};

static void parcel_send(os_handle way, const struct parcel *p)
{
	CHECK_OK(os_link_send(way, p->blob, p->len, p->handles, p->count));
}

static void parcel_receive(os_handle way, struct parcel *p)
{
	size_t len = sizeof p->blob;

	p->count = TRANSPORT_HANDOFF_HANDLES;
	CHECK_OK(os_link_receive(way, p->blob, &len, p->handles, &p->count,
		PATIENCE));
	p->len = (uint32_t)len;
}

/* Another process, started before there is anything to inherit. */
struct taker {
	os_handle way;
	struct process process;
};

/* What it is told: where it finds us. */
struct meeting {
	char name[OS_NAME_MAX];
};

static void taker_start(struct taker *t, void (*fn)(void *arg))
{
	struct meeting m;
	struct os_peer who;
	os_handle door;

	snprintf(m.name, sizeof m.name, "wsd-test-taker-%u",
		(unsigned)os_process_id());
	CHECK_OK(os_listen(m.name, 1, &door));
	t->process = process_start(fn, &m, sizeof m);
	CHECK_OK(os_handle_wait(door, PATIENCE));
	CHECK_OK(os_link_accept(door, &t->way, &who));
	os_handle_close(door);
}

/* In the other process. */
static void taker_receive(const struct meeting *m, struct parcel *p)
{
	struct os_peer who;
	os_handle way;

	CHECK_OK(os_link_connect(m->name, &way, &who));
	parcel_receive(way, p);
	os_handle_close(way);
}

static struct transport_conn *taker_conn(const struct meeting *m)
{
	struct transport_conn *c;
	struct parcel p;

	taker_receive(m, &p);
	CHECK_OK(ops->unpack(p.blob, p.len, p.handles, p.count, &c));
	return c;
}

static void hand_off(struct taker *t, struct transport_conn *c)
{
	struct parcel p;

	CHECK_OK(ops->pack(c, p.blob, &p.len, p.handles, &p.count));
	CHECK(p.len <= TRANSPORT_HANDOFF_MAX);
	CHECK(p.count <= TRANSPORT_HANDOFF_HANDLES);
	parcel_send(t->way, &p);
	ops->close(c, true);
}

static void pair_rest_close(struct pair *p)
{
	ops->close(p->client, false);
	ops->close_listener(p->listener);
}

/* ---- connections ----------------------------------------------------- */

static void answer_until_end(struct transport_conn *c)
{
	const void *data;
	uint32_t len;

	while (next_message(c, &data, &len) == ST_OK) {
		uint8_t copy[100];

		CHECK(len <= sizeof copy);
		memcpy(copy, data, len);
		ops->release(c);
		send_waiting(c, copy, len);
	}
	ops->close(c, false);
}

static void take_and_answer(void *arg)
{
	answer_until_end(taker_conn(arg));
}

CASE_NEEDS(a_connection_goes_on_in_another_process, MOVES)
{
	struct taker t;
	struct pair p;

	taker_start(&t, take_and_answer);
	pair_open(&p);
	send_text(p.client, "sent before");
	send_text(p.server, "answered before");
	hand_off(&t, p.server);
	expect_text(p.client, "answered before");
	expect_text(p.client, "sent before");
	for (int i = 0; i < 1000; i++) {
		send_text(p.client, "and on");
		expect_text(p.client, "and on");
	}
	CHECK_OK(ops->status(p.client, true));
	pair_rest_close(&p);
	CHECK_EQ(process_wait(t.process), 0);
}

CASE_NEEDS(the_other_side_of_a_connection_can_move_too, MOVES)
{
	struct taker t;
	struct pair p;

	taker_start(&t, take_and_answer);
	pair_open(&p);
	hand_off(&t, p.client);
	send_text(p.server, "are you there");
	expect_text(p.server, "are you there");
	ops->close(p.server, false);
	ops->close_listener(p.listener);
	CHECK_EQ(process_wait(t.process), 0);
}

CASE_NEEDS(a_moved_connection_dies_with_its_new_process, MOVES)
{
	struct taker t;
	struct pair p;

	taker_start(&t, take_and_answer);
	pair_open(&p);
	hand_off(&t, p.server);
	send_text(p.client, "x");
	expect_text(p.client, "x");
	process_kill(t.process);
	expect_status(p.client, ST_RESET);
	pair_rest_close(&p);
}

CASE_NEEDS(rdma_exposures_do_not_move, MOVES)
{
	uint8_t memory[100] = {0}, descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct os_span span = {memory, 1};
	struct taker t;
	struct pair p;

	taker_start(&t, take_and_answer);
	pair_open(&p);
	CHECK_OK(ops->expose(p.server, memory, 100, 3, descriptor));
	hand_off(&t, p.server);
	CHECK_ST(ops->rdma(p.client, TRANSPORT_WRITE, &span, 1, descriptor,
		ops->limits.descriptor_len, 0, 1), ST_INVAL);
	pair_rest_close(&p);
	CHECK_EQ(process_wait(t.process), 0);
}

static void take_and_expose(void *arg)
{
	static uint8_t memory[50000];
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct transport_conn *c = taker_conn(arg);

	CHECK_OK(ops->expose(c, memory, sizeof memory, 2, descriptor));
	send_waiting(c, descriptor, ops->limits.descriptor_len);
	expect_text(c, "done");
	check_pattern(memory, sizeof memory, 12);
	ops->close(c, false);
}

CASE_NEEDS(rdma_works_with_the_new_process, MOVES)
{
	static uint8_t mine[50000];
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct os_span span = {mine, sizeof mine};
	const void *data;
	struct taker t;
	struct pair p;
	enum status st;
	uint32_t len;

	taker_start(&t, take_and_expose);
	pair_open(&p);
	hand_off(&t, p.server);
	CHECK_OK(next_message(p.client, &data, &len));
	CHECK_EQ(len, ops->limits.descriptor_len);
	memcpy(descriptor, data, len);
	ops->release(p.client);
	pattern(mine, sizeof mine, 12);
	st = ops->rdma(p.client, TRANSPORT_WRITE, &span, 1, descriptor, len, 0,
		1);
	CHECK_OK(st == ST_PENDING ? transfer_result(p.client) : st);
	send_text(p.client, "done");
	CHECK_EQ(process_wait(t.process), 0);
	pair_rest_close(&p);
}

CASE_NEEDS(pack_after_set_handle_is_not_supported, MOVES)
{
	struct parcel parcel;
	os_handle mine;
	struct pair p;

	pair_open(&p);
	CHECK_OK(os_handle_duplicate(ops->handle(p.server), &mine));
	ops->set_handle(p.server, mine);
	CHECK_ST(ops->pack(p.server, parcel.blob, &parcel.len, parcel.handles,
		&parcel.count), ST_UNSUPPORTED);
	pair_close(&p);
	os_handle_close(mine);
}

CASE_NEEDS(unpack_refuses_what_is_damaged, MOVES)
{
	struct transport_conn *c;
	struct parcel parcel;
	os_handle handle;
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->pack(p.server, parcel.blob, &parcel.len, parcel.handles,
		&parcel.count));
	for (uint32_t len = 0; len < parcel.len; len++)
		CHECK(ops->unpack(parcel.blob, len, parcel.handles,
			parcel.count, &c) != ST_OK);
	CHECK(ops->unpack(parcel.blob, parcel.len, parcel.handles,
		parcel.count - 1, &c) != ST_OK);
	for (uint32_t i = 0; i < 8; i++) {
		parcel.blob[i] ^= 0xff;
		CHECK(ops->unpack(parcel.blob, parcel.len, parcel.handles,
			parcel.count, &c) != ST_OK);
		parcel.blob[i] ^= 0xff;
	}
	handle = parcel.handles[0];
	parcel.handles[0] = parcel.handles[1];
	parcel.handles[1] = handle;
	CHECK(ops->unpack(parcel.blob, parcel.len, parcel.handles,
		parcel.count, &c) != ST_OK);
	pair_close(&p);
}

/* ---- listeners ------------------------------------------------------- */

static void take_listener(void *arg)
{
	struct transport_listener *l;
	struct transport_conn *c;
	struct parcel p;

	taker_receive(arg, &p);
	CHECK_OK(ops->unpack_listener(p.blob, p.len, p.handles, p.count, &l));
	for (int i = 0; i < 2; i++) {
		CHECK_OK(ops->accept(take_next(l), &c));
		answer_until_end(c);
	}
	ops->close_listener(l);
}

static void talk(struct transport_conn *c)
{
	send_text(c, "hello");
	expect_text(c, "hello");
	ops->close(c, false);
}

CASE_NEEDS(a_listener_goes_on_in_another_process, MOVES)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l;
	struct transport_conn *queued;
	struct parcel p;
	struct taker t;

	taker_start(&t, take_listener);
	l = listen_free(&at, false, 4);
	queued = connect_to(&at);
	CHECK_OK(ops->pack_listener(l, p.blob, &p.len, p.handles, &p.count));
	parcel_send(t.way, &p);
	ops->close_listener(l);
	talk(queued);
	talk(connect_to(&at));
	CHECK_EQ(process_wait(t.process), 0);
}

CASE_NEEDS(unpack_listener_refuses_what_is_damaged, MOVES)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 4), *moved;
	struct parcel p;

	CHECK_OK(ops->pack_listener(l, p.blob, &p.len, p.handles, &p.count));
	for (uint32_t len = 0; len < p.len; len++)
		CHECK(ops->unpack_listener(p.blob, len, p.handles, p.count,
			&moved) != ST_OK);
	CHECK(ops->unpack_listener(p.blob, p.len, p.handles, 0, &moved) !=
		ST_OK);
	for (uint32_t i = 0; i < 8; i++) {
		p.blob[i] ^= 0xff;
		CHECK(ops->unpack_listener(p.blob, p.len, p.handles, p.count,
			&moved) != ST_OK);
		p.blob[i] ^= 0xff;
	}
	ops->close_listener(l);
}

CASE_NEEDS(a_listener_that_gets_nothing_moves_too, MOVES)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 4), *second,
		*moved;
	struct parcel p;

	CHECK_OK(ops->listen(&at, false, 4, &second));
	CHECK_OK(ops->pack_listener(second, p.blob, &p.len, p.handles,
		&p.count));
	CHECK_OK(ops->unpack_listener(p.blob, p.len, p.handles, p.count,
		&moved));
	CHECK(ops->listener_handle(moved) == OS_NO_HANDLE);
	CHECK(take_gives_nothing(moved));
	ops->close_listener(moved);
	ops->close_listener(second);
	ops->close_listener(l);
}
