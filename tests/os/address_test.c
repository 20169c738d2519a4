/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>

#define LIST 256

static void the_host_has_addresses_and_they_are_its_own(void)
{
	struct addr list[LIST];
	unsigned n = LIST, few = 0;

	CHECK_ST(os_local_addresses(list, &n), ST_OK);
	CHECK(n > 0);
	CHECK_ST(os_local_addresses(list, &few), ST_FULL);
	CHECK(few == n);
	for (unsigned i = 0; i < n; i++) {
		char text[ADDR_TEXT_MAX];

		printf("# %s\n", addr_text(&list[i], text));
		CHECK(list[i].port == 0 && !addr_is_any(&list[i]));
		CHECK(os_address_is_local(&list[i]));
		for (unsigned j = 0; j < i; j++)
			CHECK(!addr_same_ip(&list[i], &list[j]));
	}
	CHECK(errno == 4242);
}

static void every_address_is_in_its_subnet(void)
{
	struct os_subnet list[LIST];
	struct addr own[LIST];
	unsigned n = LIST, few = 0, addresses = LIST, found = 0;

	CHECK_ST(os_local_subnets(list, &n), ST_OK);
	CHECK_ST(os_local_addresses(own, &addresses), ST_OK);
	CHECK_ST(os_local_subnets(list, &few), ST_FULL);
	CHECK(few == n && n >= addresses);
	for (unsigned i = 0; i < n; i++) {
		struct addr *a = &list[i].address;

		CHECK(a->port == 0);
		CHECK(list[i].prefix <= (a->family == 4 ? 32u : 128u));
		CHECK(addr_in_subnet(a, a, list[i].prefix));
		if (addr_is_loopback(a))
			CHECK(list[i].prefix == (a->family == 4 ? 8u : 128u));
		for (unsigned k = 0; k < addresses; k++)
			found += addr_same_ip(&own[k], a);
	}
	CHECK(found == n);
	CHECK(errno == 4242);
}

static struct addr v6(uint8_t first, uint8_t second, uint8_t last)
{
	struct addr a = addr_any(6, 0);

	a.ip[0] = first;
	a.ip[1] = second;
	a.ip[15] = last;
	return a;
}

static void only_our_own_addresses_are_local(void)
{
	struct addr yes[] = {addr_v4(127, 0, 0, 1, 80),
		addr_v4(127, 9, 9, 9, 0), v6(0, 0, 1)};
	struct addr no[] = {addr_any(4, 1), addr_any(6, 1), {.family = 0},
		addr_v4(192, 0, 2, 1, 0), addr_v4(8, 8, 8, 8, 0),
		addr_v4(255, 255, 255, 255, 0), addr_v4(224, 0, 0, 1, 0),
		v6(0x20, 0x01, 9), v6(0xff, 0x02, 1)};

	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		CHECK(os_address_is_local(&yes[i]));
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		CHECK(!os_address_is_local(&no[i]));
	CHECK(errno == 4242);
}

static void port_ranges_make_sense(void)
{
	unsigned first, last;

	os_client_ports(&first, &last);
	CHECK(first > 0 && first <= last && last <= 65535);
	CHECK(os_first_user_port() <= 65536);
	CHECK(os_first_user_port() == os_first_user_port());
	CHECK(errno == 4242);
}

#define TEST(name) {#name, name}

const struct test address_tests[] = {
	TEST(the_host_has_addresses_and_they_are_its_own),
	TEST(every_address_is_in_its_subnet),
	TEST(only_our_own_addresses_are_local),
	TEST(port_ranges_make_sense),
	{0},
};
