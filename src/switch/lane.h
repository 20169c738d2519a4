/* SPDX-License-Identifier: MIT */
/*
 * lane.h - how messages of a connection travel through the SPI.
 *
 * Two implementations: the channel extension (lane_channel.c), and plain
 * overlapped WSPSend and WSPRecv with posted receives and credits
 * (lane_overlapped.c), which needs nothing but the specification.
 *
 * send and release/peek are each serialised by the caller (send_lock and
 * receive_lock); the others are not. None blocks.
 */
#ifndef WSD_SWITCH_LANE_H
#define WSD_SWITCH_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "os/os.h"

struct sw_conn;

#define LANE_IN 0x1u
#define LANE_OUT 0x2u

/* Most spans of one message, its header included. */
#define LANE_SPANS 17

struct sw_lane_ops {
	/* Opens the lane of c->socket; fills c->handle. On failure the socket
	 * is closed. */
	enum status (*open)(struct sw_conn *c);
	/* One message. `control`: may use what is kept back for control messages.
	 * ST_AGAIN no room; ST_RESET over; ST_MSGSIZE. */
	enum status (*send)(struct sw_conn *c, const struct os_span *spans,
		unsigned count, bool control);
	/* The oldest message, until release. ST_AGAIN none; ST_RESET over. */
	enum status (*peek)(struct sw_conn *c, const uint8_t **data,
		uint32_t *len);
	void (*release)(struct sw_conn *c);
	/* Different after each arrival. */
	uint64_t (*arrivals)(struct sw_conn *c);
	/* ST_OK: armed, nothing there. ST_AGAIN: it is there already. */
	enum status (*arm)(struct sw_conn *c, unsigned interest);
	/* Would arm(LANE_OUT) say ST_AGAIN? Asks for nothing. */
	bool (*writable)(struct sw_conn *c);
	/* Takes doorbells away. ST_OK, ST_AGAIN none, ST_RESET peer gone. */
	enum status (*drain)(struct sw_conn *c, bool keep);
	/* ST_OK or ST_PENDING alive; else over. Asks the system. */
	enum status (*check)(struct sw_conn *c);
	void (*set_handle)(struct sw_conn *c, os_handle h);
	/* Closes the socket; abandon: the peer is not to be told. */
	void (*close)(struct sw_conn *c, bool abandon);
	/* Longest message this lane can send, and can receive. */
	uint32_t (*max_send)(struct sw_conn *c);
	uint32_t (*max_receive)(struct sw_conn *c);
	/* Receives that the peer may count on (SESSION_CREDITS_UNLIMITED). */
	uint16_t (*credits)(struct sw_conn *c);
	/* The peer's hello says that it has posted so many receives. */
	void (*set_credits)(struct sw_conn *c, uint16_t credits);
};

extern const struct sw_lane_ops lane_channel, lane_overlapped;

#endif
