/* SPDX-License-Identifier: MIT */
/* arm, drain, handle: nobody sleeps for ever, nobody is rung for nothing. */
#include <stdatomic.h>
#include <string.h>

#include "pair.h"

CASE(arm_says_OK_when_there_is_nothing_and_AGAIN_when_there_is)
{
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	send_text(p.client, "x");
	CHECK_SOON_ST(ops->arm(p.server, TRANSPORT_IN), ST_AGAIN);
	expect_text(p.server, "x");
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	CHECK_ST(ops->arm(p.server, TRANSPORT_OUT), ST_AGAIN);
	pair_close(&p);
}

CASE(a_message_wakes_who_has_armed_and_only_once)
{
	struct pair p;

	pair_open(&p);
	send_text(p.client, "not armed");
	CHECK_STAYS(!handle_rings(p.server));
	expect_text(p.server, "not armed");
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	CHECK_STAYS(!handle_rings(p.server));
	send_text(p.client, "armed");
	CHECK_SOON(handle_rings(p.server));
	CHECK_OK(ops->drain(p.server, false));
	CHECK_STAYS(!handle_rings(p.server));
	send_text(p.client, "not armed again");
	CHECK_STAYS(!handle_rings(p.server));
	pair_close(&p);
}

CASE(drain_tells_what_it_took)
{
	struct pair p;

	pair_open(&p);
	CHECK_ST(ops->drain(p.server, false), ST_AGAIN);
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	send_text(p.client, "x");
	CHECK_SOON_OK(ops->drain(p.server, true));
	CHECK_SOON(handle_rings(p.server));
	CHECK_OK(ops->drain(p.server, false));
	CHECK_ST(ops->drain(p.server, false), ST_AGAIN);
	pair_close(&p);
}

CASE(room_wakes_the_sender_that_has_armed)
{
	struct pair p;

	pair_open(&p);
	fill(p.client, 5000, 0);
	CHECK_OK(ops->arm(p.client, TRANSPORT_OUT));
	read_until_it_rings(&p);
	CHECK(fill(p.client, 5000, 0) > 0);
	pair_close(&p);
}

/* The client waits for both; a message comes. */
static void full_and_rung(struct pair *p)
{
	pair_open(p);
	fill(p->client, 5000, 0);
	CHECK_OK(ops->arm(p->client, TRANSPORT_IN | TRANSPORT_OUT));
	send_text(p->server, "x");
	CHECK_SOON(handle_rings(p->client));
}

CASE(both_interests_can_be_armed_at_once)
{
	struct pair p;

	full_and_rung(&p);
	CHECK_ST(ops->arm(p.client, TRANSPORT_IN | TRANSPORT_OUT), ST_AGAIN);
	pair_close(&p);
}

CASE(a_message_leaves_who_waits_for_room_armed)
{
	struct pair p;

	full_and_rung(&p);
	CHECK_OK(ops->drain(p.client, false));
	read_until_it_rings(&p);
	CHECK(fill(p.client, 5000, 0) > 0);
	pair_close(&p);
}

/* ---- news that are no messages --------------------------------------- */

CASE(closing_wakes_the_peer)
{
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	ops->close(p.client, false);
	CHECK_SOON(handle_rings(p.server));
	CHECK_ST(ops->arm(p.server, TRANSPORT_IN), ST_AGAIN);
	CHECK_ST(ops->arm(p.server, TRANSPORT_OUT), ST_AGAIN);
	expect_status(p.server, ST_RESET);
	ops->close(p.server, false);
	ops->close_listener(p.listener);
}

static void answer_wakes(bool accept, unsigned interest)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 1);
	struct transport_conn *client = connect_to(&at), *server = NULL;
	struct transport_request *r = take_next(l);

	CHECK_ST(ops->status(client, false), ST_PENDING);
	CHECK_OK(ops->arm(client, interest));
	if (accept)
		CHECK_OK(ops->accept(r, &server));
	else
		ops->refuse(r, REFUSE_REJECTED);
	CHECK_SOON(handle_rings(client));
	ops->drain(client, false);
	CHECK_ST(ops->arm(client, interest), ST_AGAIN);
	expect_status(client, accept ? ST_OK : ST_REFUSED);
	if (server)
		ops->close(server, false);
	ops->close(client, false);
	ops->close_listener(l);
}

CASE(accepting_wakes_the_client)
{
	answer_wakes(true, TRANSPORT_IN);
}

CASE(refusing_wakes_the_client)
{
	answer_wakes(false, TRANSPORT_IN);
}

CASE(after_the_answer_has_been_told_arm_waits_for_messages)
{
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->arm(p.client, TRANSPORT_IN));
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	pair_close(&p);
}

CASE(a_listeners_handle_is_readable_while_requests_wait)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0);
	struct transport_listener *l = listen_free(&at, false, 2);
	os_handle h = ops->listener_handle(l);
	struct transport_conn *c;

	CHECK_ST(os_handle_wait(h, 0), ST_TIMEDOUT);
	c = connect_to(&at);
	CHECK_SOON_OK(os_handle_wait(h, 0));
	ops->refuse(take_next(l), REFUSE_REJECTED);
	CHECK(take_gives_nothing(l));
	CHECK_ST(os_handle_wait(h, 0), ST_TIMEDOUT);
	ops->close(c, false);
	ops->close_listener(l);
}

/* ---- another handle -------------------------------------------------- */

