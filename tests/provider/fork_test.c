/* SPDX-License-Identifier: MIT */
/* Two processes after a fork, beside what they share of a channel. */
#include "extensions.h"

CASE(after_a_fork_the_child_makes_an_engine_of_its_own)
{
	struct request r, child_r;
	struct pair p;
	intptr_t child;

	ext_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, NOTIFIED);
	os_sleep(20000000); /* the engine is asleep by now */
	child = os_fork(case_seconds());
	if (child < 0)
		case_skip("no fork");
	if (child == 0) {
		struct pair q;

		pair_open(&q);
		must_receive(&q.server, 0, 64, &child_r, NOTIFIED);
		send_text(&q.client, "child");
		up_wait_completed(1);
		CHECK(up_completion(0).overlapped == &child_r.ov);
		os_exit_now(0);
	}
	CHECK_EQ(os_fork_wait(child), 0);
	send_text(&p.client, "parent");
	up_wait_completed(1);
	CHECK_EQ(up_completion(0).bytes, 6);
	pair_close(&p);
	spi_stop();
}

CASE(after_a_fork_either_process_may_close_a_listener)
{
	struct addr at;
	intptr_t child;
	SOCKET l, c;

	ext_start();
	at = test_addr();
	l = socket_listening(&at, 4);
	child = os_fork(case_seconds());
	if (child < 0)
		case_skip("no fork");
	if (child == 0) {
		socket_close(l);
		os_exit_now(0);
	}
	CHECK_EQ(os_fork_wait(child), 0);
	CHECK_CODE(socket_connect(&at, &c), WSAEWOULDBLOCK);
	socket_accept(l);
	CHECK_EQ(socket_connect_result(c), 0);
	spi_stop();
}
