/* SPDX-License-Identifier: MIT */
/*
 * helpers.c - the inline functions of the public headers do what they say.
 * Linux only. Prints what fails; ends with 0 if nothing does.
 */
#include <openwsd/winsock2.h>
#include <openwsd/ws2san.h>

#include <limits.h>
#include <stdio.h>

static int failures;

static void check(int holds, const char *what)
{
	if (holds)
		return;
	printf("failed: %s\n", what);
	failures++;
}

#define CHECK(expr) check((expr) != 0, #expr)

static WSAEVENT with_low_bits(WSAEVENT event, uintptr_t bits)
{
	return (WSAEVENT)((uintptr_t)event | bits);
}

static void a_descriptor_survives_the_encoding(int fd)
{
	WSAEVENT event = wsd_event_from_fd(fd);

	CHECK(event != WSA_INVALID_EVENT);
	CHECK(((uintptr_t)event & 3) == 0);
	CHECK(wsd_event_fd(event) == fd);
	CHECK(wsd_event_fd(with_low_bits(event, 1)) == fd);
	CHECK(wsd_event_fd(with_low_bits(event, 3)) == fd);
}

static void what_is_no_event_has_no_descriptor(void)
{
	CHECK(wsd_event_from_fd(-1) == WSA_INVALID_EVENT);
	CHECK(wsd_event_from_fd(INT_MIN) == WSA_INVALID_EVENT);
	CHECK(wsd_event_fd(WSA_INVALID_EVENT) == -1);
	CHECK(wsd_event_fd(with_low_bits(WSA_INVALID_EVENT, 1)) == -1);
	CHECK(wsd_event_fd(INVALID_HANDLE_VALUE) == -1);
}

static void guids_compare_by_value(void)
{
	const GUID read = WSAID_RDMAREAD;
	const GUID write = WSAID_RDMAWRITE;
	GUID other = read;

	CHECK(wsd_guid_equal(&read, &other));
	CHECK(!wsd_guid_equal(&read, &write));
	other.Data4[7] ^= 1;
	CHECK(!wsd_guid_equal(&read, &other));
}

int main(void)
{
	a_descriptor_survives_the_encoding(0);
	a_descriptor_survives_the_encoding(1);
	a_descriptor_survives_the_encoding(1023);
	a_descriptor_survives_the_encoding(INT_MAX);
	what_is_no_event_has_no_descriptor();
	guids_compare_by_value();
	return failures != 0;
}
