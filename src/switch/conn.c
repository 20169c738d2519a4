/* SPDX-License-Identifier: MIT */
#include "switch/conn.h"

#include <stdlib.h>
#include <string.h>

#include "switch/registry.h"

static void shared_init(struct sw_shared *s, uint32_t peer_max)
{
	atomic_store(&s->sharers, 1);
	s->options.receive_timeout = OS_FOREVER;
	s->options.send_timeout = OS_FOREVER;
	s->options.receive_low_water = 1;
	s->peer_max_payload = peer_max;
	s->session_state = SESSION_START;
}

static void close_socket(struct sw_provider *p, SOCKET s)
{
	INT err;

	p->spi.lpWSPCloseSocket(s, &err);
}

static enum status open_lane(struct sw_conn *c)
{
	c->lane = sw_provider_uses_channel(c->provider) ? &lane_channel
							: &lane_overlapped;
	return c->lane->open(c);
}

enum status conn_create(struct sw_provider *p, SOCKET s,
	const WSDCHANNEL *channel, const struct addr *local,
	const struct addr *peer, struct sw_conn **out)
{
	struct sw_conn *c = calloc(1, sizeof *c);
	enum status st;

	if (!c) {
		close_socket(p, s);
		return ST_NOMEM;
	}
	c->provider = p;
	c->socket = s;
	if (channel)
		c->channel = *channel;
	c->local = *local;
	c->peer = *peer;
	c->handle = OS_NO_HANDLE;
	c->shared = slab_alloc(&c->slab);
	if (!c->shared) {
		close_socket(p, s);
		free(c);
		return ST_NOMEM;
	}
	shared_init(c->shared, SESSION_MIN_MESSAGE - SESSION_HEADER);
	st = open_lane(c);
	if (st != ST_OK) {
		slab_free(c->slab, c->shared, false);
		free(c);
		return st;
	}
	os_mutex_init(&c->sleep_lock);
	registry_add(c);
	*out = c;
	return ST_OK;
}

void conn_destroy(struct sw_conn *c, bool abandon)
{
	registry_remove(c);
	c->lane->close(c, abandon);
	if (c->aside)
		os_shared_free(c->aside, SW_ASIDE_BYTES);
	slab_free(c->slab, c->shared, conn_facts(c) & FACT_EVER_SHARED);
	os_mutex_fini(&c->sleep_lock);
	free(c);
}

enum status conn_send_hello(struct sw_conn *c)
{
	uint8_t message[SESSION_HELLO_MAX];
	struct session_hello hello = {
		.version_min = SESSION_VERSION,
		.version_max = SESSION_VERSION,
		.max_message = c->lane->max_receive(c),
		.credits = c->lane->credits(c),
		.features = c->provider->rdma_read ? SESSION_FEATURE_PULL : 0,
	};
	struct os_span span = {message, 0};

	span.len = session_put_hello(message, &hello);
	return c->lane->send(c, &span, 1, true);
}

os_handle sw_conn_handle(struct sw_conn *c)
{
	return c->handle;
}

void sw_conn_set_handle(struct sw_conn *c, os_handle h)
{
	c->handle = h;
	c->lane->set_handle(c, h);
}

bool sw_conn_is_private(struct sw_conn *c)
{
	return sw_provider_is_private(c->provider);
}

void sw_conn_local(struct sw_conn *c, struct addr *out)
{
	*out = c->local;
}

void sw_conn_peer(struct sw_conn *c, struct addr *out)
{
	*out = c->peer;
}

const char *sw_conn_san(struct sw_conn *c)
{
	return c->provider->name;
}

struct sw_options *sw_conn_options(struct sw_conn *c)
{
	return &c->shared->options;
}

void conn_peer_gone(struct sw_conn *c)
{
	enum status st = c->lane->check(c);

	if (st == ST_OK || st == ST_PENDING)
		return;
	if (st != ST_RESET) /* not by the peer's will */
		conn_set_fact(c, FACT_RESET);
	conn_set_fact(c, FACT_GONE);
}

void sw_peer_gone(struct sw_conn *c)
{
	conn_peer_gone(c);
}
