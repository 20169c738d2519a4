/* SPDX-License-Identifier: MIT */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

void check_call(int result, int *err, int code, const char *text,
	const char *file, int line)
{
	if (code == 0 && result != 0)
		case_fail(file, line, "%s fails with %d", text, *err);
	if (code != 0 && result != SOCKET_ERROR)
		case_fail(file, line, "%s succeeds, expected code %d", text,
			code);
	if (code != 0 && *err != code)
		case_fail(file, line, "%s: code %d, expected %d", text, *err,
			code);
	*err = 0;
}

/* ---- memory -------------------------------------------------------- */

/* In a list, so that a leak checker finds what cases leave. */
union block {
	struct {
		union block *next, **link;
	} list;
	max_align_t align;
};
static union block *blocks;
static struct os_mutex blocks_lock = OS_MUTEX_INIT;

void *test_alloc(size_t len)
{
	union block *b = calloc(1, sizeof *b + len);

	CHECK(b != NULL);
	os_mutex_lock(&blocks_lock);
	b->list.next = blocks;
	if (blocks)
		blocks->list.link = &b->list.next;
	b->list.link = &blocks;
	blocks = b;
	os_mutex_unlock(&blocks_lock);
	return b + 1;
}

void test_free(void *p)
{
	union block *b = (union block *)p - 1;

	os_mutex_lock(&blocks_lock);
	*b->list.link = b->list.next;
	if (b->list.next)
		b->list.next->list.link = b->list.link;
	os_mutex_unlock(&blocks_lock);
	free(b);
}

/* ---- sockets ------------------------------------------------------- */

struct addr test_addr(int family)
{
	struct addr a = addr_v4(127, 0, 0, 1, 0);
	uint16_t n;

	CHECK(os_random(&n, sizeof n) == ST_OK);
	if (family == AF_INET6) {
		memset(&a, 0, sizeof a);
		a.family = 6;
		a.ip[15] = 1;
	}
	a.port = (uint16_t)(20000 + n % 40000);
	return a;
}

SOCKET socket_new(int family)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();
	int err = 0;
	SOCKET s = spi.t.lpWSPSocket(family, SOCK_STREAM, IPPROTO_TCP, &info,
		0, WSA_FLAG_OVERLAPPED, &err);

	if (s == INVALID_SOCKET)
		FAIL("WSPSocket: %d", err);
	return s;
}

static int family_of(const struct addr *a)
{
	return a->family == 6 ? AF_INET6 : AF_INET;
}

int socket_bind(SOCKET s, const struct addr *a)
{
	union sockaddr_any name;
	int len = addr_to_sockaddr(a, &name), err = 0;

	return spi.t.lpWSPBind(s, &name.sa, len, &err) ? err : 0;
}

SOCKET socket_bound(const struct addr *a)
{
	SOCKET s = socket_new(family_of(a));

	CHECK_EQ(socket_bind(s, a), 0);
	return s;
}

static bool is_shadowed(SOCKET listener)
{
	WSDWAITHANDLE h;
	int err = 0;

	return spi.wait_handle && spi.wait_handle(listener, &h, &err) &&
		err == WSAEOPNOTSUPP;
}

/* Other programs listen on this machine as well. */
SOCKET socket_listening(struct addr *at, int backlog)
{
	for (int i = 0; i < 20; i++) {
		SOCKET s = socket_bound(at);
		int err = 0;

		OK(spi.t.lpWSPListen(s, backlog, &err));
		if (!is_shadowed(s))
			return s;
		socket_close(s);
		at->port = test_addr(AF_INET).port;
	}
	FAIL("no free port");
}

int socket_connect_to(SOCKET s, const struct addr *to)
{
	union sockaddr_any name;
	int len = addr_to_sockaddr(to, &name), err = 0;

	return spi.t.lpWSPConnect(s, &name.sa, len, NULL, NULL, NULL, NULL,
		&err) ? err : 0;
}

int socket_connect(const struct addr *to, SOCKET *out)
{
	struct addr from = test_addr(family_of(to));

	*out = socket_bound(&from);
	return socket_connect_to(*out, to);
}

void socket_close(SOCKET s)
{
	int err = 0;

	OK(spi.t.lpWSPCloseSocket(s, &err));
}

WSANETWORKEVENTS enum_events(SOCKET s, WSAEVENT e)
{
	WSANETWORKEVENTS events;
	int err = 0;

	memset(&events, 0xff, sizeof events);
	OK(spi.t.lpWSPEnumNetworkEvents(s, e, &events, &err));
	return events;
}

