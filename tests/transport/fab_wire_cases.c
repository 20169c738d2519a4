/* SPDX-License-Identifier: MIT */
/* The fabric transport's bytes on the wire, and its rule for ports. */
#include <string.h>

#include "pair.h"
#include "transport/fabric/fab_port.h"
#include "transport/fabric/fab_rdma.h"
#include "transport/fabric/fab_wire.h"

enum { ROUNDS = 200000, ROOM = 64 };

static void random_bytes(uint8_t *to, size_t len, uint32_t *state)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(random_next(state) >> 5);
}

/* ---- greetings ------------------------------------------------------- */

static struct fab_greeting some_greeting(uint8_t family)
{
	struct fab_greeting g = {
		.from = addr_v4(10, 1, 2, 3, 45678),
		.to = addr_v4(192, 168, 255, 1, 80),
		.slots = FAB_SLOTS,
	};

	if (family == 6) {
		g.from = addr_any(6, 45678);
		g.to = addr_any(6, 80);
		memset(g.from.ip, 0x21, sizeof g.from.ip);
		memset(g.to.ip, 0xfe, sizeof g.to.ip);
	}
	return g;
}

static void greeting_comes_back(uint8_t family)
{
	struct fab_greeting g = some_greeting(family), got;
	uint8_t bytes[FAB_GREETING_LEN + 8] = {0};

	memset(&got, 0xee, sizeof got);
	fab_greeting_put(&g, bytes);
	CHECK(fab_greeting_get(bytes, FAB_GREETING_LEN, &got));
	CHECK(addr_equal(&got.from, &g.from));
	CHECK(addr_equal(&got.to, &g.to));
	CHECK_EQ(got.from.family, family);
	CHECK_EQ(got.to.scope, 0);
	CHECK_EQ(got.slots, FAB_SLOTS);
	/* libfabric may pad it */
	CHECK(fab_greeting_get(bytes, sizeof bytes, &got));
	for (size_t len = 0; len < FAB_GREETING_LEN; len++)
		CHECK(!fab_greeting_get(bytes, len, &got));
}

CASE(fabric_greetings_come_back_and_every_truncation_is_refused)
{
	greeting_comes_back(4);
	greeting_comes_back(6);
}

CASE(fabric_greetings_begin_as_documented)
{
	static const uint8_t begin[] = {'W', 'S', 'D', 'F', FAB_VERSION, 4,
		FAB_SLOTS, 0, 0, 0, 0x6e, 0xb2, 80, 0};
	struct fab_greeting g = some_greeting(4);
	uint8_t bytes[FAB_GREETING_LEN];

	fab_greeting_put(&g, bytes);
	CHECK_BYTES(bytes, begin, sizeof begin);
	CHECK_BYTES(bytes + sizeof begin, g.from.ip, 16);
	CHECK_BYTES(bytes + sizeof begin + 16, g.to.ip, 16);
}

/* What is taken from these bytes is what they say, or nothing. */
static bool greeting_is_refused_or_true(const uint8_t *bytes, size_t len)
{
	uint8_t again[FAB_GREETING_LEN];
	struct fab_greeting g;

	if (!fab_greeting_get(bytes, len, &g))
		return false;
	CHECK(len >= FAB_GREETING_LEN);
	CHECK(g.from.port && g.to.port && g.slots);
	CHECK(!addr_is_any(&g.from) && !addr_is_any(&g.to));
	fab_greeting_put(&g, again);
	CHECK_BYTES(again, bytes, sizeof again);
	return true;
}

CASE(fabric_greetings_of_random_bytes_are_refused_or_say_what_is_taken)
{
	uint8_t good[FAB_GREETING_LEN], bytes[ROOM];
	struct fab_greeting g = some_greeting(4);
	uint32_t state = 1, taken = 0;

	fab_greeting_put(&g, good);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		size_t len = random_next(&state) % ROOM;

		random_bytes(bytes, sizeof bytes, &state);
		greeting_is_refused_or_true(bytes, len);
		memcpy(bytes, good, sizeof good);
		bytes[random_next(&state) % sizeof good] ^=
			(uint8_t)(1 + random_next(&state) % 255);
		taken += greeting_is_refused_or_true(bytes, sizeof good);
	}
	CHECK(taken > 0 && taken < ROUNDS);
}

static void changed_is_refused(size_t at, uint8_t value, uint8_t family)
{
	struct fab_greeting g = some_greeting(family), got;
	uint8_t bytes[FAB_GREETING_LEN];

	fab_greeting_put(&g, bytes);
	bytes[at] = value;
	CHECK(!fab_greeting_get(bytes, sizeof bytes, &got));
}

