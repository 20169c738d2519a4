/* SPDX-License-Identifier: MIT */
/* What our provider does where the rules leave a choice: data, completion. */
#include "extensions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CASE(bad_arguments_of_data_calls_have_their_codes)
{
	struct request r;
	struct pair p;
	WSABUF b = {4, NULL};
	DWORD n = 0, flags = 1;
	int err = 0;

	spi_start();
	pair_open(&p);
	b.buf = p.client.sends;
	request_init(&r, POLLED);
	FAILS(spi.t.lpWSPSend(p.client.s, NULL, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, NULL, NULL, NULL,
			&err), WSAEINVAL);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 0, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEINVAL);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 100000, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEINVAL);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 1, &r.ov, NULL, NULL,
			&err), WSAEOPNOTSUPP);
	FAILS(spi.t.lpWSPRecv(p.client.s, &b, 1, &n, &flags, &r.ov, NULL, NULL,
			&err), WSAEOPNOTSUPP);
	FAILS(spi.t.lpWSPRecv(p.client.s, NULL, 1, &n, NULL, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	CHECK_EQ(spi.t.lpWSPSend(p.client.s, NULL, 1, NULL, 0, NULL, NULL,
			 NULL, NULL), SOCKET_ERROR);
	/* What is optional may be NULL. */
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, NULL, 0, &r.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	request_expect(p.client.s, &r, 0, 4);
	pair_close(&p);
	spi_stop();
}

CASE(a_queued_send_does_not_need_the_callers_array)
{
	struct pair p;
	struct request *r = test_alloc(64 * sizeof *r);
	char text[64];
	unsigned sent = 0, queued;

	spi_start();
	pair_open(&p);
	memset(p.client.sends, 'x', SLOT_BYTES);
	/* Until the transport has no room and requests stay in the queue. */
	do {
		must_send(&p.client, 0, SLOT_BYTES, &r[0], POLLED);
		sent++;
	} while (request_done(p.client.s, &r[0]) && sent < 100000);
	if (sent == 100000)
		case_skip("the transport has room for everything");
	for (queued = 1; queued < 64; queued++) {
		snprintf(text, sizeof text, "queued %u", queued);
		must_send_text(&p.client, queued, text, &r[queued], POLLED);
		CHECK(!request_done(p.client.s, &r[queued]));
	}
	/* R148: 64 are pending. */
	CHECK_CODE(post_send_text(&p.client, 64, "one too many", &r[0], POLLED),
		WSAENOBUFS);
	CHECK(r[0].ov.Internal != WSS_OPERATION_IN_PROGRESS);
	for (unsigned i = 0; i < sent; i++) {
		struct request got;

		must_receive(&p.server, 0, SLOT_BYTES, &got, POLLED);
		request_wait(p.server.s, &got);
		CHECK_EQ(got.bytes, SLOT_BYTES);
		if (request_done(p.client.s, &r[63]))
			continue;
	}
	for (queued = 1; queued < 64; queued++) {
		request_expect(p.client.s, &r[queued], 0,
			queued < 10 ? 8 : 9);
		snprintf(text, sizeof text, "queued %u", queued);
		expect_text(&p.server, text);
	}
	pair_close(&p);
	spi_stop();
}

CASE(sixty_four_receives_can_be_pending_and_no_more)
{
	static struct request r[65];
	struct pair p;
	char text[16];

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < 64; i++)
		must_receive(&p.server, i, 64, &r[i], POLLED);
	CHECK_CODE(post_receive(&p.server, 64, 64, &r[64], POLLED), WSAENOBUFS);
	for (int i = 0; i < 64; i++) {
		snprintf(text, sizeof text, "%d", i);
		send_text(&p.client, text);
	}
	for (unsigned i = 0; i < 64; i++) {
		snprintf(text, sizeof text, "%u", i);
		request_expect(p.server.s, &r[i], 0, (DWORD)strlen(text));
		CHECK_BYTES(end_receive_slot(&p.server, i), text, strlen(text));
	}
	pair_close(&p);
	spi_stop();
}

/* ---- threads and upcalls ------------------------------------------- */

CASE(polled_requests_need_no_thread)
{
	struct request r[8];
	struct pair p;

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < 8; i++)
		must_receive(&p.server, i, 64, &r[i], POLLED);
	for (unsigned i = 0; i < 8; i++)
		send_text(&p.client, "poll");
	for (unsigned i = 8; i > 0; i--) /* in any order */
		request_expect(p.server.s, &r[i - 1], 0, 4);
	CHECK_EQ(spi_threads(), 0);
	pair_close(&p);
	CHECK_EQ(spi_threads(), 0);
	spi_stop();
}

static uint32_t poster;
static _Atomic bool inside_post;

static void not_inside_the_post(const struct spi_completion *c)
{
	if (os_thread_id() == poster)
		CHECK(!atomic_load(&inside_post));
}

CASE(no_upcall_is_made_from_inside_the_call_that_posts)
{
	struct request r[32], s[32];
	struct pair p;

	spi_start();
	pair_open(&p);
	poster = os_thread_id();
	up_hook(not_inside_the_post);
	for (unsigned i = 0; i < 32; i++) {
		atomic_store(&inside_post, true);
		must_send_text(&p.client, i, "x", &s[i], NOTIFIED);
		must_receive(&p.server, i, 64, &r[i], NOTIFIED);
		atomic_store(&inside_post, false);
	}
	up_wait_completed(64);
	pair_close(&p);
	spi_stop();
}

static struct request first_notified, then_polled;
static _Atomic bool first_seen;

static void slow_first(const struct spi_completion *c)
{
	os_sleep(100000000);
	atomic_store(&first_seen, true);
}

