#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line of `wsd conform`."""

import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import procs  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
PROVIDER = os.path.join(os.environ["WSD_BUILD"], "src", "provider",
                        "libwsd-shm.so")
RULES = 215


def conform(*arguments):
    """Runs wsd conform."""
    return procs.run(WSD, "conform", *arguments)


def wrong(*arguments, says):
    """It is no use: one line, exit status 2."""
    outcome = conform(*arguments)
    check_equal(outcome.status, 2, str(outcome))
    check_equal(outcome.out, "", "standard output")
    check_equal(len(outcome.err.splitlines()), 1, outcome.err)
    check(says in outcome.err, outcome.err)


@case("what is no provider is told so in one line")
def no_provider():
    folder = os.path.dirname(PROVIDER)
    text = procs.scratch_file("text.so")
    with open(text, "w", encoding="ascii") as file:
        file.write("not a library\n")
    library = sorted(glob.glob("/lib/*/libm.so.6")
                     + glob.glob("/lib64/libm.so.6"))
    wrong("/no/such/file.so", says="no such file")
    wrong(text, says="not a library")
    wrong(folder, says="no provider")
    wrong("/dev/null", says="not a library")
    if library:
        wrong(library[0], says="does not export WSPStartupEx")


@case("wrong arguments are told so in one line")
def wrong_arguments():
    wrong(says="which PROVIDER")
    wrong(PROVIDER, "more", says="more")
    wrong(PROVIDER, "--rule", "R216", says="no rule R216")
    wrong(PROVIDER, "--rule", "R0", says="no rule R0")
    wrong(PROVIDER, "--rule", "nonsense", says="no rule nonsense")
    wrong(PROVIDER, "--rule", "R9-R3", says="no rule R9-R3")
    wrong(PROVIDER, "--address", "nowhere", says="--address")
    wrong(PROVIDER, "--guid", "12", says="--guid")
    wrong(PROVIDER, "--seconds", "1", says="--seconds")
    wrong(PROVIDER, "--seconds", "long", says="--seconds")
    wrong(PROVIDER, "--unknown", says="--unknown")


@case("--list has every rule, and each is checked or says where it is")
def the_list():
    told = conform("--list")
    check_equal((told.status, told.err), (0, ""), str(told))
    lines = told.out.splitlines()
    check_equal(len(lines), RULES, "lines")
    for number, line in enumerate(lines, 1):
        check(re.match(rf"R{number} +\S", line), line)
    listed = json.loads(conform("--list", "--json").out)
    for number, rule in enumerate(listed, 1):
        check_equal(rule["rule"], f"R{number}", "the rule")
        check(bool(rule["checks"]) != ("not_by_this_kit" in rule), rule)


@case("one rule alone is quick, and only that is told")
def one_rule():
    told = conform(PROVIDER, "--rule", "R93", "--quiet")
    check_equal((told.status, told.err), (0, ""), str(told))
    lines = told.out.splitlines()
    check_equal(len(lines), 2, told.out)
    check(lines[0].startswith("R93   pass "), lines[0])
    check_equal(lines[1], "1 passed, 0 failed, 0 not applicable", "the sum")


@case("some rules: text and JSON say the same")
def some_rules():
    text = conform(PROVIDER, "--rule", "R48-R53", "--quiet").out
    told = conform(PROVIDER, "--rule", "48-53", "--json")
    check(told.err.startswith("[1/"), "progress")
    results = json.loads(told.out)
    check_equal([rule["rule"] for rule in results["rules"]],
                [f"R{n}" for n in range(48, 54)], "the rules")
    check(f"{results['passed']} passed, {results['failed']} failed, "
          f"{results['not_applicable']} not applicable" in text, text)
    for rule in results["rules"]:
        check(rule["checks"], rule)


@case("a rule that needs more than the file says what")
def needs_more():
    told = conform(PROVIDER, "--rule", "R14", "--quiet")
    check("--guid" in told.out, told.out)
    told = conform(PROVIDER, "--rule", "R14", "--quiet",
                   "--guid", "8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294")
    check(told.out.startswith("R14   pass"), told.out)


if __name__ == "__main__":
    main()
