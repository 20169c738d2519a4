/* SPDX-License-Identifier: MIT */
/*
 * session.h - the session protocol between two switches: messages and states.
 *
 * docs/session-protocol.md describes the same bytes without this code. This
 * module only encodes, decodes and decides what a message means in a state; it
 * does no input or output and links alone.
 */
#ifndef WSD_SWITCH_SESSION_H
#define WSD_SWITCH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_VERSION 1
#define SESSION_MAGIC 0x44535758u /* "XWSD" in memory */

/* Bytes before the payload of every message. */
#define SESSION_HEADER 16
/* Every receiver takes messages of this many bytes, header included. Until the
 * peer's hello has come nothing longer may be sent. */
#define SESSION_MIN_MESSAGE 4096
/* Longest hello, header included. */
#define SESSION_HELLO_MAX 256
/* Bytes of an RDMA descriptor that an offer can carry. */
#define SESSION_DESCRIPTOR_MAX 64
/* "As many as you like": the provider itself holds back a fast sender. */
#define SESSION_CREDITS_UNLIMITED 0xFFFFu

enum session_type {
	SESSION_HELLO,  /* who I am; first message in each direction */
	SESSION_DATA,   /* bytes of the stream */
	SESSION_CREDIT, /* nothing but the credits in the header */
	SESSION_READY,  /* a receiver waits for `length` bytes from `sequence` on */
	SESSION_OFFER,  /* `length` bytes from `sequence` on are exposed for RDMA */
	SESSION_DONE,   /* `length` bytes of the offer at `sequence` are taken */
	SESSION_URGENT, /* one urgent byte at `sequence` */
	SESSION_FIN,    /* no more bytes follow `sequence` */
	SESSION_RESET,  /* the stream is aborted */
	SESSION_TYPES
};

struct session_header {
	uint8_t type;
	uint8_t flags;    /* 0 */
	uint16_t credits; /* messages that may be sent in addition */
	uint32_t length;
	uint64_t sequence; /* offset in the stream of the first byte */
};

struct session_hello {
	uint16_t version_min, version_max;
	uint32_t max_message; /* longest message the sender of this accepts */
	uint16_t credits;     /* receives posted, or SESSION_CREDITS_UNLIMITED */
	uint16_t features;    /* SESSION_FEATURE_... */
};

#define SESSION_FEATURE_PULL 0x1u /* can take offers with RDMA read */

struct session_offer {
	uint32_t descriptor_len;
	uint8_t descriptor[SESSION_DESCRIPTOR_MAX];
};

void session_put_header(uint8_t out[SESSION_HEADER],
	const struct session_header *h);
/* False when len is too short, the type is unknown, a reserved bit is set, or
 * length does not fit the type and len. Reads only the first 16 bytes. */
bool session_get_header(const uint8_t *in, size_t len,
	struct session_header *out);

/* Whole messages. put returns the bytes written. */
size_t session_put_hello(uint8_t out[SESSION_HELLO_MAX],
	const struct session_hello *h);
bool session_get_hello(const uint8_t *in, size_t len,
	struct session_hello *out);
size_t session_put_offer(uint8_t *out, size_t room, uint64_t sequence,
	uint32_t length, const struct session_offer *o);
bool session_get_offer(const uint8_t *in, size_t len,
	struct session_offer *out);

/* Where the incoming half of a session stands. */
enum session_state {
	SESSION_START, /* nothing received yet */
	SESSION_OPEN,  /* hello received */
	SESSION_ENDED, /* fin received */
	SESSION_DEAD,  /* reset received, or the peer broke the protocol */
	SESSION_STATES
};

/* What to do with a message. */
enum session_action {
	DO_HELLO,   /* take over the peer's parameters; to OPEN */
	DO_DELIVER, /* stream bytes, urgent byte: to the program */
	DO_GRANT,   /* credits only */
	DO_READY,   /* remember that the peer waits */
	DO_OFFER,   /* pull it */
	DO_DONE,    /* end of my offer */
	DO_FIN,     /* to ENDED */
	DO_RESET,   /* to DEAD */
	DO_IGNORE,  /* drop it */
	DO_FAIL,    /* the peer broke the protocol; to DEAD */
};

enum session_action session_decide(enum session_state state,
	enum session_type type);

#endif
