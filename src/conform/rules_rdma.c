/* SPDX-License-Identifier: MIT */
/* WSPRdmaWrite and WSPRdmaRead: R40, R151 to R158, R173 to R180, R214. */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY = 1 << 20 };

/* A pair, memory of the client to work with, memory of the server exposed. */
struct bench {
	struct pair p;
	char *local, *remote;
	HANDLE handle;
	struct exposed e;
	struct request help; /* a receive of the server, never filled */
	DWORD max;           /* of a transfer, but not more than MEMORY */
};

static void bench_open(struct bench *b, DWORD rights)
{
	int err = 0;

	spi_start();
	pair_open(&b->p);
	b->local = test_alloc(MEMORY);
	b->remote = test_alloc(MEMORY);
	b->max = rdma_limit(b->p.client.s, MEMORY);
	memset(b->local, 0x11, MEMORY);
	memset(b->remote, 0x22, MEMORY);
	b->handle = spi.register_memory(b->p.client.s, b->local, MEMORY,
		MEM_READWRITE, &err);
	CHECK(b->handle);
	CHECK_CODE(expose(b->p.server.s, b->remote, MEMORY, rights, &b->e), 0);
	must_receive(&b->p.server, 78, 64, &b->help, POLLED);
}

static void need_read(void)
{
	if (!spi.rdma_read)
		case_skip("no WSPRdmaRead");
}

static void bench_close(struct bench *b)
{
	pair_close(&b->p);
	test_free(b->local);
	test_free(b->remote);
	spi_stop();
}

/* Both sides poll: a transfer may need the other side's help. */
static void finish(struct bench *b, struct request *r)
{
	uint64_t until = os_now() + PATIENCE;

	while (!request_done(b->p.client.s, r)) {
		request_done(b->p.server.s, &b->help);
		CHECK(os_now() < until);
	}
}

static int transfer(struct bench *b, enum rdma_op op, DWORD at, DWORD len,
	DWORD offset, DWORD *bytes)
{
	WSABUFEX buf = {len, b->local + at, b->handle};
	struct request r;
	int code = post_rdma(op, b->p.client.s, &buf, 1, &b->e, offset, &r,
		POLLED);

	if (code != WSA_IO_PENDING)
		return code;
	finish(b, &r);
	*bytes = r.bytes;
	return r.error;
}

CASE(R153_a_write_puts_the_bytes_at_the_offset_and_nowhere_else)
{
	struct bench b;
	DWORD n = 0;

	bench_open(&b, MEM_WRITE);
	pattern(b.local + 100, 4000, 1);
	CHECK_EQ(transfer(&b, RDMA_WRITE, 100, 4000, 777, &n), 0);
	CHECK_EQ(n, 4000);
	check_pattern(b.remote + 777, 4000, 1);
	for (int i = 0; i < MEMORY; i++)
		if (i < 777 || i >= 4777)
			CHECK_EQ(b.remote[i], 0x22);
	bench_close(&b);
}

CASE(R154_a_read_brings_the_bytes_at_the_offset)
{
	DWORD n = 0, len;
	struct bench b;

	bench_open(&b, MEM_READ);
	need_read();
	len = rdma_limit(b.p.client.s, 70000);
	pattern(b.remote, MEMORY, 2);
	CHECK_CODE(transfer(&b, RDMA_READ, 3, len, 0, &n), 0);
	CHECK_EQ(n, len);
	check_pattern(b.local + 3, len, 2);
	CHECK_EQ(b.local[2], 0x11);
	CHECK_EQ(b.local[len + 3], 0x11);
	CHECK_CODE(transfer(&b, RDMA_READ, 0, 9, 12345, &n), 0);
	CHECK_BYTES(b.local, b.remote + 12345, 9);
	len = rdma_limit(b.p.client.s, MEMORY);
	CHECK_CODE(transfer(&b, RDMA_READ, 0, len, 0, &n), 0);
	check_pattern(b.local, len, 2);
	bench_close(&b);
}

/* A failure is an error of the call or of the request, never a transfer; the
 * connection may be lost over it. */
