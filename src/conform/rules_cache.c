/* SPDX-License-Identifier: MIT */
/*
 * The registration cache, as far as it can be seen: R181 to R187. What a
 * provider keeps is its own matter; what the callback answers, and which bytes
 * are sent after memory was freed and allocated again, is not.
 */
#include "endpoint.h"

#include <string.h>

enum { PAGES = 4 };

static struct {
	struct pair p;
	char *base;
	size_t page;
} c;

static void open_cache(void)
{
	spi_start();
	if (!spi.cache_callback)
		case_skip("no cache callback: nothing is kept");
	pair_open(&c.p);
	c.page = os_page_size();
	c.base = process_pages(PAGES, OS_PAGES_WRITE);
}

static HANDLE reg(size_t at, DWORD len, DWORD flags)
{
	int err = 0;
	HANDLE h = spi.register_memory(c.p.client.s, c.base + at, len, flags,
		&err);

	CHECK(h != NULL);
	return h;
}

static void dereg(HANDLE h)
{
	int err = 0;

	OK(spi.deregister_memory(c.p.client.s, h, &err));
}

static int callback(size_t at, size_t len)
{
	int err = 0;

	return spi.cache_callback(c.base + at, len, &err) ? err : 0;
}

/* Registered and let go, so that a cache may have it. */
static void once(size_t at, DWORD len)
{
	dereg(reg(at, len, MEM_READ));
}

CASE(R181_registering_again_and_again_keeps_memory_constant)
{
	uint64_t before = 0, after;

	open_cache();
	for (int i = 0; i < 3000; i++) {
		once(0, (DWORD)c.page);
		if (i == 500)
			before = os_memory_used();
	}
	after = os_memory_used();
	if (before && after > before)
		CHECK(after - before < 1 << 20);
	pair_close(&c.p);
	spi_stop();
}

