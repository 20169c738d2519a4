/* SPDX-License-Identifier: MIT */
/* Completion, polled and notified: R126 to R139, R150, R159. */
#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CASE(R126_polled_requests_are_never_notified_on_success_or_failure)
{
	struct request r[2];
	struct pair p;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r[0], POLLED);
	send_text(&p.client, "a");
	request_expect(p.server.s, &r[0], 0, 1);
	must_receive(&p.server, 0, 64, &r[1], POLLED);
	end_close(&p.client);
	request_expect_loss(p.server.s, &r[1]);
	os_sleep(QUIET);
	CHECK_EQ(up_completed(), 0);
	spi_stop();
}

CASE(R126_polled_requests_are_never_notified_on_close)
{
	struct request r[4];
	struct pair p;

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < 4; i++)
		must_receive(&p.server, i, 64, &r[i], POLLED);
	end_close(&p.server);
	os_sleep(QUIET);
	CHECK_EQ(up_completed(), 0);
	spi_stop();
}

CASE(R126_an_event_with_bit_0_set_is_polled)
{
	struct request r;
	struct pair p;
	WSAEVENT e;
	WSABUF b;
	DWORD n = 0, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	e = event_new();
	request_init(&r, POLLED);
	r.ov.hEvent = (HANDLE)((ULONG_PTR)e | 1);
	b = (WSABUF){64, p.server.receives};
	FAILS(spi.t.lpWSPRecv(p.server.s, &b, 1, &n, &flags, &r.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	send_text(&p.client, "abc");
	request_expect(p.server.s, &r, 0, 3);
	CHECK_EQ(up_completed(), 0);
	event_free(e);
	spi_stop();
}

CASE(R127_R128_R139_notified_requests_complete_once_though_none_polls)
{
	struct request r, s;
	struct pair p;
	SOCKET handle;

	spi_start();
	pair_open(&p);
	handle = up_last_handle(); /* made last: the accepted one's */
	must_receive(&p.server, 0, 64, &r, NOTIFIED);
	must_send_text(&p.client, 0, "hello", &s, NOTIFIED);
	up_wait_completed(2);
	CHECK_EQ(up_completions_of(&r.ov), 1);
	CHECK_EQ(up_completions_of(&s.ov), 1);
	for (unsigned i = 0; i < 2; i++) {
		struct spi_completion c = up_completion(i);

		CHECK_EQ(c.error, 0);
		CHECK_EQ(c.bytes, 5);
		if (c.overlapped == &r.ov) /* R30 */
			CHECK_EQ(c.handle, handle);
	}
	request_expect(p.server.s, &r, 0, 5); /* R139 */
	request_expect(p.client.s, &s, 0, 5);
	CHECK_EQ(up_completed(), 2);
	pair_close(&p);
	CHECK_EQ(up_completed(), 2);
	spi_stop();
}

CASE(R128_an_event_with_bit_0_clear_is_notified)
{
	struct request r;
	struct pair p;
	WSAEVENT e;
	WSABUF b;
	DWORD n = 0, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	e = event_new();
	request_init(&r, NOTIFIED);
	r.ov.hEvent = e;
	b = (WSABUF){64, p.server.receives};
	FAILS(spi.t.lpWSPRecv(p.server.s, &b, 1, &n, &flags, &r.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	send_text(&p.client, "abc");
	up_wait_completed(1);
	CHECK_EQ(up_completion(0).bytes, 3);
	event_free(e);
	spi_stop();
}

CASE(R129_Internal_is_0x103_until_the_completion)
{
	struct request r[2];
	struct pair p;

	spi_start(); /* the recorder looks at it in each upcall */
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r[0], POLLED);
	must_receive(&p.server, 1, 64, &r[1], NOTIFIED);
	CHECK(is_pending(&r[0]));
	CHECK(is_pending(&r[1]));
	os_sleep(QUIET);
	CHECK(!request_done(p.server.s, &r[0]));
	CHECK(is_pending(&r[0]));
	send_text(&p.client, "one");
	request_expect(p.server.s, &r[0], 0, 3);
	CHECK(!is_pending(&r[0]));
	CHECK(is_pending(&r[1]));
	send_text(&p.client, "and two");
	up_wait_completed(1);
	CHECK_EQ(up_completion(0).bytes, 7);
	spi_stop();
}

CASE(R131_the_fields_hold_error_flags_and_bytes)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, POLLED);
	send_text(&p.client, "seven..");
	request_expect(p.server.s, &r, 0, 7);
	CHECK_CODE(r.ov.OffsetHigh, 0);
	CHECK_EQ(r.ov.Offset, 0);
	CHECK_EQ(r.ov.InternalHigh, 7);
	must_receive(&p.server, 0, 64, &r, POLLED);
	end_close(&p.server);
	CHECK(!is_pending(&r));
	CHECK_CODE(r.ov.OffsetHigh, WSA_OPERATION_ABORTED);
	CHECK_EQ(r.ov.InternalHigh, 0);
	spi_stop();
}

CASE(R131_the_fields_hold_the_same_when_the_upcall_comes)
{
	struct request r;
	struct pair p;

	spi_start(); /* the recorder compares */
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, NOTIFIED);
	send_text(&p.client, "seven..");
	up_wait_completed(1);
	request_expect(p.server.s, &r, 0, 7);
	CHECK_CODE(r.ov.OffsetHigh, 0);
	CHECK_EQ(r.ov.Offset, 0);
	must_receive(&p.server, 0, 64, &r, NOTIFIED);
	end_close(&p.server);
	up_wait_completed(2);
	CHECK_CODE(r.ov.OffsetHigh, WSA_OPERATION_ABORTED);
	spi_stop();
}

