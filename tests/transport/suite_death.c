/* SPDX-License-Identifier: MIT */
/* Peers in another process that end without a word. */
#include "pair.h"
#include "process.h"

#define TWO_PROCESSES TRAIT_PROCESSES

static struct os_span hello = {(void *)(uintptr_t)"hello", 5};

/* ---- the other process ----------------------------------------------- */

/* Connects, sends so many messages, and waits for its end. */
struct client {
	struct addr at;
	unsigned messages;
};

static void run_client(void *arg)
{
	const struct client *how = arg;
	struct transport_conn *c = connect_patiently(&how->at);

	for (unsigned i = 0; i < how->messages; i++)
		send_waiting(c, &i, sizeof i);
	for (;;)
		os_sleep(PATIENCE);
}

struct served {
	struct transport_listener *listener;
	struct transport_conn *conn;
	struct process client;
};

static void serve_client(struct served *s, unsigned messages)
{
	struct client how = {addr_v4(127, 0, 0, 1, random_port()), messages};

	s->client = process_start(run_client, &how, sizeof how);
	CHECK_OK(ops->listen(&how.at, false, 1, &s->listener));
	CHECK_OK(ops->accept(take_next(s->listener), &s->conn));
}

static void served_close(struct served *s)
{
	ops->close(s->conn, false);
	ops->close_listener(s->listener);
}

/* ---- who notices ----------------------------------------------------- */

CASE_NEEDS(a_sleeping_program_is_woken_by_the_death_of_its_peer, TWO_PROCESSES)
{
	struct served s;

	serve_client(&s, 0);
	CHECK_OK(ops->arm(s.conn, TRANSPORT_IN));
	process_kill(s.client);
	CHECK_OK(os_handle_wait(ops->handle(s.conn), PATIENCE));
	CHECK_ST(ops->drain(s.conn, false), ST_RESET);
	CHECK_ST(ops->status(s.conn, false), ST_RESET);
	CHECK_ST(ops->arm(s.conn, TRANSPORT_IN), ST_AGAIN);
	served_close(&s);
}

CASE_NEEDS(a_thorough_look_notices_a_dead_peer, TWO_PROCESSES)
{
	struct served s;

	serve_client(&s, 0);
	CHECK_OK(ops->status(s.conn, true));
	process_kill(s.client);
	CHECK_SOON_ST(ops->status(s.conn, true), ST_RESET);
	CHECK_ST(ops->status(s.conn, false), ST_RESET);
	served_close(&s);
}

CASE_NEEDS(a_sender_that_never_sleeps_notices_a_dead_peer, TWO_PROCESSES)
{
	uint64_t limit = 0;
	struct served s;
	enum status st;
	unsigned sent = 0;

	serve_client(&s, 0);
	process_kill(s.client);
	while ((st = ops->send(s.conn, &hello, 1, 0)) == ST_OK ||
		(st == ST_AGAIN && look_again(&limit)))
		sent += st == ST_OK;
	CHECK_ST(st, ST_RESET);
	CHECK(sent < 1000);
	served_close(&s);
}

CASE_NEEDS(a_sender_blocked_by_a_dead_peer_notices, TWO_PROCESSES)
{
	struct served s;

	serve_client(&s, 0);
	fill(s.conn, hello.len, 0);
	process_kill(s.client);
	CHECK_SOON_ST(ops->send(s.conn, &hello, 1, 0), ST_RESET);
	served_close(&s);
}

CASE_NEEDS(a_receiver_that_never_sleeps_notices_a_dead_peer, TWO_PROCESSES)
{
	unsigned looks = 0;
	uint64_t limit = 0;
	struct served s;
	const void *data;
	enum status st;
	uint32_t len;

	serve_client(&s, 0);
	process_kill(s.client);
	while ((st = ops->peek(s.conn, &data, &len)) == ST_AGAIN)
		if (!look_again(&limit) && ++looks == 10000)
			break;
	CHECK_ST(st, ST_RESET);
	served_close(&s);
}

