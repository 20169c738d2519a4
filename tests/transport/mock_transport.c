/* SPDX-License-Identifier: MIT */
/* The table, the faults, and what the mock cannot do. */
#include "mock_internal.h"

#include <stdlib.h>
#include <string.h>

enum { OWN_MAX = 256 };

struct mock_faults mock_faults;
struct os_mutex mock_lock; /* zeroed memory is an unlocked mutex */

static unsigned objects;

/* ---- faults ---------------------------------------------------------- */

bool mock_due(_Atomic uint32_t *countdown)
{
	uint32_t n = atomic_load(countdown);

	while (n > 0)
		if (atomic_compare_exchange_weak(countdown, &n, n - 1))
			return n == 1;
	return false;
}

void *mock_alloc(size_t len)
{
	void *p;

	if (mock_due(&mock_faults.fail_allocation))
		return NULL;
	p = calloc(1, len);
	if (p)
		objects++;
	return p;
}

void mock_free(void *p)
{
	if (p)
		objects--;
	free(p);
}

unsigned mock_objects(void)
{
	unsigned n;

	os_mutex_lock(&mock_lock);
	n = objects;
	os_mutex_unlock(&mock_lock);
	return n;
}

/* ---- the rest -------------------------------------------------------- */

static enum status mock_pack(struct transport_conn *c, uint8_t *blob,
	uint32_t *len, os_handle *handles, unsigned *count)
{
	return ST_UNSUPPORTED;
}

static enum status mock_unpack(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count, struct transport_conn **out)
{
	return ST_UNSUPPORTED;
}

static enum status mock_pack_listener(struct transport_listener *l,
	uint8_t *blob, uint32_t *len, os_handle *handles, unsigned *count)
{
	return ST_UNSUPPORTED;
}

static enum status mock_unpack_listener(const uint8_t *blob, uint32_t len,
	const os_handle *handles, unsigned count,
	struct transport_listener **out)
{
	return ST_UNSUPPORTED;
}

static void mock_close(struct transport_conn *c, bool handed_off)
{
	os_mutex_lock(&mock_lock);
	mock_end_close(c);
	os_mutex_unlock(&mock_lock);
}

static enum status mock_start(void)
{
	return atomic_load(&mock_faults.fail_start) ? ST_SYSTEM : ST_OK;
}

static void mock_stop(void)
{
}

static enum status mock_addresses(struct addr *list, unsigned *count)
{
	if (!atomic_load(&mock_faults.lose_addresses))
		return os_local_addresses(list, count);
	*count = 0;
	return ST_OK;
}

static bool mock_serves(const struct addr *a)
{
	return !atomic_load(&mock_faults.lose_addresses) &&
		os_address_is_local(a);
}

static void mock_network(struct transport_network *n, const struct addr *a)
{
	memset(n, 0, sizeof *n);
	strcpy(n->network, "mock");
	n->usable = true;
	n->in_use = a != NULL;
	if (a)
		n->address = *a;
	else
		strcpy(n->reason, "nobody is there");
}

/* The networks in use, and a last one that is not. */
static enum status mock_survey(struct transport_network *list, unsigned *count)
{
	struct addr own[OWN_MAX];
	unsigned room = *count, n = OWN_MAX;
	enum status st = mock_addresses(own, &n);

	if (st != ST_OK && st != ST_FULL)
		return st;
	if (n > OWN_MAX)
		n = OWN_MAX;
	for (unsigned i = 0; i <= n && i < room; i++)
		mock_network(&list[i], i < n ? &own[i] : NULL);
	*count = n + 1;
	return n + 1 > room ? ST_FULL : ST_OK;
}

#define MOCK_TRANSPORT(can)                                                   \
	{                                                                     \
		.name = "mock",                                               \
		.abilities = (can),                                           \
		.limits = {MESSAGE_MAX, RDMA_MAX, 32 << 10, DESCRIPTOR_LEN,   \
			TRANSPORT_PRIVATE_MAX},                               \
		.start = mock_start,                                          \
		.stop = mock_stop,                                            \
		.addresses = mock_addresses,                                  \
		.serves = mock_serves,                                        \
		.survey = mock_survey,                                        \
		.listen = mock_listen,                                        \
		.set_backlog = mock_set_backlog,                              \
		.listener_handle = mock_listener_handle,                      \
		.take = mock_take,                                            \
		.accept = mock_accept,                                        \
		.refuse = mock_refuse,                                        \
		.shut_listener = mock_shut_listener,                          \
		.close_listener = mock_close_listener,                        \
		.leave_listener = mock_close_listener, /* nobody stays */     \
		.connect = mock_connect,                                      \
		.status = mock_status,                                        \
		.early = mock_early,                                          \
		.attend = mock_attend,                                        \
		.writable = mock_writable,                                    \
		.peer = mock_peer,                                            \
		.abort = mock_abort,                                          \
		.handle = mock_handle,                                        \
		.set_handle = mock_set_handle,                                \
		.send = mock_send,                                            \
		.peek = mock_peek,                                            \
		.release = mock_release,                                      \
		.arrivals = mock_arrivals,                                    \
		.arm = mock_arm,                                              \
		.drain = mock_drain,                                          \
		.expose = mock_expose,                                        \
		.conceal = mock_conceal,                                      \
		.rdma = mock_rdma,                                            \
		.reap = mock_reap,                                            \
		.pin_costs = pin_costs,                                       \
		.pin = mock_pin,                                              \
		.unpin = mock_unpin,                                          \
		.pack = mock_pack,                                            \
		.unpack = mock_unpack,                                        \
		.pack_listener = mock_pack_listener,                          \
		.unpack_listener = mock_unpack_listener,                      \
		.close = mock_close,                                          \
	}

#ifndef MOCK_PIN_COSTS
#define MOCK_PIN_COSTS true
#endif

static bool pin_costs(void)
{
	return MOCK_PIN_COSTS;
}

/* What a program is linked with: one that can read, or not. */
#ifndef MOCK_ABILITIES
#define MOCK_ABILITIES                                                        \
	(TRANSPORT_EARLY_SEND | TRANSPORT_RDMA_READ)
#endif

const struct transport_ops provider_transport = MOCK_TRANSPORT(MOCK_ABILITIES);
const struct transport_ops mock_transport_without_read =
	MOCK_TRANSPORT(TRANSPORT_EARLY_SEND);
