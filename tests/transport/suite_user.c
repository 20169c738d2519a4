/* SPDX-License-Identifier: MIT */
/* A peer that is another user's. Needs a user who can become another. */
#include <string.h>

#include "pair.h"
#include "process.h"

#define TWO_PROCESSES TRAIT_PROCESSES
#define SIZE 200000

enum { READABLE = 1, WRITABLE = 2 };

static uint8_t memory[SIZE];

static void transfer(struct transport_conn *c, enum transport_op op,
	const uint8_t *descriptor)
{
	static uint8_t mine[SIZE];
	struct os_span span = {mine, SIZE};
	enum status st;

	pattern(mine, SIZE, 2);
	st = ops->rdma(c, op, &span, 1, descriptor, ops->limits.descriptor_len,
		0, 1);
	CHECK_OK(st == ST_PENDING ? transfer_result(c) : st);
	check_pattern(mine, SIZE, op == TRANSPORT_READ ? 1 : 2);
}

static void expect_descriptor(struct transport_conn *c, uint8_t *descriptor)
{
	const void *data;
	uint32_t len;

	CHECK_OK(next_message(c, &data, &len));
	CHECK_EQ(len, ops->limits.descriptor_len);
	memcpy(descriptor, data, len);
	ops->release(c);
}

static void send_exposed(struct transport_conn *c, unsigned rights)
{
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];

	pattern(memory, SIZE, 1);
	CHECK_OK(ops->expose(c, memory, SIZE, rights, descriptor));
	send_waiting(c, descriptor, ops->limits.descriptor_len);
}

static void run_other_user(void *arg)
{
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct transport_conn *c;

	if (!process_change_user())
		process_exit(CASE_SKIP);
	c = connect_patiently(arg);
	expect_status(c, ST_OK);
	send_exposed(c, WRITABLE);
	expect_text(c, "written");
	check_pattern(memory, SIZE, 2);
	expect_descriptor(c, descriptor);
	transfer(c, TRANSPORT_READ, descriptor);
	send_text(c, "read");
	expect_text(c, "bye");
	ops->close(c, false);
}

CASE_NEEDS(rdma_between_users_works_too, TWO_PROCESSES | TRANSPORT_RDMA_READ)
{
	struct addr at = addr_v4(127, 0, 0, 1, random_port());
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX];
	struct transport_listener *l;
	struct transport_conn *c;
	struct process other;
	struct os_peer who;

	if (os_user_id() != 0)
		case_skip("only root can be two users");
	other = process_start(run_other_user, &at, sizeof at);
	CHECK_OK(ops->listen(&at, false, 1, &l));
	CHECK_OK(ops->accept(take_next(l), &c));
	ops->peer(c, &who);
	CHECK(!who.same_user);
	CHECK(who.uid != 0 || !has_trait(TRAIT_KNOWS_PEER));
	expect_descriptor(c, descriptor);
	transfer(c, TRANSPORT_WRITE, descriptor);
	send_text(c, "written");
	send_exposed(c, READABLE);
	expect_text(c, "read");
	send_text(c, "bye");
	CHECK_EQ(process_wait(other), 0);
	ops->close(c, false);
	ops->close_listener(l);
}

static void knock_at_root(void *arg)
{
	struct addr from = addr_v4(127, 0, 0, 1, 1);
	struct transport_conn *c;
	enum status st;

	if (!process_change_user())
		process_exit(CASE_SKIP);
	st = ops->connect(&from, arg, "", 0, &c);
	if (st == ST_OK) {
		expect_status(c, ST_RESET);
		ops->close(c, false);
	} else {
		CHECK_ST(st, ST_NOTFOUND);
	}
}

CASE_NEEDS(only_root_may_come_from_a_port_of_root,
	TWO_PROCESSES | TRAIT_KNOWS_PEER)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l;
	struct process other;

	if (os_user_id() != 0 || os_first_user_port() < 2)
		case_skip("only root can be two users");
	l = listen_free(&at, false, 1);
	other = process_start(knock_at_root, &at, sizeof at);
	CHECK_OK(os_handle_wait(ops->listener_handle(l), PATIENCE));
	/* Who is late comes again. */
	for (int i = 0; i < 50; i++) {
		CHECK(take_gives_nothing(l));
		os_sleep(10 * 1000 * 1000);
	}
	CHECK_EQ(process_wait(other), 0);
	ops->close_listener(l);
}
