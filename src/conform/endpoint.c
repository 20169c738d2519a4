/* SPDX-License-Identifier: MIT */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "trace.h"

void check_call(int result, int *err, int code, const char *text,
	const char *file, int line)
{
	if (code == 0 && result != 0)
		case_fail(file, line, "%s: got %s (%d), expected success",
			text, code_name(*err), *err);
	if (code != 0 && result != SOCKET_ERROR)
		case_fail(file, line, "%s: got result %d, expected "
			"SOCKET_ERROR with %s", text, result, code_name(code));
	if (code != 0)
		check_code(*err, code, text, file, line);
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

/* Nobody should listen there with TCP: some cases want that. */
static bool is_taken(const struct addr *a)
{
	uint32_t uid;

	return os_tcp_listener_owner(a, &uid) == ST_OK;
}

struct addr test_addr(void)
{
	struct addr a = spi_target.address;
	uint16_t n;

	do {
		CHECK(os_random(&n, sizeof n) == ST_OK);
		a.port = (uint16_t)(20000 + n % 40000);
	} while (is_taken(&a));
	return a;
}

SOCKET socket_try_new(int *err)
{
	WSAPROTOCOL_INFOW info = spi_tcpip_info();

	*err = 0;
	return spi.t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &info, 0,
		WSA_FLAG_OVERLAPPED, err);
}

SOCKET socket_new(void)
{
	int err;
	SOCKET s = socket_try_new(&err);

	if (s == INVALID_SOCKET)
		FAIL("WSPSocket: got %s (%d), expected success",
			code_name(err), err);
	return s;
}

int socket_bind(SOCKET s, const struct addr *a)
{
	union sockaddr_any name;
	int len = addr_to_sockaddr(a, &name), err = 0;

	return spi.t.lpWSPBind(s, &name.sa, len, &err) ? err : 0;
}

SOCKET socket_bound(const struct addr *a)
{
	SOCKET s = socket_new();

	CHECK_CODE(socket_bind(s, a), 0);
	return s;
}

