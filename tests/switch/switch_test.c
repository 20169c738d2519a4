/* SPDX-License-Identifier: MIT */
#include "switch_test.h"

static const struct test *const groups[] = {base_tests, session_tests,
	settings_tests, policy_tests, route_tests, avoid_tests};

int main(void)
{
	unsigned n = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned g = 0; g < sizeof groups / sizeof groups[0]; g++)
		for (const struct test *t = groups[g]; t->name; t++)
			n++;
	printf("1..%u\n", n);
	n = 0;
	for (unsigned g = 0; g < sizeof groups / sizeof groups[0]; g++) {
		for (const struct test *t = groups[g]; t->name; t++) {
			t->fn();
			printf("ok %u - %s\n", ++n, t->name);
		}
	}
	return 0;
}