int socket_connect_result(SOCKET s)
{
	uint64_t until = os_now() + PATIENCE;

	for (;;) {
		WSANETWORKEVENTS e = enum_events(s, NULL);

		if (e.lNetworkEvents & FD_CONNECT)
			return e.iErrorCode[FD_CONNECT_BIT];
		if (os_now() > until)
			FAIL("the connect has no outcome");
		os_sleep(50000);
	}
}

int socket_try_accept(SOCKET listener, SOCKET *out)
{
	int err = 0;

	*out = spi.t.lpWSPAccept(listener, NULL, NULL, NULL, 0, &err);
	return *out == INVALID_SOCKET ? err : 0;
}

SOCKET socket_accept(SOCKET listener)
{
	uint64_t until = os_now() + PATIENCE;
	SOCKET s;

	for (;;) {
		int err = socket_try_accept(listener, &s);

		if (err == 0)
			return s;
		if (err != WSAEWOULDBLOCK || os_now() > until)
			FAIL("WSPAccept: %d", err);
		os_sleep(50000);
	}
}

/* ---- pairs --------------------------------------------------------- */

void end_open(struct end *e, SOCKET s)
{
	DWORD len = POOL_SLOTS * SLOT_BYTES;
	int err = 0;

	e->s = s;
	e->sends = test_alloc(POOL_SLOTS * SLOT_BYTES);
	e->receives = test_alloc(POOL_SLOTS * SLOT_BYTES);
	e->send_handle = spi.register_memory(s, e->sends, len, MEM_READ, &err);
	e->receive_handle = spi.register_memory(s, e->receives, len, MEM_WRITE,
		&err);
	if (!e->send_handle || !e->receive_handle)
		FAIL("WSPRegisterMemory: %d", err);
}

void end_close(struct end *e)
{
	socket_close(e->s);
	test_free(e->sends);
	test_free(e->receives);
}

char *end_send_slot(struct end *e, unsigned slot)
{
	CHECK(slot < POOL_SLOTS);
	return e->sends + slot * SLOT_BYTES;
}

char *end_receive_slot(struct end *e, unsigned slot)
{
	CHECK(slot < POOL_SLOTS);
	return e->receives + slot * SLOT_BYTES;
}

void pair_open_family(struct pair *p, int family)
{
	SOCKET client, server;
	int code;

	p->at = test_addr(family);
	p->listener = socket_listening(&p->at, 8);
	code = socket_connect(&p->at, &client);
	CHECK(code == 0 || code == WSAEWOULDBLOCK);
	server = socket_accept(p->listener);
	if (code)
		CHECK_EQ(socket_connect_result(client), 0);
	end_open(&p->client, client);
	end_open(&p->server, server);
}

void pair_open(struct pair *p)
{
	pair_open_family(p, AF_INET);
}

void pair_close(struct pair *p)
{
	end_close(&p->client);
	end_close(&p->server);
	socket_close(p->listener);
}

/* ---- requests ------------------------------------------------------ */

void request_init(struct request *r, int how)
{
	memset(r, 0, sizeof *r);
	r->ov.hEvent = (HANDLE)(uintptr_t)how;
	r->ov.Internal = 7; /* anything but pending */
	r->bytes = 0x5a5a;
}

bool is_pending(const struct request *r)
{
	return __atomic_load_n(&r->ov.Internal, __ATOMIC_ACQUIRE) ==
		WSS_OPERATION_IN_PROGRESS;
}

int post_send(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how)
{
	WSABUF b = {len, end_send_slot(e, slot)};
	DWORD sent = 0;
	int err = 0;

	request_init(r, how);
	CHECK_EQ(spi.t.lpWSPSend(e->s, &b, 1, &sent, 0, &r->ov, NULL, NULL,
			 &err), SOCKET_ERROR); /* R123: never 0 */
	b.buf = NULL; /* R143: the array was captured */
	return err;
}

int post_receive(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how)
{
	WSABUF b = {len, end_receive_slot(e, slot)};
	DWORD got = 0, flags = 0;
	int err = 0;

	request_init(r, how);
	CHECK_EQ(spi.t.lpWSPRecv(e->s, &b, 1, &got, &flags, &r->ov, NULL, NULL,
			 &err), SOCKET_ERROR);
	b.buf = NULL;
	return err;
}

int post_send_text(struct end *e, unsigned slot, const char *text,
	struct request *r, int how)
{
	strcpy(end_send_slot(e, slot), text);
	return post_send(e, slot, (unsigned)strlen(text), r, how);
}

