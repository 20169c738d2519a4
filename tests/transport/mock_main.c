/* SPDX-License-Identifier: MIT */
/* The suite over the mock: as it is, and with each fault that a caller must
 * bear without noticing. */
#include "cases.h"
#include "mock_transport.h"
#include "pair.h"

static void be_late(void)
{
	atomic_store(&mock_faults.delay_looks, 3);
}

static void be_full(void)
{
	atomic_store(&mock_faults.refuse_send, 3);
}

static void be_slow(void)
{
	atomic_store(&mock_faults.slow_rdma, true);
}

static void be_slow_and_late(void)
{
	be_slow();
	be_late();
}

static void lack_read(void)
{
	ops = &mock_transport_without_read;
	atomic_store(&mock_faults.lack_rdma_read, true);
}

/* ---- the faults themselves ------------------------------------------- */

CASE(mock_every_failed_allocation_is_told_and_leaks_nothing)
{
	struct addr at = addr_v4(127, 0, 0, 1, 0), from = client_addr(4);
	struct transport_listener *l = listen_free(&at, false, 8);
	unsigned before = mock_objects(), failed = 0;
	struct transport_request *r;
	struct transport_conn *c;

	for (uint32_t n = 1; n < 10; n++) {
		enum status st;

		atomic_store(&mock_faults.fail_allocation, n);
		st = ops->connect(&from, &at, "", 0, &c);
		if (st == ST_OK) {
			st = ops->take(l, &r);
			if (st == ST_NOMEM)
				CHECK_OK(ops->take(l, &r));
			ops->refuse(r, REFUSE_REJECTED);
			ops->close(c, false);
		}
		if (st != ST_OK)
			CHECK_ST(st, ST_NOMEM);
		failed += st == ST_NOMEM;
		atomic_store(&mock_faults.fail_allocation, 0);
		CHECK_EQ(mock_objects(), before);
	}
	CHECK_EQ(failed, 3);
	ops->close_listener(l);
	CHECK_EQ(mock_objects(), 0);
}

CASE(mock_a_connection_dies_at_the_chosen_send)
{
	struct os_span span = {(void *)(uintptr_t)"x", 1};
	struct pair p;

	pair_open(&p);
	atomic_store(&mock_faults.die_at_send, 3);
	CHECK_OK(ops->send(p.client, &span, 1, 0));
	CHECK_OK(ops->send(p.client, &span, 1, 0));
	CHECK_ST(ops->send(p.client, &span, 1, 0), ST_RESET);
	expect_text(p.server, "x");
	expect_text(p.server, "x");
	CHECK_ST(ops->status(p.server, false), ST_RESET);
	pair_close(&p);
	CHECK_EQ(mock_objects(), 0);
}

CASE(mock_a_killed_connection_wakes_both_sides)
{
	struct pair p;

	pair_open(&p);
	CHECK_OK(ops->arm(p.client, TRANSPORT_IN));
	CHECK_OK(ops->arm(p.server, TRANSPORT_IN));
	mock_kill(p.client);
	CHECK(handle_rings(p.client));
	CHECK(handle_rings(p.server));
	CHECK_ST(ops->status(p.client, false), ST_RESET);
	CHECK_ST(ops->status(p.server, false), ST_RESET);
	pair_close(&p);
}

CASE(mock_transfers_fail_as_told)
{
	uint8_t descriptor[TRANSPORT_DESCRIPTOR_MAX], memory[10] = {1};
	struct os_span span = {descriptor, 10};
	enum status result;
	uint64_t cookie;
	struct pair p;

	pair_open(&p);
	atomic_store(&mock_faults.fail_rdma, ST_FAULT);
	CHECK_OK(ops->expose(p.server, memory, 10, 3, descriptor));
	CHECK_ST(ops->rdma(p.client, TRANSPORT_WRITE, &span, 1, descriptor,
		ops->limits.descriptor_len, 0, 8), ST_PENDING);
	CHECK_OK(ops->reap(p.client, &cookie, &result));
	CHECK_EQ(cookie, 8);
	CHECK_ST(result, ST_FAULT);
	CHECK_EQ(memory[0], 1);
	pair_close(&p);
	CHECK_EQ(mock_objects(), 0);
}

int main(int argc, char **argv)
{
	static const struct variant variants[] = {
		{"", "", NULL},
		{"late", "messages", be_late},
		{"late", "questions", be_late},
		{"full", "intact", be_full},
		{"full", "turns", be_full},
		{"slow", "rdma", be_slow},
		{"slow and late", "rdma", be_slow_and_late},
		{"without read", "rdma", lack_read},
	};

	case_traits &= ~TRAIT_PROCESSES;
	return cases_main(argc, argv, variants,
		sizeof variants / sizeof *variants);
}