CASE(R133_pending_and_not_waiting_gives_WSA_IO_INCOMPLETE)
{
	struct request r;
	struct pair p;
	DWORD n = 0, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, POLLED);
	CHECK_EQ(spi.t.lpWSPGetOverlappedResult(p.server.s, &r.ov, &n, FALSE,
			 &flags, &err), FALSE);
	CHECK_CODE(err, WSA_IO_INCOMPLETE);
	pair_close(&p);
	spi_stop();
}

static void send_later(void *arg)
{
	os_sleep(50000000);
	send_text(arg, "waited for");
}

static void wait_for_request(int how)
{
	struct os_thread t;
	struct request r;
	struct pair p;
	DWORD n = 0, flags = 7;
	int err = 0;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, how);
	CHECK(os_thread_start(&t, "send", send_later, &p.client) == ST_OK);
	CHECK(spi.t.lpWSPGetOverlappedResult(p.server.s, &r.ov, &n, TRUE,
		&flags, &err));
	CHECK_EQ(n, 10);
	CHECK_EQ(flags, 0);
	os_thread_join(&t);
	pair_close(&p);
	spi_stop();
}

CASE(R134_R135_waiting_for_a_polled_request)
{
	wait_for_request(POLLED);
	CHECK_EQ(up_completed(), 0);
}

CASE(R134_R135_waiting_for_a_notified_request)
{
	wait_for_request(NOTIFIED);
	CHECK_EQ(up_completed(), 1);
}

static struct pair shared_pair;

static void close_later(void *arg)
{
	os_sleep(50000000);
	socket_close(shared_pair.server.s);
}

CASE(R134_a_close_ends_the_wait)
{
	struct os_thread t;
	struct request r;
	DWORD n = 0x77, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&shared_pair);
	must_receive(&shared_pair.server, 0, 64, &r, POLLED);
	CHECK(os_thread_start(&t, "close", close_later, NULL) == ST_OK);
	CHECK(!spi.t.lpWSPGetOverlappedResult(shared_pair.server.s, &r.ov, &n,
		TRUE, &flags, &err));
	CHECK_CODE(err, WSA_OPERATION_ABORTED);
	CHECK_EQ(n, 0x77); /* R136 */
	os_thread_join(&t);
	spi_stop();
}

CASE(R136_an_error_leaves_the_byte_count_alone)
{
	struct request r;
	struct pair p;
	DWORD n = 0x77, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, POLLED);
	end_close(&p.client);
	CHECK(!spi.t.lpWSPGetOverlappedResult(p.server.s, &r.ov, &n, TRUE,
		&flags, &err));
	CHECK(code_tells_loss(err));
	CHECK_EQ(n, 0x77);
	spi_stop();
}

CASE(R138_polling_makes_progress)
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
	pair_close(&p);
	spi_stop();
}

/* ---- order --------------------------------------------------------- */

enum { ROUNDS = 2000, WINDOW = 12 };

static struct request window[ROUNDS];
static _Atomic unsigned order_posted, order_seen;

static void in_posting_order(const struct spi_completion *c)
{
	unsigned n = (unsigned)((struct request *)c->overlapped - window);

	CHECK_EQ(n, atomic_fetch_add(&order_seen, 1)); /* R150 */
}

