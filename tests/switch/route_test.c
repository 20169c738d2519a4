/* SPDX-License-Identifier: MIT */
#include "switch/route.h"

#include <string.h>

#include "switch/reach.h"
#include "switch_test.h"

/* ---- the choice ------------------------------------------------------- */

enum { SHM, FABRIC, SANS };

static const struct addr four = {.family = 4, .port = 80};
static const struct addr other_six = {.family = 6, .port = 80};

/* Both do IPv6; the second is in a subnet with the destination. */
static struct route_option both[SANS] = {
	[SHM] = {"shm", true, true, false},
	[FABRIC] = {"fabric", false, true, true},
};

static struct policy_rule rule_for(const char *san)
{
	struct policy_rule r = {.route = POLICY_SAN};

	snprintf(r.san, sizeof r.san, "%s", san);
	return r;
}

static void judge(const struct addr *remote, bool local,
	const struct policy_rule *rule, enum route_fit fits[SANS])
{
	route_judge(both, SANS, remote, local, rule, fits);
}

static void this_host_goes_by_shared_memory_alone(void)
{
	enum route_fit fits[SANS];

	judge(&four, true, NULL, fits);
	CHECK(fits[SHM] == ROUTE_FITS && fits[FABRIC] == ROUTE_SAME_HOST);
	both[FABRIC].in_subnet = false; /* not asked for */
	judge(&four, true, NULL, fits);
	both[FABRIC].in_subnet = true;
	CHECK(fits[SHM] == ROUTE_FITS && fits[FABRIC] == ROUTE_SAME_HOST);
}

static void a_host_in_the_subnet_goes_by_the_network(void)
{
	enum route_fit fits[SANS];

	judge(&four, false, NULL, fits);
	CHECK(fits[SHM] == ROUTE_OTHER_HOST && fits[FABRIC] == ROUTE_FITS);
	both[FABRIC].in_subnet = false;
	judge(&four, false, NULL, fits);
	both[FABRIC].in_subnet = true;
	CHECK(fits[SHM] == ROUTE_OTHER_HOST && fits[FABRIC] == ROUTE_OTHER_NET);
}

static void without_shared_memory_this_host_goes_by_the_network(void)
{
	enum route_fit fits[SANS];

	route_judge(&both[FABRIC], 1, &four, true, NULL, fits);
	CHECK(fits[0] == ROUTE_FITS);
	both[SHM].inet6 = false;
	judge(&other_six, true, NULL, fits);
	both[SHM].inet6 = true;
	CHECK(fits[SHM] == ROUTE_NO_INET6 && fits[FABRIC] == ROUTE_FITS);
}

static void a_rule_leaves_one_san_which_must_reach(void)
{
	struct policy_rule fabric = rule_for("fabric"), shm = rule_for("shm");
	struct policy_rule other = rule_for("other"), tcp = {.san = "tcp",
		.route = POLICY_TCP}, any = {.route = POLICY_AUTO};
	enum route_fit fits[SANS];

	judge(&four, true, &fabric, fits);
	CHECK(fits[SHM] == ROUTE_NOT_ALLOWED && fits[FABRIC] == ROUTE_FITS);
	judge(&four, false, &shm, fits);
	CHECK(fits[SHM] == ROUTE_OTHER_HOST &&
		fits[FABRIC] == ROUTE_NOT_ALLOWED);
	judge(&four, false, &other, fits);
	CHECK(fits[SHM] == ROUTE_NOT_ALLOWED &&
		fits[FABRIC] == ROUTE_NOT_ALLOWED);
	judge(&four, true, &tcp, fits);
	CHECK(fits[SHM] == ROUTE_NOT_ALLOWED &&
		fits[FABRIC] == ROUTE_NOT_ALLOWED);
	judge(&four, true, &any, fits);
	CHECK(fits[SHM] == ROUTE_FITS && fits[FABRIC] == ROUTE_SAME_HOST);
}