CASE(fabric_greetings_of_another_version_or_kind_are_refused)
{
	changed_is_refused(0, 'w', 4);
	changed_is_refused(3, 'f', 4);
	changed_is_refused(4, 0, 4);
	changed_is_refused(4, FAB_VERSION + 1, 4);
	changed_is_refused(5, 0, 4);
	changed_is_refused(5, 6, 4); /* IPv4 addresses */
	changed_is_refused(5, 4, 6);
	changed_is_refused(6, FAB_EXTRA - 1, 4);
	changed_is_refused(8, 1, 4); /* must be 0 */
}

CASE(fabric_greetings_of_wildcards_and_without_ports_are_refused)
{
	struct fab_greeting bad[6], got;
	uint8_t bytes[FAB_GREETING_LEN];

	for (unsigned i = 0; i < 6; i++)
		bad[i] = some_greeting(i < 4 ? 4 : 6);
	bad[0].from.port = 0;
	bad[1].to.port = 0;
	bad[2].from = addr_any(4, 1);
	bad[3].to = addr_any(4, 1);
	bad[4].from = addr_any(6, 1);
	bad[5].to = addr_any(6, 1);
	for (unsigned i = 0; i < 6; i++) {
		fab_greeting_put(&bad[i], bytes);
		CHECK(!fab_greeting_get(bytes, sizeof bytes, &got));
	}
}

/* ---- answers and reasons --------------------------------------------- */

CASE(fabric_answers_come_back_and_what_is_none_is_refused)
{
	uint8_t bytes[FAB_ANSWER_LEN];
	uint32_t state = 2;
	uint16_t slots = 0;

	fab_answer_put(1234, bytes);
	CHECK(fab_answer_get(bytes, sizeof bytes, &slots));
	CHECK_EQ(slots, 1234);
	for (size_t len = 0; len < 8; len++)
		CHECK(!fab_answer_get(bytes, len, &slots));
	for (size_t i = 0; i < 6; i++) {
		bytes[i] ^= 0x10;
		CHECK(!fab_answer_get(bytes, sizeof bytes, &slots));
		bytes[i] ^= 0x10;
	}
	fab_answer_put(FAB_EXTRA - 1, bytes);
	CHECK(!fab_answer_get(bytes, sizeof bytes, &slots));
	for (uint32_t i = 0; i < ROUNDS; i++) {
		random_bytes(bytes + 4, sizeof bytes - 4, &state);
		if (fab_answer_get(bytes, sizeof bytes, &slots)) {
			CHECK_EQ(bytes[4], FAB_VERSION);
			CHECK_EQ(slots, bytes[6] | bytes[7] << 8);
			CHECK(slots >= FAB_EXTRA);
		}
	}
}

CASE(fabric_reasons_come_back_and_what_is_none_is_0)
{
	uint8_t bytes[FAB_REASON_LEN];

	for (int why = FAB_NOT_HERE; why <= FAB_RESOURCES; why++) {
		fab_reason_put((enum fab_reason)why, bytes);
		CHECK_EQ(fab_reason_get(bytes, sizeof bytes), why);
		for (size_t len = 0; len < sizeof bytes; len++)
			CHECK_EQ(fab_reason_get(bytes, len), 0);
		for (size_t i = 0; i < 5; i++) {
			bytes[i] ^= 1;
			CHECK_EQ(fab_reason_get(bytes, sizeof bytes), 0);
			bytes[i] ^= 1;
		}
	}
	bytes[5] = 0;
	CHECK_EQ(fab_reason_get(bytes, sizeof bytes), 0);
	bytes[5] = FAB_RESOURCES + 1;
	CHECK_EQ(fab_reason_get(bytes, sizeof bytes), 0);
	CHECK_EQ(fab_reason_get(NULL, 0), 0);
}

/* ---- heads ----------------------------------------------------------- */

CASE(fabric_heads_come_back_and_only_with_all_their_bytes)
{
	static const struct fab_head heads[] = {
		{FAB_DATA, 0, 7, 0}, {FAB_DATA, 0, 0, 31},
		{FAB_CREDIT, 0, 65535, 0}, {FAB_ACCEPTED, 0, 1, 0},
		{FAB_REFUSED, REFUSE_REJECTED, 0, 0},
		{FAB_REFUSED, REFUSE_CLOSING, 0, 0}, {FAB_BYE, 0, 3, 0},
	};

	for (unsigned i = 0; i < sizeof heads / sizeof *heads; i++) {
		size_t whole = FAB_HEAD_LEN + heads[i].len;
		uint8_t bytes[ROOM] = {0};
		struct fab_head got;

		fab_head_put(&heads[i], bytes);
		CHECK(fab_head_get(bytes, whole, &got));
		CHECK_EQ(got.kind, heads[i].kind);
		CHECK_EQ(got.detail, heads[i].detail);
		CHECK_EQ(got.credits, heads[i].credits);
		CHECK_EQ(got.len, heads[i].len);
		for (size_t len = 0; len < ROOM; len++)
			CHECK_EQ(fab_head_get(bytes, len, &got), len == whole);
	}
}