/* Any look at a request drives the others of its socket. */
static void poll_others(void *arg)
{
	struct end *e = arg;
	DWORD n, flags;
	unsigned posted;
	int err;

	while (atomic_load(&order_seen) < ROUNDS) {
		posted = atomic_load(&order_posted);
		if (posted)
			spi.t.lpWSPGetOverlappedResult(e->s,
				&window[posted - 1].ov, &n, FALSE, &flags,
				&err);
	}
}

static void send_many(void *arg)
{
	struct end *e = arg;
	struct request r;

	for (unsigned i = 0; i < ROUNDS; i++) {
		while (post_send_text(e, i % 40, "order", &r, POLLED) ==
			WSAENOBUFS)
			os_yield();
		request_expect(e->s, &r, 0, 5);
	}
}

/* Upcalls come from the engine and from two polling threads at once. */
CASE(R127_R150_thousands_of_notices_come_once_and_in_posting_order)
{
	struct os_thread t[3];
	struct pair p;

	spi_start();
	pair_open(&p);
	up_hook(in_posting_order);
	CHECK(os_thread_start(&t[0], "poll", poll_others, &p.server) == ST_OK);
	CHECK(os_thread_start(&t[1], "poll", poll_others, &p.server) == ST_OK);
	CHECK(os_thread_start(&t[2], "send", send_many, &p.client) == ST_OK);
	for (unsigned i = 0; i < ROUNDS; i++) {
		while (i >= atomic_load(&order_seen) + WINDOW)
			os_yield();
		must_receive(&p.server, i % WINDOW, 64, &window[i], NOTIFIED);
		atomic_store(&order_posted, i + 1);
	}
	for (int i = 0; i < 3; i++)
		os_thread_join(&t[i]);
	CHECK_EQ(order_seen, ROUNDS);
	pair_close(&p);
	spi_stop();
}

/* ---- from inside the upcall (R159) --------------------------------- */

static struct pair inner;
static struct request inner_requests[64];
static _Atomic unsigned inner_count;
static _Atomic bool inner_over;

static void post_again(const struct spi_completion *c)
{
	unsigned n = atomic_fetch_add(&inner_count, 1);
	struct request r;

	if (n < 40) {
		must_receive(&inner.server, n + 1, 64, &inner_requests[n + 1],
			NOTIFIED);
		must_send_text(&inner.server, n, "back", &r, POLLED);
		request_expect(inner.server.s, &r, 0, 4);
	}
}

CASE(R159_send_recv_and_polling_work_inside_the_upcall)
{
	spi_start();
	pair_open(&inner);
	up_hook(post_again);
	must_receive(&inner.server, 0, 64, &inner_requests[0], NOTIFIED);
	for (int i = 0; i < 41; i++)
		send_text(&inner.client, "go on");
	up_wait_completed(41);
	for (int i = 0; i < 40; i++)
		expect_text(&inner.client, "back");
	up_hook(NULL);
	pair_close(&inner);
	spi_stop();
}

/* What the switch may do in other threads while it is inside the upcall. */
static void other_threads_calls(void *arg)
{
	struct request r;

	socket_close(socket_new());
	enum_events(inner.listener, NULL);
	must_receive(&inner.server, 5, 64, &inner_requests[5], POLLED);
	request_done(inner.server.s, &inner_requests[5]);
	must_send_text(&inner.server, 6, "meanwhile", &r, POLLED);
	request_expect(inner.server.s, &r, 0, 9);
	send_text(&inner.client, "one way");
}

static void call_elsewhere(const struct spi_completion *c)
{
	if (atomic_fetch_add(&inner_count, 1) > 0)
		return;
	thread_must_finish("calls from another thread during "
		"WPUCompleteOverlappedRequest", other_threads_calls, NULL);
	atomic_store(&inner_over, true);
}

CASE(R159_other_threads_may_call_while_an_upcall_runs)
{
	spi_start();
	pair_open(&inner);
	up_hook(call_elsewhere);
	must_receive(&inner.server, 0, 64, &inner_requests[0], NOTIFIED);
	send_text(&inner.client, "go on");
	up_wait_completed(1);
	while (!atomic_load(&inner_over))
		os_sleep(1000000);
	up_hook(NULL);
	pair_close(&inner);
	spi_stop();
}

static void handle_calls(void *arg)
{
	enum_events(inner.listener, NULL);
	request_done(inner.server.s, &inner_requests[0]);
}