static void must_fail(struct bench *b, enum rdma_op op, DWORD len, DWORD offset)
{
	DWORD n = 0;

	if (op == RDMA_READ && !spi.rdma_read)
		return;
	if (transfer(b, op, 0, len, offset, &n) == 0)
		FAIL("%s of %u bytes at offset %u succeeds, expected an error",
			op == RDMA_READ ? "WSPRdmaRead" : "WSPRdmaWrite",
			(unsigned)len, (unsigned)offset);
	for (int i = 0; i < MEMORY; i++)
		CHECK(b->local[i] == 0x11 && b->remote[i] == 0x22);
}

static void beyond(enum rdma_op op, DWORD len, DWORD offset)
{
	struct bench b;

	bench_open(&b, MEM_READWRITE);
	must_fail(&b, op, len, offset);
	bench_close(&b);
}

CASE(R155_a_range_beyond_the_registration_fails)
{
	beyond(RDMA_WRITE, 1, MEMORY);
	beyond(RDMA_READ, 1, MEMORY);
	beyond(RDMA_WRITE, 100, MEMORY - 99);
	beyond(RDMA_READ, 100, MEMORY - 99);
	beyond(RDMA_READ, 100, 0xffffffff);
	beyond(RDMA_WRITE, 2, 0xffffffff);
}

CASE(R155_a_part_of_a_buffer_exposes_that_part_only)
{
	struct exposed part;
	struct bench b;
	DWORD n = 0;

	bench_open(&b, MEM_READWRITE);
	CHECK_CODE(expose(b.p.server.s, b.remote + 1000, 500, MEM_WRITE,
			   &part), 0);
	b.e = part;
	pattern(b.local, 500, 9);
	CHECK_CODE(transfer(&b, RDMA_WRITE, 0, 500, 0, &n), 0);
	check_pattern(b.remote + 1000, 500, 9);
	CHECK_EQ(b.remote[999], 0x22);
	CHECK_EQ(b.remote[1500], 0x22);
	CHECK(transfer(&b, RDMA_WRITE, 0, 2, 499, &n) != 0);
	CHECK_EQ(b.remote[1500], 0x22);
	bench_close(&b);
}

static void with_length(DWORD len)
{
	struct bench b;

	bench_open(&b, MEM_READWRITE);
	b.e.len = len == 1 ? b.e.len - 1 : len == 2 ? b.e.len + 1 : 0;
	must_fail(&b, RDMA_WRITE, 10, 0);
	bench_close(&b);
}

CASE(R156_a_descriptor_of_a_wrong_length_fails)
{
	for (DWORD len = 0; len < 3; len++)
		with_length(len);
}

static void with_garbage(int byte)
{
	struct bench b;

	bench_open(&b, MEM_READWRITE);
	memset(b.e.descriptor, byte, b.e.len);
	must_fail(&b, RDMA_WRITE, 10, 0);
	must_fail(&b, RDMA_READ, 10, 0);
	bench_close(&b);
}

CASE(R156_a_garbage_descriptor_fails)
{
	with_garbage(0xff);
	with_garbage(0);
	with_garbage(0x41);
}

/* Each byte in turn: it may mean nothing, but nothing happens elsewhere. */
CASE(R156_R174_a_descriptor_with_one_wrong_byte_reaches_nothing_else)
{
	struct bench b;
	DWORD n = 0;

	bench_open(&b, MEM_READWRITE);
	for (DWORD i = 0; i < b.e.len; i++) {
		struct exposed good = b.e;

		b.e.descriptor[i] ^= 0x40;
		transfer(&b, RDMA_WRITE, 0, 10, 0, &n);
		b.e = good;
		for (int k = 10; k < MEMORY; k++)
			CHECK_EQ(b.remote[k], 0x22);
		if (code_tells_loss(post_receive(&b.p.client, 0, 64,
				test_alloc(sizeof(struct request)), POLLED))) {
			bench_close(&b);
			bench_open(&b, MEM_READWRITE);
		}
	}
	bench_close(&b);
}

