/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "switch/reason.h"
#include "switch/settings.h"
#include "switch_test.h"

static void every_default_is_accepted(void)
{
	unsigned n;
	const struct sw_setting *t = sw_settings_table(&n);
	char err[200];

	CHECK(n > 0);
	for (unsigned i = 0; i < n; i++) {
		CHECK(sw_settings_check(t[i].name, t[i].def, err, sizeof err) ==
			ST_OK);
		CHECK(sw_settings_check(t[i].env, t[i].def, err, sizeof err) ==
			ST_OK);
		CHECK(!strncmp(t[i].env, "WSD_", 4));
	}
}

static void bad_values_are_refused_with_what_is_expected(void)
{
	char err[200] = "";

	CHECK(sw_settings_check("spin", "many", err, sizeof err) == ST_INVAL);
	CHECK(strstr(err, "WSD_SPIN") && strstr(err, "many"));
	CHECK(sw_settings_check("spin", "-2", err, sizeof err) == ST_INVAL);
	CHECK(sw_settings_check("spin", "12x", err, sizeof err) == ST_INVAL);
	CHECK(sw_settings_check("spin", "99999999999999999999", err,
		      sizeof err) == ST_INVAL);
	CHECK(sw_settings_check("enable", "maybe", err, sizeof err) == ST_INVAL);
	CHECK(sw_settings_check("nonsense", "1", err, sizeof err) ==
		ST_NOTFOUND);
	CHECK(strstr(err, "nonsense"));
}

static void reason_codes_are_different_words(void)
{
	for (int i = 0; i < SW_REASON_COUNT; i++) {
		const char *code = sw_reason_code((enum sw_reason)i);

		CHECK(code[0] && !strchr(code, ' '));
		CHECK(sw_reason_text((enum sw_reason)i)[0]);
		for (int k = 0; k < i; k++)
			CHECK(strcmp(code, sw_reason_code((enum sw_reason)k)));
	}
}

const struct test settings_tests[] = {
	{"every_default_is_accepted", every_default_is_accepted},
	{"bad_values_are_refused_with_what_is_expected",
		bad_values_are_refused_with_what_is_expected},
	{"reason_codes_are_different_words", reason_codes_are_different_words},
	{NULL, NULL}};
