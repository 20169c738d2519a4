/* SPDX-License-Identifier: MIT */
#include "transport/fabric/fab_wire.h"

#include <string.h>

#include "base/cursor.h"
#include "transport/transport.h"

/* ---- connection data ------------------------------------------------- */

static void begin(struct cursor *c)
{
	cursor_put(c, 4, FAB_MAGIC);
	cursor_put(c, 1, FAB_VERSION);
}

static bool begins(struct cursor *c)
{
	uint64_t magic = cursor_get(c, 4), version = cursor_get(c, 1);

	return !c->bad && magic == FAB_MAGIC && version == FAB_VERSION;
}

static struct cursor reading(const void *data, size_t len)
{
	return cursor_over((void *)(uintptr_t)data, len);
}

void fab_greeting_put(const struct fab_greeting *g, uint8_t *out)
{
	struct cursor c = cursor_over(out, FAB_GREETING_LEN);

	begin(&c);
	cursor_put(&c, 1, g->to.family);
	cursor_put(&c, 2, g->slots);
	cursor_put(&c, 2, 0);
	cursor_put(&c, 2, g->from.port);
	cursor_put(&c, 2, g->to.port);
	cursor_put_bytes(&c, g->from.ip, sizeof g->from.ip);
	cursor_put_bytes(&c, g->to.ip, sizeof g->to.ip);
}

/* One address of a greeting: of this family, no wildcard, with a port. */
static bool is_plain(struct addr *a, uint8_t family)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool v4 = memcmp(a->ip, mapped, sizeof mapped) == 0;

	a->family = family;
	a->scope = 0;
	a->pad = 0;
	return (family == 4 || family == 6) && v4 == (family == 4) &&
		a->port != 0 && !addr_is_any(a);
}

bool fab_greeting_get(const void *data, size_t len, struct fab_greeting *out)
{
	struct cursor c = reading(data, len);
	uint8_t family;

	if (!begins(&c))
		return false;
	family = (uint8_t)cursor_get(&c, 1);
	out->slots = (uint16_t)cursor_get(&c, 2);
	if (cursor_get(&c, 2) != 0)
		return false;
	out->from.port = (uint16_t)cursor_get(&c, 2);
	out->to.port = (uint16_t)cursor_get(&c, 2);
	cursor_get_bytes(&c, out->from.ip, sizeof out->from.ip);
	cursor_get_bytes(&c, out->to.ip, sizeof out->to.ip);
	return !c.bad && out->slots >= FAB_EXTRA &&
		is_plain(&out->from, family) && is_plain(&out->to, family);
}

void fab_answer_put(uint16_t slots, uint8_t *out)
{
	struct cursor c = cursor_over(out, FAB_ANSWER_LEN);

	begin(&c);
	cursor_put(&c, 1, 0);
	cursor_put(&c, 2, slots);
	cursor_put(&c, 4, 0);
}

bool fab_answer_get(const void *data, size_t len, uint16_t *slots)
{
	struct cursor c = reading(data, len);

	if (!begins(&c) || cursor_get(&c, 1) != 0)
		return false;
	*slots = (uint16_t)cursor_get(&c, 2);
	return !c.bad && *slots >= FAB_EXTRA;
}

void fab_reason_put(enum fab_reason why, uint8_t *out)
{
	struct cursor c = cursor_over(out, FAB_REASON_LEN);

	begin(&c);
	cursor_put(&c, 1, why);
}

int fab_reason_get(const void *data, size_t len)
{
	struct cursor c = reading(data, len);
	uint64_t why;

	if (!begins(&c))
		return 0;
	why = cursor_get(&c, 1);
	return why >= FAB_NOT_HERE && why <= FAB_RESOURCES ? (int)why : 0;
}

/* ---- messages -------------------------------------------------------- */

void fab_head_put(const struct fab_head *h, uint8_t *out)
{
	struct cursor c = cursor_over(out, FAB_HEAD_LEN);

	cursor_put(&c, 1, h->kind);
	cursor_put(&c, 1, h->detail);
	cursor_put(&c, 2, h->credits);
	cursor_put(&c, 4, h->len);
}

static bool fits(const struct fab_head *h)
{
	switch (h->kind) {
	case FAB_DATA:
		return h->detail == 0 && h->len <= FAB_MESSAGE_MAX;
	case FAB_CREDIT:
	case FAB_ACCEPTED:
	case FAB_BYE:
		return h->detail == 0 && h->len == 0;
	case FAB_REFUSED:
		return h->detail >= REFUSE_REJECTED &&
			h->detail <= REFUSE_CLOSING && h->len == 0;
	default:
		return false;
	}
}

bool fab_head_get(const uint8_t *in, size_t whole, struct fab_head *out)
{
	struct cursor c = reading(in, whole);

	out->kind = (uint8_t)cursor_get(&c, 1);
	out->detail = (uint8_t)cursor_get(&c, 1);
	out->credits = (uint16_t)cursor_get(&c, 2);
	out->len = (uint32_t)cursor_get(&c, 4);
	return !c.bad && out->len == cursor_left(&c) && fits(out);
}
