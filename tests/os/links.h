/* SPDX-License-Identifier: MIT */
/* links.h - listeners, links and pairs. What fails ends the test. */
#ifndef WSD_TESTS_OS_LINKS_H
#define WSD_TESTS_OS_LINKS_H

#include "test.h"

static inline const char *test_name(void)
{
	static char name[OS_NAME_MAX];

	snprintf(name, sizeof name, "wsd-os-test-%d", (int)os_process_id());
	return name;
}

static inline os_handle listen_on(const char *name, unsigned backlog)
{
	os_handle l;

	CHECK_ST(os_listen(name, backlog, &l), ST_OK);
	return l;
}

static inline os_handle connect_to(const char *name)
{
	os_handle h;

	CHECK_ST(os_link_connect(name, &h, NULL), ST_OK);
	return h;
}

static inline void pair(os_handle ends[2])
{
	CHECK_ST(os_link_pair(ends), ST_OK);
}

static inline bool readable(os_handle h)
{
	return os_handle_wait(h, 0) == ST_OK;
}

static inline enum status receive_byte(os_handle link, uint64_t ns)
{
	char byte;
	size_t len = 1;
	unsigned count = 0;

	return os_link_receive(link, &byte, &len, NULL, &count, ns);
}

/* The next in the queue; some systems let it be silent for a moment. */
static inline enum status accept_soon(os_handle listener, os_handle *out,
	struct os_peer *peer)
{
	uint64_t limit = os_now() + MS(5000);
	enum status st;

	while ((st = os_link_accept(listener, out, peer)) == ST_AGAIN &&
		os_now() < limit)
		os_sleep(MS(1));
	return st;
}

#endif
