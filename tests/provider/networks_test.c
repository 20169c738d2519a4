/* SPDX-License-Identifier: MIT */
/* WSDQueryNetworks: sizes, errors, and what it tells. */
#include "extensions.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 300 };

static WSDNETWORK networks[ROOM];

static DWORD query(void)
{
	DWORD count = ROOM;
	int err = 0;

	memset(networks, 0x77, sizeof networks);
	networks[0].cbSize = sizeof networks[0];
	OK(ext.networks(networks, &count, &err));
	CHECK(count > 0 && count <= ROOM);
	return count;
}

static const WSDNETWORK *loopback(DWORD count)
{
	for (DWORD i = 0; i < count; i++)
		if (strcmp(networks[i].szAddress, "127.0.0.1") == 0)
			return &networks[i];
	return NULL;
}

CASE(networks_are_told_with_address_use_and_reason)
{
	DWORD count;

	ext_start();
	count = query();
	for (DWORD i = 0; i < count; i++) {
		const WSDNETWORK *n = &networks[i];
		bool used = n->dwFlags & WSD_NETWORK_IN_USE;

		CHECK_EQ(n->cbSize, sizeof *n);
		CHECK(memchr(n->szNetwork, 0, sizeof n->szNetwork));
		CHECK(n->szNetwork[0]);
		CHECK(memchr(n->szDevice, 0, sizeof n->szDevice));
		CHECK(memchr(n->szAddress, 0, sizeof n->szAddress));
		CHECK(memchr(n->szReason, 0, sizeof n->szReason));
		CHECK(!used || n->dwFlags & WSD_NETWORK_USABLE);
		CHECK(used == (n->szReason[0] == 0));
	}
	CHECK(loopback(count) != NULL);
	CHECK_EQ(loopback(count)->dwFlags,
		WSD_NETWORK_USABLE | WSD_NETWORK_IN_USE);
	spi_stop();
}

CASE(IPv6_addresses_of_networks_are_plain_text)
{
	DWORD count;
	bool found = false;

	ext_start();
	count = query();
	for (DWORD i = 0; i < count; i++) {
		CHECK(!strpbrk(networks[i].szAddress, "[]"));
		found |= strcmp(networks[i].szAddress, "::1") == 0;
	}
	if (!found)
		case_skip("this host has no ::1");
	spi_stop();
}

CASE(networks_fill_what_there_is_room_for)
{
	struct {
		DWORD size, flags;
		char kept[16];
	} two[2];
	DWORD all, count = 0;
	int err = 0;

	ext_start();
	all = query();
	FAILS(ext.networks(NULL, &count, &err), WSAENOBUFS);
	CHECK_EQ(count, all);
	memset(two, 0x77, sizeof two);
	two[0].size = 8 + 4;
	count = 1;
	if (all > 1)
		FAILS(ext.networks((LPWSDNETWORK)(void *)two, &count, &err),
			WSAENOBUFS);
	else
		OK(ext.networks((LPWSDNETWORK)(void *)two, &count, &err));
	CHECK_EQ(count, all);
	CHECK_EQ(two[0].size, 12);
	CHECK_EQ(two[0].flags, networks[0].dwFlags);
	CHECK(memcmp(two[0].kept, networks[0].szNetwork, 4) == 0);
	CHECK_EQ(two[0].kept[4], 0x77);
	CHECK_EQ(two[1].size, 0x77777777);
	spi_stop();
}

/* A caller of a later version: the records lie further apart. */
CASE(networks_lie_as_far_apart_as_the_caller_says)
{
	struct {
		WSDNETWORK known;
		DWORD later[4];
	} *wide = calloc(ROOM, sizeof *wide);
	DWORD all, count = ROOM;
	int err = 0;

	CHECK(wide != NULL);
	ext_start();
	all = query();
	wide[0].known.cbSize = sizeof wide[0];
	OK(ext.networks(&wide[0].known, &count, &err));
	CHECK_EQ(count, all);
	for (DWORD i = 0; i < count; i++) {
		CHECK_EQ(wide[i].known.cbSize, sizeof networks[0]);
		CHECK(strcmp(wide[i].known.szAddress,
			      networks[i].szAddress) == 0);
		CHECK_EQ(wide[i].later[0], 0);
	}
	free(wide);
	spi_stop();
}

CASE(networks_want_room_and_a_start)
{
	DWORD count = 1;
	int err = 0;

	ext_start();
	networks[0].cbSize = sizeof networks[0];
	FAILS(ext.networks(networks, NULL, &err), WSAEFAULT);
	FAILS(ext.networks(NULL, &count, &err), WSAEFAULT);
	networks[0].cbSize = 7;
	FAILS(ext.networks(networks, &count, &err), WSAEFAULT);
	spi_stop();
	networks[0].cbSize = sizeof networks[0];
	FAILS(ext.networks(networks, &count, &err), WSANOTINITIALISED);
}
