/* SPDX-License-Identifier: MIT */
/* Messages: R117 to R125, R140 to R149. */
#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CASE(R117_R118_R119_R120_early_messages_are_kept_and_go_one_to_one)
{
	enum { EARLY = 8 };
	struct request s[EARLY], r;
	struct pair p;
	char text[16];

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < EARLY; i++) {
		snprintf(text, sizeof text, "message %u", i);
		must_send_text(&p.client, i, text, &s[i], POLLED);
	}
	os_sleep(QUIET); /* R118: nobody has posted a receive */
	for (int i = 0; i < EARLY; i++) {
		snprintf(text, sizeof text, "message %d", i);
		expect_text(&p.server, text);
	}
	for (int i = 0; i < EARLY; i++)
		request_expect(p.client.s, &s[i], 0, 9);
	must_receive(&p.server, 0, 256, &r, POLLED); /* R120 */
	CHECK(!request_done(p.server.s, &r));
	send_text(&p.client, "late");
	request_expect(p.server.s, &r, 0, 4);
	pair_close(&p);
	spi_stop();
}

CASE(R117_an_early_message_of_256_bytes_is_kept)
{
	struct request r, sent;
	struct pair p;

	spi_start();
	pair_open(&p);
	pattern(end_send_slot(&p.client, 0), 256, 1);
	must_send(&p.client, 0, 256, &sent, POLLED);
	os_sleep(QUIET);
	must_receive(&p.server, 0, 256, &r, POLLED);
	request_expect(p.server.s, &r, 0, 256);
	request_expect(p.client.s, &sent, 0, 256);
	check_pattern(end_receive_slot(&p.server, 0), 256, 1);
	pair_close(&p);
	spi_stop();
}

CASE(R123_R125_R129_data_functions_return_pending_and_complete_later)
{
	struct pair p;
	struct request send, receive;
	WSAEVENT e;
	int err = 0;

	spi_start();
	pair_open(&p);
	e = event_new(); /* R125: nonblocking or not makes no difference */
	OK(spi.t.lpWSPEventSelect(p.client.s, e, FD_CONNECT, &err));
	must_receive(&p.client, 0, 64, &receive, POLLED);
	CHECK(is_pending(&receive)); /* R129 */
	must_send_text(&p.server, 0, "hello", &send, POLLED);
	request_expect(p.server.s, &send, 0, 5);
	request_expect(p.client.s, &receive, 0, 5);
	CHECK_EQ(receive.flags, 0);
	event_free(e);
	pair_close(&p);
	spi_stop();
}

/* A message gathered from parts and scattered into others. */
CASE(R142_gather_and_scatter_keep_the_order)
{
	enum { PARTS = 8 };
	static const unsigned lens[] = {1, 7, 0, 64, 3, 100};
	WSABUF out[PARTS], in[PARTS];
	struct request s, r;
	DWORD n = 0, flags = 0, total = 0;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	request_init(&s, POLLED);
	request_init(&r, POLLED);
	for (int i = 0; i < PARTS; i++) {
		out[i].len = lens[i % 6];
		out[i].buf = p.client.sends + total;
		total += out[i].len;
	}
	pattern(p.client.sends, total, 3);
	for (int i = 0; i < PARTS; i++) {
		in[i].len = i == PARTS - 1 ? total : lens[(i + 3) % 6];
		in[i].buf = end_receive_slot(&p.server, (unsigned)i);
	}
	FAILS(spi.t.lpWSPRecv(p.server.s, in, PARTS, &n, &flags, &r.ov, NULL,
			NULL, &err), WSA_IO_PENDING);
	FAILS(spi.t.lpWSPSend(p.client.s, out, PARTS, &n, 0, &s.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	memset(out, 0xee, sizeof out);
	request_expect(p.client.s, &s, 0, total);
	request_expect(p.server.s, &r, 0, total);
	for (DWORD i = 0, at = 0; i < PARTS && at < total; i++) {
		DWORD part = in[i].len < total - at ? in[i].len : total - at;

		CHECK_BYTES(in[i].buf, p.client.sends + at, part);
		at += part;
	}
	pair_close(&p);
	spi_stop();
}

CASE(R143_the_callers_array_is_captured)
{
	enum { N = 16 };
	struct request r[N];
	struct pair p;
	char text[16];

	spi_start(); /* post_send overwrites its array, which is on its stack */
	pair_open(&p);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof text, "captured %u", i);
		must_send_text(&p.client, i, text, &r[i], POLLED);
	}
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof text, "captured %u", i);
		expect_text(&p.server, text);
		request_expect(p.client.s, &r[i], 0, (DWORD)strlen(text));
	}
	pair_close(&p);
	spi_stop();
}

