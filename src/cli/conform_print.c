/* SPDX-License-Identifier: MIT */
#include "conform_print.h"

#include <stdio.h>

#include "conform/rules.h"
#include "json.h"

enum { TITLE_ROOM = 256 };

struct conform_totals conform_count(const struct conform_report *r)
{
	struct conform_totals t = {0, 0, 0};
	const char *why;

	for (unsigned rule = 1; rule <= RULE_COUNT; rule++) {
		if (!r->wanted->rule[rule])
			continue;
		switch (kit_judge(r->run, rule, &why)) {
		case KIT_PASSED:
			t.passed++;
			break;
		case KIT_FAILED:
			t.failed++;
			break;
		case KIT_NOT_APPLICABLE:
			t.not_applicable++;
			break;
		}
	}
	return t;
}

/* ---- text ------------------------------------------------------------- */

static void print_trace(const struct outcome *o)
{
	for (unsigned i = 0; i < o->trace_count; i++)
		printf("               %s\n", o->trace[i]);
}

static void explain(const struct kit_case *c, unsigned rule)
{
	char title[TITLE_ROOM];

	if (case_checks(c->test, rule) &&
		c->outcome.verdict == VERDICT_FAILED) {
		printf("        check  %s\n        saw    %s\n",
			case_title(c->test, title, sizeof(title)),
			c->outcome.text);
		print_trace(&c->outcome);
	}
	for (unsigned i = 0; i < c->outcome.broken_count; i++)
		if (c->outcome.broken[i].rule == rule)
			printf("        during %s\n        saw    %s\n",
				case_title(c->test, title, sizeof(title)),
				c->outcome.broken[i].text);
}

static void print_rule(const struct conform_report *r, unsigned rule)
{
	const char *why;

	switch (kit_judge(r->run, rule, &why)) {
	case KIT_PASSED:
		printf("R%-4u pass   %s\n", rule, rule_title(rule));
		break;
	case KIT_FAILED:
		printf("R%-4u FAIL   %s\n", rule, rule_title(rule));
		for (unsigned i = 0; i < r->run->count; i++)
			explain(&r->run->cases[i], rule);
		break;
	case KIT_NOT_APPLICABLE:
		printf("R%-4u n/a    %s: not applicable: %s\n", rule,
			rule_title(rule), why);
		break;
	}
}

void conform_print_text(const struct conform_report *r)
{
	struct conform_totals t = conform_count(r);

	for (unsigned rule = 1; rule <= RULE_COUNT; rule++)
		if (r->wanted->rule[rule])
			print_rule(r, rule);
	printf("%u passed, %u failed, %u not applicable\n", t.passed, t.failed,
		t.not_applicable);
}

/* ---- JSON ------------------------------------------------------------- */

static const char *const verdicts[] = {
	[VERDICT_PASSED] = "pass",
	[VERDICT_FAILED] = "fail",
	[VERDICT_SKIPPED] = "not applicable",
};

static const char *const results[] = {
	[KIT_PASSED] = "pass",
	[KIT_FAILED] = "fail",
	[KIT_NOT_APPLICABLE] = "not applicable",
};

static void json_case(const struct kit_case *c, unsigned rule)
{
	const struct outcome *o = &c->outcome;
	const char *comma = "";
	char title[TITLE_ROOM];

	printf("{");
	json_member("check", case_title(c->test, title, sizeof(title)), ", ");
	json_member("result", verdicts[o->verdict], ", ");
	printf("\"seconds\": %.3f", (double)o->ns / 1e9);
	if (o->text[0]) {
		printf(", ");
		json_member("saw", o->text, "");
	}
	for (unsigned i = 0; i < o->broken_count; i++)
		if (o->broken[i].rule == rule) {
			printf(", ");
			json_member("broken", o->broken[i].text, "");
		}
	printf(", \"trace\": [");
	for (unsigned i = 0; i < o->trace_count; i++) {
		printf("%s", comma);
		json_string(o->trace[i]);
		comma = ", ";
	}
	printf("]}");
}

static bool concerns(const struct kit_case *c, unsigned rule)
{
	if (case_checks(c->test, rule))
		return true;
	for (unsigned i = 0; i < c->outcome.broken_count; i++)
		if (c->outcome.broken[i].rule == rule)
			return true;
	return false;
}

static void json_rule(const struct conform_report *r, unsigned rule)
{
	const char *why, *comma = "";
	enum kit_result result = kit_judge(r->run, rule, &why);
	char number[8];

	snprintf(number, sizeof(number), "R%u", rule);
	printf("  {");
	json_member("rule", number, ", ");
	json_member("title", rule_title(rule), ", ");
	json_member("result", results[result], ", ");
	if (result == KIT_NOT_APPLICABLE)
		json_member("reason", why, ", ");
	printf("\"checks\": [");
	for (unsigned i = 0; i < r->run->count; i++) {
		if (!concerns(&r->run->cases[i], rule))
			continue;
		printf("%s", comma);
		json_case(&r->run->cases[i], rule);
		comma = ",\n    ";
	}
	printf("]}");
}

void conform_print_json(const struct conform_report *r)
{
	struct conform_totals t = conform_count(r);
	const char *comma = "";

	printf("{");
	json_member("provider", r->provider, ", ");
	json_member("address", r->address, ", \"rules\": [\n");
	for (unsigned rule = 1; rule <= RULE_COUNT; rule++) {
		if (!r->wanted->rule[rule])
			continue;
		printf("%s", comma);
		json_rule(r, rule);
		comma = ",\n";
	}
	printf("\n], \"passed\": %u, \"failed\": %u, \"not_applicable\": %u}\n",
		t.passed, t.failed, t.not_applicable);
}

/* ---- the list --------------------------------------------------------- */

void conform_list_text(const struct kit_wanted *w)
{
	for (unsigned rule = 1; rule <= RULE_COUNT; rule++) {
		const char *elsewhere = rule_elsewhere(rule);

		if (!w->rule[rule])
			continue;
		printf("R%-4u %s", rule, rule_title(rule));
		if (elsewhere)
			printf(": not by this kit: %s", elsewhere);
		printf("\n");
	}
}

static void list_rule(unsigned rule)
{
	const char *elsewhere = rule_elsewhere(rule), *comma = "";
	char number[8], title[TITLE_ROOM];

	snprintf(number, sizeof(number), "R%u", rule);
	printf("  {");
	json_member("rule", number, ", ");
	json_member("title", rule_title(rule), ", ");
	if (elsewhere)
		json_member("not_by_this_kit", elsewhere, ", ");
	printf("\"checks\": [");
	for (const struct test_case *c = case_first(); c; c = c->next) {
		if (c->is_role || !case_checks(c, rule))
			continue;
		printf("%s", comma);
		json_string(case_title(c, title, sizeof(title)));
		comma = ", ";
	}
	printf("]}");
}

void conform_list_json(const struct kit_wanted *w)
{
	const char *comma = "";

	printf("[\n");
	for (unsigned rule = 1; rule <= RULE_COUNT; rule++) {
		if (!w->rule[rule])
			continue;
		printf("%s", comma);
		list_rule(rule);
		comma = ",\n";
	}
	printf("\n]\n");
}
