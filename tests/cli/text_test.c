/* SPDX-License-Identifier: MIT */
/*
 * text_test.c - what wsd reads and writes: GUIDs, UTF-16, addresses, catalog
 * entries, the messages of `wsd perf`; good ones, and ones made to hurt.
 */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "install/guid_text.h"
#include "install/utf16.h"
#include "perf_protocol.h"
#include "report.h"
#include "switch/catalog_entry.h"

/* ---- GUIDs ------------------------------------------------------------ */

static void guids(void)
{
	static const char text[] = "{8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294}";
	static const char *const bad[] = {"", "{}", "8c2e4b57",
		"{8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294",
		"8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294}",
		"{8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f29g}",
		"{8c2e4b57x9d13-4f6a-b1c8-5e0a7d36f294}",
		"{8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f2945}",
		"8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f2 4"};
	char again[GUID_TEXT_MAX];
	unsigned taken = 0;
	GUID id;

	report(guid_parse(text, &id) && id.Data1 == 0x8c2e4b57 &&
			id.Data4[7] == 0x94 &&
			strcmp(guid_text(&id, again), text) == 0,
		"a GUID is read and written");
	report(guid_parse("8C2E4B57-9D13-4F6A-B1C8-5E0A7D36F294", &id) &&
			strcmp(guid_text(&id, again), text) == 0,
		"... without braces, and in capitals");
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		taken += guid_parse(bad[i], &id);
	report(taken == 0, "what is no GUID is not taken");
}

/* ---- UTF-16 ----------------------------------------------------------- */

static bool survives(const char *text)
{
	WCHAR wide[64];
	char again[64];

	utf16_from_utf8(text, wide, 64);
	utf16_to_utf8(wide, 64, again, sizeof again);
	return strcmp(text, again) == 0;
}

static void utf16(void)
{
	static const WCHAR lonely[] = {'a', 0xd800, 'b', 0xdc00, 0};
	WCHAR wide[4];
	char text[32];

	report(survives("plain") && survives("\xc3\xa4\xe2\x82\xac") &&
			survives("\xf0\x9f\x98\x80!"),
		"text goes to UTF-16 and back");
	utf16_to_utf8(lonely, 5, text, sizeof text);
	report(strcmp(text, "a\xef\xbf\xbd" "b\xef\xbf\xbd") == 0,
		"half a pair becomes U+FFFD");
	report(utf16_from_utf8("\xff\xc3", wide, 4) == 2 && wide[0] == 0xfffd &&
			wide[1] == 0xfffd && wide[2] == 0,
		"bytes that are no UTF-8 become U+FFFD");
	report(utf16_from_utf8("abc\xf0\x9f\x98\x80", wide, 4) == 3,
		"a pair is not cut in two");
	report(utf16_to_utf8(lonely, 1, text, 2) == 1 && text[1] == '\0',
		"the end of the room is kept");
}

/* ---- addresses -------------------------------------------------------- */

static bool is_host(const char *text, const char *address)
{
	char got[ADDR_TEXT_MAX];
	struct addr a;

	return host_parse(text, &a) && strcmp(addr_text(&a, got), address) == 0;
}

