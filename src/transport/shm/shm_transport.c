/* SPDX-License-Identifier: MIT */
/* The shared-memory transport: channels between processes of one host. */
#include "transport/shm/shm_ops.h"
#include "transport/shm/shm_segment.h"

static enum status shm_start(void)
{
	return ST_OK;
}

static void shm_stop(void)
{
}

/* Any memory will do. */
static enum status shm_pin(struct transport_conn *c, void *base, uint64_t len,
	unsigned rights, void **registration)
{
	*registration = NULL;
	return ST_OK;
}

/* Nothing happens here but inside calls. */
static void shm_attend(struct transport_conn *c)
{
}

static void shm_unpin(struct transport_conn *c, void *registration)
{
}

const struct transport_ops provider_transport = {
	.name = "shm",
	.abilities = TRANSPORT_RDMA_READ | TRANSPORT_EARLY_SEND |
		TRANSPORT_FORK_SHARED | TRANSPORT_HANDOFF,
	.limits = {
		.max_message = SHM_MESSAGE_MAX,
		.max_rdma = SHM_RDMA_MAX,
		.rdma_threshold = SHM_RDMA_THRESHOLD,
		.descriptor_len = SHM_DESCRIPTOR_LEN,
		.max_private = SHM_PRIVATE_MAX,
	},
	.start = shm_start,
	.stop = shm_stop,
	.addresses = os_local_addresses,
	.serves = os_address_is_local,
	.listen = shm_listen,
	.set_backlog = shm_set_backlog,
	.listener_handle = shm_listener_handle,
	.take = shm_take,
	.accept = shm_accept,
	.refuse = shm_refuse,
	.close_listener = shm_close_listener,
	.leave_listener = shm_leave_listener,
	.connect = shm_connect,
	.status = shm_status,
	.early = shm_early,
	.attend = shm_attend,
	.peer = shm_peer,
	.abort = shm_abort,
	.handle = shm_handle,
	.set_handle = shm_set_handle,
	.send = shm_send,
	.peek = shm_peek,
	.release = shm_release,
	.arrivals = shm_arrivals,
	.arm = shm_arm,
	.writable = shm_writable,
	.drain = shm_drain,
	.expose = shm_expose,
	.conceal = shm_conceal,
	.rdma = shm_do_rdma,
	.reap = shm_reap,
	.pin = shm_pin,
	.unpin = shm_unpin,
	.pack = shm_pack,
	.unpack = shm_unpack,
	.pack_listener = shm_pack_listener,
	.unpack_listener = shm_unpack_listener,
	.close = shm_close,
};
