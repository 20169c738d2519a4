/* SPDX-License-Identifier: MIT */
/*
 * mock_transport.h - a transport inside one process that can misbehave.
 *
 * It keeps the contract of transport.h: both ends of a connection live in this
 * process, messages are queued in memory. Its settings may be changed at any
 * time, by any thread. All zero: it behaves.
 */
#ifndef TRANSPORT_MOCK_TRANSPORT_H
#define TRANSPORT_MOCK_TRANSPORT_H

#include "transport/transport.h"

struct mock_faults {
	/* A message (or a finished transfer) is seen at this look, counted from
	 * 0, after it has arrived. */
	_Atomic uint32_t delay_looks;
	/* The n-th allocation from now on fails, counted from 1; 0: none. */
	_Atomic uint32_t fail_allocation;
	/* Every n-th send finds no room; 0: none. */
	_Atomic uint32_t refuse_send;
	/* At the n-th send from now on the connection dies; 0: none. */
	_Atomic uint32_t die_at_send;
	/* RDMA reads are not supported. */
	_Atomic bool lack_rdma_read;
	/* Transfers are started by rdma and finished by reap. */
	_Atomic bool slow_rdma;
	/* Transfers fail with this status in reap; ST_OK: they do not. */
	_Atomic uint32_t fail_rdma;
	/* The network is not there: start fails. */
	_Atomic bool fail_start;
	/* The adapter has been taken out: no address is served. */
	_Atomic bool lose_addresses;
	/* Called by pin, NULL: not, as by an adapter's library that maps and
	 * unmaps memory. */
	void (*_Atomic during_pin)(void *base, uint64_t len);
};

extern struct mock_faults mock_faults;

/* The same transport, with the abilities of one that cannot read remotely. */
extern const struct transport_ops mock_transport_without_read;

/* Both ends see ST_RESET, as if the network had broken. */
void mock_kill(struct transport_conn *c);
/* Objects not yet closed: connections, listeners, requests, messages. */
unsigned mock_objects(void);
/* Registrations with the adapter that there are, and that have been made. */
unsigned mock_pinned(void);
unsigned mock_pins_made(void);

#endif