CASE(R157_several_local_buffers_gather_and_scatter)
{
	enum { PARTS = 4 };
	struct request r;
	struct bench b;
	WSABUFEX buf[PARTS];
	DWORD at = 0;

	bench_open(&b, MEM_READWRITE);
	pattern(b.local, PARTS * 1000, 4);
	for (int i = 0; i < PARTS; i++)
		buf[i] = (WSABUFEX){1000, b.local + (PARTS - 1 - i) * 1000,
			b.handle};
	CHECK_CODE(post_rdma(RDMA_WRITE, b.p.client.s, buf, PARTS, &b.e,
			   50, &r, POLLED), WSA_IO_PENDING);
	finish(&b, &r);
	CHECK_EQ(r.error, 0);
	CHECK_EQ(r.bytes, PARTS * 1000);
	for (int i = 0; i < PARTS; i++, at += 1000)
		CHECK_BYTES(b.remote + 50 + at, buf[i].buf, 1000);
	need_read();
	memset(b.local, 0, PARTS * 1000);
	CHECK_CODE(post_rdma(RDMA_READ, b.p.client.s, buf, PARTS, &b.e,
			   50, &r, POLLED), WSA_IO_PENDING);
	finish(&b, &r);
	check_pattern(b.local, PARTS * 1000, 4);
	bench_close(&b);
}

CASE(R158_RDMA_completes_no_receive_of_the_peer)
{
	struct request write;
	struct bench b;
	WSABUFEX buf;

	bench_open(&b, MEM_WRITE); /* has posted a receive */
	buf = (WSABUFEX){1000, b.local, b.handle};
	CHECK_CODE(post_rdma(RDMA_WRITE, b.p.client.s, &buf, 1, &b.e, 0,
			   &write, POLLED), WSA_IO_PENDING);
	finish(&b, &write);
	CHECK_CODE(write.error, 0);
	for (int i = 0; i < 1000; i++)
		CHECK(!request_done(b.p.server.s, &b.help));
	send_text(&b.p.client, "a message");
	request_expect(b.p.server.s, &b.help, 0, 9);
	bench_close(&b);
}

/* Every local buffer must lie inside what its handle stands for (8.5). */
static void must_not_start(struct bench *b, char *at, HANDLE handle)
{
	WSABUFEX buf = {10, at, handle};
	struct request r;
	int code = post_rdma(RDMA_WRITE, b->p.client.s, &buf, 1, &b->e, 0, &r,
		POLLED);

	if (code == WSA_IO_PENDING) {
		finish(b, &r);
		code = r.error;
	}
	CHECK(code != 0);
	CHECK_EQ(b->remote[0], 0x22);
}

CASE(R169_local_buffers_need_their_own_handle)
{
	struct bench b;

	bench_open(&b, MEM_READWRITE);
	must_not_start(&b, b.local, NULL);
	must_not_start(&b, b.local, (HANDLE)(uintptr_t)0x12345670);
	must_not_start(&b, b.local + MEMORY - 9, b.handle);
	must_not_start(&b, b.local - 1, b.handle);
	/* A handle of another socket. */
	must_not_start(&b, b.p.server.sends, b.p.server.send_handle);
	bench_close(&b);
}

CASE(R176_after_deregistration_the_peer_has_no_access)
{
	struct bench b;
	DWORD n = 0;

	bench_open(&b, MEM_READWRITE);
	CHECK_CODE(transfer(&b, RDMA_WRITE, 0, 10, 0, &n), 0);
	memset(b.remote, 0x22, 10);
	CHECK_CODE(conceal(b.p.server.s, &b.e), 0);
	must_fail(&b, RDMA_WRITE, 10, 0);
	bench_close(&b);
}

CASE(R176_after_deregistration_the_peer_cannot_read)
{
	struct bench b;

	bench_open(&b, MEM_READWRITE);
	need_read();
	CHECK_CODE(conceal(b.p.server.s, &b.e), 0);
	must_fail(&b, RDMA_READ, 10, 0);
	bench_close(&b);
}

/* Section 11, rule 5: registered again, the old descriptor stays dead. */
CASE(R176_a_stale_descriptor_fails_though_the_memory_is_exposed_again)
{
	struct exposed again, old;
	struct bench b;
	DWORD n = 0;

	bench_open(&b, MEM_READWRITE);
	old = b.e;
	CHECK_CODE(conceal(b.p.server.s, &b.e), 0);
	CHECK_CODE(expose(b.p.server.s, b.remote, MEMORY, MEM_READWRITE,
			   &again), 0);
	CHECK(memcmp(again.descriptor, old.descriptor, again.len) != 0);
	b.e = again;
	CHECK_CODE(transfer(&b, RDMA_WRITE, 0, 10, 0, &n), 0);
	memset(b.remote, 0x22, 10);
	b.e = old;
	must_fail(&b, RDMA_WRITE, 10, 0);
	bench_close(&b);
}

