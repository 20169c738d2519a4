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

/*
 * A thousand ports of this process's own, more or less, one after the other:
 * two listeners at one address get in each other's way (R36), here and in a
 * case that another program runs at the same time.
 */
struct addr test_addr(void)
{
	static _Atomic uint32_t used;
	struct addr a = spi_target.address;
	uint32_t block = os_process_id() % 40;
	uint16_t n;

	if (atomic_load(&used) == 0) {
		CHECK(os_random(&n, sizeof n) == ST_OK);
		atomic_fetch_add(&used, 1u + n);
	}
	do
		a.port = (uint16_t)(20000 + 1000 * block +
			atomic_fetch_add(&used, 1) % 1000);
	while (is_taken(&a));
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

int socket_accept_within(uint64_t ns, SOCKET listener,
	union sockaddr_any *name, int *len, LPCONDITIONPROC condition,
	DWORD_PTR data, SOCKET *out)
{
	uint64_t until = os_now() + ns;
	int room = len ? *len : 0, err;

	for (;;) {
		err = 0;
		if (len)
			*len = room;
		*out = spi.t.lpWSPAccept(listener, name ? &name->sa : NULL, len,
			condition, data, &err);
		if (*out != INVALID_SOCKET)
			return 0;
		if (err != WSAEWOULDBLOCK || os_now() > until)
			return err;
		os_sleep(50000);
	}
}

SOCKET socket_accept(SOCKET listener)
{
	SOCKET s;
	int err = socket_accept_within(PATIENCE, listener, NULL, NULL, NULL, 0,
		&s);

	if (err)
		FAIL("WSPAccept: got %s (%d), expected a socket",
			code_name(err), err);
	return s;
}

/* ---- pairs --------------------------------------------------------- */

void end_open(struct end *e, SOCKET s)
{
	DWORD len = POOL_SLOTS * SLOT_BYTES;
	int err = 0;

	e->s = s;
	e->texts = 0;
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
	/* The provider may go on using the memory until then. */
	if (!up_handle_closed(e->s))
		return;
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

/* ---- limits -------------------------------------------------------- */

static DWORD limit(SOCKET s, int name, DWORD wanted)
{
	uint32_t value = 0;
	int err = 0, len = sizeof value;

	if (spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, name, (char *)&value, &len,
			&err) || value > wanted)
		return wanted;
	return value;
}

DWORD message_limit(SOCKET s, DWORD wanted)
{
	return limit(s, SO_MAX_MSG_SIZE, wanted);
}

DWORD rdma_limit(SOCKET s, DWORD wanted)
{
	return limit(s, SO_MAX_RDMA_SIZE, wanted);
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
