/* SPDX-License-Identifier: MIT */
/*
 * The core over a transport that can do no more than it must: no reading of
 * remote memory, no hand-off. R50, R51, R209, R214.
 */
#include <string.h>

#include <openwsd/wsdext.h>

#include "conform/endpoint.h"
#include "mock_transport.h"

CASE(R50_without_read_its_pointer_is_refused)
{
	static const GUID id = WSAID_RDMAREAD;
	int err = 0;

	spi_start();
	CHECK(spi.rdma_read == NULL);
	CHECK(spi_extension(&id, &err) == NULL);
	CHECK_CODE(err, WSAEOPNOTSUPP);
	CHECK(spi.rdma_write != NULL);
	spi_stop();
}

/* The cache is the core's own, so nothing that a transport lacks takes it away;
 * what is refused is refused as R51 says. */
CASE(R51_the_cache_callback_is_there_with_every_transport)
{
	int err = 0;
	char memory[10];

	spi_start();
	CHECK(spi.cache_callback != NULL);
	FAILS(spi.cache_callback(memory, sizeof memory, &err), WSAEINVAL);
	spi_stop();
}

CASE(R209_without_hand_off_a_socket_stays_where_it_is)
{
	WSAPROTOCOL_INFOW info;
	struct pair p;
	int err = 0;

	spi_start();
	pair_open(&p);
	FAILS(spi.t.lpWSPDuplicateSocket(p.server.s, os_process_id(), &info,
			&err), WSAEOPNOTSUPP);
	pair_talk(&p.client, &p.server);
	pair_close(&p);
	spi_stop();
}

/* ---- the write protocol alone -------------------------------------- */

enum { LARGE = 3 << 20, PIECE = 1 << 20 };

static char from[LARGE], to[LARGE];

/* As a control message: the descriptor. */
static void tell(struct end *by, const struct exposed *e)
{
	struct request r;

	memcpy(end_send_slot(by, 0), e->descriptor, e->len);
	must_send(by, 0, e->len, &r, POLLED);
	request_expect(by->s, &r, 0, e->len);
}

static void hear(struct end *by, struct exposed *e)
{
	struct request r;

	must_receive(by, 0, sizeof e->descriptor, &r, POLLED);
	request_wait(by->s, &r);
	CHECK_EQ(r.error, 0);
	e->len = r.bytes;
	memcpy(e->descriptor, end_receive_slot(by, 0), r.bytes);
}

static void write_all(struct end *by, const struct exposed *e)
{
	int err = 0;
	HANDLE h = spi.register_memory(by->s, from, LARGE, MEM_READ, &err);

	CHECK(h != NULL);
	for (DWORD at = 0; at < LARGE; at += PIECE) {
		WSABUFEX b = {PIECE, from + at, h};
		struct request r;

		CHECK_CODE(post_rdma(RDMA_WRITE, by->s, &b, 1, e, at, &r,
				 POLLED), WSA_IO_PENDING);
		request_expect(by->s, &r, 0, PIECE);
	}
	OK(spi.deregister_memory(by->s, h, &err));
}

/* Receiver exposes and tells, sender writes and says done, receiver
 * conceals; in both directions. */
CASE(R214_writing_alone_carries_large_transfers)
{
	struct exposed theirs, e;
	struct pair p;

	spi_start();
	pair_open(&p);
	for (unsigned round = 0; round < 4; round++) {
		struct end *by = round & 1 ? &p.server : &p.client;
		struct end *into = round & 1 ? &p.client : &p.server;

		pattern(from, LARGE, round);
		CHECK_EQ(expose(into->s, to, LARGE, MEM_WRITE, &e), 0);
		tell(into, &e);
		hear(by, &theirs);
		write_all(by, &theirs);
		send_text(by, "done");
		expect_text(into, "done");
		CHECK_EQ(conceal(into->s, &e), 0);
		check_pattern(to, LARGE, round);
	}
	pair_close(&p);
	spi_stop();
}

/* Nobody calls the callback for it, so nothing may be kept. */
CASE(R183_R185_without_pins_to_keep_nothing_stays_registered)
{
	WSDCAPABILITIES can = {.cbSize = sizeof can};
	LPFN_WSDQUERYCAPABILITIES query;
	static const GUID id = WSDID_QUERYCAPABILITIES;
	static char memory[8192];
	unsigned before;
	struct pair p;
	int err = 0;
	HANDLE h;

	spi_start();
	query = (LPFN_WSDQUERYCAPABILITIES)spi_extension(&id, &err);
	CHECK(query && query(&can, &err) == 0);
	CHECK_EQ(can.dwFlags & WSD_CAP_PINS, 0);
	pair_open(&p);
	before = mock_pinned();
	h = spi.register_memory(p.client.s, memory, sizeof memory, MEM_READ,
		&err);
	CHECK(h != NULL);
	CHECK_EQ(mock_pinned(), before + 1);
	OK(spi.deregister_memory(p.client.s, h, &err));
	CHECK_EQ(mock_pinned(), before);
	FAILS(spi.cache_callback(memory, sizeof memory, &err), WSAEINVAL);
	pair_close(&p);
	spi_stop();
}
