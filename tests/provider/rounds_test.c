/* SPDX-License-Identifier: MIT */
/* R215, with everything a connection can go through. */
#include "conform/endpoint.h"

/* A sanitizer's own memory grows. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MEMORY_COUNTS = 0 };
#else
enum { MEMORY_COUNTS = 1 };
#endif

/* Where everything takes its time, as many rounds as there is time for. */
enum { ROUNDS = 10000, STARTS = 1000, WARM_UP = 100 };
#define ENOUGH_TIME (15 * UINT64_C(1000000000))
/* The driver remembers every upcall; provider_fault_test looks more closely. */
#define MEMORY_SLACK (UINT64_C(8) << 20)

struct counts {
	unsigned handles, threads;
	uint64_t memory;
};

/* A thread that has been joined may be seen for an instant. */
static struct counts count(void)
{
	os_sleep(10000000);
	while (up_closed() < up_created())
		os_sleep(100000); /* the engine may have the last reference */
	return (struct counts){os_handle_count(), os_thread_count(),
		os_memory_used()};
}

static void check_constant(const struct counts *before)
{
	uint64_t limit = os_now() + PATIENCE;
	struct counts now = count();

	while (now.threads != before->threads && os_now() < limit)
		now = count();
	CHECK_EQ(now.handles, before->handles);
	CHECK_EQ(now.threads, before->threads);
	if (MEMORY_COUNTS && now.memory > before->memory + MEMORY_SLACK)
		FAIL("%llu bytes more than near the beginning",
			(unsigned long long)(now.memory - before->memory));
}

static char memory[4096];

static void reach_each_other(struct pair *p, unsigned round)
{
	struct exposed e;
	struct request r;
	WSABUFEX b = {100, end_send_slot(&p->client, 9),
		p->client.send_handle};

	CHECK_EQ(expose(p->server.s, memory, sizeof memory, MEM_READWRITE,
			 &e), 0);
	pattern(b.buf, b.len, round);
	CHECK_CODE(post_rdma(RDMA_WRITE, p->client.s, &b, 1, &e, 50, &r,
			 round & 1 ? POLLED : NOTIFIED), WSA_IO_PENDING);
	request_expect(p->client.s, &r, 0, b.len);
	check_pattern(memory + 50, b.len, round);
	if (round & 2) /* or else the close does it */
		CHECK_EQ(conceal(p->server.s, &e), 0);
}

/* To ourselves, and back into the pair. */
static void hand_over(struct end *e)
{
	WSAPROTOCOL_INFOW info;
	int err = 0;
	SOCKET s;

	OK(spi.t.lpWSPDuplicateSocket(e->s, os_process_id(), &info, &err));
	s = spi.t.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &info, 0,
		WSA_FLAG_OVERLAPPED, &err);
	CHECK(s != INVALID_SOCKET);
	end_close(e);
	end_open(e, s);
}

/* At the same place each time: it may be anybody's when it is chosen anew. */
static void meet(struct pair *p, const struct addr *at)
{
	int code;

	p->at = *at;
	p->listener = socket_listening(at, 4);
	p->client.s = socket_connecting(at, &code);
	end_open(&p->server, socket_accept(p->listener));
	socket_expect_connected(p->client.s, code);
	end_open(&p->client, p->client.s);
}

static void one_round(const struct addr *at, unsigned round)
{
	struct request r, left;
	struct pair p;

	meet(&p, at);
	must_receive(&p.server, 0, 64, &r, round & 1 ? NOTIFIED : POLLED);
	send_text(&p.client, "round");
	request_wait(p.server.s, &r);
	reach_each_other(&p, round);
	if (round % 16 == 0) {
		hand_over(&p.server);
		pair_talk(&p.client, &p.server);
	}
	must_receive(&p.server, 0, 64, &left, POLLED);
	send_text(&p.server, "unread"); /* by nobody */
	pair_close(&p);
}

CASE(R215_ten_thousand_rounds_leave_handles_threads_and_memory_as_they_were)
{
	uint64_t limit = os_now() + ENOUGH_TIME;
	struct counts before = {0, 0, 0};
	struct addr at = test_addr();

	spi_start();
	for (unsigned i = 0; i < ROUNDS && os_now() < limit; i++) {
		one_round(&at, i);
		if (i == WARM_UP)
			before = count();
	}
	check_constant(&before);
	spi_stop();
}

static void free_pools(struct end *e)
{
	test_free(e->sends);
	test_free(e->receives);
}

/* Start and stop as well, with what is open closed by the last clean-up. */
CASE(R20_R21_R215_a_thousand_starts_and_stops_leave_nothing)
{
	uint64_t limit = os_now() + ENOUGH_TIME;
	struct counts before = {0, 0, 0};
	struct addr at = test_addr();

	for (unsigned i = 0; i < STARTS && os_now() < limit; i++) {
		struct request r;
		struct pair p;

		spi_start();
		meet(&p, &at);
		must_receive(&p.server, 0, 64, &r, NOTIFIED);
		spi_stop();
		free_pools(&p.client);
		free_pools(&p.server);
		if (i == WARM_UP)
			before = count();
	}
	check_constant(&before);
}
