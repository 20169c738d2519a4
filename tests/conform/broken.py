#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The conformance kit catches each fault of a provider that is broken.

WSD_BROKEN is the library that wraps a provider and breaks one thing of it,
WSD_FAULTS the program that lists what it can break. Each fault must fail the
rule that it breaks, in the kit's own words; without a fault all must pass.
"""

import collections
import concurrent.futures
import json
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import tap  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
BROKEN = os.environ["WSD_BROKEN"]
OWN_ID = "8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294"

AT_ONCE = 2
# Faults that hang, or lose something, are told after a part of this.
CASE_SECONDS = 6
# Longer than the longest rule with every case overdue.
LIMIT = 100

Fault = collections.namedtuple("Fault", "name rule text")
Outcome = collections.namedtuple("Outcome", "status out err")


def read_faults():
    """What the library can break."""
    listed = subprocess.run([os.environ["WSD_FAULTS"]], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    return [Fault(*line.split("\t")) for line in listed.splitlines()]


def conform(fault, seconds, *more):
    """Runs the kit over the library with that fault; none if it is empty."""
    command = [WSD, "conform", "--json", "--quiet", "--guid", OWN_ID,
               "--address", "127.0.0.1", "--seconds", str(seconds), *more,
               BROKEN]
    # An outcome that has to be waited for comes soon.
    environment = {**os.environ, "WSD_FAULT": fault,
                   "WSD_CONNECT_TIMEOUT_MS": "1000"}
    with subprocess.Popen(command, env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE,
                          start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += f"\nnot done after {LIMIT} s"
    return Outcome(process.returncode, out, err)


FAULTS = read_faults()
WORKERS = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
RUNNING = {}


WHOLE = "without a fault the wrapper passes the whole kit"


def sentence(fault):
    """The name of its case."""
    return f"{fault.rule} catches {fault.name}: {fault.text}"


def start_all(part):
    """The runs that are asked for, a few at a time and in that order."""
    if part in WHOLE:
        RUNNING[""] = WORKERS.submit(conform, "", 25)
    for fault in FAULTS:
        if part in sentence(fault):
            RUNNING[fault.name] = WORKERS.submit(
                conform, fault.name, CASE_SECONDS, "--rule", fault.rule)


def seen(rule):
    """What the kit says it saw: of failed checks, and of broken promises."""
    texts = []
    for one in rule["checks"]:
        if one["result"] == "fail":
            texts.append(one.get("saw", ""))
        texts.extend(v for k, v in one.items() if k == "broken")
    return texts


def must_be_caught(fault):
    """The kit fails the rule, and says why."""
    outcome = RUNNING[fault.name].result()
    check_equal(outcome.status, 1, f"exit status ({outcome.err})")
    report = json.loads(outcome.out)
    # A promise that always holds may be seen broken on the way.
    rules = [r for r in report["rules"] if r["rule"] == fault.rule]
    check_equal(len(rules), 1, "reports of the rule")
    rule = rules[0]
    check_equal(rule["result"], "fail", "the rule's result")
    texts = seen(rule)
    check(texts and all(texts), f"it does not say what it saw: {rule}")
    tap.note(f"{fault.rule}: {texts[0]}")


@case(WHOLE, seconds=LIMIT + 20)
def whole():
    outcome = RUNNING[""].result()
    report = json.loads(outcome.out)
    failed = [(r["rule"], seen(r)) for r in report["rules"]
              if r["result"] == "fail"]
    check_equal(failed, [], "failed rules")
    check_equal(outcome.status, 0, f"exit status ({outcome.err})")
    passed = {r["rule"] for r in report["rules"] if r["result"] == "pass"}
    # A rule that cannot pass would be no news when it fails.
    conditional = {"R11", "R29", "R50", "R51", "R164"}
    check_equal({f.rule for f in FAULTS} - passed - conditional, set(),
                "rules that faults break, but that did not pass without")


def register(fault):
    """A case for one fault."""
    @case(sentence(fault), seconds=LIMIT + 20)
    def caught():
        must_be_caught(fault)


for each in FAULTS:
    register(each)


@case("the faults break at least 200 rules, each in its own way")
def counts():
    check_equal(len({f.name for f in FAULTS}), len(FAULTS), "names")
    rules = {f.rule for f in FAULTS}
    check(len(rules) >= 200, f"{len(rules)} rules")
    tap.note(f"{len(FAULTS)} faults break {len(rules)} rules")


@case("a fault that does not exist is said, and nothing passes")
def unknown():
    outcome = conform("no-such-fault", 5, "--rule", "R23")
    check_equal(outcome.status, 1, str(outcome))
    check("no such fault: no-such-fault" in outcome.err, outcome.err)


if __name__ == "__main__":
    start_all(sys.argv[1] if len(sys.argv) > 1 else "")
    try:
        main()
    finally:
        WORKERS.shutdown(cancel_futures=True)
