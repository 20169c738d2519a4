#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The conformance kit over a provider, as TAP: a line a rule.

    conform.py LIBRARY [GUID]

WSD is the program. What it says about its progress goes to the log.
"""

import json
import os
import subprocess
import sys

RULES = 215


def run(library, guid):
    """The kit's results."""
    command = [os.environ["WSD"], "conform", library, "--json"]
    if guid:
        command += ["--guid", guid]
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as kit:
        for line in kit.stderr:
            print("# " + line, end="", flush=True)
        out = kit.stdout.read()
    results = json.loads(out)
    # The status says the same as the results.
    assert kit.returncode == (1 if results["failed"] else 0), kit.returncode
    return results


def explain(rule):
    """Why it failed."""
    for check in rule["checks"]:
        if check["result"] == "fail":
            print(f"# {check['check']}: {check['saw']}")
        if "broken" in check:
            print(f"# during {check['check']}: {check['broken']}")
        for line in check["trace"]:
            print("#   " + line)


def main():
    """Prints them."""
    results = run(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    rules = results["rules"]
    print(f"1..{len(rules) + 1}")
    for number, rule in enumerate(rules, 1):
        bad = "not " if rule["result"] == "fail" else ""
        skip = " # SKIP " + rule["reason"] if "reason" in rule else ""
        print(f"{bad}ok {number} - {rule['rule']} {rule['title']}{skip}")
        if bad:
            explain(rule)
    whole = [rule["rule"] for rule in rules] == [
        f"R{n}" for n in range(1, RULES + 1)]
    print(f"{'' if whole else 'not '}ok {len(rules) + 1} - "
          "every rule has a line")
    return 0 if whole and not results["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