bool request_done(SOCKET s, struct request *r)
{
	DWORD bytes = 0x1234, flags = 0;
	int err = 0;

	if (spi.t.lpWSPGetOverlappedResult(s, &r->ov, &bytes, FALSE, &flags,
			&err)) {
		r->bytes = bytes;
		r->flags = flags;
		r->error = 0;
		return true;
	}
	CHECK_EQ(bytes, 0x1234); /* R136 */
	if (err == WSA_IO_INCOMPLETE)
		return false;
	r->error = err;
	r->bytes = 0;
	return true;
}

void request_wait(SOCKET s, struct request *r)
{
	uint64_t until = os_now() + PATIENCE;

	while (!request_done(s, r))
		if (os_now() > until)
			FAIL("the request does not end");
}

void request_expect(SOCKET s, struct request *r, int error, DWORD bytes)
{
	request_wait(s, r);
	CHECK_EQ(r->error, error);
	CHECK_EQ(r->bytes, bytes);
}

void send_text(struct end *e, const char *text)
{
	struct request r;

	CHECK_EQ(post_send_text(e, POOL_SLOTS - 1, text, &r, POLLED),
		WSA_IO_PENDING);
	request_expect(e->s, &r, 0, (DWORD)strlen(text));
}

void expect_text(struct end *e, const char *text)
{
	struct request r;

	CHECK_EQ(post_receive(e, POOL_SLOTS - 1, SLOT_BYTES, &r, POLLED),
		WSA_IO_PENDING);
	request_expect(e->s, &r, 0, (DWORD)strlen(text));
	CHECK_BYTES(end_receive_slot(e, POOL_SLOTS - 1), text, strlen(text));
}

void pair_talk(struct end *a, struct end *b)
{
	send_text(a, "one way");
	expect_text(b, "one way");
	send_text(b, "and the other");
	expect_text(a, "and the other");
}

/* ---- RDMA ---------------------------------------------------------- */

int expose(SOCKET s, void *base, DWORD len, DWORD rights, struct exposed *out)
{
	int err = 0;

	out->len = sizeof out->descriptor;
	return spi.register_rdma(s, base, len, rights, out->descriptor,
		&out->len, &err) ? err : 0;
}

int conceal(SOCKET s, struct exposed *e)
{
	int err = 0;

	return spi.deregister_rdma(s, e->descriptor, e->len, &err) ? err : 0;
}

int post_rdma(enum rdma_op op, SOCKET s, WSABUFEX *buffers, DWORD count,
	const struct exposed *e, DWORD offset, struct request *r, int how)
{
	LPFN_WSPRDMAWRITE f = op == RDMA_WRITE
		? spi.rdma_write
		: (LPFN_WSPRDMAWRITE)spi.rdma_read;
	DWORD moved = 0;
	int err = 0;

	request_init(r, how);
	CHECK_EQ(f(s, buffers, count, (LPVOID)(uintptr_t)e->descriptor, e->len,
			 offset, &moved, 0, &r->ov, NULL, NULL, &err),
		SOCKET_ERROR);
	return err;
}

static uint8_t pattern_at(size_t i, uint32_t seed)
{
	uint32_t x = (uint32_t)i * 2654435761u + seed * 40503u;

	return (uint8_t)(x >> 13 ^ x);
}

void pattern(void *to, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = pattern_at(i, seed);
}

void check_pattern(const void *got, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		if (((const uint8_t *)got)[i] != pattern_at(i, seed))
			FAIL("byte %u of %u is wrong", (unsigned)i,
				(unsigned)len);
}

/* ---- events, threads ----------------------------------------------- */

WSAEVENT event_new(void)
{
	void *e = NULL;

	CHECK(os_event_create(&e) == ST_OK);
	return e;
}

void event_free(WSAEVENT e)
{
	os_event_destroy(e);
}

bool event_wait(WSAEVENT e, uint64_t ns)
{
	return os_event_wait(e, ns) == ST_OK;
}

bool event_is_set(WSAEVENT e)
{
	return event_wait(e, 0);
}

void threads_run(unsigned n, void (*fn)(void *arg), void *arg)
{
	struct os_thread t[64];

	CHECK(n <= 64);
	for (unsigned i = 0; i < n; i++)
		CHECK(os_thread_start(&t[i], "test", fn, arg) == ST_OK);
	for (unsigned i = 0; i < n; i++)
		os_thread_join(&t[i]);
}
