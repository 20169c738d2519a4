/* SPDX-License-Identifier: MIT */
/* Bad input, every wrong state, two calls at once: R189, R196, R211. */
#include "endpoint.h"

#include <string.h>

/* ---- arguments that make no sense ---------------------------------- */

static void fails_somehow(const char *what, int result, int *err)
{
	if (result != SOCKET_ERROR)
		FAIL("%s: got result %d, expected SOCKET_ERROR", what, result);
	if (*err == 0 || *err == WSA_IO_PENDING)
		FAIL("%s: got %s (%d), expected an error", what,
			code_name(*err), *err);
	*err = 0;
}

/* Evaluates a call that stores its code in `err`, which is in scope. */
#define BAD(call) fails_somehow(#call, call, &err)

CASE(R124_bad_arguments_of_data_calls_start_nothing)
{
	struct request r;
	struct pair p;
	WSABUF b = {4, NULL};
	DWORD n = 0, flags = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	b.buf = p.client.sends;
	request_init(&r, POLLED);
	BAD(spi.t.lpWSPSend(p.client.s, NULL, 1, &n, 0, &r.ov, NULL, NULL,
		&err));
	BAD(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, NULL, NULL, NULL, &err));
	BAD(spi.t.lpWSPRecv(p.client.s, NULL, 1, &n, &flags, &r.ov, NULL, NULL,
		&err));
	BAD(spi.t.lpWSPRecv(p.client.s, &b, 1, &n, &flags, NULL, NULL, NULL,
		&err));
	b.buf = NULL;
	BAD(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
		&err));
	b = (WSABUF){0xfffffff0, p.client.sends};
	BAD(spi.t.lpWSPSend(p.client.s, &b, 1, &n, 0, &r.ov, NULL, NULL,
		&err));
	CHECK(!is_pending(&r));
	CHECK_EQ(spi.t.lpWSPSend(p.client.s, NULL, 1, NULL, 0, NULL, NULL,
			 NULL, NULL), SOCKET_ERROR);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

