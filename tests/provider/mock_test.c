/* SPDX-License-Identifier: MIT */
/* What needs a transport that misbehaves, pins, or is slow. */
#include "extensions.h"
#include "mock_transport.h"

#include <stdlib.h>
#include <string.h>

/* ---- cache: R181 to R187 ------------------------------------------- */

static char memory[1 << 20];

static HANDLE reg(SOCKET s, size_t at, DWORD len, DWORD flags)
{
	int err = 0;
	HANDLE h = spi.register_memory(s, memory + at, len, flags, &err);

	CHECK(h != NULL);
	return h;
}

static void dereg(SOCKET s, HANDLE h)
{
	int err = 0;

	OK(spi.deregister_memory(s, h, &err));
}

static int callback(size_t at, size_t len)
{
	int err = 0;

	return spi.cache_callback(memory + at, len, &err) ? err : 0;
}

/* Pins of the transport; only they change between two looks here. */
static unsigned pins_before;

static unsigned pins(void)
{
	return mock_objects() - pins_before;
}

static void cache_open(struct pair *p)
{
	spi_start();
	pair_open(p);
	pins_before = mock_objects();
}

CASE(R181_a_cache_hit_pins_nothing_new)
{
	struct pair p;
	HANDLE h;

	cache_open(&p);
	h = reg(p.client.s, 0, 4096, MEM_READ);
	CHECK_EQ(pins(), 1);
	dereg(p.client.s, h);
	CHECK_EQ(pins(), 1); /* kept */
	h = reg(p.client.s, 0, 4096, MEM_READ);
	CHECK_EQ(pins(), 1);
	dereg(p.client.s, h);
	h = reg(p.client.s, 1000, 10, MEM_READ); /* inside */
	CHECK_EQ(pins(), 1);
	dereg(p.client.s, h);
	pair_close(&p);
	CHECK_EQ(mock_objects(), 0); /* R186 */
	spi_stop();
}

CASE(R182_a_cached_entry_serves_its_own_rights_only)
{
	struct pair p;
	HANDLE h;

	cache_open(&p);
	h = reg(p.client.s, 0, 4096, MEM_READWRITE);
	dereg(p.client.s, h);
	h = reg(p.client.s, 0, 4096, MEM_READ);
	CHECK_EQ(pins(), 2);
	dereg(p.client.s, h);
	h = reg(p.client.s, 0, 4097, MEM_READ); /* not wholly inside */
	CHECK_EQ(pins(), 3);
	dereg(p.client.s, h);
	pair_close(&p);
	spi_stop();
}

CASE(R183_R184_the_callback_drops_what_overlaps_in_part_or_whole)
{
	struct pair p;

	cache_open(&p);
	dereg(p.client.s, reg(p.client.s, 4096, 4096, MEM_READ));
	CHECK_CODE(callback(0, 4096), WSAEINVAL); /* only touches */
	CHECK_CODE(callback(8192, 4096), WSAEINVAL);
	CHECK_EQ(pins(), 1);
	CHECK_EQ(callback(8191, 4096), 0);
	CHECK_CODE(callback(8191, 4096), WSAEINVAL);
	dereg(p.client.s, reg(p.client.s, 4096, 4096, MEM_READ));
	CHECK_EQ(pins(), 1); /* the lost one went back before the next */
	CHECK_EQ(callback(0, 4097), 0);
	dereg(p.client.s, reg(p.client.s, 4096, 4096, MEM_READ));
	CHECK_EQ(callback(5000, 1), 0);
	dereg(p.client.s, reg(p.client.s, 4096, 4096, MEM_READ));
	dereg(p.server.s, reg(p.server.s, 4096, 100, MEM_READ));
	CHECK_EQ(pins(), 2);
	CHECK_EQ(callback(0, sizeof memory), 0); /* of every socket */
	CHECK_CODE(callback(0, sizeof memory), WSAEINVAL);
	dereg(p.client.s, reg(p.client.s, 0, 10, MEM_READ));
	dereg(p.server.s, reg(p.server.s, 0, 10, MEM_READ));
	CHECK_EQ(pins(), 2);
	pair_close(&p);
	spi_stop();
}

