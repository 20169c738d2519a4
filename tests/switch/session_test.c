/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "switch/session.h"
#include "switch_test.h"

/* docs/session-protocol.md, "States", written down a second time. */
static const char expected[SESSION_TYPES][SESSION_STATES + 1] = {
	[SESSION_HELLO] = "hffi",
	[SESSION_DATA] = "fdfi",
	[SESSION_CREDIT] = "fcci",
	[SESSION_READY] = "fnni",
	[SESSION_OFFER] = "fpfi",
	[SESSION_DONE] = "feei",
	[SESSION_URGENT] = "fdfi",
	[SESSION_FIN] = "fEfi",
	[SESSION_RESET] = "RRRi",
};

static char letter(enum session_action a)
{
	static const char letters[] = {[DO_HELLO] = 'h', [DO_DELIVER] = 'd',
		[DO_GRANT] = 'c', [DO_READY] = 'n', [DO_OFFER] = 'p',
		[DO_DONE] = 'e', [DO_FIN] = 'E', [DO_RESET] = 'R',
		[DO_IGNORE] = 'i', [DO_FAIL] = 'f'};

	return letters[a];
}

static void every_cell_of_the_state_table_is_as_documented(void)
{
	for (int t = 0; t < SESSION_TYPES; t++)
		for (int s = 0; s < SESSION_STATES; s++)
			CHECK(letter(session_decide((enum session_state)s,
				      (enum session_type)t)) == expected[t][s]);
	CHECK(session_decide(SESSION_STATES, SESSION_DATA) == DO_FAIL);
	CHECK(session_decide(SESSION_OPEN, SESSION_TYPES) == DO_FAIL);
}

static void the_header_has_the_documented_bytes(void)
{
	struct session_header h = {.type = SESSION_DONE, .credits = 0x0102,
		.length = 0x03040506, .sequence = 0x0708090a0b0c0d0eull};
	static const uint8_t want[] = {5, 0, 2, 1, 6, 5, 4, 3, 0xe, 0xd, 0xc,
		0xb, 0xa, 9, 8, 7};
	uint8_t raw[SESSION_HEADER];
	struct session_header back;

	session_put_header(raw, &h);
	CHECK(!memcmp(raw, want, sizeof raw));
	CHECK(session_get_header(raw, sizeof raw, &back));
	CHECK(back.type == h.type && back.credits == h.credits &&
		back.length == h.length && back.sequence == h.sequence);
}

static bool accepts(uint8_t type, uint8_t flags, uint32_t length, size_t len)
{
	uint8_t raw[64] = {0};
	struct session_header h = {.type = type, .flags = flags,
		.length = length};

	session_put_header(raw, &h);
	return session_get_header(raw, len, &h);
}

static void a_length_that_does_not_fit_is_refused(void)
{
	CHECK(accepts(SESSION_DATA, 0, 10, SESSION_HEADER + 10));
	CHECK(!accepts(SESSION_DATA, 0, 10, SESSION_HEADER + 9));
	CHECK(!accepts(SESSION_DATA, 0, 0, SESSION_HEADER));
	CHECK(!accepts(SESSION_DATA, 1, 10, SESSION_HEADER + 10));
	CHECK(!accepts(SESSION_DATA, 0, 10, SESSION_HEADER - 1));
	CHECK(!accepts(SESSION_FIN, 0, 0, SESSION_HEADER + 1));
	CHECK(!accepts(SESSION_FIN, 0, 1, SESSION_HEADER));
	CHECK(!accepts(SESSION_OFFER, 0, 0, SESSION_HEADER + 8));
	CHECK(!accepts(SESSION_URGENT, 0, 2, SESSION_HEADER + 2));
	CHECK(!accepts(SESSION_TYPES, 0, 0, SESSION_HEADER));
	CHECK(!accepts(255, 0, 0, SESSION_HEADER));
}

static void hello_round_trip_and_broken_hellos(void)
{
	struct session_hello h = {1, 3, 65536, 16, 1}, back;
	uint8_t raw[SESSION_HELLO_MAX];
	size_t len = session_put_hello(raw, &h);

	CHECK(len == 32 && session_get_hello(raw, len, &back));
	CHECK(back.version_min == 1 && back.version_max == 3 &&
		back.max_message == 65536 && back.credits == 16 &&
		back.features == 1);
	for (size_t n = 0; n < len; n++)
		CHECK(!session_get_hello(raw, n, &back));
	raw[16] ^= 1;
	CHECK(!session_get_hello(raw, len, &back));
	raw[16] ^= 1;
	h.max_message = SESSION_MIN_MESSAGE - 1;
	session_put_hello(raw, &h);
	CHECK(!session_get_hello(raw, len, &back));
	h.max_message = 65536;
	h.credits = 0;
	session_put_hello(raw, &h);
	CHECK(!session_get_hello(raw, len, &back));
	h.credits = 1;
	h.version_min = 4;
	session_put_hello(raw, &h);
	CHECK(!session_get_hello(raw, len, &back));
}

static void offer_round_trip_and_broken_offers(void)
{
	struct session_offer o = {.descriptor_len = 32}, back;
	uint8_t raw[SESSION_HEADER + 4 + SESSION_DESCRIPTOR_MAX];
	size_t len;

	memset(o.descriptor, 7, 32);
	len = session_put_offer(raw, sizeof raw, 5, 1000, &o);
	CHECK(len == SESSION_HEADER + 36);
	CHECK(session_get_offer(raw, len, &back));
	CHECK(back.descriptor_len == 32 && !memcmp(back.descriptor, o.descriptor,
						    32));
	CHECK(!session_get_offer(raw, len - 1, &back));
	raw[SESSION_HEADER] = 31;
	CHECK(!session_get_offer(raw, len, &back));
	raw[SESSION_HEADER + 3] = 0x80;
	CHECK(!session_get_offer(raw, len, &back));
	o.descriptor_len = SESSION_DESCRIPTOR_MAX + 1;
	CHECK(session_put_offer(raw, sizeof raw, 5, 1000, &o) == 0);
}

static void random_bytes_are_decoded_or_refused(void)
{
	uint8_t raw[SESSION_HELLO_MAX];
	struct session_header h;
	struct session_hello hello;
	struct session_offer offer;

	srand(1);
	for (int i = 0; i < 200000; i++) {
		size_t len = (size_t)rand() % (sizeof raw + 1);

		for (size_t k = 0; k < len; k++)
			raw[k] = (uint8_t)rand();
		if (session_get_header(raw, len, &h))
			CHECK(h.type < SESSION_TYPES && len >= SESSION_HEADER);
		session_get_hello(raw, len, &hello);
		if (session_get_offer(raw, len, &offer))
			CHECK(offer.descriptor_len <= SESSION_DESCRIPTOR_MAX);
	}
}

const struct test session_tests[] = {
	{"every_cell_of_the_state_table_is_as_documented",
		every_cell_of_the_state_table_is_as_documented},
	{"the_header_has_the_documented_bytes",
		the_header_has_the_documented_bytes},
	{"a_length_that_does_not_fit_is_refused",
		a_length_that_does_not_fit_is_refused},
	{"hello_round_trip_and_broken_hellos",
		hello_round_trip_and_broken_hellos},
	{"offer_round_trip_and_broken_offers",
		offer_round_trip_and_broken_offers},
	{"random_bytes_are_decoded_or_refused",
		random_bytes_are_decoded_or_refused},
	{NULL, NULL}};