/* Lengths whose sum does not fit into 32 bits. */
CASE(R124_R145_lengths_that_overflow_start_nothing)
{
	struct request r;
	WSABUF b[3];
	struct pair p;
	DWORD n = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	request_init(&r, POLLED);
	for (int i = 0; i < 3; i++)
		b[i] = (WSABUF){i ? 0x80000000u : 64, p.client.sends};
	BAD(spi.t.lpWSPSend(p.client.s, b, 3, &n, 0, &r.ov, NULL, NULL, &err));
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(R156_bad_arguments_of_RDMA_calls_start_nothing)
{
	static char memory[64];
	struct exposed e;
	struct request r;
	struct pair p;
	WSABUFEX b;
	DWORD n = 0;
	int err = 0;

	spi_start();
	pair_open(&p);
	CHECK_CODE(expose(p.server.s, memory, sizeof memory, MEM_WRITE, &e),
		0);
	b = (WSABUFEX){4, p.client.sends, p.client.send_handle};
	request_init(&r, POLLED);
	BAD(spi.rdma_write(p.client.s, NULL, 1, e.descriptor, e.len, 0, &n, 0,
		&r.ov, NULL, NULL, &err));
	BAD(spi.rdma_write(p.client.s, &b, 1, NULL, e.len, 0, &n, 0, &r.ov,
		NULL, NULL, &err));
	BAD(spi.rdma_write(p.client.s, &b, 1, e.descriptor, e.len, 0, &n, 0,
		NULL, NULL, NULL, &err));
	CHECK(!is_pending(&r));
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

CASE(R137_a_result_without_OVERLAPPED_is_refused)
{
	DWORD n = 0, flags = 0;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	CHECK_EQ(spi.t.lpWSPGetOverlappedResult(p.client.s, NULL, &n, FALSE,
			 &flags, &err), FALSE);
	CHECK(err != 0);
	pair_close(&p);
	spi_stop();
}

CASE(R175_NULL_descriptors_are_refused)
{
	struct pair p;
	DWORD len = 24;
	int err = 0;

	spi_start();
	pair_open(&p);
	BAD(spi.deregister_rdma(p.client.s, NULL, 24, &err));
	BAD(spi.deregister_rdma(p.client.s, NULL, 0, &err));
	BAD(spi.deregister_memory(p.client.s, NULL, &err));
	BAD(spi.register_rdma(p.client.s, NULL, 64, MEM_READ, &len, &len,
		&err));
	pair_close(&p);
	spi_stop();
}

/* ---- every call in every state ------------------------------------- */

enum { STATES = 8 };

static const char *const state_names[STATES] = {"CREATED", "BOUND",
	"CONNECTING", "LISTENING", "CONNECTED", "DISCONNECTED", "CLOSED",
	"failed to connect"};

static SOCKET in_state(int state)
{
	struct addr at = test_addr(), nobody = test_addr();
	struct pair p;
	SOCKET s;

	switch (state) {
	case 0:
		return socket_new();
	case 1:
		return socket_bound(&at);
	case 2:
		socket_listening(&at, 4);
		return socket_connecting(&at, NULL);
	case 3:
		return socket_listening(&at, 4);
	case 4:
	case 5:
		pair_open(&p);
		if (state == 5) {
			end_close(&p.server);
			end_await_loss(&p.client);
		}
		return p.client.s;
	case 6:
		s = socket_new();
		socket_close(s);
		return s;
	default:
		s = socket_bound(&at);
		CHECK(socket_connect_outcome(s, &nobody) != 0);
		return s;
	}
}

static char scratch[256];

/* The codes are other cases' matter, but for WSAEINPROGRESS, which the recorder
 * sees (R37); here nothing may crash or hang. */
static void call_everything(SOCKET s)
{
	struct request *r = test_alloc(4 * sizeof *r);
	union sockaddr_any name;
	struct addr at = test_addr();
	int size = addr_to_sockaddr(&at, &name), err = 0, len = 4;
	WSABUF b = {16, scratch};
	WSABUFEX bx = {16, scratch, scratch};
	WSANETWORKEVENTS events;
	WSAPROTOCOL_INFOW info;
	DWORD n = sizeof scratch, flags = 0, bytes = 0;

	for (int i = 0; i < 4; i++)
		request_init(&r[i], POLLED);
	spi.t.lpWSPEventSelect(s, NULL, 0, &err);
	spi.t.lpWSPEnumNetworkEvents(s, NULL, &events, &err);
	spi.t.lpWSPGetSockOpt(s, SOL_SOCKET, SO_MAX_MSG_SIZE, scratch, &len,
		&err);
	spi.t.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DEBUG, scratch, 4, &err);
	spi.t.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, scratch,
		sizeof scratch, &bytes, NULL, NULL, NULL, &err);
	spi.t.lpWSPGetOverlappedResult(s, &r[0].ov, &bytes, FALSE, &flags,
		&err);
	spi.t.lpWSPSend(s, &b, 1, &bytes, 0, &r[0].ov, NULL, NULL, &err);
	spi.t.lpWSPRecv(s, &b, 1, &bytes, &flags, &r[1].ov, NULL, NULL, &err);
	spi.rdma_write(s, &bx, 1, scratch, 24, 0, &bytes, 0, &r[2].ov, NULL,
		NULL, &err);
	if (spi.rdma_read)
		spi.rdma_read(s, &bx, 1, scratch, 24, 0, &bytes, 0, &r[3].ov,
			NULL, NULL, &err);
	spi.register_memory(s, scratch, 64, MEM_READ, &err);
	spi.deregister_memory(s, scratch, &err);
	spi.register_rdma(s, scratch, 64, MEM_READ, scratch, &n, &err);
	spi.deregister_rdma(s, scratch, 24, &err);
	spi.t.lpWSPAccept(s, NULL, NULL, NULL, 0, &err);
	spi.t.lpWSPBind(s, &name.sa, size, &err);
	spi.t.lpWSPDuplicateSocket(s, 0xfffffff0, &info, &err);
	spi.t.lpWSPConnect(s, &name.sa, size, NULL, NULL, NULL, NULL, &err);
	spi.t.lpWSPListen(s, 1, &err);
	spi.t.lpWSPGetQOSByName(s, NULL, NULL, &err);
}

static void in_every_way(int state)
{
	SOCKET s;
	int err = 0;

	spi_start();
	s = in_state(state);
	call_everything(s);
	call_everything(s);
	if (spi.t.lpWSPCloseSocket(s, &err) != 0 && err != WSAENOTSOCK)
		FAIL("WSPCloseSocket in state %s after every call: got %s",
			state_names[state], code_name(err));
	call_everything(s);
	spi_stop();
}

