/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "transport/shm/shm_conn.h"
#include "transport/shm/shm_listener.h"
#include "transport/shm/shm_name.h"
#include "transport/shm/shm_ops.h"

/* After the first. */
#define TRIES 3

/* A listener that gives a link up is not suspended in between for longer. */
#define SURE_NS (5 * 1000 * 1000)
#define SURE_STEP_NS (50 * 1000)

/* Finds who serves `remote`: the most specific name that is offered. */
static enum status find_listener(const struct addr *remote, os_handle *link,
	struct os_peer *peer)
{
	struct shm_name names[SHM_NAME_TRIES];

	shm_names_wanted(remote, names);
	for (int i = 0; i < SHM_NAME_TRIES; i++) {
		enum status st = os_link_connect(names[i].text, link, peer);

		if (st == ST_FULL)
			return ST_REFUSED;
		if (st != ST_REFUSED)
			return st;
	}
	return ST_NOTFOUND;
}

static void addr_write(const struct addr *a, struct shm_wire_addr *out)
{
	memcpy(out->ip, a->ip, sizeof out->ip);
	out->port = a->port;
	out->family = a->family;
	out->pad = 0;
	out->scope = a->scope;
}

static void request_write(struct shm_request *m, const struct addr *local,
	const struct addr *remote, const void *private_data,
	uint32_t private_len)
{
	*m = (struct shm_request){
		.magic = SHM_MAGIC,
		.version = SHM_VERSION,
		.len = sizeof *m,
		.segment_size = SHM_SEGMENT_SIZE(SHM_RING_SIZE),
		.private_len = private_len,
	};
	addr_write(local, &m->from);
	addr_write(remote, &m->to);
	if (private_len)
		memcpy(m->private_data, private_data, private_len);
}

/* The client's side of a connection, in a new segment; without a link yet. */
static enum status conn_create(struct transport_conn **out)
{
	static const struct os_peer nobody;
	struct transport_conn *c = shm_conn_alloc();
	size_t size = SHM_SEGMENT_SIZE(SHM_RING_SIZE);
	os_handle segment;
	void *base;
	enum status st;

	if (!c)
		return ST_NOMEM;
	st = os_segment_create(size, &segment);
	if (st != ST_OK)
		goto free_conn;
	st = os_segment_map(segment, size, &size, &base);
	if (st != ST_OK)
		goto close_segment;
	shm_segment_init(base, size);
	shm_conn_init(c, SHM_CLIENT, base, size, OS_NO_HANDLE, segment,
		&nobody);
	shm_self_publish(c);
	*out = c;
	return ST_OK;

close_segment:
	os_handle_close(segment);
free_conn:
	free(c);
	return st;
}

/* A listener that finds no request rings before it waits for one. */
static bool was_waited_for(const struct transport_conn *c)
{
	enum status st = os_link_sleep(c->link, 0);

	return st == ST_OK || st == ST_CLOSED;
}

/*
 * A request that comes late may meet a listener that has looked for it in vain
 * and is about to close the link: it was sent, and nobody has heard it. But from
 * here on the connection may be used (TRANSPORT_EARLY_SEND). So one that was
 * waited for is watched until it has been heard. Any other is still queued, and
 * will be there when the listener looks.
 */
static enum status make_sure(struct transport_conn *c)
{
	uint64_t limit = os_now() + SURE_NS;

	if (!was_waited_for(c))
		return ST_OK;
	while (!atomic_load(&c->segment->heard)) {
		if (os_link_alive(c->link) != ST_OK)
			/* It may have been heard just before. */
			return atomic_load(&c->segment->heard) ? ST_OK :
				ST_CLOSED;
		if (os_now() >= limit)
			break;
		os_sleep(SURE_STEP_NS);
	}
	return ST_OK;
}

/* A listener's link, and since when it may be waiting for us. */
struct call {
	os_handle link;
	struct os_peer peer;
	uint64_t began;
};

static enum status call_listener(const struct addr *remote, struct call *call)
{
	call->began = os_now();
	return find_listener(remote, &call->link, &call->peer);
}

/* ST_CLOSED: the listener did not wait for us, or has gone. */
static enum status ask(struct transport_conn *c, const struct call *call,
	const struct shm_request *request)
{
	enum status st;

	os_handle_close(c->link);
	shm_conn_set_link(c, call->link, &call->peer);
	st = os_link_send(call->link, request, sizeof *request,
		&c->segment_handle, 1);
	if (st == ST_OK && os_now() - call->began >= SHM_HASTE_NS)
		st = make_sure(c);
	return st == ST_FULL ? ST_NOMEM : st;
}

/*
 * The segment is made only when somebody listens: most programs connect to
 * places where nobody does. But a listener waits for the request a short time
 * only, if at all (see shm_listener.h); so who came too late, now that the
 * segment is there, tries again.
 */
static enum status ask_patiently(struct transport_conn *c, struct call *call,
	const struct addr *remote, const struct shm_request *request)
{
	enum status st = ask(c, call, request);

	for (int i = 0; i < TRIES && st == ST_CLOSED; i++) {
		st = call_listener(remote, call);
		if (st == ST_OK)
			st = ask(c, call, request);
	}
	return st == ST_CLOSED ? ST_NOTFOUND : st;
}

static enum status check_addresses(const struct addr *local,
	const struct addr *remote)
{
	if (local->port == 0)
		return ST_INVAL;
	if (remote->port == 0 || addr_is_any(remote) ||
	    !os_address_is_local(remote))
		return ST_NOTFOUND;
	if (addr_is_any(local) || !os_address_is_local(local))
		return ST_NOTLOCAL;
	return ST_OK;
}

enum status shm_connect(const struct addr *local, const struct addr *remote,
	const void *private_data, uint32_t private_len,
	struct transport_conn **out)
{
	struct shm_request request;
	struct transport_conn *c;
	struct call call;
	enum status st;

	if (private_len > SHM_PRIVATE_MAX)
		return ST_INVAL;
	st = check_addresses(local, remote);
	if (st == ST_OK)
		st = call_listener(remote, &call);
	if (st != ST_OK)
		return st;
	st = conn_create(&c);
	if (st != ST_OK) {
		os_handle_close(call.link);
		return st;
	}
	request_write(&request, local, remote, private_data, private_len);
	st = ask_patiently(c, &call, remote, &request);
	if (st != ST_OK) {
		shm_conn_free(c);
		return st;
	}
	*out = c;
	return ST_OK;
}