SOCKET socket_listening(const struct addr *at, int backlog)
{
	SOCKET s = socket_bound(at);
	int err = 0;

	OK(spi.t.lpWSPListen(s, backlog, &err));
	return s;
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
	struct addr from = test_addr();

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

int socket_connect_outcome(SOCKET s, const struct addr *to)
{
	int code = socket_connect_to(s, to);

	return code == WSAEWOULDBLOCK ? socket_connect_result(s) : code;
}

SOCKET socket_connecting(const struct addr *to, int *code)
{
	SOCKET s;
	int now = socket_connect(to, &s);

	if (code)
		*code = now;
	if (now != 0 && now != WSAEWOULDBLOCK)
		FAIL("WSPConnect: got %s (%d), expected success or "
			"WSAEWOULDBLOCK", code_name(now), now);
	return s;
}

void socket_expect_connected(SOCKET s, int code)
{
	if (code == WSAEWOULDBLOCK)
		code = socket_connect_result(s);
	CHECK_CODE(code, 0);
}

/* Takes FD_ACCEPT's record if it comes in time. */
static bool arrival(SOCKET listener, uint64_t ns)
{
	uint64_t until = os_now() + ns;

	while (!(enum_events(listener, NULL).lNetworkEvents & FD_ACCEPT)) {
		if (os_now() > until)
			return false;
		os_sleep(50000);
	}
	return true;
}

void listener_expect(SOCKET listener, bool request)
{
	if (arrival(listener, request ? PATIENCE : QUIET) != request)
		FAIL(request ? "no FD_ACCEPT for a request"
			     : "FD_ACCEPT without a request");
}

void request_queued(SOCKET listener, SOCKET client, const struct addr *at)
{
	int code = socket_connect_to(client, at);

	if (code != WSAEWOULDBLOCK)
		FAIL("WSPConnect to a listener that has not accepted: got %s "
			"(%d), expected WSAEWOULDBLOCK", code_name(code),
			code);
	arrival(listener, QUIET);
}

SOCKET socket_queued(SOCKET listener, const struct addr *at)
{
	struct addr from = test_addr();
	SOCKET s = socket_bound(&from);

	request_queued(listener, s, at);
	return s;
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
			FAIL("WSPAccept: got %s (%d), expected a socket",
				code_name(err), err);
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
		FAIL("WSPRegisterMemory: got %s (%d), expected success",
			code_name(err), err);
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

void pair_open(struct pair *p)
{
	SOCKET client, server;
	int code;

	p->at = test_addr();
	p->listener = socket_listening(&p->at, 8);
	client = socket_connecting(&p->at, &code);
	server = socket_accept(p->listener);
	socket_expect_connected(client, code);
	end_open(&p->client, client);
	end_open(&p->server, server);
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
	if (spi.t.lpWSPSend(e->s, &b, 1, &sent, 0, &r->ov, NULL, NULL, &err) ==
		0)
		err = WSA_IO_PENDING; /* R123 is broken, and noted */
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
	if (spi.t.lpWSPRecv(e->s, &b, 1, &got, &flags, &r->ov, NULL, NULL,
		    &err) == 0)
		err = WSA_IO_PENDING;
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
	if (bytes != 0x1234) /* R136 */
		case_violation(136, "WSPGetOverlappedResult fails with %s and "
			"has changed *lpcbTransfer", code_name(err));
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
	CHECK_CODE(r->error, error);
	CHECK_EQ(r->bytes, bytes);
}

int request_expect_loss(SOCKET s, struct request *r)
{
	request_wait(s, r);
	if (!code_tells_loss(r->error))
		FAIL("the request ends with %s (%d), expected an error that "
			"tells that the connection is lost",
			code_name(r->error), r->error);
	return r->error;
}

static void must_start(const char *what, int code)
{
	if (code != WSA_IO_PENDING)
		FAIL("%s: got %s (%d), expected WSA_IO_PENDING", what,
			code_name(code), code);
}

void must_send(struct end *e, unsigned slot, unsigned len, struct request *r,
	int how)
{
	must_start("WSPSend", post_send(e, slot, len, r, how));
}

void must_send_text(struct end *e, unsigned slot, const char *text,
	struct request *r, int how)
{
	must_start("WSPSend", post_send_text(e, slot, text, r, how));
}

void must_receive(struct end *e, unsigned slot, unsigned len,
	struct request *r, int how)
{
	must_start("WSPRecv", post_receive(e, slot, len, r, how));
}

void send_text(struct end *e, const char *text)
{
	struct request r;

	must_send_text(e, POOL_SLOTS - 1, text, &r, POLLED);
	request_expect(e->s, &r, 0, (DWORD)strlen(text));
}

void expect_text(struct end *e, const char *text)
{
	struct request r;

	must_receive(e, POOL_SLOTS - 1, SLOT_BYTES, &r, POLLED);
	request_expect(e->s, &r, 0, (DWORD)strlen(text));
	CHECK_BYTES(end_receive_slot(e, POOL_SLOTS - 1), text, strlen(text));
}

int end_await_loss(struct end *e)
{
	uint64_t until = os_now() + PATIENCE;

	for (;;) {
		struct request *r = test_alloc(sizeof *r);
		int code = post_receive(e, POOL_SLOTS - 1, 64, r, POLLED);

		if (code == WSA_IO_PENDING) {
			request_wait(e->s, r);
			code = r->error;
		}
		if (code_tells_loss(code))
			return code;
		if (code != 0 || os_now() > until)
			FAIL("WSPRecv after the loss of the connection: got "
				"%s (%d)", code_name(code), code);
	}
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
	if (f(s, buffers, count, (LPVOID)(uintptr_t)e->descriptor, e->len,
		    offset, &moved, 0, &r->ov, NULL, NULL, &err) == 0)
		err = WSA_IO_PENDING; /* R123 is broken, and noted */
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

struct helper {
	void (*fn)(void *arg);
	void *arg;
	_Atomic bool done;
};

static void help(void *arg)
{
	struct helper *h = arg;

	h->fn(h->arg);
	atomic_store(&h->done, true);
}

void thread_must_finish(const char *what, void (*fn)(void *arg), void *arg)
{
	struct helper h = {fn, arg, false};
	uint64_t until = os_now() + PATIENCE / 2;
	struct os_thread t;

	CHECK(os_thread_start(&t, "helper", help, &h) == ST_OK);
	while (!atomic_load(&h.done)) {
		if (os_now() > until) {
			trace_calls();
			FAIL("%s do not come back: a lock is held", what);
		}
		os_sleep(100000);
	}
	os_thread_join(&t);
}