CASE(a_polled_request_is_not_seen_before_an_older_notified_one)
{
	struct pair p;

	spi_start();
	pair_open(&p);
	up_hook(slow_first);
	must_receive(&p.server, 0, 64, &first_notified, NOTIFIED);
	must_receive(&p.server, 1, 64, &then_polled, POLLED);
	send_text(&p.client, "one");
	send_text(&p.client, "two");
	up_wait_completed(1); /* the engine is inside the upcall now */
	while (!atomic_load(&first_seen))
		CHECK(!request_done(p.server.s, &then_polled) ||
			atomic_load(&first_seen));
	request_expect(p.server.s, &then_polled, 0, 3);
	pair_close(&p);
	spi_stop();
}

static struct pair inner;
static struct request inner_requests[64];
static _Atomic unsigned inner_count;

static void wait_inside(const struct spi_completion *c)
{
	DWORD n = 0, flags = 0;
	int err = 0;

	if (atomic_fetch_add(&inner_count, 1) > 0)
		return;
	/* A later request of the same direction, with upcall as well. */
	CHECK(spi.t.lpWSPGetOverlappedResult(inner.server.s,
		&inner_requests[1].ov, &n, TRUE, &flags, &err));
	CHECK_EQ(n, 3);
}

CASE(waiting_for_a_later_request_inside_the_upcall_works)
{
	spi_start();
	pair_open(&inner);
	up_hook(wait_inside);
	for (unsigned i = 0; i < 2; i++)
		must_receive(&inner.server, i, 64, &inner_requests[i],
			NOTIFIED);
	send_text(&inner.client, "one");
	send_text(&inner.client, "two");
	up_wait_completed(2);
	up_hook(NULL);
	pair_close(&inner);
	spi_stop();
}

static void clean_up_inside(const struct spi_completion *c)
{
	int err = 0;

	if (atomic_fetch_add(&inner_count, 1) == 0)
		OK(spi.t.lpWSPCleanup(&err));
}

CASE(clean_up_inside_the_upcall_does_not_wait_for_itself)
{
	struct request send;
	uint64_t until;

	spi_start();
	pair_open(&inner);
	up_hook(clean_up_inside);
	for (unsigned i = 0; i < 4; i++)
		must_receive(&inner.server, i, 64, &inner_requests[i],
			NOTIFIED);
	/* It may be closed before we could ask how the send went. */
	must_send_text(&inner.client, 0, "stop", &send, POLLED);
	up_wait_completed(4);
	until = os_now() + PATIENCE;
	while (up_closed() < up_created() && os_now() < until)
		os_sleep(1000000);
	up_hook(NULL);
	spi_start(); /* and it can be started again */
	pair_open(&inner);
	pair_talk(&inner.client, &inner.server);
	spi_stop();
}

/* ---- memory and loss ----------------------------------------------- */

static char memory[4096];

CASE(local_buffers_of_RDMA_need_the_rights_of_their_handle)
{
	struct exposed e;
	struct request r;
	WSABUFEX buf;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	CHECK_CODE(expose(p.server.s, memory, 100, MEM_READWRITE, &e), 0);
	buf = (WSABUFEX){10, memory, spi.register_memory(p.client.s, memory,
		100, MEM_WRITE, &err)};
	CHECK_CODE(post_rdma(RDMA_WRITE, p.client.s, &buf, 1, &e, 0, &r,
			   POLLED), WSAEFAULT);
	if (spi.rdma_read) {
		buf.handle = spi.register_memory(p.client.s, memory, 100,
			MEM_READ, &err);
		CHECK_CODE(post_rdma(RDMA_READ, p.client.s, &buf, 1, &e, 0,
				   &r, POLLED), WSAEFAULT);
	}
	spi_stop();
}

CASE(nothing_is_registered_after_the_loss_and_no_empty_range_ever)
{
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	CHECK(!spi.register_memory(p.server.s, memory, 0, MEM_READ, &err));
	CHECK_CODE(err, WSAEFAULT);
	end_close(&p.client);
	end_await_loss(&p.server);
	CHECK(!spi.register_memory(p.server.s, memory, 9, MEM_READ, &err));
	CHECK_CODE(err, WSAENOTCONN);
	spi_stop();
}

CASE(calls_after_a_remote_close_fail_at_once_also_unannounced)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	end_close(&p.client);
	CHECK_CODE(post_receive(&p.server, 0, 64, &r, POLLED), WSAECONNRESET);
	CHECK_CODE(post_send_text(&p.server, 0, "x", &r, POLLED),
		WSAECONNRESET);
	end_close(&p.server);
	spi_stop();
}

CASE(a_message_comes_also_after_a_send_has_found_the_loss)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	send_text(&p.client, "first");
	end_close(&p.client);
	CHECK_CODE(post_send_text(&p.server, 0, "x", &r, POLLED),
		WSAECONNRESET);
	expect_text(&p.server, "first");
	end_close(&p.server);
	spi_stop();
}

CASE(a_message_too_long_ends_the_connection_with_WSAECONNABORTED)
{
	struct request r, next, peer;
	struct pair p;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 4, &r, POLLED);
	must_receive(&p.server, 1, 64, &next, POLLED);
	must_receive(&p.client, 0, 64, &peer, POLLED);
	send_text(&p.client, "hello");
	request_expect(p.server.s, &r, WSAEMSGSIZE, 0);
	request_expect(p.server.s, &next, WSAECONNABORTED, 0);
	CHECK_CODE(post_send_text(&p.server, 0, "x", &r, POLLED),
		WSAECONNABORTED);
	request_expect(p.client.s, &peer, WSAECONNRESET, 0);
	pair_close(&p);
	spi_stop();
}