/* n registrations: access ends with the last (8.4). */
CASE(R165_R176_memory_exposed_twice_stays_until_the_last_deregistration)
{
	struct exposed second;
	struct bench b;
	DWORD n = 0;

	bench_open(&b, MEM_READWRITE);
	CHECK_CODE(expose(b.p.server.s, b.remote, MEMORY, MEM_READWRITE,
			   &second), 0);
	CHECK_CODE(conceal(b.p.server.s, &b.e), 0);
	b.e = second;
	CHECK_CODE(transfer(&b, RDMA_WRITE, 0, 10, 0, &n), 0);
	memset(b.remote, 0x22, 10);
	CHECK_CODE(conceal(b.p.server.s, &second), 0);
	must_fail(&b, RDMA_WRITE, 10, 0);
	bench_close(&b);
}

CASE(R177_writing_to_readable_memory_fails)
{
	struct bench b;

	bench_open(&b, MEM_READ);
	must_fail(&b, RDMA_WRITE, 10, 0);
	bench_close(&b);
}

CASE(R177_reading_from_writable_memory_fails)
{
	struct bench b;

	bench_open(&b, MEM_WRITE);
	need_read();
	must_fail(&b, RDMA_READ, 10, 0);
	bench_close(&b);
}

/* A write through some other connection with the bench's descriptor. */
static void foreign_write(struct bench *b, struct pair *other,
	struct exposed *e)
{
	struct request r;
	WSABUFEX buf;
	int err = 0, code;

	buf = (WSABUFEX){10, b->local, spi.register_memory(other->client.s,
		b->local, MEMORY, MEM_READWRITE, &err)};
	CHECK(buf.handle);
	code = post_rdma(RDMA_WRITE, other->client.s, &buf, 1, e, 0, &r,
		POLLED);
	if (code == WSA_IO_PENDING) {
		request_wait(other->client.s, &r);
		code = r.error;
	}
	CHECK(code != 0);
}

CASE(R178_the_peer_of_another_socket_cannot_use_a_descriptor)
{
	struct pair other;
	struct bench b;

	bench_open(&b, MEM_READWRITE);
	pair_open(&other);
	foreign_write(&b, &other, &b.e);
	for (int i = 0; i < MEMORY; i++)
		CHECK_EQ(b.remote[i], 0x22);
	bench_close(&b);
}

/* What WSPRegisterMemory gave is nothing that a peer could use. */
CASE(R179_memory_registered_for_this_process_is_not_reachable)
{
	struct exposed e = {.len = 0};
	struct bench b;
	int err = 0;
	HANDLE h;

	bench_open(&b, MEM_READWRITE);
	h = spi.register_memory(b.p.server.s, b.remote, MEMORY, MEM_READWRITE,
		&err);
	CHECK(h);
	CHECK_CODE(conceal(b.p.server.s, &b.e), 0);
	e.len = b.e.len;
	memcpy(e.descriptor, &h, sizeof h <= e.len ? sizeof h : e.len);
	b.e = e;
	must_fail(&b, RDMA_WRITE, 10, 0);
	bench_close(&b);
}

CASE(R180_after_the_connection_nothing_can_be_reached)
{
	struct request r;
	struct bench b;
	WSABUFEX buf;
	int code;

	bench_open(&b, MEM_READWRITE);
	end_close(&b.p.server);
	buf = (WSABUFEX){10, b.local, b.handle};
	code = post_rdma(RDMA_WRITE, b.p.client.s, &buf, 1, &b.e, 0, &r,
		POLLED);
	if (code == WSA_IO_PENDING) {
		request_wait(b.p.client.s, &r);
		code = r.error;
	}
	CHECK(code != 0);
	for (int i = 0; i < MEMORY; i++)
		CHECK_EQ(b.remote[i], 0x22);
	spi_stop();
}

