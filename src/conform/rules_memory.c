/* SPDX-License-Identifier: MIT */
/* Registration: R160 to R175, R192, R196. */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

static HANDLE reg(SOCKET s, void *base, DWORD len, DWORD flags, int code)
{
	int err = 0;
	HANDLE h = spi.register_memory(s, base, len, flags, &err);

	CHECK_EQ(err, code);
	CHECK_EQ(h == NULL, code != 0);
	return h;
}

static int dereg(SOCKET s, HANDLE h)
{
	int err = 0;

	return spi.deregister_memory(s, h, &err) ? err : 0;
}

static char memory[8192];

CASE(R160_each_right_can_be_registered)
{
	struct pair p;

	spi_start();
	pair_open(&p);
	for (DWORD flags = MEM_READ; flags <= MEM_READWRITE; flags++)
		CHECK_CODE(dereg(p.client.s, reg(p.client.s, memory, 100,
				   flags, 0)), 0);
	pair_close(&p);
	spi_stop();
}

CASE(R161_other_flags_give_WSAEINVAL)
{
	static const DWORD flags[] = {0, 4, 7, 8, 0x80000001};
	struct pair p;

	spi_start();
	pair_open(&p);
	for (int i = 0; i < 5; i++)
		reg(p.client.s, memory, 100, flags[i], WSAEINVAL);
	CHECK(spi.register_memory(p.client.s, memory, 100, 9, NULL) == NULL);
	pair_close(&p);
	spi_stop();
}

CASE(R162_memory_that_is_not_there_gives_WSAEFAULT)
{
	size_t page = os_page_size();
	char *hole;
	struct pair p;

	spi_start();
	pair_open(&p);
	reg(p.client.s, NULL, 100, MEM_READ, WSAEFAULT);
	reg(p.client.s, (void *)(uintptr_t)page, 100, MEM_READ, WSAEFAULT);
	reg(p.client.s, memory, 0xfffffff0, MEM_READ, WSAEFAULT);
	reg(p.client.s, (void *)(UINTPTR_MAX - 10), 100, MEM_READ, WSAEFAULT);
	hole = process_pages(1, OS_PAGES_NONE);
	reg(p.client.s, hole, 100, MEM_READ, WSAEFAULT);
	hole = process_pages(3, OS_PAGES_WRITE);
	reg(p.client.s, hole, (DWORD)(3 * page), MEM_READWRITE, 0);
	os_pages_free(hole, 3 * page);
	reg(p.client.s, hole, 100, MEM_READ, WSAEFAULT);
	pair_close(&p);
	spi_stop();
}

CASE(R162_memory_that_cannot_be_written_is_not_registered_for_writing)
{
	char *readonly;
	struct pair p;

	spi_start();
	pair_open(&p);
	readonly = process_pages(1, OS_PAGES_READ);
	reg(p.client.s, readonly, 100, MEM_WRITE, WSAEFAULT);
	reg(p.client.s, readonly, 100, MEM_READ, 0);
	pair_close(&p);
	spi_stop();
}

CASE(R163_a_socket_without_connection_gives_WSAENOTCONN)
{
	struct exposed e;
	struct addr a;
	SOCKET s[3];

	spi_start();
	a = test_addr();
	s[0] = socket_new();
	s[1] = socket_bound(&a);
	s[2] = socket_listening(&a, 1);
	for (int i = 0; i < 3; i++) {
		reg(s[i], memory, 100, MEM_READ, WSAENOTCONN);
		CHECK_CODE(expose(s[i], memory, 100, MEM_READ, &e),
			WSAENOTCONN);
	}
	spi_stop();
}

/* Registers until there is no more; a provider may have no such limit. */
CASE(R164_no_resources_gives_WSAENOBUFS)
{
	enum { MANY = 20000 };
	HANDLE *h = test_alloc(MANY * sizeof *h);
	struct pair p;
	int err = 0;
	unsigned n;

	spi_start();
	pair_open(&p);
	for (n = 0; n < MANY; n++) {
		h[n] = spi.register_memory(p.client.s, memory + n % 4000,
			64 + n % 1000, MEM_READ, &err);
		if (!h[n])
			break;
	}
	if (n < MANY)
		CHECK_CODE(err, WSAENOBUFS);
	pair_talk(&p.client, &p.server);
	for (unsigned i = 0; i < n; i++)
		CHECK_CODE(dereg(p.client.s, h[i]), 0);
	pair_close(&p);
	if (n == MANY)
		case_skip("%u registrations at once are not too many", n);
	spi_stop();
}