CASE(fabric_heads_that_make_no_sense_are_refused)
{
	static const struct fab_head heads[] = {
		{0, 0, 0, 0}, {FAB_BYE + 1, 0, 0, 0}, {255, 0, 0, 0},
		{FAB_DATA, 1, 0, 0}, {FAB_CREDIT, 1, 0, 0},
		{FAB_BYE, 1, 0, 0}, {FAB_BYE, 0, 0, 1},
		{FAB_CREDIT, 0, 0, 1}, {FAB_ACCEPTED, 0, 0, 4},
		{FAB_REFUSED, 0, 0, 0},
		{FAB_REFUSED, REFUSE_CLOSING + 1, 0, 0},
		{FAB_REFUSED, REFUSE_REJECTED, 0, 2},
	};
	static uint8_t large[FAB_SLOT_BYTES];
	struct fab_head got, head = {FAB_DATA, 0, 0, FAB_MESSAGE_MAX};

	for (unsigned i = 0; i < sizeof heads / sizeof *heads; i++) {
		fab_head_put(&heads[i], large);
		CHECK(!fab_head_get(large, FAB_HEAD_LEN + heads[i].len, &got));
	}
	fab_head_put(&head, large);
	CHECK(fab_head_get(large, FAB_HEAD_LEN + head.len, &got));
	head.len++;
	fab_head_put(&head, large);
	CHECK(!fab_head_get(large, FAB_HEAD_LEN + head.len, &got));
}

CASE(fabric_heads_of_random_bytes_are_refused_or_say_what_is_taken)
{
	uint8_t bytes[ROOM], again[FAB_HEAD_LEN];
	uint32_t state = 3, taken = 0;
	struct fab_head h;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		size_t len = random_next(&state) % ROOM;

		random_bytes(bytes, sizeof bytes, &state);
		if (i % 2) { /* nearly right */
			bytes[0] %= FAB_BYE + 2;
			bytes[1] %= REFUSE_CLOSING + 2;
			memset(bytes + 4, 0, 4);
			bytes[4] = (uint8_t)(len - FAB_HEAD_LEN);
		}
		if (!fab_head_get(bytes, len, &h))
			continue;
		taken++;
		fab_head_put(&h, again);
		CHECK_BYTES(again, bytes, sizeof again);
		CHECK_EQ(h.len, len - FAB_HEAD_LEN);
	}
	CHECK(taken > 0);
}

/* ---- descriptors of memory ------------------------------------------- */

CASE(fabric_descriptors_come_back_and_every_slip_is_noticed)
{
	struct fab_descriptor d = {.key = 0x1122334455667788, .base = 4096,
		.len = 1 << 20, .rights = 3, .nonce = 99}, got;
	uint8_t bytes[FAB_DESCRIPTOR_LEN];

	fab_descriptor_put(&d, bytes);
	CHECK(fab_descriptor_get(bytes, sizeof bytes, &got));
	CHECK(got.key == d.key && got.base == d.base && got.len == d.len &&
		got.rights == d.rights && got.nonce == d.nonce);
	for (uint32_t len = 0; len < sizeof bytes; len++)
		CHECK(!fab_descriptor_get(bytes, len, &got));
	for (unsigned bit = 0; bit < 8 * sizeof bytes; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(!fab_descriptor_get(bytes, sizeof bytes, &got));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	d.base = UINT64_MAX - d.len + 1; /* beyond the end of memory */
	fab_descriptor_put(&d, bytes);
	CHECK(!fab_descriptor_get(bytes, sizeof bytes, &got));
}

/* ---- ports ----------------------------------------------------------- */

CASE(fabric_services_are_four_different_ones_in_the_range)
{
	for (uint32_t port = 0; port < 65536; port++)
		for (unsigned i = 0; i < FAB_SERVICE_CHOICES; i++) {
			uint16_t s = fab_service((uint16_t)port, i);

			CHECK(s >= 61000 && s <= 65499);
			for (unsigned k = 0; k < i; k++)
				CHECK(s != fab_service((uint16_t)port, k));
		}
}

CASE(fabric_services_of_known_ports_are_the_documented_ones)
{
	static const uint16_t known[][1 + FAB_SERVICE_CHOICES] = {
		{80, 61080, 62205, 63330, 64455},
		{4499, 65499, 62124, 63249, 64374},
		{4500, 61000, 62125, 63250, 64375},
		{6379, 62879, 64004, 65129, 61754},
		{65535, 63535, 64660, 61285, 62410},
	};

	for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
		for (unsigned k = 0; k < FAB_SERVICE_CHOICES; k++)
			CHECK_EQ(fab_service(known[i][0], k), known[i][k + 1]);
}