CASE(R37_R188_R211_every_call_in_every_state_comes_back)
{
	for (int state = 0; state < STATES; state++)
		in_every_way(state);
}

/* ---- two calls at once --------------------------------------------- */

static struct pair storm;
static _Atomic bool storm_over;

static uint32_t next(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

enum { STORM_REQUESTS = 40 };

/* Any call may find the socket closed; none may crash, hang or lie. */
static void one_call(uint32_t *x, struct request *r)
{
	struct end *e = next(x) & 1 ? &storm.client : &storm.server;
	unsigned k = next(x) % STORM_REQUESTS;
	WSANETWORKEVENTS events;
	struct exposed d;
	int err = 0;
	HANDLE h;

	switch (next(x) % 8) {
	case 0:
		if (!is_pending(&r[k]))
			post_send(e, k, 1 + k, &r[k], POLLED);
		break;
	case 1:
	case 2:
		if (!is_pending(&r[k]))
			post_receive(e, k, 512, &r[k], POLLED);
		break;
	case 3:
		spi.t.lpWSPEnumNetworkEvents(e->s, NULL, &events, &err);
		break;
	case 4:
		h = spi.register_memory(e->s, scratch, 64, MEM_READ, &err);
		if (h)
			spi.deregister_memory(e->s, h, &err);
		break;
	case 5:
		if (expose(e->s, scratch, 64, MEM_READ, &d) == 0)
			conceal(e->s, &d);
		break;
	default:
		request_done(e->s, &r[k]);
		break;
	}
}

static void storm_calls(void *arg)
{
	struct request *r = test_alloc(STORM_REQUESTS * sizeof *r);
	uint64_t until = os_now() + PATIENCE;
	uint32_t x = os_thread_id() * 2654435761u | 1;

	for (int i = 0; i < STORM_REQUESTS; i++)
		request_init(&r[i], POLLED);
	while (!atomic_load(&storm_over))
		one_call(&x, r);
	for (int i = 0; i < STORM_REQUESTS; i++)
		while (is_pending(&r[i])) /* R191: the socket is closed */
			CHECK(os_now() < until);
	test_free(r);
}

static void storm_close(void *arg)
{
	os_sleep(20000000);
	socket_close(storm.client.s);
	os_sleep(1000000);
	socket_close(storm.server.s);
	os_sleep(5000000);
	atomic_store(&storm_over, true);
}

CASE(R211_random_calls_of_several_threads_while_the_socket_closes)
{
	struct os_thread t;

	spi_start();
	for (int round = 0; round < 15; round++) {
		atomic_store(&storm_over, false);
		pair_open(&storm);
		CHECK(os_thread_start(&t, "close", storm_close, NULL) ==
			ST_OK);
		threads_run(4, storm_calls, NULL);
		os_thread_join(&t);
		socket_close(storm.listener);
	}
	up_wait_closed();
	spi_stop();
}

/* Two threads send and two receive on one socket: nothing is lost. */
enum { SHARED_MESSAGES = 500 };
static _Atomic unsigned received;

static void send_shared(void *arg)
{
	struct request r;

	for (int i = 0; i < SHARED_MESSAGES; i++) {
		int code;

		do
			code = post_send(&storm.client, 0, 64, &r, POLLED);
		while (code == WSAENOBUFS);
		CHECK_CODE(code, WSA_IO_PENDING);
		request_expect(storm.client.s, &r, 0, 64);
	}
}

static void receive_shared(void *arg)
{
	static _Atomic unsigned slots;
	unsigned slot = atomic_fetch_add(&slots, 1);
	struct request r;

	for (int i = 0; i < SHARED_MESSAGES; i++) {
		must_receive(&storm.server, slot, 64, &r, POLLED);
		request_expect(storm.server.s, &r, 0, 64);
		atomic_fetch_add(&received, 1);
	}
}

static void by_turns(void *arg)
{
	static _Atomic unsigned turn;

	if (atomic_fetch_add(&turn, 1) % 2)
		send_shared(arg);
	else
		receive_shared(arg);
}

CASE(R141_R211_several_threads_send_and_receive_on_one_socket)
{
	spi_start();
	pair_open(&storm);
	threads_run(4, by_turns, NULL);
	CHECK_EQ(received, 2 * SHARED_MESSAGES);
	pair_close(&storm);
	spi_stop();
}