static void hosts(void)
{
	static const char *const bad[] = {"", ":", ":80", "nosuch", "1.2.3",
		"1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:x",
		"1.2.3.4:123456", "[::1", "[::1]80", "[::1]:", "[]:80", "::g",
		"[1.2.3.4", "1.2.3.4 ", "localhost:70000"};
	unsigned taken = 0;
	struct addr a;
	char endless[500];

	report(is_host("127.0.0.1:80", "127.0.0.1:80") &&
			is_host("10.1.2.3", "10.1.2.3:7470") &&
			is_host("localhost", "127.0.0.1:7470"),
		"IPv4 addresses are read");
	report(is_host("::1", "[::1]:7470") && is_host("[::1]:9", "[::1]:9") &&
			is_host("[fe80::1]", "[fe80::1]:7470"),
		"IPv6 addresses are read");
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		taken += host_parse(bad[i], &a);
	memset(endless, '1', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	report(taken == 0 && !host_parse(endless, &a),
		"what is no address is not taken");
}

/* ---- catalog entries -------------------------------------------------- */

static bool parse(const char *content, struct sw_catalog_entry *e,
	struct sw_catalog_mistake *m)
{
	static char text[SW_ENTRY_MAX + 1];

	strcpy(text, content);
	return sw_catalog_entry_parse(text, strlen(text), e, m);
}

static bool is_wrong(const char *content, unsigned line)
{
	struct sw_catalog_mistake m;
	struct sw_catalog_entry e;

	return !parse(content, &e, &m) && m.line == line && m.expected;
}

static void entries(void)
{
	struct sw_catalog_mistake m;
	struct sw_catalog_entry e;
	char zero[] = "library = /x\0y";

	report(parse("# c\n\nlibrary = /a b/c.so # here\r\nid={1}\nmore = x\n"
		     "description =  D d ", &e, &m) &&
			strcmp(e.library, "/a b/c.so") == 0 &&
			strcmp(e.id, "{1}") == 0 &&
			strcmp(e.description, "D d") == 0,
		"an entry is read");
	report(parse("library=/x", &e, &m) && !e.id && !e.description,
		"... with nothing but the library");
	report(is_wrong("", 0) && is_wrong("id = {1}\n# only\n", 0),
		"one without a library is told");
	report(is_wrong("# c\nlibrary = lib.so\n", 2) &&
			is_wrong("library = /x\nwhat is this\n", 2),
		"the line of a mistake is told");
	report(!sw_catalog_entry_parse(zero, sizeof zero - 1, &e, &m),
		"what is no text is not taken");
}

/* ---- perf ------------------------------------------------------------- */

static bool comes_back(const struct perf_command *c)
{
	char buf[PERF_COMMAND_MAX];
	struct perf_command got;
	size_t len = perf_encode(c, buf);

	for (size_t cut = 0; cut < len; cut++)
		if (perf_decode(buf, cut, &got))
			return false;
	return perf_decode(buf, len, &got) && got.operation == c->operation &&
		got.size == c->size && got.count == c->count &&
		got.longest == c->longest &&
		got.exposed.len == c->exposed.len &&
		memcmp(got.exposed.descriptor, c->exposed.descriptor,
			c->exposed.len) == 0;
}

static bool is_refused(struct perf_command c)
{
	char buf[PERF_COMMAND_MAX];
	struct perf_command got;

	return !perf_decode(buf, perf_encode(&c, buf), &got);
}

static void commands(void)
{
	struct perf_command hello = {.operation = PERF_HELLO, .longest = 65536,
		.exposed = {24, "a descriptor of 24 bytes"}};
	struct perf_command echo = {.operation = PERF_ECHO, .size = 8,
		.count = 7};
	struct perf_command odd = echo;

	report(comes_back(&hello) && comes_back(&echo),
		"commands come back, and cut ones do not");
	odd.operation = (enum perf_operation)9;
	report(is_refused(odd), "an unknown command is refused");
	odd = echo;
	odd.size = PERF_SIZE_MAX + 1;
	report(is_refused(odd), "a transfer that is too long is refused");
	odd.size = 0;
	report(is_refused(odd), "a transfer of nothing is refused");
	odd = hello;
	odd.longest = 1;
	report(is_refused(odd), "messages that are too short are refused");
}

static void random_commands(void)
{
	char buf[PERF_COMMAND_MAX];
	struct perf_command got;
	bool sane = true;

	srand(1);
	for (int i = 0; i < 200000; i++) {
		struct perf_command c = {.operation = PERF_HELLO,
			.longest = PERF_PIECE_MAX};
		size_t len = perf_encode(&c, buf);

		buf[(unsigned)rand() % len] = (char)rand();
		len = (unsigned)rand() % sizeof buf;
		if (!perf_decode(buf, len, &got))
			continue;
		sane = sane && got.exposed.len <= LINK_DESCRIPTOR_MAX;
		if (got.operation == PERF_ECHO || got.operation == PERF_SINK)
			sane = sane && got.size <= PERF_SIZE_MAX;
	}
	report(sane, "commands with a byte changed stay within bounds");
}

static void pieces(void)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < perf_pieces(1000, 300); i++)
		sum += perf_piece(1000, 300, i);
	report(sum == 1000 && perf_pieces(1000, 300) == 4 &&
			perf_pieces(600, 300) == 2 &&
			perf_piece(600, 300, 1) == 300,
		"the pieces of a transfer are all of it");
}

int main(void)
{
	guids();
	utf16();
	hosts();
	entries();
	commands();
	random_commands();
	pieces();
	return report_end();
}
