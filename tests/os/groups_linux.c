/* SPDX-License-Identifier: MIT */
#include "test_linux.h"

extern const struct test event_linux_tests[], link_tests[], process_tests[],
	lock_tests[], memory_tests[], net_tests[], file_linux_tests[];

static const struct test linux_roles[] = {
	{"log_lines", log_lines},
	{0},
};

const struct test *const test_groups[] = {rendezvous_tests, link_tests,
	wait_tests, event_linux_tests, process_tests, peer_tests, thread_tests,
	lock_tests, segment_tests, memory_tests, address_tests, net_tests,
	file_tests, file_linux_tests, NULL};

const struct test *const test_roles[] = {peer_roles, linux_roles, NULL};