/* ---- full queues --------------------------------------------------- */

enum { FLOOD = 200, FLOOD_MAX = 20000, FLOOD_BYTES = 1024 };
enum { FLOOD_SLOTS = 256 };

struct flood {
	struct request r[FLOOD_MAX];
	unsigned sent, pending;
	DWORD bytes; /* of a message */
};

/* Sends numbered messages until the provider takes no more, or many are
 * pending; a slot is used again when its request has long been done. */
static struct flood *flood(struct end *e)
{
	struct flood *f = test_alloc(sizeof *f);
	char *memory = test_alloc(FLOOD_SLOTS * FLOOD_BYTES);
	int err = 0, code;

	CHECK(spi.register_memory(e->s, memory, FLOOD_SLOTS * FLOOD_BYTES,
		MEM_READ, &err));
	f->bytes = message_limit(e->s, FLOOD_BYTES);
	while (f->sent < FLOOD_MAX && f->pending < FLOOD) {
		struct request *r = &f->r[f->sent];
		WSABUF b = {f->bytes,
			memory + f->sent % FLOOD_SLOTS * FLOOD_BYTES};
		DWORD n = 0;

		memcpy(b.buf, &f->sent, sizeof f->sent);
		request_init(r, POLLED);
		code = spi.t.lpWSPSend(e->s, &b, 1, &n, 0, &r->ov, NULL, NULL,
			&err) ? err : WSA_IO_PENDING;
		if (code == WSAENOBUFS)
			break;
		CHECK_CODE(code, WSA_IO_PENDING);
		f->pending = request_done(e->s, r) ? 0 : f->pending + 1;
		f->sent++;
	}
	return f;
}