CASE_NEEDS(what_a_dead_peer_had_sent_is_still_delivered, TWO_PROCESSES)
{
	unsigned last = has_trait(TRAIT_DEEP) ? 1000 : 520;
	struct served s;
	const void *data;
	uint32_t len;

	serve_client(&s, last);
	for (unsigned i = 0; i < 500; i++) {
		CHECK_OK(next_message(s.conn, &data, &len));
		CHECK_BYTES(data, &i, sizeof i);
		ops->release(s.conn);
	}
	os_sleep(100 * 1000 * 1000);
	process_kill(s.client);
	CHECK_SOON_ST(ops->status(s.conn, true), ST_RESET);
	for (unsigned i = 500; i < last; i++) {
		CHECK_OK(next_message(s.conn, &data, &len));
		CHECK_BYTES(data, &i, sizeof i);
		ops->release(s.conn);
	}
	CHECK_ST(next_message(s.conn, &data, &len), ST_RESET);
	served_close(&s);
}

/* As by a network that has gone (R213). */
CASE(abort_ends_it_for_both_after_what_had_arrived)
{
	struct os_span span = {(void *)(uintptr_t)"x", 1};
	const void *data;
	struct pair p;
	uint32_t len;

	pair_open(&p);
	send_text(p.client, "to the server");
	send_text(p.server, "to the client");
	CHECK_SOON_OK(ops->peek(p.client, &data, &len));
	ops->abort(p.client);
	CHECK_ST(ops->status(p.client, false), ST_ABORTED);
	CHECK_ST(ops->send(p.client, &span, 1, 0), ST_ABORTED);
	CHECK_ST(ops->arm(p.client, TRANSPORT_IN), ST_AGAIN);
	expect_text(p.client, "to the client");
	CHECK_ST(ops->peek(p.client, &data, &len), ST_ABORTED);
	expect_text(p.server, "to the server");
	CHECK_ST(next_message(p.server, &data, &len), ST_RESET);
	ops->abort(p.client);
	ops->abort(p.server);
	CHECK_ST(ops->status(p.client, true), ST_ABORTED);
	CHECK_ST(ops->status(p.server, true), ST_RESET);
	pair_close(&p);
}

CASE(abort_wakes_the_peer)
{
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	ops->abort(p.client);
	CHECK_SOON(handle_rings(p.server));
	pair_close(&p);
}

CASE_NEEDS(a_stopped_peer_blocks_nobody, TWO_PROCESSES)
{
	struct served s;

	serve_client(&s, 0);
	process_freeze(s.client);
	fill(s.conn, 1000, 0);
	CHECK_OK(ops->status(s.conn, true));
	CHECK_OK(ops->arm(s.conn, TRANSPORT_OUT));
	process_thaw(s.client);
	process_kill(s.client);
	served_close(&s);
}

/* ---- the server dies ------------------------------------------------- */

struct server {
	struct addr at;
	bool take;
};

static void run_server(void *arg)
{
	const struct server *how = arg;
	struct transport_listener *l;

	CHECK_OK(ops->listen(&how->at, false, 4, &l));
	if (how->take)
		take_next(l);
	for (;;)
		os_sleep(PATIENCE);
}

static void server_dies(bool take)
{
	struct server how = {addr_v4(127, 0, 0, 1, random_port()), take};
	struct process server = process_start(run_server, &how,
		sizeof how);
	struct transport_conn *c = connect_patiently(&how.at);

	CHECK_ST(ops->status(c, true), ST_PENDING);
	if (take)
		os_sleep(100 * 1000 * 1000);
	CHECK_OK(ops->arm(c, TRANSPORT_IN));
	process_kill(server);
	CHECK_OK(os_handle_wait(ops->handle(c), PATIENCE));
	CHECK_ST(ops->status(c, true), ST_RESET);
	ops->close(c, false);
}

CASE_NEEDS(a_server_that_dies_with_a_queued_request_resets_it, TWO_PROCESSES)
{
	server_dies(false);
}

CASE_NEEDS(a_server_that_dies_with_a_taken_request_resets_it, TWO_PROCESSES)
{
	server_dies(true);
}