CASE(R184_R185_memory_in_use_cannot_be_released_and_is_not_kept_later)
{
	struct pair p;
	HANDLE h;

	cache_open(&p);
	h = reg(p.client.s, 0, 4096, MEM_READ);
	CHECK_CODE(callback(0, 4096), WSAEFAULT);
	CHECK_EQ(pins(), 1);
	dereg(p.client.s, reg(p.client.s, 0, 4096, MEM_READ));
	CHECK_EQ(pins(), 2); /* the doomed one serves nobody new */
	dereg(p.client.s, h);
	CHECK_EQ(pins(), 1); /* R185: it has gone */
	pair_close(&p);
	spi_stop();
}

CASE(R187_the_cache_is_bounded_and_the_oldest_go_first)
{
	struct pair p;

	cache_open(&p);
	for (size_t i = 0; i < 100; i++)
		dereg(p.client.s, reg(p.client.s, i * 4096, 4096, MEM_READ));
	CHECK_EQ(pins(), 32);
	dereg(p.client.s, reg(p.client.s, 99 * 4096, 4096, MEM_READ));
	CHECK_EQ(pins(), 32);
	CHECK_CODE(callback(0, 68 * 4096), WSAEINVAL);
	CHECK_EQ(callback(68 * 4096, 1), 0);
	pair_close(&p);
	spi_stop();
}

CASE(R186_the_cache_goes_before_the_connection_also_when_it_breaks)
{
	struct request r;
	struct pair p;

	cache_open(&p);
	dereg(p.server.s, reg(p.server.s, 0, 4096, MEM_READ));
	reg(p.server.s, 4096, 4096, MEM_READ);
	CHECK_EQ(pins(), 2);
	must_receive(&p.server, 0, 2, &r, POLLED);
	send_text(&p.client, "too long");
	request_expect(p.server.s, &r, WSAEMSGSIZE, 0);
	CHECK_CODE(callback(0, sizeof memory), WSAEINVAL);
	pair_close(&p);
	CHECK_EQ(mock_objects(), 0);
	spi_stop();
}

static struct pair cache_pair;
static _Atomic bool cache_over;

static void register_often(void *arg)
{
	for (int i = 0; i < 3000; i++)
		dereg(cache_pair.client.s, reg(cache_pair.client.s,
			(size_t)(i * 7 % 200) * 4096, 8192, 1 + i % 3));
	atomic_store(&cache_over, true);
}

static void unmap_often(void *arg)
{
	for (size_t i = 0; !atomic_load(&cache_over); i++)
		callback(i * 13 % 200 * 4096, 4096);
}

CASE(R183_R211_registrations_and_callbacks_at_the_same_time)
{
	struct os_thread t[3];

	cache_open(&cache_pair);
	for (int i = 0; i < 3; i++)
		CHECK(os_thread_start(&t[i], "cache",
			      i ? register_often : unmap_often, NULL) ==
			ST_OK);
	for (int i = 0; i < 3; i++)
		os_thread_join(&t[i]);
	pair_close(&cache_pair);
	CHECK_EQ(mock_objects(), 0);
	spi_stop();
}

CASE(R164_no_resources_gives_WSAENOBUFS)
{
	struct exposed e;
	struct pair p;
	int err = 0;

	cache_open(&p);
	atomic_store(&mock_faults.fail_allocation, 1);
	CHECK(spi.register_memory(p.client.s, memory, 10, MEM_READ, &err) ==
		NULL);
	CHECK_CODE(err, WSAENOBUFS);
	atomic_store(&mock_faults.fail_allocation, 1);
	CHECK_CODE(expose(p.client.s, memory, 10, MEM_READ, &e), WSAENOBUFS);
	pair_close(&p);
	spi_stop();
}

/* ---- slow and failing RDMA: R150 to R152, R156, R168 --------------- */

struct slow {
	struct pair p;
	struct exposed e;
	HANDLE handle;
};

