/* SPDX-License-Identifier: MIT */
/* Registration: R160 to R179, R184. */
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

CASE(R160_R161_each_right_can_be_registered_and_nothing_else)
{
	struct pair p;

	spi_start();
	pair_open(&p);
	for (DWORD flags = 1; flags <= 3; flags++)
		CHECK_EQ(dereg(p.client.s, reg(p.client.s, memory, 100, flags,
				 0)), 0);
	reg(p.client.s, memory, 100, 0, WSAEINVAL);
	reg(p.client.s, memory, 100, 4, WSAEINVAL);
	reg(p.client.s, memory, 100, 7, WSAEINVAL);
	CHECK(spi.register_memory(p.client.s, memory, 100, 9, NULL) == NULL);
	pair_close(&p);
	spi_stop();
}

CASE(R162_memory_that_is_not_there_gives_WSAEFAULT)
{
	char *readonly;
	struct pair p;

	spi_start();
	pair_open(&p);
	readonly = process_readonly_page();
	reg(p.client.s, NULL, 100, MEM_READ, WSAEFAULT);
	reg(p.client.s, memory, 0, MEM_READ, WSAEFAULT);
	reg(p.client.s, (void *)(uintptr_t)4096, 100, MEM_READ, WSAEFAULT);
	reg(p.client.s, memory, 0xfffffff0, MEM_READ, WSAEFAULT);
	reg(p.client.s, (void *)(UINTPTR_MAX - 10), 100, MEM_READ, WSAEFAULT);
	reg(p.client.s, readonly, 4096, MEM_WRITE, WSAEFAULT);
	reg(p.client.s, readonly, 4096, MEM_READ, 0);
	pair_close(&p);
	spi_stop();
}

