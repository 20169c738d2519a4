#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/spec-coverage, over small trees made up for it.

Rules are written @1 here, so that this file is no check of any rule.
"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "run"))

import procs  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                      "scripts", "spec-coverage")

RULES = "## All\n@1 one\n@2 two\n@3 three\n@4 four\n"
GOOD = {
    "docs/requirements.txt": RULES,
    "docs/spec-exceptions.txt": "# none\n",
    "src/provider/a.c": "/* a.c: @1 to\n * @3. */\n/* @4 */\n",
    "tests/a.c": '#include "x.h"\nCASE(@1_@2_are_kept)\n/* @3-@4 */\n',
}


def tree(files=None):
    """A directory with GOOD's files, and these instead or as well."""
    top = tempfile.mkdtemp(dir=procs.scratch())
    for name, text in {**GOOD, **(files or {})}.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace("@", "R"))
    return top


def run(top, *options):
    words = [word.replace("@", "R") for word in options]
    return subprocess.run([sys.executable, SCRIPT, "--top", top, *words],
                          capture_output=True, text=True, check=False)


def states(top):
    return [line.split("\t")[1] for line in run(top).stdout.splitlines()
            if line.startswith("R")]



def problem(files, *words):
    """The tree has one problem, whose line contains the words."""
    done = run(tree(files))
    lines = done.stderr.splitlines()
    check_equal(done.returncode, 1, "exit status")
    check_equal(len(lines), 1, f"problems in {lines}")
    for word in words:
        check(word.replace("@", "R") in lines[0], f"{word}: {lines[0]}")


@case("a tree where every rule is obeyed and checked passes")
def good():
    top = tree()
    done = run(top)
    check_equal(done.returncode, 0, done.stderr)
    check_equal(states(top), ["covered"] * 4, "states")
    check("tests/a.c:2" in done.stdout, done.stdout)
    check("src/provider/a.c:3" in done.stdout, done.stdout)


@case("hexadecimal numbers and other identifiers are no citations")
def not_citations():
    problem({"src/provider/a.c": "/* @1 to @3; 0xR4 CR4 R4x FOO_R4 */\n"
             .replace("R", "@")}, "@4", "no code cites it")


@case("a rule without code and without check is missing")
def missing():
    problem({"docs/requirements.txt": RULES + "@5 five\n"}, "@5 (five)",
            "neither")


@case("a rule that only code cites is untested")
def untested():
    problem({"tests/a.c": "/* About @4. */\n#include <x.h>\n/* @1-@3 */\n"},
            "@4 (four)", "no check")


@case("a public header alone obeys nothing")
def contract_only():
    problem({"src/provider/a.c": "/* @1 to @3 */", "include/a.h": "/* @4 */"},
            "@4 (four)", "only a public header")


@case("a reason stands for what is lacking, until it lacks no more")
def reasons():
    excuse = {"docs/spec-exceptions.txt": "@5 there is no five here\n"}
    five = {"docs/requirements.txt": RULES + "@5 five\n"}
    done = run(tree({**excuse, **five}))
    check_equal((done.returncode, done.stderr), (0, ""), "excused")
    problem({**excuse, **five, "src/base/b.c": "@5", "tests/b.c": "#\n@5"},
            "@5", "take the reason out")
    problem(excuse, "there is no @5")
    problem({"docs/spec-exceptions.txt": "@4\n"}, "not \"R<number> reason\"")


@case("no check: a provider that breaks a rule on purpose, a list of rules")
def faults():
    problem({"tests/a.c": "#\n@1-@3", "tests/conform/a.c": "#\n@4",
             "src/conform/rules.c": "#\n@4"}, "@4 (four)", "no check")
    top = tree({"src/conform/a.c": "#\ncase_violation(4, x)",
                "tests/a.c": "#\n@1-@3", "tests/conform/a.c": "#\n@4"})
    check("faults: tests/conform/a.c:2" in run(top).stdout, "the fault")
    check_equal(states(top), ["covered"] * 4, "states")


@case("a number that the list does not have is an error")
def unknown():
    problem({"tests/b.c": "#\n/* @77 */"}, "tests/b.c:2", "@77")


@case("the list has no gaps and nothing twice")
def gaps():
    problem({"docs/requirements.txt": RULES.replace("@4", "@3") + "@4 four\n"},
            "@3 where @4 is due")


@case("--check compares with the page and leaves it alone")
def compared():
    top = tree()
    page = os.path.join(top, "docs", "spec-coverage.md")
    done = run(top, "--check")
    check_equal(done.returncode, 1, "without a page")
    check("run scripts/spec-coverage" in done.stderr, done.stderr)
    check(not os.path.exists(page), "it was written")
    check_equal(run(top).returncode, 0, "writing")
    check_equal(run(top, "--check").returncode, 0, "the same")
    with open(page, "a", encoding="utf-8") as f:
        f.write("more\n")
    check_equal(run(top, "--check").returncode, 1, "another page")


@case("a rule that is not there is a mistake of the caller")
def one_rule():
    top = tree()
    check_equal(run(top, "--rule", "@9").returncode, 2, "exit status")
    check_equal(run(top, "--rule", "@2").stdout.count("\n"), 1, "lines")


if __name__ == "__main__":
    main()
