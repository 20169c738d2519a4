/* SPDX-License-Identifier: MIT */
#include "switch/session.h"

#include <string.h>

#include "base/cursor.h"
#include "base/le.h"

#define HELLO_BYTES (SESSION_HEADER + 16)

/*
 * Every cell says what a message means in a state. After FIN the peer still
 * answers offers, grants credits and announces that it waits: that is the other
 * half of the connection. A dead session drops whatever was on its way.
 */
static const uint8_t actions[SESSION_STATES][SESSION_TYPES] = {
	[SESSION_START] = {
		[SESSION_HELLO] = DO_HELLO,
		[SESSION_DATA] = DO_FAIL,
		[SESSION_CREDIT] = DO_FAIL,
		[SESSION_READY] = DO_FAIL,
		[SESSION_OFFER] = DO_FAIL,
		[SESSION_DONE] = DO_FAIL,
		[SESSION_URGENT] = DO_FAIL,
		[SESSION_FIN] = DO_FAIL,
		[SESSION_RESET] = DO_RESET,
	},
	[SESSION_OPEN] = {
		[SESSION_HELLO] = DO_FAIL,
		[SESSION_DATA] = DO_DELIVER,
		[SESSION_CREDIT] = DO_GRANT,
		[SESSION_READY] = DO_READY,
		[SESSION_OFFER] = DO_OFFER,
		[SESSION_DONE] = DO_DONE,
		[SESSION_URGENT] = DO_DELIVER,
		[SESSION_FIN] = DO_FIN,
		[SESSION_RESET] = DO_RESET,
	},
	[SESSION_ENDED] = {
		[SESSION_HELLO] = DO_FAIL,
		[SESSION_DATA] = DO_FAIL,
		[SESSION_CREDIT] = DO_GRANT,
		[SESSION_READY] = DO_READY,
		[SESSION_OFFER] = DO_FAIL,
		[SESSION_DONE] = DO_DONE,
		[SESSION_URGENT] = DO_FAIL,
		[SESSION_FIN] = DO_FAIL,
		[SESSION_RESET] = DO_RESET,
	},
	[SESSION_DEAD] = {
		[SESSION_HELLO] = DO_IGNORE,
		[SESSION_DATA] = DO_IGNORE,
		[SESSION_CREDIT] = DO_IGNORE,
		[SESSION_READY] = DO_IGNORE,
		[SESSION_OFFER] = DO_IGNORE,
		[SESSION_DONE] = DO_IGNORE,
		[SESSION_URGENT] = DO_IGNORE,
		[SESSION_FIN] = DO_IGNORE,
		[SESSION_RESET] = DO_IGNORE,
	},
};

enum session_action session_decide(enum session_state state,
	enum session_type type)
{
	if ((unsigned)state >= SESSION_STATES || (unsigned)type >= SESSION_TYPES)
		return DO_FAIL;
	return actions[state][type];
}

void session_put_header(uint8_t out[SESSION_HEADER],
	const struct session_header *h)
{
	out[0] = h->type;
	out[1] = h->flags;
	le_put16(out + 2, h->credits);
	le_put32(out + 4, h->length);
	le_put64(out + 8, h->sequence);
}

/* Does `length` say how many payload bytes follow, or something else? */
static bool length_fits(const struct session_header *h, size_t payload)
{
	switch (h->type) {
	case SESSION_DATA:
		return h->length == payload && payload > 0;
	case SESSION_URGENT:
		return h->length == 1 && payload == 1;
	case SESSION_HELLO:
		return h->length == payload;
	case SESSION_OFFER:
		return h->length > 0;
	case SESSION_READY:
	case SESSION_DONE:
		return payload == 0;
	default:
		return h->length == 0 && payload == 0;
	}
}

bool session_get_header(const uint8_t *in, size_t len,
	struct session_header *out)
{
	uint8_t copy[SESSION_HEADER];
	struct session_header h;

	if (len < SESSION_HEADER)
		return false;
	memcpy(copy, in, sizeof copy);
	h.type = copy[0];
	h.flags = copy[1];
	h.credits = le_get16(copy + 2);
	h.length = le_get32(copy + 4);
	h.sequence = le_get64(copy + 8);
	if (h.type >= SESSION_TYPES || h.flags)
		return false;
	if (!length_fits(&h, len - SESSION_HEADER))
		return false;
	*out = h;
	return true;
}

size_t session_put_hello(uint8_t out[SESSION_HELLO_MAX],
	const struct session_hello *h)
{
	struct session_header head = {.type = SESSION_HELLO,
		.length = HELLO_BYTES - SESSION_HEADER};
	struct cursor c = cursor_over(out + SESSION_HEADER,
		HELLO_BYTES - SESSION_HEADER);

	session_put_header(out, &head);
	cursor_put(&c, 4, SESSION_MAGIC);
	cursor_put(&c, 2, h->version_min);
	cursor_put(&c, 2, h->version_max);
	cursor_put(&c, 4, h->max_message);
	cursor_put(&c, 2, h->credits);
	cursor_put(&c, 2, h->features);
	return HELLO_BYTES;
}

bool session_get_hello(const uint8_t *in, size_t len,
	struct session_hello *out)
{
	uint8_t copy[SESSION_HELLO_MAX];
	struct cursor c;
	struct session_hello h;
	uint32_t magic;

	/* Later versions may append to the hello. */
	if (len < HELLO_BYTES || len > sizeof copy)
		return false;
	memcpy(copy, in, len);
	c = cursor_over(copy + SESSION_HEADER, len - SESSION_HEADER);
	magic = (uint32_t)cursor_get(&c, 4);
	h.version_min = (uint16_t)cursor_get(&c, 2);
	h.version_max = (uint16_t)cursor_get(&c, 2);
	h.max_message = (uint32_t)cursor_get(&c, 4);
	h.credits = (uint16_t)cursor_get(&c, 2);
	h.features = (uint16_t)cursor_get(&c, 2);
	if (magic != SESSION_MAGIC || h.version_min > h.version_max ||
		h.max_message < SESSION_MIN_MESSAGE || h.credits == 0)
		return false;
	*out = h;
	return true;
}

size_t session_put_offer(uint8_t *out, size_t room, uint64_t sequence,
	uint32_t length, const struct session_offer *o)
{
	struct session_header head = {.type = SESSION_OFFER, .length = length,
		.sequence = sequence};
	size_t total = SESSION_HEADER + 4 + (size_t)o->descriptor_len;
	struct cursor c;

	if (o->descriptor_len > SESSION_DESCRIPTOR_MAX || total > room)
		return 0;
	session_put_header(out, &head);
	c = cursor_over(out + SESSION_HEADER, room - SESSION_HEADER);
	cursor_put(&c, 4, o->descriptor_len);
	cursor_put_bytes(&c, o->descriptor, o->descriptor_len);
	return total;
}

bool session_get_offer(const uint8_t *in, size_t len,
	struct session_offer *out)
{
	uint8_t copy[4 + SESSION_DESCRIPTOR_MAX];
	struct cursor c;
	struct session_offer o = {0};

	if (len < SESSION_HEADER + 4 || len > SESSION_HEADER + sizeof copy)
		return false;
	len -= SESSION_HEADER;
	memcpy(copy, in + SESSION_HEADER, len);
	c = cursor_over(copy, len);
	o.descriptor_len = (uint32_t)cursor_get(&c, 4);
	if (o.descriptor_len == 0 || o.descriptor_len != cursor_left(&c))
		return false;
	cursor_get_bytes(&c, o.descriptor, o.descriptor_len);
	*out = o;
	return true;
}
