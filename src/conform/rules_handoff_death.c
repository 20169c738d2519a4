/* SPDX-License-Identifier: MIT */
/* Hand-off when one of the three processes dies: R198, R210. */
#include "handoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The call fails, or the peer's receive does; either in bounded time. */
CASE(R210_a_dead_target_gives_an_error_in_time)
{
	struct request peer;
	struct child c;
	struct pair p;
	uint32_t pid;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pid = child_pid(c);
	child_kill(c);
	pair_open(&p);
	if (hand_off(p.server.s, pid, &token) != 0) {
		pair_talk(&p.client, &p.server); /* the socket lives on */
	} else {
		must_receive(&p.client, 0, 64, &peer, POLLED);
		request_expect_loss(p.client.s, &peer);
	}
	pair_close(&p);
	spi_stop();
}

CASE(R198_R210_death_of_the_target_before_it_takes_the_socket)
{
	struct request peer;
	struct child c;
	struct pair p;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	must_receive(&p.client, 0, 64, &peer, POLLED);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	child_kill(c);
	request_expect_loss(p.client.s, &peer);
	spi_stop();
}

CASE(R198_R210_death_of_the_process_that_took_the_socket)
{
	struct request peer;
	struct child c;
	struct pair p;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	pair_open(&p);
	must_receive(&p.client, 0, 64, &peer, POLLED);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	child_kill(c);
	request_expect_loss(p.client.s, &peer);
	spi_stop();
}

/* Listens where it is told, accepts, hands the connection to the process that
 * it is told, and waits. */
ROLE(giver)
{
	char line[LINE_MAX_LEN];
	struct addr at;
	DWORD token;
	SOCKET s;

	spi_start();
	CHECK(parent_hear(line));
	at = test_addr();
	at.port = (uint16_t)atoi(line);
	s = socket_listening(&at, 4);
	parent_tell("listening");
	end_open(&held, socket_accept(s));
	CHECK(parent_hear(line));
	CHECK_CODE(hand_off(held.s, (uint32_t)strtoul(line, NULL, 10),
			   &token), 0);
	parent_tell("token %u", (unsigned)token);
	parent_hear(line);
}

/* A connection of ours whose other end goes from one child to another. */
struct relay {
	struct child from, to;
	unsigned token;
	struct end e;
};

static void relay_open(struct relay *r)
{
	char line[LINE_MAX_LEN];
	struct addr at;
	SOCKET s;
	int code;

	spi_start();
	need_hand_off();
	r->from = child_start("giver");
	r->to = child_start("servant");
	at = test_addr();
	child_tell(r->from, "%u", at.port);
	child_hear(r->from, line);
	s = socket_connecting(&at, &code);
	socket_expect_connected(s, code);
	end_open(&r->e, s);
	child_tell(r->from, "%u", (unsigned)child_pid(r->to));
	child_hear(r->from, line);
	CHECK(sscanf(line, "token %u", &r->token) == 1);
}

CASE(R205_R206_death_of_the_giver_after_the_swap)
{
	struct relay r;

	relay_open(&r);
	order(r.to, "ok", "take", r.token);
	child_kill(r.from);
	send_text(&r.e, "you are on your own");
	order(r.to, "ok", "expect you are on your own", 0);
	order(r.to, "ok", "send so be it", 0);
	expect_text(&r.e, "so be it");
	child_kill(r.to);
	spi_stop();
}

/* Whether the token outlives it is the provider's choice; to hang is not. */
CASE(R198_R210_death_of_the_giver_before_the_swap)
{
	char line[LINE_MAX_LEN];
	struct request pending;
	struct relay r;

	relay_open(&r);
	must_receive(&r.e, 0, 64, &pending, POLLED);
	child_kill(r.from);
	child_tell(r.to, "take %u", r.token);
	child_hear(r.to, line);
	if (strcmp(line, "ok") == 0) {
		order(r.to, "ok", "send I have it", 0);
		request_expect(r.e.s, &pending, 0, 9);
	} else {
		request_expect_loss(r.e.s, &pending);
	}
	child_kill(r.to);
	spi_stop();
}

/* The same of the peer: the next process gets an error, now or soon. */
CASE(R198_R210_death_of_the_peer_between_the_steps)
{
	char line[LINE_MAX_LEN];
	struct relay r;

	relay_open(&r);
	end_close(&r.e);
	child_tell(r.to, "take %u", r.token);
	child_hear(r.to, line);
	if (strcmp(line, "ok") == 0)
		order(r.to, "ok", "lost", 0);
	child_kill(r.to);
	child_kill(r.from);
	spi_stop();
}

CASE(R208_R210_death_of_the_target_of_a_listener)
{
	struct addr at;
	struct child c;
	SOCKET l, client;
	DWORD token;

	spi_start();
	need_hand_off();
	c = child_start("servant");
	at = test_addr();
	l = socket_listening(&at, 4);
	client = socket_connecting(&at, NULL);
	CHECK_CODE(hand_off(l, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	socket_close(l);
	child_kill(c);
	CHECK(socket_connect_result(client) != 0);
	spi_stop();
}

CASE(R198_death_of_a_process_that_should_serve_a_transfer)
{
	static char local[EXPOSED_BYTES];
	struct exposed e;
	struct request r;
	struct child c;
	struct pair p;
	WSABUFEX b;
	DWORD token;
	int err = 0;

	spi_start();
	need_hand_off();
	if (!spi.rdma_read)
		case_skip("no WSPRdmaRead");
	c = child_start("servant");
	pair_open(&p);
	CHECK_CODE(hand_off(p.server.s, child_pid(c), &token), 0);
	order(c, "ok", "take", token);
	child_tell(c, "expose");
	child_hear_descriptor(c, &e);
	b = (WSABUFEX){rdma_limit(p.client.s, sizeof local), local,
		spi.register_memory(p.client.s, local, sizeof local,
			MEM_READWRITE, &err)};
	CHECK_CODE(post_rdma(RDMA_READ, p.client.s, &b, 1, &e, 0, &r, POLLED),
		WSA_IO_PENDING);
	request_done(p.client.s, &r);
	child_kill(c);
	request_wait(p.client.s, &r);
	spi_stop();
}