static void when_a_handle_is_made(SOCKET handle, bool created)
{
	if (atomic_fetch_add(&inner_count, 1) > 0)
		return;
	thread_must_finish("calls from another thread during "
		"WPUCreateSocketHandle or WPUCloseSocketHandle", handle_calls,
		NULL);
	atomic_store(&inner_over, true);
}

static void with_handle_upcalls(bool make)
{
	SOCKET s;

	spi_start();
	pair_open(&inner);
	must_receive(&inner.server, 0, 64, &inner_requests[0], POLLED);
	s = make ? INVALID_SOCKET : socket_new();
	up_handle_hook(when_a_handle_is_made);
	if (make)
		s = socket_new();
	socket_close(s);
	while (!atomic_load(&inner_over))
		os_sleep(1000000);
	up_handle_hook(NULL);
	pair_close(&inner);
	spi_stop();
}

CASE(R159_other_threads_may_call_while_a_handle_is_made)
{
	with_handle_upcalls(true);
}

CASE(R159_other_threads_may_call_while_a_handle_is_closed)
{
	with_handle_upcalls(false);
}

static void close_inside(const struct spi_completion *c)
{
	if (atomic_fetch_add(&inner_count, 1) == 0)
		socket_close(inner.server.s);
}

CASE(R159_R193_close_inside_the_upcall_works)
{
	spi_start();
	pair_open(&inner);
	up_hook(close_inside);
	for (unsigned i = 0; i < 8; i++)
		must_receive(&inner.server, i, 64, &inner_requests[i],
			NOTIFIED);
	send_text(&inner.client, "close");
	up_wait_completed(8); /* one success, seven aborted */
	for (unsigned i = 1; i < 8; i++)
		CHECK_CODE(up_completion(i).error, WSA_OPERATION_ABORTED);
	up_wait_closed_by(1);
	spi_stop(); /* checks that the handle was closed once, and last */
}

/* ---- what others may see of an OVERLAPPED -------------------------- */

static struct request watched;
static _Atomic unsigned watch_round;

/* A switch that looks into the OVERLAPPED itself and takes it back at once. */
static void watch_completions(void *arg)
{
	for (unsigned round = 1; round <= 2000; round++) {
		while (atomic_load(&watch_round) != round)
			os_yield();
		while (is_pending(&watched))
			os_spin_hint();
		CHECK_EQ(watched.ov.InternalHigh, 5); /* R130 */
		CHECK_EQ(watched.ov.Offset, 0);
		CHECK_EQ(watched.ov.OffsetHigh, 0);
		memset(&watched.ov, 0xaa, sizeof watched.ov);
		atomic_store(&watch_round, 0);
	}
}

static void untouched(const struct request *r)
{
	const uint8_t *b = (const uint8_t *)&r->ov;

	for (size_t i = 0; i < sizeof r->ov; i++)
		CHECK_EQ(b[i], 0xaa); /* R132 */
}

CASE(R130_R132_results_are_whole_when_seen_and_the_memory_is_left_alone)
{
	struct request spare;
	struct os_thread t;
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK(os_thread_start(&t, "watch", watch_completions, NULL) == ST_OK);
	for (unsigned round = 1; round <= 2000; round++) {
		must_receive(&p.server, 0, 64, &watched, POLLED);
		must_receive(&p.server, 1, 64, &spare, POLLED);
		atomic_store(&watch_round, round);
		send_text(&p.client, "watch");
		while (atomic_load(&watch_round) == round)
			CHECK(!request_done(p.server.s, &spare));
		send_text(&p.client, "spare");
		request_expect(p.server.s, &spare, 0, 5);
		untouched(&watched);
	}
	os_thread_join(&t);
	pair_close(&p);
	untouched(&watched);
	spi_stop();
}

/* The last request that the socket had, while other calls go on. */
CASE(R132_a_finished_request_is_left_alone_by_later_calls)
{
	static struct request r;
	struct request other;
	struct pair p;

	spi_start();
	pair_open(&p);
	for (int i = 0; i < 100; i++) {
		must_receive(&p.server, 0, 64, &r, i & 1 ? NOTIFIED : POLLED);
		send_text(&p.client, "done");
		if (i & 1)
			up_wait_completed((unsigned)i / 2 + 1);
		request_expect(p.server.s, &r, 0, 4);
		memset(&r.ov, 0xaa, sizeof r.ov);
		must_send_text(&p.server, 0, "later", &other, POLLED);
		request_expect(p.server.s, &other, 0, 5);
		untouched(&r);
		expect_text(&p.client, "later");
		untouched(&r);
	}
	pair_close(&p);
	untouched(&r);
	spi_stop();
}
