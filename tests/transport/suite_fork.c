/* SPDX-License-Identifier: MIT */
/* Both halves of a fork use one connection. Only where there is a fork:
 * process_start must copy this process as it is. */
#include <string.h>

#include "pair.h"
#include "process.h"

#define SHARES TRANSPORT_FORK_SHARED
#define ROUNDS 3000

/* Whose turn it is; shared by both halves. */
struct shared {
	_Atomic uint32_t turn;
	_Atomic uint32_t next;
};

struct half {
	struct transport_conn *c;
	struct shared *shared;
	uint32_t me;
};

static void wait_turn(struct half *h)
{
	while (atomic_load(&h->shared->turn) != h->me)
		os_yield();
}

static void pass_turn(struct half *h)
{
	atomic_store(&h->shared->turn, !h->me);
}

static void expect_number(struct transport_conn *c, uint32_t number)
{
	const void *data;
	uint32_t len;

	CHECK_OK(next_message(c, &data, &len));
	CHECK_EQ(len, 4 + number % 500);
	CHECK_BYTES(data, &number, 4);
	ops->release(c);
}

static void send_number(struct transport_conn *c, uint32_t number)
{
	uint8_t bytes[504] = {0};

	memcpy(bytes, &number, 4);
	send_waiting(c, bytes, 4 + number % 500);
}

static void receive_in_turn(void *arg)
{
	struct half *h = arg;

	for (int i = 0; i < ROUNDS / 2; i++) {
		wait_turn(h);
		expect_number(h->c, h->shared->next++);
		expect_number(h->c, h->shared->next++);
		pass_turn(h);
	}
}

static void send_in_turn(void *arg)
{
	struct half *h = arg;

	for (int i = 0; i < ROUNDS; i++) {
		wait_turn(h);
		send_number(h->c, h->shared->next++);
		pass_turn(h);
	}
}

static void send_numbers(void *arg)
{
	for (uint32_t i = 0; i < 2 * ROUNDS; i++)
		send_number(arg, i);
}

static void receive_numbers(void *arg)
{
	for (uint32_t i = 0; i < 2 * ROUNDS; i++)
		expect_number(arg, i);
}

/* Both halves do `each` with c, a thread does `other` with the other end. */
static void in_turns(struct pair *p, struct transport_conn *c,
	struct transport_conn *peer, void (*each)(void *arg),
	void (*other)(void *arg))
{
	struct shared *shared = os_shared_alloc(sizeof *shared);
	struct half child = {c, shared, 1}, parent = {c, shared, 0};
	struct process process = process_start(each, &child, 0);
	struct os_thread t;

	CHECK_OK(os_thread_start(&t, "other", other, peer));
	each(&parent);
	os_thread_join(&t);
	CHECK_EQ(process_wait(process), 0);
	os_shared_free(shared, sizeof *shared);
	pair_close(p);
}

CASE_NEEDS(both_halves_of_a_fork_receive_in_turns, SHARES)
{
	struct pair p;

	pair_open(&p);
	in_turns(&p, p.server, p.client, receive_in_turn, send_numbers);
}

CASE_NEEDS(both_halves_of_a_fork_send_in_turns, SHARES)
{
	struct pair p;

	pair_open(&p);
	in_turns(&p, p.client, p.server, send_in_turn, receive_numbers);
}

/* ---- ends ------------------------------------------------------------ */

static void close_quietly(void *arg)
{
	ops->close(arg, true);
}

CASE_NEEDS(a_child_that_closes_its_half_ends_nothing, SHARES)
{
	struct pair p;

	pair_open(&p);
	CHECK_EQ(process_wait(process_start(close_quietly, p.server, 0)), 0);
	CHECK_OK(ops->status(p.client, true));
	send_text(p.client, "still here");
	expect_text(p.server, "still here");
	pair_close(&p);
}

static void wait_for_ever(void *arg)
{
	for (;;)
		os_sleep(PATIENCE);
}

/* The last holder decides: here the child, which never touches it. */
CASE_NEEDS(a_connection_lives_as_long_as_one_half_holds_it, SHARES)
{
	struct process child;
	struct pair p;

	pair_open(&p);
	child = process_start(wait_for_ever, NULL, 0);
	ops->close(p.server, true);
	CHECK_OK(ops->status(p.client, true));
	process_kill(child);
	expect_status(p.client, ST_RESET);
	ops->close(p.client, false);
	ops->close_listener(p.listener);
}

static void peer_closed(void *arg)
{
	expect_status(arg, ST_RESET);
}

CASE_NEEDS(both_halves_learn_that_the_peer_has_closed, SHARES)
{
	struct process child;
	struct pair p;

	pair_open(&p);
	child = process_start(peer_closed, p.server, 0);
	ops->close(p.client, false);
	expect_status(p.server, ST_RESET);
	CHECK_EQ(process_wait(child), 0);
	ops->close(p.server, false);
	ops->close_listener(p.listener);
}

/* ---- RDMA ------------------------------------------------------------ */

static void expose_here(void *arg)
{
	static uint8_t memory[70000];
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];

	CHECK_OK(ops->expose(arg, memory, sizeof memory, 2, descriptor));
	send_waiting(arg, descriptor, ops->limits.descriptor_len);
	expect_text(arg, "done");
	check_pattern(memory, sizeof memory, 3);
	CHECK_OK(ops->conceal(arg, descriptor));
	ops->close(arg, true);
}

static void write_to_child(struct transport_conn *c)
{
	static uint8_t mine[70000];
	struct os_span span = {mine, sizeof mine};
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	const void *data;
	enum status st;
	uint32_t len;

	CHECK_OK(next_message(c, &data, &len));
	memcpy(descriptor, data, len);
	ops->release(c);
	pattern(mine, sizeof mine, 3);
	st = ops->rdma(c, TRANSPORT_WRITE, &span, 1, descriptor, len, 0, 1);
	CHECK_OK(st == ST_PENDING ? transfer_result(c) : st);
	send_text(c, "done");
}

CASE_NEEDS(rdma_reaches_the_memory_of_the_half_that_exposed_it, SHARES)
{
	uint8_t memory[10], descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct process child;
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->expose(p.server, memory, sizeof memory, 2, descriptor));
	child = process_start(expose_here, p.server, 0);
	write_to_child(p.client);
	CHECK_EQ(process_wait(child), 0);
	CHECK_OK(ops->conceal(p.server, descriptor));
	pair_close(&p);
}

struct borrowed {
	struct transport_conn *c;
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
};

static void read_from_child(void *arg)
{
	struct borrowed *b = arg;
	uint8_t got[1000];
	struct os_span span = {got, sizeof got};
	enum status st = ops->rdma(b->c, TRANSPORT_READ, &span, 1,
		b->descriptor, ops->limits.descriptor_len, 0, 1);

	CHECK_OK(st == ST_PENDING ? transfer_result(b->c) : st);
	check_pattern(got, sizeof got, 9);
	send_text(b->c, "done");
	ops->close(b->c, true);
}

CASE_NEEDS(rdma_by_a_child_works, SHARES | TRANSPORT_RDMA_READ)
{
	uint8_t memory[1000];
	struct process child;
	struct borrowed b;
	struct pair p;

	pair_open(&p);
	pattern(memory, sizeof memory, 9);
	CHECK_OK(ops->expose(p.server, memory, sizeof memory, 1,
		b.descriptor));
	b.c = p.client;
	child = process_start(read_from_child, &b, 0);
	expect_text(p.server, "done");
	CHECK_EQ(process_wait(child), 0);
	pair_close(&p);
}
