/* SPDX-License-Identifier: MIT */
/* WSPRdmaRead and WSPRdmaWrite: R151 to R158, R173 to R180. */
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
};

static void bench_open(struct bench *b, DWORD rights)
{
	int err = 0;

	spi_start();
	if (!spi.rdma_read)
		case_skip("no RDMA read");
	pair_open(&b->p);
	b->local = test_alloc(MEMORY);
	b->remote = test_alloc(MEMORY);
	CHECK(b->local && b->remote);
	memset(b->local, 0x11, MEMORY);
	memset(b->remote, 0x22, MEMORY);
	b->handle = spi.register_memory(b->p.client.s, b->local, MEMORY,
		MEM_READWRITE, &err);
	CHECK(b->handle);
	CHECK_EQ(expose(b->p.server.s, b->remote, MEMORY, rights, &b->e), 0);
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
	struct request help;
	uint64_t until = os_now() + PATIENCE;

	CHECK_EQ(post_receive(&b->p.server, 79, 64, &help, POLLED),
		WSA_IO_PENDING);
	while (!request_done(b->p.client.s, r)) {
		request_done(b->p.server.s, &help);
		CHECK(os_now() < until);
	}
	send_text(&b->p.client, "-");
	request_wait(b->p.server.s, &help);
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
	pattern(b.local + 100, 5000, 1);
	CHECK_EQ(transfer(&b, RDMA_WRITE, 100, 5000, 777, &n), 0);
	CHECK_EQ(n, 5000);
	check_pattern(b.remote + 777, 5000, 1);
	for (int i = 0; i < MEMORY; i++)
		if (i < 777 || i >= 5777)
			CHECK_EQ(b.remote[i], 0x22);
	bench_close(&b);
}

CASE(R154_a_read_brings_the_bytes_at_the_offset)
{
	struct bench b;
	DWORD n = 0;

	bench_open(&b, MEM_READ);
	pattern(b.remote, MEMORY, 2);
	CHECK_EQ(transfer(&b, RDMA_READ, 3, 70000, 0, &n), 0);
	CHECK_EQ(n, 70000);
	check_pattern(b.local + 3, 70000, 2);
	CHECK_EQ(b.local[2], 0x11);
	CHECK_EQ(b.local[70003], 0x11);
	CHECK_EQ(transfer(&b, RDMA_READ, 0, 9, 12345, &n), 0);
	CHECK_BYTES(b.local, b.remote + 12345, 9);
	CHECK_EQ(transfer(&b, RDMA_READ, 0, MEMORY, 0, &n), 0);
	check_pattern(b.local, MEMORY, 2);
	bench_close(&b);
}

/* A failure is an error of the call or of the request, never a transfer. */
static void must_fail(struct bench *b, enum rdma_op op, DWORD len, DWORD offset)
{
	DWORD n = 0;

	CHECK(transfer(b, op, 0, len, offset, &n) != 0);
	for (int i = 0; i < MEMORY; i++)
		CHECK(b->local[i] == 0x11 && b->remote[i] == 0x22);
}

CASE(R155_a_range_beyond_the_registration_fails)
{
	struct bench b;

	bench_open(&b, MEM_READWRITE);
	must_fail(&b, RDMA_WRITE, 1, MEMORY);
	must_fail(&b, RDMA_READ, 1, MEMORY);
	must_fail(&b, RDMA_WRITE, 100, MEMORY - 99);
	must_fail(&b, RDMA_READ, 100, 0xffffffff);
	must_fail(&b, RDMA_WRITE, 2, 0xffffffff);
	bench_close(&b);
}

CASE(R156_wrong_and_garbage_descriptors_fail)
{
	struct bench b;
	struct exposed good;

	bench_open(&b, MEM_READWRITE);
	good = b.e;
	b.e.len = good.len - 1;
	must_fail(&b, RDMA_WRITE, 10, 0);
	b.e.len = good.len + 1;
	must_fail(&b, RDMA_WRITE, 10, 0);
	b.e.len = 0;
	must_fail(&b, RDMA_WRITE, 10, 0);
	for (DWORD i = 0; i < good.len; i++) {
		DWORD n = 0;

		/* A byte may mean nothing; but nothing happens elsewhere. */
		b.e = good;
		b.e.descriptor[i] ^= 0x40;
		transfer(&b, RDMA_READ, 0, 10, 0, &n);
		memset(b.local, 0x11, 10);
	}
	b.e = good;
	memset(b.e.descriptor, 0xff, sizeof b.e.descriptor);
	must_fail(&b, RDMA_READ, 10, 0);
	bench_close(&b);
}

