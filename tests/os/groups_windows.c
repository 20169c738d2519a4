/* SPDX-License-Identifier: MIT */
#include "test.h"

extern const struct test windows_tests[];

const struct test *const test_groups[] = {rendezvous_tests, wait_tests,
	peer_tests, thread_tests, segment_tests, address_tests, file_tests,
	windows_tests, NULL};

const struct test *const test_roles[] = {peer_roles, NULL};