CASE(R163_a_socket_without_connection_gives_WSAENOTCONN)
{
	struct addr a;
	SOCKET s[3];
	struct exposed e;

	spi_start();
	a = test_addr(AF_INET);
	s[0] = socket_new(AF_INET);
	s[1] = socket_bound(&a);
	s[2] = socket_listening(&a, 1);
	for (int i = 0; i < 3; i++) {
		reg(s[i], memory, 100, MEM_READ, WSAENOTCONN);
		CHECK_EQ(expose(s[i], memory, 100, MEM_READ, &e), WSAENOTCONN);
	}
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
	CHECK_EQ(dereg(p.client.s, h[0]), WSAEINVAL);
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

CASE(R167_R169_unknown_ended_and_foreign_handles_give_WSAEINVAL)
{
	struct pair p;
	HANDLE h;

	spi_start();
	pair_open(&p);
	h = reg(p.client.s, memory, 100, MEM_READ, 0);
	CHECK_EQ(dereg(p.server.s, h), WSAEINVAL); /* R169 */
	CHECK_EQ(dereg(p.client.s, NULL), WSAEINVAL);
	CHECK_EQ(dereg(p.client.s, (HANDLE)memory), WSAEINVAL);
	CHECK_EQ(dereg(p.client.s, (HANDLE)(uintptr_t)-1), WSAEINVAL);
	CHECK_EQ(dereg(p.client.s, h), 0);
	CHECK_EQ(dereg(p.client.s, h), WSAEINVAL);
	CHECK_EQ(spi.deregister_memory(p.client.s, h, NULL), SOCKET_ERROR);
	pair_close(&p);
	spi_stop();
}

CASE(R168_memory_of_a_pending_receive_cannot_be_deregistered)
{
	struct request r;
	struct pair p;

	spi_start();
	pair_open(&p);
	CHECK_EQ(post_receive(&p.server, 0, 64, &r, POLLED), WSA_IO_PENDING);
	CHECK_EQ(dereg(p.server.s, p.server.receive_handle), WSAEINVAL);
	send_text(&p.client, "done");
	request_expect(p.server.s, &r, 0, 4);
	CHECK_EQ(dereg(p.server.s, p.server.receive_handle), 0);
	pair_close(&p);
	spi_stop();
}

/* R192: whoever learns of the completion can deregister at once. */
static struct pair freeing;

static void deregister_inside(const struct spi_completion *c)
{
	CHECK_EQ(dereg(freeing.server.s, freeing.server.receive_handle), 0);
}

CASE(R192_memory_is_released_before_the_completion)
{
	struct request r;

	spi_start();
	pair_open(&freeing);
	up_hook(deregister_inside);
	CHECK_EQ(post_receive(&freeing.server, 0, 64, &r, NOTIFIED),
		WSA_IO_PENDING);
	send_text(&freeing.client, "x");
	up_wait_completed(1);
	up_hook(NULL);
	pair_close(&freeing);
	spi_stop();
}

/* ---- for the peer -------------------------------------------------- */

CASE(R170_R171_R172_the_size_of_a_descriptor_can_be_probed)
{
	char room[64];
	struct pair p;
	DWORD need = 0, len;
	int err = 0;

	spi_start();
	pair_open(&p);
	FAILS(spi.register_rdma(p.client.s, NULL, 0, 0, NULL, &need, &err),
		WSAEFAULT);
	CHECK(need > 0 && need <= sizeof room);
	len = need - 1;
	FAILS(spi.register_rdma(p.client.s, memory, 100, MEM_READ, room, &len,
			&err), WSAEFAULT);
	CHECK_EQ(len, need);
	len = sizeof room;
	OK(spi.register_rdma(p.client.s, memory, 100, MEM_READ, room, &len,
		&err));
	CHECK_EQ(len, need); /* R172 */
	FAILS(spi.register_rdma(p.client.s, memory, 100, MEM_READ, room, NULL,
			&err), WSAEFAULT);
	FAILS(spi.register_rdma(p.client.s, memory, 100, MEM_READ, NULL, &len,
			&err), WSAEFAULT);
	len = sizeof room; /* bad memory: the length is left alone */
	FAILS(spi.register_rdma(p.client.s, (void *)(uintptr_t)4096, 100,
			MEM_READ, room, &len, &err), WSAEFAULT);
	CHECK_EQ(len, sizeof room);
	FAILS(spi.register_rdma(p.client.s, memory, 100, 8, room, &len, &err),
		WSAEINVAL);
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
	junk.descriptor[e.len - 1] ^= 1;
	CHECK_EQ(conceal(p.client.s, &junk), WSAEINVAL);
	memset(junk.descriptor, 0xff, sizeof junk.descriptor);
	CHECK_EQ(conceal(p.client.s, &junk), WSAEINVAL);
	FAILS(spi.deregister_rdma(p.client.s, e.descriptor, e.len - 1, &err),
		WSAEINVAL);
	FAILS(spi.deregister_rdma(p.client.s, NULL, e.len, &err), WSAEINVAL);
	CHECK_EQ(conceal(p.server.s, &e), WSAEINVAL);
	CHECK_EQ(conceal(p.client.s, &e), 0);
	CHECK_EQ(conceal(p.client.s, &e), WSAEINVAL);
	pair_close(&p);
	spi_stop();
}

CASE(R184_the_cache_callback_for_memory_never_cached_gives_WSAEINVAL)
{
	struct pair p;
	int err = 0;

	spi_start();
	if (!spi.cache_callback)
		case_skip("no cache callback");
	pair_open(&p);
	FAILS(spi.cache_callback(memory, sizeof memory, &err), WSAEINVAL);
	CHECK_EQ(spi.cache_callback(NULL, SIZE_MAX, NULL), SOCKET_ERROR);
	CHECK_EQ(spi.cache_callback(NULL, 0, NULL), SOCKET_ERROR);
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
	CHECK_EQ(post_receive(&p.server, 0, 64, &r, POLLED), WSA_IO_PENDING);
	end_close(&p.client);
	request_expect(p.server.s, &r, WSAECONNRESET, 0);
	reg(p.server.s, memory, 100, MEM_READ, WSAENOTCONN);
	CHECK_EQ(dereg(p.server.s, h), 0);
	CHECK_EQ(conceal(p.server.s, &e), 0);
	CHECK_EQ(conceal(p.server.s, &e), WSAEINVAL);
	end_close(&p.server);
	spi_stop();
}