CASE(R157_several_local_buffers_gather_and_scatter)
{
	struct request r;
	struct bench b;
	WSABUFEX buf[12];
	DWORD at = 0;

	bench_open(&b, MEM_READWRITE);
	pattern(b.local, 12 * 1000, 4);
	for (int i = 0; i < 12; i++)
		buf[i] = (WSABUFEX){1000, b.local + (11 - i) * 1000, b.handle};
	CHECK_EQ(post_rdma(RDMA_WRITE, b.p.client.s, buf, 12, &b.e, 50, &r,
			 POLLED), WSA_IO_PENDING);
	finish(&b, &r);
	CHECK_EQ(r.error, 0);
	CHECK_EQ(r.bytes, 12000);
	for (int i = 0; i < 12; i++, at += 1000)
		CHECK_BYTES(b.remote + 50 + at, buf[i].buf, 1000);
	memset(b.local, 0, 12000);
	CHECK_EQ(post_rdma(RDMA_READ, b.p.client.s, buf, 12, &b.e, 50, &r,
			 POLLED), WSA_IO_PENDING);
	finish(&b, &r);
	check_pattern(b.local, 12000, 4);
	bench_close(&b);
}

CASE(R158_RDMA_completes_no_receive_of_the_peer)
{
	struct request receive, write;
	struct bench b;
	WSABUFEX buf;

	bench_open(&b, MEM_WRITE);
	CHECK_EQ(post_receive(&b.p.server, 0, 64, &receive, POLLED),
		WSA_IO_PENDING);
	buf = (WSABUFEX){1000, b.local, b.handle};
	CHECK_EQ(post_rdma(RDMA_WRITE, b.p.client.s, &buf, 1, &b.e, 0, &write,
			 POLLED), WSA_IO_PENDING);
	while (!request_done(b.p.client.s, &write))
		CHECK(!request_done(b.p.server.s, &receive));
	for (int i = 0; i < 1000; i++)
		CHECK(!request_done(b.p.server.s, &receive));
	send_text(&b.p.client, "a message");
	request_expect(b.p.server.s, &receive, 0, 9);
	bench_close(&b);
}

CASE(local_buffers_need_their_handle_and_its_rights)
{
	struct request r;
	struct bench b;
	WSABUFEX buf;
	HANDLE only;
	int err = 0;

	bench_open(&b, MEM_READWRITE);
	buf = (WSABUFEX){10, b.local, NULL};
	CHECK_EQ(post_rdma(RDMA_READ, b.p.client.s, &buf, 1, &b.e, 0, &r,
			 POLLED), WSAEFAULT);
	buf = (WSABUFEX){10, b.local + MEMORY - 9, b.handle};
	CHECK_EQ(post_rdma(RDMA_READ, b.p.client.s, &buf, 1, &b.e, 0, &r,
			 POLLED), WSAEFAULT);
	only = spi.register_memory(b.p.client.s, b.local, 100, MEM_READ, &err);
	buf = (WSABUFEX){10, b.local, only};
	CHECK_EQ(post_rdma(RDMA_READ, b.p.client.s, &buf, 1, &b.e, 0, &r,
			 POLLED), WSAEFAULT);
	only = spi.register_memory(b.p.client.s, b.local, 100, MEM_WRITE, &err);
	buf = (WSABUFEX){10, b.local, only};
	CHECK_EQ(post_rdma(RDMA_WRITE, b.p.client.s, &buf, 1, &b.e, 0, &r,
			 POLLED), WSAEFAULT);
	/* R169: a handle of the other socket */
	buf.handle = b.p.server.send_handle;
	buf.buf = b.p.server.sends;
	CHECK_EQ(post_rdma(RDMA_WRITE, b.p.client.s, &buf, 1, &b.e, 0, &r,
			 POLLED), WSAEFAULT);
	bench_close(&b);
}

CASE(R176_after_deregistration_the_peer_has_no_access)
{
	struct exposed again;
	struct bench b;
	DWORD n = 0;

	bench_open(&b, MEM_READWRITE);
	CHECK_EQ(transfer(&b, RDMA_READ, 0, 10, 0, &n), 0);
	memset(b.local, 0x11, 10);
	CHECK_EQ(conceal(b.p.server.s, &b.e), 0);
	must_fail(&b, RDMA_READ, 10, 0);
	/* Section 11, rule 5: registered again, the old key is still dead. */
	CHECK_EQ(expose(b.p.server.s, b.remote, MEMORY, MEM_READWRITE, &again),
		0);
	CHECK(memcmp(again.descriptor, b.e.descriptor, again.len) != 0);
	must_fail(&b, RDMA_WRITE, 10, 0);
	b.e = again;
	CHECK_EQ(transfer(&b, RDMA_READ, 0, 10, 0, &n), 0);
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
	must_fail(&b, RDMA_READ, 10, 0);
	bench_close(&b);
}

CASE(R178_the_peer_of_another_socket_cannot_use_a_descriptor)
{
	struct bench b;
	struct pair other;
	struct request r;
	HANDLE h;
	int err = 0, code;

	bench_open(&b, MEM_READWRITE);
	pair_open(&other);
	h = spi.register_memory(other.client.s, b.local, MEMORY, MEM_READWRITE,
		&err);
	CHECK(h);
	code = post_rdma(RDMA_READ, other.client.s,
		&(WSABUFEX){10, b.local, h}, 1, &b.e, 0, &r, POLLED);
	if (code == WSA_IO_PENDING) {
		request_wait(other.client.s, &r);
		CHECK(r.error != 0);
	}
	CHECK_EQ(b.local[0], 0x11);
	bench_close(&b);
}

