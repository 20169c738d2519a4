/* SPDX-License-Identifier: MIT */
/* The fabric transport: channels between hosts, over libfabric. */
#include "transport/fabric/fab_helper.h"
#include "transport/fabric/fab_listener.h"
#include "transport/fabric/fab_ops.h"
#include "transport/fabric/fab_rdma.h"

static enum status fab_start(void)
{
	enum status st;

	fab_lock();
	st = fab_nets_start();
	fab_unlock();
	return st;
}

static void fab_stop(void)
{
	fab_helper_stop();
	fab_lock();
	fab_nets_stop();
	fab_unlock();
}

/* Loopback is served, but it is no network to offer. */
static enum status fab_addresses(struct addr *list, unsigned *count)
{
	unsigned room = *count, n = 0;

	fab_lock();
	fab_nets_refresh();
	fab_listeners_refresh();
	for (struct fab_net *net = fab_nets_first(); net; net = net->next) {
		if (net->gone || addr_is_loopback(&net->own))
			continue;
		if (n < room)
			list[n] = net->own;
		n++;
	}
	fab_unlock();
	*count = n;
	return n > room ? ST_FULL : ST_OK;
}

static bool fab_serves(const struct addr *a)
{
	bool found;

	fab_lock();
	found = fab_net_of(a) != NULL;
	if (!found) {
		fab_nets_refresh();
		found = fab_net_of(a) != NULL;
	}
	fab_unlock();
	return found;
}

const struct transport_ops provider_transport = {
	.name = "fabric",
	.abilities = TRANSPORT_RDMA_READ | TRANSPORT_EARLY_SEND,
	.limits = {
		.max_message = FAB_MESSAGE_MAX,
		.max_rdma = FAB_RDMA_MAX,
		.rdma_threshold = FAB_RDMA_THRESHOLD,
		.descriptor_len = FAB_DESCRIPTOR_LEN,
		.max_private = 0, /* a greeting leaves no room for it */
	},
	.start = fab_start,
	.stop = fab_stop,
	.addresses = fab_addresses,
	.serves = fab_serves,
	.survey = fab_survey,
	.listen = fab_listen,
	.set_backlog = fab_set_backlog,
	.listener_handle = fab_listener_handle,
	.take = fab_take,
	.accept = fab_accept,
	.refuse = fab_refuse,
	.shut_listener = fab_shut_listener,
	.close_listener = fab_close_listener,
	.leave_listener = fab_leave_listener,
	.connect = fab_connect,
	.status = fab_conn_status,
	.early = fab_early,
	.attend = fab_attend,
	.peer = fab_peer,
	.abort = fab_abort,
	.handle = fab_handle,
	.set_handle = fab_set_handle,
	.send = fab_send,
	.peek = fab_peek,
	.release = fab_release,
	.arrivals = fab_arrivals,
	.arm = fab_arm,
	.writable = fab_writable,
	.drain = fab_drain,
	.expose = fab_expose,
	.conceal = fab_conceal,
	.rdma = fab_do_rdma,
	.reap = fab_reap,
	.pin_costs = fab_pin_costs,
	.pin = fab_do_pin,
	.unpin = fab_unpin,
	.pack = fab_pack,
	.unpack = fab_unpack,
	.pack_listener = fab_pack_listener,
	.unpack_listener = fab_unpack_listener,
	.close = fab_close,
};