CASE(R180_a_descriptor_of_a_connection_that_ended_is_dead_in_a_new_one)
{
	struct pair next;
	struct bench b;

	bench_open(&b, MEM_READWRITE);
	pair_close(&b.p);
	pair_open(&next);
	foreign_write(&b, &next, &b.e);
	for (int i = 0; i < MEMORY; i++)
		CHECK_EQ(b.remote[i], 0x22);
	pair_close(&next);
	spi_stop();
}

/* ---- bulk data by the write protocol alone (R214) ------------------ */

CASE(R214_the_write_protocol_alone_carries_large_data)
{
	struct bench b;
	DWORD n = 0, step;

	bench_open(&b, MEM_WRITE); /* the receiver's memory, to be written */
	step = rdma_limit(b.p.client.s, 100000);
	pattern(b.local, MEMORY, 12);
	for (DWORD at = 0; at < MEMORY; at += n) {
		DWORD part = MEMORY - at < step ? MEMORY - at : step;

		CHECK_CODE(transfer(&b, RDMA_WRITE, at, part, at, &n), 0);
		CHECK_EQ(n, part);
	}
	send_text(&b.p.client, "done");
	request_expect(b.p.server.s, &b.help, 0, 4);
	check_pattern(b.remote, MEMORY, 12);
	CHECK_CODE(conceal(b.p.server.s, &b.e), 0);
	bench_close(&b);
}

/* Bytes are all that a descriptor is: no pointers, no sharing. */
CASE(R173_a_descriptor_works_from_a_copy_of_its_bytes)
{
	struct exposed *copy = test_alloc(sizeof *copy);
	struct request r;
	struct bench b;
	WSABUFEX buf;

	bench_open(&b, MEM_WRITE);
	*copy = b.e;
	memset(b.e.descriptor, 0xee, sizeof b.e.descriptor);
	buf = (WSABUFEX){100, b.local, b.handle};
	CHECK_CODE(post_rdma(RDMA_WRITE, b.p.client.s, &buf, 1, copy, 0, &r,
			   POLLED), WSA_IO_PENDING);
	memset(copy->descriptor, 0xdd, sizeof copy->descriptor); /* captured */
	finish(&b, &r);
	CHECK_CODE(r.error, 0);
	CHECK_EQ(r.bytes, 100);
	bench_close(&b);
}

/* ---- order, over and over ------------------------------------------ */

static DWORD order_len(const struct bench *b, uint32_t i)
{
	DWORD len = 64u << i % 10;

	return len < b->max ? len : b->max;
}

static void push(void *arg)
{
	struct bench *b = arg;

	for (uint32_t i = 0; i < 300; i++) {
		WSABUFEX buf = {order_len(b, i), b->local, b->handle};
		struct request w, m;

		pattern(b->local, buf.len, i);
		CHECK_CODE(post_rdma(RDMA_WRITE, b->p.client.s, &buf, 1, &b->e,
			   0, &w, POLLED), WSA_IO_PENDING);
		memcpy(end_send_slot(&b->p.client, 0), &i, 4);
		must_send(&b->p.client, 0, 4, &m, POLLED);
		request_expect(b->p.client.s, &m, 0, 4);
		request_expect(b->p.client.s, &w, 0, buf.len);
		expect_text(&b->p.client, "checked");
	}
}

CASE(R151_a_message_behind_a_write_comes_after_the_bytes)
{
	struct os_thread t;
	struct bench b;
	uint32_t i;

	bench_open(&b, MEM_WRITE);
	CHECK(os_thread_start(&t, "push", push, &b) == ST_OK);
	for (i = 0; i < 300; i++) {
		request_expect(b.p.server.s, &b.help, 0, 4);
		CHECK_BYTES(end_receive_slot(&b.p.server, 78), &i, 4);
		must_receive(&b.p.server, 78, 64, &b.help, POLLED);
		check_pattern(b.remote, order_len(&b, i), i);
		send_text(&b.p.server, "checked");
	}
	os_thread_join(&t);
	bench_close(&b);
}

