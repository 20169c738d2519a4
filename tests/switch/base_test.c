/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "base/sockaddr.h"
#include "base/status.h"
#include "switch_test.h"

static struct addr six(const uint8_t ip[16], uint16_t port, uint32_t scope)
{
	struct addr a = {.family = 6, .port = port, .scope = scope};

	memcpy(a.ip, ip, 16);
	return a;
}

static void addresses_print_as_people_write_them(void)
{
	static const uint8_t one[16] = {[15] = 1};
	static const uint8_t doc[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x42};
	static const uint8_t full[16] = {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0,
		7, 0, 8};
	static const uint8_t two_runs[16] = {0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0,
		0, 0, 0, 8};
	static const uint8_t link[16] = {0xfe, 0x80, [15] = 1};
	char text[ADDR_TEXT_MAX];
	struct addr a = addr_v4(127, 0, 0, 1, 80);

	CHECK(!strcmp(addr_text(&a, text), "127.0.0.1:80"));
	a = six(one, 443, 0);
	CHECK(!strcmp(addr_text(&a, text), "[::1]:443"));
	a = six(doc, 1, 0);
	CHECK(!strcmp(addr_text(&a, text), "[2001:db8::42]:1"));
	a = six(full, 1, 0);
	CHECK(!strcmp(addr_text(&a, text), "[1:2:3:4:5:6:7:8]:1"));
	a = six(two_runs, 1, 0);
	CHECK(!strcmp(addr_text(&a, text), "[1:0:0:4::8]:1"));
	a = six(link, 1, 3);
	CHECK(!strcmp(addr_text(&a, text), "[fe80::1%3]:1"));
	a = addr_any(6, 9);
	CHECK(!strcmp(addr_text(&a, text), "[::]:9"));
}

static void v4_mapped_addresses_are_ipv4(void)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
		.sin6_port = htons(80)};
	struct addr a, b = addr_v4(10, 0, 0, 7, 80);

	memcpy(&in6.sin6_addr, b.ip, 16);
	CHECK(addr_from_sockaddr((struct sockaddr *)&in6, sizeof in6, &a));
	CHECK(a.family == 4 && addr_equal(&a, &b));
}

static void sockaddr_round_trip_keeps_everything(void)
{
	static const uint8_t link[16] = {0xfe, 0x80, [15] = 1};
	struct addr in[] = {addr_v4(1, 2, 3, 4, 65535), addr_any(4, 1),
		addr_any(6, 2), six(link, 3, 7)};
	union sockaddr_any sa;
	struct addr out;

	for (unsigned i = 0; i < 4; i++) {
		int len = addr_to_sockaddr(&in[i], &sa);

		CHECK(addr_from_sockaddr(&sa.sa, len, &out));
		CHECK(addr_equal(&in[i], &out));
		CHECK(!addr_from_sockaddr(&sa.sa, 4, &out));
	}
	sa.sa.sa_family = AF_UNIX;
	CHECK(!addr_from_sockaddr(&sa.sa, sizeof sa, &out));
	CHECK(!addr_from_sockaddr(NULL, 0, &out));
}

static void a_sockaddr_is_cut_to_the_room_there_is(void)
{
	struct addr a = addr_v4(1, 2, 3, 4, 80);
	struct sockaddr_in whole = {.sin_family = AF_INET,
		.sin_port = htons(80), .sin_addr.s_addr = htonl(0x01020304)};
	union sockaddr_any got;

	CHECK(addr_put_sockaddr(&a, AF_INET, NULL, 0) == sizeof whole);
	memset(&got, 0x55, sizeof got);
	CHECK(addr_put_sockaddr(&a, AF_INET, &got.sa, 5) == sizeof whole);
	CHECK(!memcmp(&got, &whole, 5) && ((uint8_t *)&got)[5] == 0x55);
	CHECK(addr_put_sockaddr(&a, AF_INET, &got.sa, 99) == sizeof whole);
	CHECK(!memcmp(&got, &whole, sizeof whole));
	CHECK(((uint8_t *)&got)[sizeof whole] == 0x55);
	CHECK(addr_put_sockaddr(&a, AF_INET6, &got.sa, sizeof got) ==
		sizeof got.in6);
	CHECK(got.in6.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(
		&got.in6.sin6_addr));
}

static void a_subnet_has_what_begins_as_it_does(void)
{
	static const uint8_t doc[16] = {0x20, 0x01, 0x0d, 0xb8, 0x80, [15] = 1};
	static const uint8_t link[16] = {0xfe, 0x80, [15] = 1};
	struct addr a = addr_v4(10, 1, 2, 3, 80), net = addr_v4(10, 1, 2, 0, 0);
	struct addr six_a = six(doc, 1, 0), six_net = six(doc, 0, 0);
	struct addr all = addr_any(4, 0), scoped = six(link, 0, 3);

	CHECK(addr_in_subnet(&a, &net, 24) && addr_in_subnet(&a, &net, 30));
	CHECK(!addr_in_subnet(&a, &net, 31) && !addr_in_subnet(&a, &net, 32));
	CHECK(addr_in_subnet(&a, &all, 0) && addr_in_subnet(&a, &a, 32));
	CHECK(!addr_in_subnet(&a, &a, 33)); /* no such length */
	net = addr_v4(10, 1, 3, 0, 0);
	CHECK(addr_in_subnet(&a, &net, 23) && !addr_in_subnet(&a, &net, 24));
	six_net.ip[4] = 0;
	CHECK(addr_in_subnet(&six_a, &six_net, 32));
	CHECK(!addr_in_subnet(&six_a, &six_net, 33));
	CHECK(!addr_in_subnet(&six_a, &all, 0) &&
		!addr_in_subnet(&a, &six_net, 0));
	six_a = six(link, 1, 4);
	CHECK(!addr_in_subnet(&six_a, &scoped, 64));
	scoped.scope = 0;
	CHECK(addr_in_subnet(&six_a, &scoped, 64));
}

static void a_cursor_never_leaves_its_buffer(void)
{
	uint8_t buf[5] = {1, 2, 3, 4, 5};
	struct cursor c = cursor_over(buf, sizeof buf);

	CHECK(cursor_get(&c, 4) == 0x04030201);
	CHECK(cursor_get(&c, 2) == 0 && c.bad);
	CHECK(cursor_get(&c, 1) == 0 && c.bad);
	c = cursor_over(buf, sizeof buf);
	cursor_put(&c, 8, 99);
	CHECK(c.bad && buf[0] == 1);
}

static void every_status_has_a_name_and_a_text(void)
{
	for (int i = 0; i < ST_COUNT; i++) {
		CHECK(!strncmp(status_name((enum status)i), "ST_", 3));
		CHECK(status_text((enum status)i)[0]);
	}
	CHECK(!strcmp(status_name((enum status)999), "ST_?"));
}

const struct test base_tests[] = {
	{"addresses_print_as_people_write_them",
		addresses_print_as_people_write_them},
	{"v4_mapped_addresses_are_ipv4", v4_mapped_addresses_are_ipv4},
	{"sockaddr_round_trip_keeps_everything",
		sockaddr_round_trip_keeps_everything},
	{"a_sockaddr_is_cut_to_the_room_there_is",
		a_sockaddr_is_cut_to_the_room_there_is},
	{"a_subnet_has_what_begins_as_it_does",
		a_subnet_has_what_begins_as_it_does},
	{"a_cursor_never_leaves_its_buffer", a_cursor_never_leaves_its_buffer},
	{"every_status_has_a_name_and_a_text",
		every_status_has_a_name_and_a_text},
	{NULL, NULL}};