static void slow_open(struct slow *s)
{
	spi_start();
	pair_open(&s->p);
	atomic_store(&mock_faults.slow_rdma, true);
	atomic_store(&mock_faults.delay_looks, 20);
	s->handle = reg(s->p.client.s, 0, 65536, MEM_READWRITE);
	CHECK_EQ(expose(s->p.server.s, memory + 65536, 65536, MEM_READWRITE,
			 &s->e), 0);
}

static int slow_post(struct slow *s, enum rdma_op op, struct request *r,
	int how)
{
	WSABUFEX b = {1000, memory, s->handle};

	return post_rdma(op, s->p.client.s, &b, 1, &s->e, 0, r, how);
}

CASE(R151_R152_a_message_waits_for_the_transfers_before_it)
{
	struct request w[3], m, got;
	struct slow s;

	slow_open(&s);
	must_receive(&s.p.server, 0, 64, &got, POLLED);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(
			slow_post(&s, i & 1 ? RDMA_READ : RDMA_WRITE, &w[i], POLLED),
			WSA_IO_PENDING);
	must_send_text(&s.p.client, 0, "done", &m, POLLED);
	while (!request_done(s.p.client.s, &m))
		if (is_pending(&w[2]))
			CHECK(!request_done(s.p.server.s, &got));
	for (int i = 0; i < 3; i++) /* R150 */
		CHECK(!is_pending(&w[i]));
	request_expect(s.p.server.s, &got, 0, 4);
	pair_close(&s.p);
	spi_stop();
}

CASE(R150_transfers_complete_in_posting_order_and_by_upcall)
{
	struct request w[8];
	struct slow s;

	slow_open(&s);
	for (int i = 0; i < 8; i++) {
		/* the later ones are ready sooner */
		atomic_store(&mock_faults.delay_looks, 40u - 4u * (unsigned)i);
		CHECK_CODE(slow_post(&s, RDMA_WRITE, &w[i], NOTIFIED),
			WSA_IO_PENDING);
	}
	up_wait_completed(8);
	for (unsigned i = 0; i < 8; i++)
		CHECK(up_completion(i).overlapped == &w[i].ov);
	pair_close(&s.p);
	spi_stop();
}

CASE(R134_waiting_for_a_slow_transfer)
{
	struct request w;
	struct slow s;
	DWORD n = 0, flags = 0;
	int err = 0;

	slow_open(&s);
	CHECK_CODE(slow_post(&s, RDMA_READ, &w, POLLED), WSA_IO_PENDING);
	CHECK(spi.t.lpWSPGetOverlappedResult(s.p.client.s, &w.ov, &n, TRUE,
		&flags, &err));
	CHECK_EQ(n, 1000);
	pair_close(&s.p);
	spi_stop();
}

CASE(R168_R175_memory_of_a_running_transfer_stays_registered)
{
	struct request w;
	struct slow s;
	int err = 0;

	slow_open(&s);
	CHECK_CODE(slow_post(&s, RDMA_WRITE, &w, POLLED), WSA_IO_PENDING);
	FAILS(spi.deregister_memory(s.p.client.s, s.handle, &err), WSAEINVAL);
	CHECK_CODE(conceal(s.p.server.s, &s.e), WSAEINVAL);
	request_expect(s.p.client.s, &w, 0, 1000);
	OK(spi.deregister_memory(s.p.client.s, s.handle, &err));
	CHECK_EQ(conceal(s.p.server.s, &s.e), 0);
	pair_close(&s.p);
	spi_stop();
}

CASE(R148_more_transfers_than_the_transport_takes_wait_in_the_lane)
{
	static struct request w[64];
	struct slow s;

	slow_open(&s);
	atomic_store(&mock_faults.delay_looks, 2);
	for (int i = 0; i < 64; i++)
		CHECK_CODE(slow_post(&s, RDMA_WRITE, &w[i], POLLED),
			WSA_IO_PENDING);
	for (int i = 63; i >= 0; i--)
		request_expect(s.p.client.s, &w[i], 0, 1000);
	pair_close(&s.p);
	spi_stop();
}