CASE(R165_n_registrations_need_n_deregistrations)
{
	struct request r;
	struct pair p;
	HANDLE h[5];
	WSABUF b = {10, memory};
	DWORD n = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	for (int i = 0; i < 5; i++)
		h[i] = reg(p.client.s, memory, 100, MEM_READ, 0);
	for (int i = 0; i < 5; i++) {
		request_init(&r, POLLED);
		FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL,
				NULL, &err), WSA_IO_PENDING);
		request_expect(p.client.s, &r, 0, 10);
		CHECK_EQ(dereg(p.client.s, h[i]), 0);
	}
	FAILS(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSAEFAULT);
	CHECK_CODE(dereg(p.client.s, h[0]), WSAEINVAL);
	pair_close(&p);
	spi_stop();
}

CASE(R166_the_same_buffer_on_several_sockets)
{
	struct pair a, b;
	HANDLE first, second;
	struct request r;
	WSABUF buf = {10, memory};
	DWORD n = 0;
	int err = 0;

	spi_start();
	pair_open(&a);
	pair_open(&b);
	first = reg(a.client.s, memory, 100, MEM_READ, 0);
	second = reg(b.client.s, memory, 100, MEM_READ, 0);
	CHECK_EQ(dereg(a.client.s, first), 0);
	request_init(&r, POLLED);
	FAILS(spi.t.lpWSPSend(b.client.s, &buf, 1, &n, 0, &r.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	request_expect(b.client.s, &r, 0, 10);
	CHECK_EQ(dereg(b.client.s, second), 0);
	spi_stop();
}

CASE(R167_R169_unknown_ended_and_foreign_handles_are_refused)
{
	struct pair p;
	HANDLE h;

	spi_start();
	pair_open(&p);
	h = reg(p.client.s, memory, 100, MEM_READ, 0);
	CHECK(dereg(p.server.s, h) != 0); /* R169 */
	CHECK_CODE(dereg(p.client.s, NULL), WSAEINVAL);
	CHECK_CODE(dereg(p.client.s, (HANDLE)memory), WSAEINVAL);
	CHECK_CODE(dereg(p.client.s, (HANDLE)(uintptr_t)-1), WSAEINVAL);
	CHECK_EQ(dereg(p.client.s, h), 0);
	CHECK_CODE(dereg(p.client.s, h), WSAEINVAL);
	CHECK_EQ(spi.deregister_memory(p.client.s, h, NULL), SOCKET_ERROR);
	pair_close(&p);
	spi_stop();
}

CASE(R168_memory_in_use_cannot_be_deregistered)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &r, POLLED);
	CHECK_CODE(dereg(p.server.s, p.server.receive_handle), WSAEINVAL);
	send_text(&p.client, "done");
	request_expect(p.server.s, &r, 0, 4);
	CHECK_EQ(dereg(p.server.s, p.server.receive_handle), 0);
	pair_close(&p);
	spi_stop();
}

/* R192: whoever learns of the completion can deregister at once. */
static struct pair freeing;
static _Atomic bool freed;

static void deregister_inside(const struct spi_completion *c)
{
	CHECK_EQ(dereg(freeing.server.s, freeing.server.receive_handle), 0);
	atomic_store(&freed, true);
}

CASE(R192_memory_is_released_before_the_completion)
{
	struct request r;

	spi_start();
	pair_open(&freeing);
	up_hook(deregister_inside);
	must_receive(&freeing.server, 0, 64, &r, NOTIFIED);
	send_text(&freeing.client, "x");
	while (!atomic_load(&freed))
		os_sleep(1000000);
	up_hook(NULL);
	pair_close(&freeing);
	spi_stop();
}

/* ---- for the peer -------------------------------------------------- */

CASE(R170_R171_the_size_of_a_descriptor_can_be_probed)
{
	char room[EXPOSED_MAX];
	DWORD need = 0, len;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	FAILS(spi.register_rdma(p.client.s, memory, 100, MEM_READ, NULL, &need,
			&err), WSAEFAULT);
	CHECK(need > 0 && need <= sizeof room);
	len = 0; /* R171: whatever the buffer */
	FAILS(spi.register_rdma(p.client.s, NULL, 0, MEM_READ, NULL, &len,
			&err), WSAEFAULT);
	CHECK_EQ(len, need);
	len = need - 1; /* R170 */
	memset(room, 0x55, sizeof room);
	FAILS(spi.register_rdma(p.client.s, memory, 100, MEM_READ, room, &len,
			&err), WSAEFAULT);
	CHECK_EQ(len, need);
	CHECK_EQ(room[0], 0x55);
	pair_close(&p);
	spi_stop();
}

CASE(R172_success_stores_the_size_that_was_used)
{
	char room[EXPOSED_MAX];
	DWORD need = 0, len = sizeof room;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	FAILS(spi.register_rdma(p.client.s, memory, 100, MEM_READ, NULL, &need,
			&err), WSAEFAULT);
	memset(room, 0x55, sizeof room);
	OK(spi.register_rdma(p.client.s, memory, 100, MEM_READ, room, &len,
		&err));
	CHECK_EQ(len, need);
	for (DWORD i = need; i < sizeof room; i++)
		CHECK_EQ(room[i], 0x55);
	pair_close(&p);
	spi_stop();
}

