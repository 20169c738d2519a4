/* SPDX-License-Identifier: MIT */
/*
 * fab_wire.h - what two fabric transports say to each other; all numbers are
 * little-endian.
 *
 * Connection data. A request carries a greeting, an acceptance an answer, a
 * rejection a reason; docs/fabric.md has the bytes. A greeting fits into what
 * verbs leaves of a connection manager's message (55 bytes).
 *
 * Messages. Each is one libfabric message: a head of 8 bytes, then the bytes.
 * A side may have as many on their way as the other has buffers for: it begins
 * with what the greeting or answer said, and gets one back (`credits` of any
 * head) for each message that has been dealt with. CREDIT and BYE cost none; a
 * receiver keeps FAB_EXTRA buffers for those.
 *
 * The end. Who closes says BYE and keeps the wire until the other side, which
 * has everything then, lets go of it: TCP throws away what it has not sent yet
 * when something arrives for a socket that is closed. REFUSED is a BYE, too.
 */
#ifndef WSD_TRANSPORT_FAB_WIRE_H
#define WSD_TRANSPORT_FAB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum {
	FAB_MAGIC = 0x46445357,
	FAB_VERSION = 1,
	FAB_GREETING_LEN = 46,
	FAB_ANSWER_LEN = 12,
	FAB_REASON_LEN = 6,
	FAB_HEAD_LEN = 8,

	FAB_MESSAGE_MAX = 65536 + 64, /* 64 KiB and what the switch puts before */
	FAB_SLOT_BYTES = 65536 + 128, /* a head and a message */
	FAB_SLOTS = 68,               /* credits that each side gives at first */
	FAB_EXTRA = 4,                /* see above */
};

struct fab_greeting {
	struct addr from; /* as the program on the other side is told */
	struct addr to;   /* what the client asked for: address, TCP port */
	uint16_t slots;
};

/* out[FAB_GREETING_LEN]. */
void fab_greeting_put(const struct fab_greeting *g, uint8_t *out);
/* False: no greeting of this version, or one that says what cannot be. */
bool fab_greeting_get(const void *data, size_t len, struct fab_greeting *out);

/* out[FAB_ANSWER_LEN]. */
void fab_answer_put(uint16_t slots, uint8_t *out);
bool fab_answer_get(const void *data, size_t len, uint16_t *slots);

enum fab_reason {
	FAB_NOT_HERE = 1, /* another port is served here */
	FAB_BACKLOG,
	FAB_STRANGER,     /* the greeting makes no sense */
	FAB_RESOURCES,
};

/* out[FAB_REASON_LEN]. */
void fab_reason_put(enum fab_reason why, uint8_t *out);
/* 0: it is none of ours. */
int fab_reason_get(const void *data, size_t len);

enum fab_kind {
	FAB_DATA = 1,
	FAB_CREDIT,   /* nothing but credits */
	FAB_ACCEPTED, /* the application has taken the request */
	FAB_REFUSED,  /* detail: enum transport_refusal */
	FAB_BYE,      /* nothing comes after this */
};

struct fab_head {
	uint8_t kind;
	uint8_t detail;
	uint16_t credits;
	uint32_t len; /* bytes that follow */
};

void fab_head_put(const struct fab_head *h, uint8_t *out);
/* False: `whole` bytes cannot be such a message. */
bool fab_head_get(const uint8_t *in, size_t whole, struct fab_head *out);

#endif