static void pull(void *arg)
{
	struct bench *b = arg;

	for (uint32_t i = 0; i < 300; i++) {
		WSABUFEX buf = {order_len(b, i), b->local, b->handle};
		struct request w, m;

		expect_text(&b->p.client, "offer");
		CHECK_CODE(post_rdma(RDMA_READ, b->p.client.s, &buf, 1, &b->e,
			   0, &w, POLLED), WSA_IO_PENDING);
		must_send_text(&b->p.client, 0, "done", &m, POLLED);
		request_expect(b->p.client.s, &w, 0, buf.len);
		check_pattern(b->local, buf.len, i);
		request_expect(b->p.client.s, &m, 0, 4);
	}
}

CASE(R152_a_message_behind_a_read_leaves_after_it)
{
	struct os_thread t;
	struct bench b;

	bench_open(&b, MEM_READ);
	need_read();
	CHECK(os_thread_start(&t, "pull", pull, &b) == ST_OK);
	for (uint32_t i = 0; i < 300; i++) {
		pattern(b.remote, order_len(&b, i), i);
		send_text(&b.p.server, "offer");
		request_expect(b.p.server.s, &b.help, 0, 4);
		must_receive(&b.p.server, 78, 64, &b.help, POLLED);
		memset(b.remote, 0, order_len(&b, i)); /* it was read by now */
	}
	os_thread_join(&t);
	bench_close(&b);
}

CASE(R127_R150_RDMA_with_notification_completes_once_and_in_order)
{
	struct request r[4];
	struct bench b;
	WSABUFEX buf;

	bench_open(&b, MEM_READWRITE);
	buf = (WSABUFEX){1000, b.local, b.handle};
	for (int i = 0; i < 4; i++)
		CHECK_CODE(post_rdma(spi.rdma_read && i & 1 ? RDMA_READ
				   : RDMA_WRITE, b.p.client.s, &buf, 1, &b.e,
				   0, &r[i], NOTIFIED), WSA_IO_PENDING);
	up_wait_completed(4);
	for (unsigned i = 0; i < 4; i++) {
		CHECK(up_completion(i).overlapped == &r[i].ov);
		CHECK_CODE(up_completion(i).error, 0);
		CHECK_EQ(up_completion(i).bytes, 1000);
	}
	bench_close(&b);
}

CASE(R40_a_transfer_above_SO_MAX_RDMA_SIZE_is_refused)
{
	struct request r;
	struct bench b;
	WSABUFEX buf;
	DWORD max;
	int err = 0;
	char *large;

	bench_open(&b, MEM_READWRITE);
	max = rdma_limit(b.p.client.s, (64u << 20) + 1);
	if (max > 64u << 20)
		case_skip("a transfer may be larger than what there is memory "
			"for");
	large = test_alloc(max + 1);
	CHECK_CODE(expose(b.p.server.s, test_alloc(max + 1), max + 1,
			   MEM_WRITE, &b.e), 0);
	buf = (WSABUFEX){max + 1, large, spi.register_memory(b.p.client.s,
		large, max + 1, MEM_READ, &err)};
	CHECK(post_rdma(RDMA_WRITE, b.p.client.s, &buf, 1, &b.e, 0, &r,
		POLLED) != WSA_IO_PENDING);
	buf.len = max;
	CHECK_CODE(post_rdma(RDMA_WRITE, b.p.client.s, &buf, 1, &b.e, 0, &r,
			   POLLED), WSA_IO_PENDING);
	finish(&b, &r);
	CHECK_CODE(r.error, 0);
	CHECK_EQ(r.bytes, max);
	bench_close(&b);
}

/* With a descriptor that is good, elsewhere. */
CASE(R147_RDMA_before_a_connection_gives_WSAENOTCONN)
{
	struct request r;
	struct bench b;
	struct addr a;
	WSABUFEX buf;

	bench_open(&b, MEM_READWRITE);
	a = test_addr();
	buf = (WSABUFEX){10, b.local, b.handle};
	CHECK_CODE(post_rdma(RDMA_WRITE, socket_new(), &buf, 1, &b.e, 0, &r,
			   POLLED), WSAENOTCONN);
	CHECK_CODE(post_rdma(RDMA_WRITE, socket_bound(&a), &buf, 1, &b.e, 0,
			   &r, POLLED), WSAENOTCONN);
	if (spi.rdma_read)
		CHECK_CODE(post_rdma(RDMA_READ, socket_new(), &buf, 1, &b.e,
				   0, &r, POLLED), WSAENOTCONN);
	bench_close(&b);
}