CASE(R161_R162_exposing_has_the_same_errors_as_registering)
{
	char room[EXPOSED_MAX];
	DWORD len = sizeof room;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	FAILS(spi.register_rdma(p.client.s, (void *)(uintptr_t)4096, 100,
			MEM_READ, room, &len, &err), WSAEFAULT);
	len = sizeof room;
	FAILS(spi.register_rdma(p.client.s, memory, 100, 8, room, &len, &err),
		WSAEINVAL);
	FAILS(spi.register_rdma(p.client.s, memory, 100, 0, room, &len, &err),
		WSAEINVAL);
	FAILS(spi.register_rdma(p.client.s, memory, 100, MEM_READ, room, NULL,
			&err), WSAEFAULT);
	FAILS(spi.register_rdma(p.client.s, memory, 100, MEM_READ, NULL, &len,
			&err), WSAEFAULT);
	pair_close(&p);
	spi_stop();
}

CASE(R175_unknown_and_ended_descriptors_give_WSAEINVAL)
{
	struct exposed e, junk;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	CHECK_EQ(expose(p.client.s, memory, 100, MEM_READ, &e), 0);
	junk = e;
	memset(junk.descriptor, 0xff, sizeof junk.descriptor);
	CHECK_CODE(conceal(p.client.s, &junk), WSAEINVAL);
	FAILS(spi.deregister_rdma(p.client.s, e.descriptor, e.len - 1, &err),
		WSAEINVAL);
	FAILS(spi.deregister_rdma(p.client.s, NULL, e.len, &err), WSAEINVAL);
	CHECK_CODE(conceal(p.server.s, &e), WSAEINVAL);
	CHECK_EQ(conceal(p.client.s, &e), 0);
	CHECK_CODE(conceal(p.client.s, &e), WSAEINVAL);
	pair_close(&p);
	spi_stop();
}

/* What looks like a pointer in it must not be followed (WinOFED did). */
CASE(R174_garbage_in_a_descriptor_is_not_followed)
{
	struct exposed e, junk;
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK_CODE(expose(p.client.s, memory, 100, MEM_READ, &e), 0);
	for (DWORD at = 0; at + 8 <= e.len; at += 4) {
		static const uint64_t bad[] = {1, 0x4141414141414141, 0x1000};

		for (int i = 0; i < 3; i++) {
			int code;

			junk = e;
			memcpy(junk.descriptor + at, &bad[i], 8);
			if (memcmp(&junk, &e, sizeof e) == 0)
				continue;
			code = conceal(p.client.s, &junk);
			if (code == 0) /* these bytes did not matter */
				CHECK_CODE(expose(p.client.s, memory, 100,
						   MEM_READ, &e), 0);
			else
				CHECK_CODE(code, WSAEINVAL);
		}
	}
	pair_close(&p);
	spi_stop();
}

CASE(R175_memory_of_a_running_transfer_cannot_be_taken_back)
{
	char *local = test_alloc(sizeof memory);
	struct request r;
	struct exposed e;
	struct pair p;
	WSABUFEX b;
	int err = 0, code;

	spi_start();
	pair_open(&p);
	CHECK_CODE(expose(p.server.s, memory, sizeof memory, MEM_WRITE, &e),
		0);
	b = (WSABUFEX){rdma_limit(p.client.s, sizeof memory), local, NULL};
	b.handle = spi.register_memory(p.client.s, local, sizeof memory,
		MEM_READ, &err);
	CHECK_CODE(post_rdma(RDMA_WRITE, p.client.s, &b, 1, &e, 0, &r, POLLED),
		WSA_IO_PENDING);
	/* It may be over already; if not, it must come to a true end. */
	code = dereg(p.client.s, b.handle);
	if (code != 0)
		CHECK_CODE(code, WSAEINVAL);
	code = conceal(p.server.s, &e);
	if (code != 0)
		CHECK_CODE(code, WSAEINVAL);
	request_wait(p.client.s, &r);
	pair_close(&p);
	spi_stop();
}

CASE(R196_registrations_outlive_the_connection_until_close)
{
	struct exposed e;
	struct request r;
	struct pair p;
	HANDLE h;

	spi_start();
	pair_open(&p);
	h = reg(p.server.s, memory, 100, MEM_READWRITE, 0);
	CHECK_EQ(expose(p.server.s, memory, 100, MEM_READ, &e), 0);
	must_receive(&p.server, 0, 64, &r, POLLED);
	end_close(&p.client);
	request_expect_loss(p.server.s, &r);
	CHECK_EQ(dereg(p.server.s, h), 0);
	CHECK_EQ(conceal(p.server.s, &e), 0);
	CHECK_CODE(conceal(p.server.s, &e), WSAEINVAL);
	end_close(&p.server);
	spi_stop();
}