CASE(R148_full_queues_lose_nothing)
{
	struct request got;
	struct flood *f;
	struct pair p;

	spi_start();
	pair_open(&p);
	f = flood(&p.client);
	for (unsigned i = 0; i < f->sent; i++) {
		uint64_t until = os_now() + PATIENCE / 2;

		must_receive(&p.server, 0, SLOT_BYTES, &got, POLLED);
		while (!request_done(p.server.s, &got)) {
			request_done(p.client.s, &f->r[f->sent - 1]);
			if (os_now() > until)
				FAIL("message %u of %u does not arrive", i + 1,
					f->sent);
		}
		CHECK_CODE(got.error, 0);
		CHECK_EQ(got.bytes, f->bytes);
		CHECK_BYTES(end_receive_slot(&p.server, 0), &i, sizeof i);
	}
	for (unsigned i = f->sent - f->pending; i < f->sent; i++)
		request_expect(p.client.s, &f->r[i], 0, f->bytes);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(R124_R148_a_send_that_is_refused_for_lack_of_room_never_completes)
{
	struct request *late = test_alloc(200 * sizeof *late);
	unsigned refused = 0;
	struct pair p;

	spi_start();
	pair_open(&p);
	flood(&p.client);
	for (unsigned i = 0; i < 200; i++) {
		int code = post_send(&p.client, 70, 16, &late[i], NOTIFIED);

		if (code == WSA_IO_PENDING)
			continue;
		CHECK_CODE(code, WSAENOBUFS);
		CHECK(!is_pending(&late[i]));
		refused++;
	}
	if (!refused)
		case_skip("the provider queues as much as there is");
	end_close(&p.client); /* the recorder sees surplus completions */
	end_close(&p.server);
	spi_stop();
}

CASE(R144_memory_that_is_not_registered_gives_WSAEFAULT)
{
	struct pair p;
	struct request r;
	char outside[64];
	WSABUF b = {sizeof outside, outside};
	DWORD n = 0, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	request_init(&r, POLLED);
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	FAILS(spi.t.lpWSPRecv(p.client.s, &b, 1, &n, &flags, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	CHECK(!is_pending(&r)); /* R124 */
	/* One byte over the end, one before the beginning. */
	b.buf = p.client.sends + POOL_SLOTS * SLOT_BYTES - 63;
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	b.buf = p.client.sends - 1;
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	/* Of another socket. */
	b.buf = p.server.sends;
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

/* Section 11, rule 4. */
CASE(R144_memory_registered_for_the_other_direction_gives_WSAEFAULT)
{
	struct pair p;
	struct request r;
	WSABUF b = {64, NULL};
	DWORD n = 0, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	request_init(&r, POLLED);
	b.buf = p.client.receives;
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	b.buf = p.client.sends;
	FAILS(spi.t.lpWSPRecv(p.client.s, &b, 1, &n, &flags, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

/* SO_MAX_MSG_SIZE; not applicable when there is none, or more than there is
 * memory for. */
static DWORD largest_message(SOCKET s)
{
	uint32_t value = 0;
	int err = 0, len = sizeof value;

	if (spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE,
			(char *)&value, &len, &err)) {
		CHECK_CODE(err, WSAENOPROTOOPT);
		case_skip("messages have no limit");
	}
	if (value > 256u << 20)
		case_skip("messages may have %u bytes, too many to try",
			(unsigned)value);
	return value;
}

struct large {
	struct pair p;
	char *from, *to;
	DWORD max;
};

static void large_open(struct large *l)
{
	int err = 0;

	spi_start();
	pair_open(&l->p);
	l->max = largest_message(l->p.client.s);
	l->from = test_alloc(l->max + 1);
	l->to = test_alloc(l->max + 1);
	CHECK(spi.register_memory(l->p.client.s, l->from, l->max + 1, MEM_READ,
		&err));
	CHECK(spi.register_memory(l->p.server.s, l->to, l->max + 1, MEM_WRITE,
		&err));
}

static int large_send(struct large *l, DWORD bytes, struct request *r)
{
	WSABUF b = {bytes, l->from};
	DWORD n = 0;
	int err = 0;

	request_init(r, POLLED);
	return spi.t.lpWSPSend(l->p.client.s, &b, 1, &n, 0, &r->ov, NULL, NULL,
		&err) ? err : WSA_IO_PENDING;
}

CASE(R39_the_largest_message_goes)
{
	struct request s, r;
	struct large l;
	DWORD n = 0, flags = 0;
	WSABUF in;
	int err = 0;

	large_open(&l);
	pattern(l.from, l.max, 5);
	CHECK_CODE(large_send(&l, l.max, &s), WSA_IO_PENDING);
	in = (WSABUF){l.max + 1, l.to};
	request_init(&r, POLLED);
	FAILS(spi.t.lpWSPRecv(l.p.server.s, &in, 1, &n, &flags, &r.ov, NULL,
			NULL, &err), WSA_IO_PENDING);
	while (!request_done(l.p.server.s, &r))
		request_done(l.p.client.s, &s);
	CHECK_CODE(r.error, 0);
	CHECK_EQ(r.bytes, l.max);
	request_expect(l.p.client.s, &s, 0, l.max);
	check_pattern(l.to, l.max, 5);
	pair_close(&l.p);
	spi_stop();
}

CASE(R145_a_message_above_SO_MAX_MSG_SIZE_gives_WSAEMSGSIZE)
{
	struct request s;
	struct large l;

	large_open(&l);
	CHECK_CODE(large_send(&l, l.max + 1, &s), WSAEMSGSIZE);
	CHECK(!is_pending(&s));
	pair_talk(&l.p.client, &l.p.server); /* nothing was sent */
	pair_close(&l.p);
	spi_stop();
}

CASE(R146_a_message_too_long_for_its_receive_is_not_cut)
{
	struct request r, *sent;
	struct pair p;
	char *slot;

	spi_start();
	pair_open(&p);
	sent = test_alloc(sizeof *sent);
	slot = end_receive_slot(&p.server, 0);
	memset(slot, 0x55, SLOT_BYTES);
	must_receive(&p.server, 0, 4, &r, POLLED);
	must_send_text(&p.client, 0, "too long for it", sent, POLLED);
	request_wait(p.server.s, &r);
	CHECK(r.error != 0);
	for (int i = 4; i < SLOT_BYTES; i++)
		CHECK_EQ(slot[i], 0x55);
	end_await_loss(&p.client); /* the peer is told */
	pair_close(&p);
	spi_stop();
}

CASE(R147_data_calls_before_a_connection_give_WSAENOTCONN)
{
	struct addr a;
	struct end e;
	struct request r;
	SOCKET s[3];

	spi_start();
	a = test_addr();
	s[0] = socket_new();
	s[1] = socket_bound(&a);
	s[2] = socket_listening(&a, 1);
	e.sends = e.receives = test_alloc(POOL_SLOTS * SLOT_BYTES);
	for (int i = 0; i < 3; i++) {
		e.s = s[i];
		CHECK_CODE(post_send(&e, 0, 4, &r, POLLED), WSAENOTCONN);
		CHECK_CODE(post_receive(&e, 0, 4, &r, POLLED), WSAENOTCONN);
	}
	spi_stop();
}

CASE(R140_an_empty_message_is_a_message)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, POLLED);
	send_text(&p.client, "");
	send_text(&p.client, "after");
	request_expect(p.server.s, &r, 0, 0);
	expect_text(&p.server, "after");
	pair_close(&p);
	spi_stop();
}

/* How many can be posted before there is no room. */
static unsigned post_many(struct end *e, struct request *r, unsigned max)
{
	for (unsigned i = 0; i < max; i++) {
		int code = post_receive(e, i % 64, 64, &r[i], POLLED);

		if (code == WSAENOBUFS)
			return i;
		CHECK_CODE(code, WSA_IO_PENDING);
	}
	return max;
}

CASE(R149_at_least_16_receives_can_be_pending)
{
	enum { MOST = 64 };
	static struct request r[MOST];
	struct pair p;
	unsigned n;
	char text[16];

	spi_start();
	pair_open(&p);
	n = post_many(&p.server, r, MOST);
	if (n < 16)
		FAIL("only %u receives can be pending, expected 16 or more",
			n);
	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof text, "%u", i);
		send_text(&p.client, text);
	}
	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof text, "%u", i);
		request_expect(p.server.s, &r[i], 0, (DWORD)strlen(text));
		CHECK_BYTES(end_receive_slot(&p.server, i), text, strlen(text));
	}
	pair_close(&p);
	spi_stop();
}