/* Fewer rights the second time: nothing more may be done with it. */
CASE(R182_a_kept_registration_gives_no_more_rights_than_asked_for)
{
	struct exposed e;
	struct request r;
	WSABUFEX b;
	int err = 0, code;
	char *local;

	open_cache();
	local = test_alloc(100);
	CHECK_CODE(expose(c.p.server.s, c.base, 100, MEM_READWRITE, &e), 0);
	CHECK_CODE(conceal(c.p.server.s, &e), 0);
	CHECK_CODE(expose(c.p.server.s, c.base, 100, MEM_READ, &e), 0);
	b = (WSABUFEX){100, local, spi.register_memory(c.p.client.s, local,
		100, MEM_READ, &err)};
	memset(local, 0x11, 100);
	memset(c.base, 0x22, 100);
	code = post_rdma(RDMA_WRITE, c.p.client.s, &b, 1, &e, 0, &r, POLLED);
	if (code == WSA_IO_PENDING) {
		request_wait(c.p.client.s, &r);
		code = r.error;
	}
	CHECK(code != 0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(c.base[i], 0x22);
	spi_stop();
}

/* Once gone, it is unknown; where nothing is kept, it always is. */
static void forgotten_by(size_t at, size_t len)
{
	int code;

	once(c.page, (DWORD)c.page);
	code = callback(at, len);
	if (code != WSAEINVAL) /* it was not kept: nothing to do */
		CHECK_CODE(code, 0);
	CHECK_CODE(callback(0, PAGES * c.page), WSAEINVAL);
}

CASE(R183_the_callback_drops_what_overlaps_in_part_or_whole)
{
	open_cache();
	once(c.page, (DWORD)c.page);
	if (callback(c.page, c.page) == WSAEINVAL)
		case_skip("nothing is kept after deregistration");
	forgotten_by(0, PAGES * c.page);           /* whole */
	forgotten_by(0, c.page + 1);               /* its beginning */
	forgotten_by(2 * c.page - 1, c.page);      /* its end */
	forgotten_by(c.page + 10, 10);             /* inside */
	once(c.page, (DWORD)c.page);
	CHECK_CODE(callback(0, c.page), WSAEINVAL); /* only touches */
	CHECK_CODE(callback(2 * c.page, c.page), WSAEINVAL);
	CHECK_CODE(callback(c.page, c.page), 0);
	pair_close(&c.p);
	spi_stop();
}

CASE(R184_the_callback_for_memory_never_cached_gives_WSAEINVAL)
{
	int err = 0;

	open_cache();
	CHECK_CODE(callback(0, PAGES * c.page), WSAEINVAL);
	FAILS(spi.cache_callback(NULL, 0, &err), WSAEINVAL);
	CHECK_EQ(spi.cache_callback(NULL, 0, NULL), SOCKET_ERROR);
	pair_close(&c.p);
	spi_stop();
}

/* Registered at this moment: it cannot be released. */
CASE(R184_the_callback_for_memory_in_use_gives_WSAEFAULT)
{
	HANDLE h;
	int code;

	open_cache();
	h = reg(0, (DWORD)c.page, MEM_READ);
	code = callback(0, c.page);
	if (code != WSAEINVAL) /* in use, so not in the cache */
		CHECK_CODE(code, WSAEFAULT);
	dereg(h);
	pair_close(&c.p);
	spi_stop();
}

static void send_page(uint32_t seed)
{
	struct request s, r;
	DWORD len = message_limit(c.p.client.s, 1000);
	WSABUF b = {len, c.base};
	DWORD n = 0;
	int err = 0;
	HANDLE h;

	pattern(c.base, len, seed);
	h = reg(0, (DWORD)c.page, MEM_READ);
	request_init(&s, POLLED);
	FAILS(spi.t.lpWSPSend(c.p.client.s, &b, 1, &n, 0, &s.ov, NULL, NULL,
			&err), WSA_IO_PENDING);
	must_receive(&c.p.server, 0, SLOT_BYTES, &r, POLLED);
	request_expect(c.p.server.s, &r, 0, len);
	request_expect(c.p.client.s, &s, 0, len);
	check_pattern(end_receive_slot(&c.p.server, 0), len, seed);
	dereg(h);
}

CASE(R185_memory_freed_and_allocated_again_sends_the_new_bytes)
{
	void *at;

	spi_start();
	pair_open(&c.p);
	c.page = os_page_size();
	c.base = process_pages(PAGES, OS_PAGES_WRITE);
	for (uint32_t i = 0; i < 20; i++) {
		send_page(i);
		if (spi.cache_callback)
			callback(0, PAGES * c.page);
		at = c.base;
		os_pages_free(at, PAGES * c.page);
		if (os_pages_alloc(&at, PAGES * c.page, OS_PAGES_WRITE) !=
			ST_OK)
			case_skip("the system gives no address a second time");
	}
	pair_close(&c.p);
	spi_stop();
}

/* The same for memory that a peer writes to. */
CASE(R185_memory_allocated_again_gets_what_the_peer_writes)
{
	struct exposed e;
	struct request r;
	WSABUFEX b;
	int err = 0;
	char *local;
	void *at;

	spi_start();
	pair_open(&c.p);
	c.page = os_page_size();
	c.base = process_pages(PAGES, OS_PAGES_WRITE);
	local = test_alloc(1000);
	b = (WSABUFEX){1000, local, spi.register_memory(c.p.client.s, local,
		1000, MEM_READ, &err)};
	for (uint32_t i = 0; i < 20; i++) {
		pattern(local, 1000, i);
		CHECK_CODE(expose(c.p.server.s, c.base, 1000, MEM_WRITE, &e),
			0);
		CHECK_CODE(post_rdma(RDMA_WRITE, c.p.client.s, &b, 1, &e, 0,
				   &r, POLLED), WSA_IO_PENDING);
		request_expect(c.p.client.s, &r, 0, 1000);
		check_pattern(c.base, 1000, i);
		CHECK_CODE(conceal(c.p.server.s, &e), 0);
		if (spi.cache_callback)
			callback(0, PAGES * c.page);
		at = c.base;
		os_pages_free(at, PAGES * c.page);
		if (os_pages_alloc(&at, PAGES * c.page, OS_PAGES_WRITE) !=
			ST_OK)
			case_skip("the system gives no address a second time");
	}
	pair_close(&c.p);
	spi_stop();
}

CASE(R186_what_was_kept_goes_before_the_connection)
{
	open_cache();
	once(0, (DWORD)c.page);
	pair_close(&c.p);
	up_wait_closed();
	CHECK_CODE(callback(0, PAGES * c.page), WSAEINVAL);
	spi_stop();
}

CASE(R187_the_cache_is_bounded)
{
	enum { MANY = 20000 };
	size_t page = os_page_size();
	unsigned kept = 0;
	int err = 0;
	char *base;

	open_cache();
	base = process_pages(MANY, OS_PAGES_READ); /* costs no memory */
	for (unsigned i = 0; i < MANY; i++) {
		HANDLE h = spi.register_memory(c.p.client.s, base + i * page,
			(DWORD)page, MEM_READ, &err);

		CHECK(h != NULL);
		dereg(h);
	}
	for (unsigned i = 0; i < MANY; i++)
		kept += spi.cache_callback(base + i * page, 1, &err) == 0;
	if (kept == MANY)
		FAIL("all of %u registrations were kept, expected a bound",
			kept);
	pair_close(&c.p);
	spi_stop();
}

/* ---- at the same time (R211) --------------------------------------- */

static _Atomic bool over;

static void register_often(void *arg)
{
	for (unsigned i = 0; i < 1500; i++)
		dereg(reg(i * 7 % 3 * c.page, (DWORD)c.page, 1 + i % 3));
	atomic_store(&over, true);
}

static void forget_often(void *arg)
{
	for (size_t i = 0; !atomic_load(&over); i++)
		callback(i * 13 % 4 * c.page, c.page);
}

CASE(R183_R211_registrations_and_callbacks_at_the_same_time)
{
	struct os_thread t[3];

	open_cache();
	for (int i = 0; i < 3; i++)
		CHECK(os_thread_start(&t[i], "cache",
			i ? register_often : forget_often, NULL) == ST_OK);
	for (int i = 0; i < 3; i++)
		os_thread_join(&t[i]);
	pair_close(&c.p);
	spi_stop();
}
