/* SPDX-License-Identifier: MIT */
/* The shared-memory transport: channels between processes of one host. */
#include "transport/shm/shm_ops.h"
#include "transport/shm/shm_segment.h"

enum { SURVEY_MAX = 256 }; /* addresses that people are told */

static enum status shm_start(void)
{
	return ST_OK;
}

static void shm_stop(void)
{
}

/* Memory reaches every address of this host, and nothing else. */
static enum status shm_survey(struct transport_network *list, unsigned *count)
{
	struct addr own[SURVEY_MAX];
	unsigned room = *count, n = SURVEY_MAX;
	enum status st = os_local_addresses(own, &n);

	if (st != ST_OK && st != ST_FULL)
		return st;
	if (n > SURVEY_MAX)
		n = SURVEY_MAX;
	for (unsigned i = 0; i < n && i < room; i++)
		list[i] = (struct transport_network){.network = "memory",
			.address = own[i], .usable = true, .in_use = true};
	*count = n;
	return n > room ? ST_FULL : ST_OK;
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
	.survey = shm_survey,
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