CASE(R149_at_least_16_sends_can_be_pending)
{
	enum { N = 16 };
	struct request r[N];
	struct pair p;
	char text[16];

	spi_start();
	pair_open(&p);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof text, "%u", i);
		must_send_text(&p.client, i, text, &r[i], NOTIFIED);
	}
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof text, "%u", i);
		expect_text(&p.server, text);
	}
	up_wait_completed(N);
	pair_close(&p);
	spi_stop();
}

/* As deep as it goes: beyond the limit is WSAENOBUFS, or none (R148). */
CASE(R148_too_many_receives_give_WSAENOBUFS_or_wait)
{
	enum { MOST = 2000 };
	struct request *r = test_alloc(MOST * sizeof *r);
	struct pair p;
	unsigned n;

	spi_start();
	pair_open(&p);
	n = post_many(&p.server, r, MOST);
	send_text(&p.client, "first");
	request_expect(p.server.s, &r[0], 0, 5);
	for (unsigned i = 1; i < n; i++)
		CHECK(is_pending(&r[i]));
	pair_close(&p);
	for (unsigned i = 1; i < n; i++)
		CHECK(!is_pending(&r[i])); /* R191 */
	spi_stop();
}

/* ---- many messages of every size, both ways ------------------------ */

static DWORD longest; /* of them */

static unsigned stream_len(uint32_t i)
{
	return 4 + i * 7 % (longest - 4);
}

static void stream_out(void *arg)
{
	struct end *e = arg;

	for (uint32_t i = 0; i < 5000; i++) {
		unsigned slot = i % POOL_SLOTS, len = stream_len(i);
		struct request r;

		pattern(end_send_slot(e, slot), len, i);
		memcpy(end_send_slot(e, slot), &i, 4);
		while (post_send(e, slot, len, &r, POLLED) == WSAENOBUFS)
			os_yield();
		request_expect(e->s, &r, 0, len);
	}
}

static void stream_in(struct end *e)
{
	static struct request r[16];
	char want[SLOT_BYTES];

	for (unsigned i = 0; i < 16; i++)
		must_receive(e, i, SLOT_BYTES, &r[i], POLLED);
	for (uint32_t i = 0; i < 5000; i++) {
		unsigned len = stream_len(i), slot = i % 16;

		request_expect(e->s, &r[slot], 0, len);
		pattern(want, len, i);
		memcpy(want, &i, 4);
		CHECK_BYTES(end_receive_slot(e, slot), want, len);
		must_receive(e, slot, SLOT_BYTES, &r[slot], POLLED);
	}
}

CASE(R140_R141_thousands_of_messages_in_order_and_whole)
{
	struct os_thread t;
	struct pair p;

	spi_start();
	pair_open(&p);
	longest = message_limit(p.client.s, 1504);
	CHECK(os_thread_start(&t, "out", stream_out, &p.client) == ST_OK);
	stream_in(&p.server);
	os_thread_join(&t);
	pair_close(&p);
	spi_stop();
}