CASE(R180_after_the_connection_nothing_can_be_reached)
{
	struct bench b;
	struct request r;
	WSABUFEX buf;

	bench_open(&b, MEM_READWRITE);
	end_close(&b.p.server);
	buf = (WSABUFEX){10, b.local, b.handle};
	CHECK(post_rdma(RDMA_READ, b.p.client.s, &buf, 1, &b.e, 0, &r,
		POLLED) != WSA_IO_PENDING || (request_wait(b.p.client.s, &r),
		r.error != 0));
	CHECK_EQ(b.local[0], 0x11);
	spi_stop();
}

/* ---- order, over and over ------------------------------------------ */

static void push(void *arg)
{
	struct bench *b = arg;

	for (uint32_t i = 0; i < 300; i++) {
		WSABUFEX buf = {64 << i % 10, b->local, b->handle};
		struct request w, m;

		pattern(b->local, buf.len, i);
		CHECK_EQ(post_rdma(RDMA_WRITE, b->p.client.s, &buf, 1, &b->e,
				 0, &w, POLLED), WSA_IO_PENDING);
		memcpy(end_send_slot(&b->p.client, 0), &i, 4);
		CHECK_EQ(post_send(&b->p.client, 0, 4, &m, POLLED),
			WSA_IO_PENDING);
		request_expect(b->p.client.s, &m, 0, 4);
		CHECK_EQ(w.ov.Internal, 0); /* R150: the write came first */
		expect_text(&b->p.client, "checked");
	}
}

CASE(R151_a_message_behind_a_write_comes_after_the_bytes)
{
	struct os_thread t;
	struct request r;
	struct bench b;
	uint32_t i;

	bench_open(&b, MEM_WRITE);
	CHECK(os_thread_start(&t, "push", push, &b) == ST_OK);
	for (i = 0; i < 300; i++) {
		CHECK_EQ(post_receive(&b.p.server, 0, 64, &r, POLLED),
			WSA_IO_PENDING);
		request_expect(b.p.server.s, &r, 0, 4);
		CHECK_BYTES(end_receive_slot(&b.p.server, 0), &i, 4);
		check_pattern(b.remote, 64 << i % 10, i);
		send_text(&b.p.server, "checked");
	}
	os_thread_join(&t);
	bench_close(&b);
}

static void pull(void *arg)
{
	struct bench *b = arg;

	for (uint32_t i = 0; i < 300; i++) {
		WSABUFEX buf = {64 << i % 10, b->local, b->handle};
		struct request w, m;

		expect_text(&b->p.client, "offer");
		CHECK_EQ(post_rdma(RDMA_READ, b->p.client.s, &buf, 1, &b->e, 0,
				 &w, POLLED), WSA_IO_PENDING);
		CHECK_EQ(post_send_text(&b->p.client, 0, "done", &m, POLLED),
			WSA_IO_PENDING);
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
	CHECK(os_thread_start(&t, "pull", pull, &b) == ST_OK);
	for (uint32_t i = 0; i < 300; i++) {
		pattern(b.remote, 64 << i % 10, i);
		send_text(&b.p.server, "offer");
		expect_text(&b.p.server, "done");
		memset(b.remote, 0, 64 << i % 10); /* it was read by now */
	}
	os_thread_join(&t);
	bench_close(&b);
}

CASE(R127_RDMA_with_notification)
{
	struct bench b;
	struct request r[4];
	WSABUFEX buf;

	bench_open(&b, MEM_READWRITE);
	buf = (WSABUFEX){1000, b.local, b.handle};
	for (int i = 0; i < 4; i++)
		CHECK_EQ(post_rdma(i & 1 ? RDMA_WRITE : RDMA_READ,
				 b.p.client.s, &buf, 1, &b.e, 0, &r[i],
				 NOTIFIED), WSA_IO_PENDING);
	up_wait_completed(4);
	for (unsigned i = 0; i < 4; i++) {
		CHECK(up_completion(i).overlapped == &r[i].ov);
		CHECK_EQ(up_completion(i).error, 0);
		CHECK_EQ(up_completion(i).bytes, 1000);
	}
	bench_close(&b);
}

CASE(R40_a_transfer_above_SO_MAX_RDMA_SIZE_is_refused)
{
	struct bench b;
	struct request r;
	uint32_t max = 0;
	int err = 0, len = sizeof max;
	WSABUFEX buf[2];

	bench_open(&b, MEM_READWRITE);
	OK(spi.t.lpWSPGetSockOpt(b.p.client.s, SOL_SOCKET, SO_MAX_RDMA_SIZE,
		(char *)&max, &len, &err));
	buf[0] = (WSABUFEX){max, b.local, b.handle};
	buf[1] = (WSABUFEX){1, b.local, b.handle};
	CHECK(post_rdma(RDMA_READ, b.p.client.s, buf, 2, &b.e, 0, &r,
		POLLED) != WSA_IO_PENDING);
	bench_close(&b);
}