CASE(a_connection_goes_on_with_another_handle)
{
	os_handle mine;
	struct pair p;

	pair_open(&p);
	CHECK_OK(os_handle_duplicate(ops->handle(p.server), &mine));
	ops->set_handle(p.server, mine);
	CHECK(ops->handle(p.server) == mine);
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	send_text(p.client, "x");
	CHECK_SOON_OK(os_handle_wait(mine, 0));
	expect_text(p.server, "x");
	CHECK_OK(ops->status(p.client, true));
	ops->close(p.server, false);
	expect_status(p.client, ST_RESET);
	os_handle_close(mine); /* still ours */
	ops->close(p.client, false);
	ops->close_listener(p.listener);
}

/* ---- under load ------------------------------------------------------ */

struct stream {
	struct transport_conn *c;
	uint64_t count;
	uint32_t patience; /* looks before sleeping */
	uint32_t max_len;
};

static void *send_one(struct stream *s, uint64_t number, uint32_t *state)
{
	static _Thread_local uint64_t words[1024];
	uint32_t len = 8 + random_next(state) % (s->max_len - 8);

	words[0] = number;
	send_waiting(s->c, words, len);
	return NULL;
}

static void run_sender(void *arg)
{
	struct stream *s = arg;
	uint32_t state = 1;

	for (uint64_t i = 0; i < s->count; i++)
		send_one(s, i, &state);
}

static enum status look_a_while(struct stream *s, const void **data,
	uint32_t *len)
{
	enum status st = ST_AGAIN;

	for (uint32_t i = 0; i < s->patience && st == ST_AGAIN; i++)
		st = ops->peek(s->c, data, len);
	return st == ST_AGAIN ? next_message(s->c, data, len) : st;
}

static void receive_all(struct stream *s)
{
	for (uint64_t i = 0; i < s->count; i++) {
		const void *data;
		uint64_t number;
		uint32_t len;

		CHECK_OK(look_a_while(s, &data, &len));
		CHECK(len >= 8);
		memcpy(&number, data, 8);
		CHECK_EQ(number, i);
		ops->release(s->c);
	}
}

static void hammer(uint64_t count, uint32_t patience, uint32_t max_len)
{
	struct stream out, in;
	struct os_thread t;
	struct pair p;

	pair_open(&p);
	out = (struct stream){p.client, count, 0, max_len};
	in = (struct stream){p.server, count, patience, max_len};
	CHECK_OK(os_thread_start(&t, "sender", run_sender, &out));
	receive_all(&in);
	os_thread_join(&t);
	pair_close(&p);
}

CASE(a_million_messages_between_sleepers_wake_every_time)
{
	hammer(network_rounds(1000000), 0, 64);
}

CASE(messages_that_fill_the_channel_wake_the_sender_every_time)
{
	hammer(network_rounds(200000), 0, 8000);
}

CASE(a_receiver_that_looks_before_it_sleeps_misses_nothing)
{
	hammer(network_rounds(500000), 50, 64);
}

struct watch {
	struct transport_conn *c;
	_Atomic bool stop;
};

/* Another thread that wants to know of every arrival. */
static void run_watch(void *arg)
{
	struct watch *w = arg;
	uint64_t seen = ops->arrivals(w->c);

	while (!atomic_load(&w->stop)) {
		uint64_t now = ops->arrivals(w->c);

		if ((int64_t)(now - seen) < 0)
			FAIL("arrivals went back");
		seen = now;
	}
}

CASE(arrivals_can_be_watched_while_messages_are_received)
{
	struct os_thread sender, watcher;
	struct stream out, in;
	struct watch w;
	struct pair p;
	uint64_t last;

	pair_open(&p);
	out = (struct stream){p.client, network_rounds(200000), 0, 500};
	in = (struct stream){p.server, network_rounds(200000), 20, 500};
	w.c = p.server;
	atomic_init(&w.stop, false);
	CHECK_OK(os_thread_start(&watcher, "watcher", run_watch, &w));
	CHECK_OK(os_thread_start(&sender, "sender", run_sender, &out));
	receive_all(&in);
	os_thread_join(&sender);
	atomic_store(&w.stop, true);
	os_thread_join(&watcher);
	last = ops->arrivals(p.server);
	send_text(p.client, "one more");
	CHECK_SOON(ops->arrivals(p.server) != last);
	pair_close(&p);
}

static void run_echo(void *arg)
{
	struct stream *s = arg;

	for (uint64_t i = 0; i < s->count; i++) {
		uint8_t copy[64];
		const void *data;
		uint32_t len;

		CHECK_OK(look_a_while(s, &data, &len));
		CHECK(len <= sizeof copy);
		memcpy(copy, data, len);
		ops->release(s->c);
		send_waiting(s->c, copy, len);
	}
}

static void ping_pong(uint64_t count, uint32_t patience)
{
	struct stream echo, ping;
	struct os_thread t;
	struct pair p;

	pair_open(&p);
	echo = (struct stream){p.server, count, patience, 64};
	ping = (struct stream){p.client, 1, patience, 64};
	CHECK_OK(os_thread_start(&t, "echo", run_echo, &echo));
	for (uint64_t i = 0; i < count; i++) {
		const void *data;
		uint32_t len;

		send_waiting(p.client, &i, sizeof i);
		CHECK_OK(look_a_while(&ping, &data, &len));
		CHECK_BYTES(data, &i, sizeof i);
		ops->release(p.client);
	}
	os_thread_join(&t);
	pair_close(&p);
}

CASE(a_hundred_thousand_questions_between_sleepers_are_answered)
{
	ping_pong(network_rounds(case_rounds(100000)), 0);
}

CASE(questions_between_impatient_lookers_are_answered)
{
	ping_pong(network_rounds(case_rounds(100000)), 30);
}
