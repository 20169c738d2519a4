#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documents point to is there."""

import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

from tap import case, check, check_equal, main  # noqa: E402

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
# A path of the tree in code quotes, whole.
PATH = re.compile(
    r"`((?:\./)?(?:src|tests|scripts|include|docs|examples|bench|cross)/"
    r"[\w./*{}-]+)`")
# Made by the reader of docs/writing-a-provider.md.
IMAGINED = "mynet"


def documents():
    found = (glob.glob(os.path.join(TOP, "*.md")) +
             glob.glob(os.path.join(TOP, "docs", "*.md")))
    check(len(found) > 5, f"only {found}")
    for path in sorted(found):
        with open(path, encoding="utf-8") as f:
            yield path, f.read()


@case("the manual has every reason that --explain may give")
def reasons_are_documented():
    with open(os.path.join(TOP, "src/switch/reason.h"), encoding="utf-8") as f:
        codes = re.findall(r'X\(SW_\w+,\s*"([a-z-]+)"', f.read())
    check(len(codes) > 15, f"only {codes}")
    with open(os.path.join(TOP, "docs/wsd-run.1"), encoding="utf-8") as f:
        manual = f.read()
    missing = [code for code in codes if f".It Li {code}\n" not in manual]
    check_equal(missing, [], "reasons without a word in the manual")


def is_there(path):
    return bool(glob.glob(path))


def dangling(pattern, base):
    """What the pattern finds in documents and nowhere else."""
    for path, text in documents():
        for target in pattern.findall(text):
            if ":" in target or IMAGINED in target:
                continue
            if not is_there(os.path.join(base(path), target)):
                yield f"{os.path.relpath(path, TOP)}: {target}"


@case("every link leads to a file")
def links():
    check_equal(list(dangling(LINK, os.path.dirname)), [], "no such file")


@case("every path of the tree that is named is there")
def paths():
    check_equal(list(dangling(PATH, lambda _: TOP)), [], "no such path")


@case("a path that is not there is noticed")
def negative():
    check_equal(PATH.findall("see `src/no/such.c` and `tests/*.py`"),
                ["src/no/such.c", "tests/*.py"], "paths")
    check(not is_there(os.path.join(TOP, "src/no/such.c")), "it is there")
    check_equal(LINK.findall("[a](b.md#c) [d](../e.txt)"),
                ["b.md", "../e.txt"], "links")


if __name__ == "__main__":
    main()
