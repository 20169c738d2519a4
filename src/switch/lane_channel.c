/* SPDX-License-Identifier: MIT */
/*
 * lane_channel.c - messages through the provider's channel extension: copied
 * once into the SAN, read in place on the other side. The SAN itself holds back
 * a fast sender, so credits are unlimited.
 */
#include "switch/conn.h"
#include "switch/gate.h"
#include "switch/wsa_status.h"

static void close_socket(struct sw_conn *c)
{
	INT err;

	gate_enter();
	c->provider->spi.lpWSPCloseSocket(c->socket, &err);
	gate_leave();
}

static enum status channel_open(struct sw_conn *c)
{
	INT err = 0;
	int failed;

	if (c->channel.lpContext) { /* open already */
		c->handle = (os_handle)c->channel.hWait;
		return ST_OK;
	}
	c->channel.cbSize = sizeof c->channel;
	gate_enter();
	failed = c->provider->open_channel(c->socket, &c->channel, &err);
	gate_leave();
	if (failed) {
		close_socket(c);
		return status_from_wsa(err);
	}
	c->handle = (os_handle)c->channel.hWait;
	return ST_OK;
}

static enum status channel_send(struct sw_conn *c, const struct os_span *spans,
	unsigned count, bool control)
{
	WSABUF bufs[LANE_SPANS];
	int code;

	for (unsigned i = 0; i < count; i++) {
		bufs[i].buf = spans[i].base;
		bufs[i].len = (ULONG)spans[i].len;
	}
	code = c->channel.Send(c->channel.lpContext, bufs, count,
		control ? WSD_SEND_RESERVE : 0);
	return code ? status_from_wsa(code) : ST_OK;
}

static enum status channel_peek(struct sw_conn *c, const uint8_t **data,
	uint32_t *len)
{
	WSABUF buf;
	int code = c->channel.Peek(c->channel.lpContext, &buf);

	if (code)
		return status_from_wsa(code);
	*data = (const uint8_t *)buf.buf;
	*len = buf.len;
	return ST_OK;
}

static void channel_release(struct sw_conn *c)
{
	c->channel.Release(c->channel.lpContext);
}

static uint64_t channel_arrivals(struct sw_conn *c)
{
	return c->channel.Arrivals(c->channel.lpContext);
}

static enum status channel_arm(struct sw_conn *c, unsigned interest)
{
	DWORD bits = (interest & LANE_IN ? WSD_IN : 0) |
		(interest & LANE_OUT ? WSD_OUT : 0);

	return c->channel.Arm(c->channel.lpContext, bits) ? ST_AGAIN : ST_OK;
}

static bool channel_writable(struct sw_conn *c)
{
	return c->channel.Writable(c->channel.lpContext);
}

static enum status channel_drain(struct sw_conn *c, bool keep)
{
	int code = c->channel.Drain(c->channel.lpContext, keep);
	enum status st = code ? status_from_wsa(code) : ST_OK;

	return st == ST_ABORTED ? ST_RESET : st;
}

static enum status channel_check(struct sw_conn *c)
{
	int code = c->channel.Status(c->channel.lpContext, TRUE);

	/* However long the other program takes to accept. If it has refused,
	 * the next message is the end. */
	if (code == WSAEWOULDBLOCK || code == WSAETIMEDOUT)
		return ST_PENDING;
	return code ? status_from_wsa(code) : ST_OK;
}

static void channel_set_handle(struct sw_conn *c, os_handle h)
{
	c->channel.SetWaitHandle(c->channel.lpContext, (WSDWAITHANDLE)h);
}

static void channel_close(struct sw_conn *c, bool abandon)
{
	INT err;

	if (abandon && c->provider->abandon)
		c->provider->abandon(c->socket, &err);
	close_socket(c);
}

static uint32_t channel_max(struct sw_conn *c)
{
	return c->channel.dwMaxMessage;
}

static uint16_t channel_credits(struct sw_conn *c)
{
	return SESSION_CREDITS_UNLIMITED;
}

/* A peer that posts receives is held back by the provider all the same. */
static void channel_set_credits(struct sw_conn *c, uint16_t credits)
{
}

const struct sw_lane_ops lane_channel = {
	.open = channel_open,
	.send = channel_send,
	.peek = channel_peek,
	.release = channel_release,
	.arrivals = channel_arrivals,
	.arm = channel_arm,
	.writable = channel_writable,
	.drain = channel_drain,
	.check = channel_check,
	.set_handle = channel_set_handle,
	.close = channel_close,
	.max_send = channel_max,
	.max_receive = channel_max,
	.credits = channel_credits,
	.set_credits = channel_set_credits,
};