CASE(R151_a_failed_transfer_takes_what_is_behind_it_along)
{
	struct request w, m, got, later;
	struct slow s;

	slow_open(&s);
	atomic_store(&mock_faults.fail_rdma, ST_FAULT);
	must_receive(&s.p.server, 0, 64, &got, POLLED);
	CHECK_CODE(slow_post(&s, RDMA_WRITE, &w, POLLED), WSA_IO_PENDING);
	must_send_text(&s.p.client, 0, "it worked!", &m, POLLED);
	request_expect(s.p.client.s, &w, WSAEFAULT, 0);
	request_expect(s.p.client.s, &m, WSAECONNABORTED, 0);
	CHECK_CODE(post_send_text(&s.p.client, 0, "x", &later, POLLED),
		WSAECONNABORTED);
	request_expect(s.p.server.s, &got, WSAECONNRESET, 0);
	pair_close(&s.p);
	spi_stop();
}

CASE(R191_close_with_transfers_running)
{
	struct request w[2], m;
	struct slow s;

	slow_open(&s);
	atomic_store(&mock_faults.delay_looks, 1000000);
	CHECK_CODE(slow_post(&s, RDMA_WRITE, &w[0], POLLED), WSA_IO_PENDING);
	CHECK_CODE(slow_post(&s, RDMA_READ, &w[1], NOTIFIED), WSA_IO_PENDING);
	must_send_text(&s.p.client, 0, "x", &m, POLLED);
	end_close(&s.p.client);
	CHECK_CODE(w[0].ov.OffsetHigh, WSA_OPERATION_ABORTED);
	CHECK_CODE(m.ov.OffsetHigh, WSA_OPERATION_ABORTED);
	up_wait_completed(1);
	CHECK_CODE(up_completion(0).error, WSA_OPERATION_ABORTED);
	spi_stop();
}

CASE(R194_loss_with_transfers_running)
{
	struct request w[2], m;
	struct slow s;

	slow_open(&s);
	atomic_store(&mock_faults.delay_looks, 1000000);
	CHECK_CODE(slow_post(&s, RDMA_WRITE, &w[0], POLLED), WSA_IO_PENDING);
	CHECK_CODE(slow_post(&s, RDMA_READ, &w[1], NOTIFIED), WSA_IO_PENDING);
	must_send_text(&s.p.client, 0, "x", &m, POLLED);
	end_close(&s.p.server);
	up_wait_completed(1);
	CHECK(up_completion(0).error != 0);
	request_wait(s.p.client.s, &w[0]);
	CHECK(w[0].error != 0);
	request_wait(s.p.client.s, &m);
	CHECK(m.error != 0);
	end_close(&s.p.client);
	spi_stop();
}

/* ---- a lame network ------------------------------------------------ */

CASE(R141_messages_arrive_though_sends_find_no_room_at_first)
{
	struct request r, got;
	struct pair p;

	spi_start();
	pair_open(&p);
	atomic_store(&mock_faults.refuse_send, 3);
	atomic_store(&mock_faults.delay_looks, 2);
	for (int i = 0; i < 200; i++) {
		must_send_text(&p.client, 0, "try again", &r, POLLED);
		must_receive(&p.server, 0, 64, &got, POLLED);
		request_expect(p.client.s, &r, 0, 9);
		request_expect(p.server.s, &got, 0, 9);
	}
	pair_close(&p);
	spi_stop();
}

CASE(R127_notified_sends_that_found_no_room_complete)
{
	static struct request r[60], got[60];
	struct pair p;

	spi_start();
	pair_open(&p);
	atomic_store(&mock_faults.refuse_send, 2);
	for (unsigned i = 0; i < 60; i++) {
		must_send_text(&p.client, i, "try", &r[i], NOTIFIED);
		must_receive(&p.server, i, 64, &got[i], NOTIFIED);
	}
	up_wait_completed(120);
	pair_close(&p);
	spi_stop();
}