static void every_fit_has_words_of_its_own(void)
{
	for (int i = 0; i < ROUTE_FIT_COUNT; i++) {
		const char *text = route_fit_text((enum route_fit)i);

		CHECK(text && text[0] && strcmp(text, "unknown"));
		for (int k = 0; k < i; k++)
			CHECK(strcmp(text, route_fit_text((enum route_fit)k)));
	}
	CHECK(!strcmp(route_fit_text(ROUTE_FIT_COUNT), "unknown"));
}

/* ---- the table of networks -------------------------------------------- */

static const struct os_subnet subnets[] = {
	{{.family = 4, .ip = {[10] = 0xff, [11] = 0xff, 10, 1, 2, 3}}, 16},
	{{.family = 4, .ip = {[10] = 0xff, [11] = 0xff, 10, 1, 9, 9}}, 24},
	{{.family = 6, .ip = {0xfd, [15] = 2}}, 64},
};

static struct reach_table table;

static void fill_table(void)
{
	struct addr alone = addr_v4(10, 7, 7, 7, 0);

	table.count = 0;
	for (unsigned i = 0; i < 3; i++)
		reach_add(&table, 1, &subnets[i].address, subnets, 3);
	reach_add(&table, 2, &alone, subnets, 3);
	CHECK(table.count == 4);
}

static void a_provider_reaches_the_subnets_of_its_addresses(void)
{
	struct addr in = addr_v4(10, 1, 77, 1, 80), own;
	struct addr out = addr_v4(10, 2, 0, 1, 80), v6 = subnets[2].address;

	fill_table();
	CHECK(reach_find(&table, 1, &in, &own));
	CHECK(addr_same_ip(&own, &subnets[0].address));
	CHECK(!reach_find(&table, 1, &out, &own));
	CHECK(!reach_find(&table, 0, &in, &own));
	CHECK(!reach_find(&table, 2, &in, &own));
	v6.ip[15] = 99;
	CHECK(reach_find(&table, 1, &v6, &own));
	CHECK(addr_same_ip(&own, &subnets[2].address));
	v6.ip[7] = 1;
	CHECK(!reach_find(&table, 1, &v6, &own));
}

static void the_narrower_subnet_says_where_to_come_from(void)
{
	struct addr near = addr_v4(10, 1, 9, 1, 80), own;

	fill_table();
	CHECK(reach_find(&table, 1, &near, &own));
	CHECK(addr_same_ip(&own, &subnets[1].address));
}

static void an_address_without_a_subnet_is_reached_alone(void)
{
	struct addr itself = addr_v4(10, 7, 7, 7, 80), own;
	struct addr next = addr_v4(10, 7, 7, 6, 80);

	fill_table();
	CHECK(reach_find(&table, 2, &itself, &own));
	CHECK(!reach_find(&table, 2, &next, &own));
	CHECK(reach_serves(&table, 2, &itself));
	CHECK(!reach_serves(&table, 1, &itself));
	CHECK(!reach_serves(&table, 2, &next));
}

static void a_table_that_is_full_stays_as_it_is(void)
{
	struct addr a = addr_v4(10, 0, 0, 0, 0), own;

	table.count = 0;
	for (unsigned i = 0; i < REACH_MAX + 10; i++) {
		a.ip[14] = (uint8_t)(i >> 8);
		a.ip[15] = (uint8_t)i;
		reach_add(&table, 0, &a, NULL, 0);
	}
	CHECK(table.count == REACH_MAX);
	CHECK(!reach_find(&table, 0, &a, &own));
	a.ip[14] = 0;
	a.ip[15] = 1;
	CHECK(reach_find(&table, 0, &a, &own));
}

#define TEST(name) {#name, name}

const struct test route_tests[] = {
	TEST(this_host_goes_by_shared_memory_alone),
	TEST(a_host_in_the_subnet_goes_by_the_network),
	TEST(without_shared_memory_this_host_goes_by_the_network),
	TEST(a_rule_leaves_one_san_which_must_reach),
	TEST(every_fit_has_words_of_its_own),
	TEST(a_provider_reaches_the_subnets_of_its_addresses),
	TEST(the_narrower_subnet_says_where_to_come_from),
	TEST(an_address_without_a_subnet_is_reached_alone),
	TEST(a_table_that_is_full_stays_as_it_is),
	{NULL, NULL}};