CASE(R198_a_connection_that_breaks_at_a_send_ends_on_both_sides)
{
	struct request r, got;
	struct pair p;

	spi_start();
	pair_open(&p);
	must_receive(&p.server, 0, 64, &got, NOTIFIED);
	atomic_store(&mock_faults.die_at_send, 1);
	CHECK_CODE(post_send_text(&p.client, 0, "x", &r, POLLED),
		WSAECONNRESET);
	up_wait_completed(1);
	CHECK_CODE(up_completion(0).error, WSAECONNRESET);
	pair_close(&p);
	spi_stop();
}

CASE(R50_a_provider_without_read_says_so)
{
	WSDCAPABILITIES c = {.cbSize = sizeof c};
	static const GUID id = WSAID_RDMAREAD;
	int err = 0;

	ext_start();
	OK(ext.capabilities(&c, &err));
	if (c.dwFlags & WSD_CAP_RDMA_READ) {
		CHECK(spi.rdma_read != NULL);
	} else {
		CHECK(spi_extension(&id, &err) == NULL);
		CHECK_CODE(err, WSAEOPNOTSUPP);
	}
	spi_stop();
}

/* ---- every allocation in turn: R29, R164 --------------------------- */

static uint32_t fail_at;

static bool fails_now(void)
{
	return fail_at && --fail_at == 0;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
	return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
	return fails_now() ? NULL : __real_calloc(n, m);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails_now() ? NULL : __real_realloc(p, n);
}

/* What a switch does from socket to socket; each call may say no. */
static int whole_life(SOCKET *made, unsigned *count)
{
	struct addr at = addr_v4(127, 0, 0, 1, 31234), from = at;
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	union sockaddr_any name;
	SOCKET s[3];
	int err = 0, len;

	from.port = 31235;
	for (int i = 0; i < 2; i++) {
		s[i] = spi.t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP,
			&info, 0, WSA_FLAG_OVERLAPPED, &err);
		if (s[i] == INVALID_SOCKET)
			return err;
		made[(*count)++] = s[i];
	}
	len = addr_to_sockaddr(&at, &name);
	if (spi.t.lpWSPBind(s[0], &name.sa, len, &err) ||
		spi.t.lpWSPListen(s[0], 4, &err))
		return err;
	len = addr_to_sockaddr(&from, &name);
	if (spi.t.lpWSPBind(s[1], &name.sa, len, &err))
		return err;
	len = addr_to_sockaddr(&at, &name);
	if (spi.t.lpWSPConnect(s[1], &name.sa, len, NULL, NULL, NULL, NULL,
			&err) && err != WSAEWOULDBLOCK)
		return err;
	s[2] = spi.t.lpWSPAccept(s[0], NULL, NULL, NULL, 0, &err);
	if (s[2] == INVALID_SOCKET)
		return err;
	made[(*count)++] = s[2];
	return 0;
}

static int use_it(SOCKET s)
{
	struct request r;
	struct exposed e;
	WSABUF many[20];
	DWORD n = 0;
	int err = 0;

	if (!spi.register_memory(s, memory, 4096, MEM_READ, &err))
		return err;
	err = expose(s, memory, 100, MEM_READ, &e);
	if (err)
		return err;
	for (int i = 0; i < 20; i++)
		many[i] = (WSABUF){1, memory + i};
	request_init(&r, POLLED);
	spi.t.lpWSPSend(s, many, 20, &n, 0, &r.ov, NULL, NULL, &err);
	if (err != WSA_IO_PENDING)
		return err;
	request_expect(s, &r, 0, 20);
	return 0;
}

CASE(R29_R164_each_failing_allocation_is_an_error_and_leaks_nothing)
{
	unsigned failures = 0;

	spi_start();
	for (uint32_t i = 1; i < 60; i++) {
		unsigned count = 0;
		SOCKET made[3];
		int code;

		fail_at = i;
		code = whole_life(made, &count);
		if (!code)
			code = use_it(made[2]);
		fail_at = 0;
		failures += code != 0;
		CHECK(code == 0 || code == WSAENOBUFS);
		for (unsigned k = 0; k < count; k++)
			socket_close(made[k]);
		CHECK_EQ(mock_objects(), 0);
		CHECK_EQ(up_closed(), up_created());
	}
	CHECK(failures >= 10);
	spi_stop();
}
