#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs each socket case over kernel TCP and over the SAN, and compares.

    three_ways.py [--thread-sanitizer] WSD SOCKET_CASES WAY [PART_OF_NAME]

WAY is `tcp`; `san`: under `wsd run`; or `requests`: under `wsd run` with the
channel extension off, so that the switch uses the SPI's overlapped requests
only. A case is what it is over TCP: on the other ways it must pass exactly
when it passes there. Known limits (tests/socket/limits) are skipped, with the
reason. Prints TAP.

--thread-sanitizer leaves out what cannot work in a program built with it: it
delivers a signal only when a blocking call has ended, and loses count of the
threads that the child of a program with threads starts.
"""

import argparse
import concurrent.futures
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import explain  # noqa: E402
import procs  # noqa: E402

PASS, SKIP = 0, 77
CASE_SECONDS = 45
NOT_WITH_THREAD_SANITIZER = re.compile(
    "signal|handler|SA_RESTART|full_duplex_.*_between_processes")
WAYS = {
    "tcp": {},
    "san": {},
    # A program that connects to itself cannot accept meanwhile: TCP, soon.
    "requests": {"WSD_CHANNEL": "off", "WSD_PATIENCE": "20"},
}
LIMITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir,
                      "socket", "limits")


def known_limits(way):
    """What cannot pass on this way yet: name of the case to the reason."""
    limits = {}
    with open(LIMITS, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                ways, name, reason = line.strip().split(None, 2)
                if way in ways.split(","):
                    limits[name] = reason
    return limits


class Bench:
    """One program of cases, on one way."""

    def __init__(self, wsd, program, way):
        self.wsd = wsd
        self.program = program
        self.way = way
        self.routes = procs.scratch_file("routes")
        self.limits = known_limits(way)

    def names(self, part, thread_sanitizer):
        """The cases to run."""
        listed = procs.run(self.program, "--list").out.split()
        return [name for name in listed if part in name
                and not (thread_sanitizer
                         and NOT_WITH_THREAD_SANITIZER.search(name))]

    def over_tcp(self, name):
        """Runs a case over kernel TCP."""
        return self._run([self.program, name], {})

    def over_san(self, name):
        """Runs a case under wsd."""
        return self._run([self.wsd, "run", f"--explain={self.routes}", "--",
                          self.program, name], WAYS[self.way])

    @staticmethod
    def _run(command, env):
        try:
            outcome = procs.run(*command, seconds=CASE_SECONDS, env=env)
            return outcome.status, outcome.out + outcome.err
        except procs.Timeout as why:
            return "overdue", str(why)


def judge_tcp(status):
    """The case itself must be right."""
    return status in (PASS, SKIP), "" if status == PASS else " # SKIP"


def judge_san(bench, name, status):
    """Anything but a pass must be the same over TCP."""
    if status == PASS:
        return True, "", ""
    wanted, _ = bench.over_tcp(name)
    if status == SKIP and wanted == SKIP:
        return True, " # SKIP as over TCP", ""
    return False, "", f"ended with {status}, over TCP with {wanted}"


def run_case(bench, name):
    """Returns (good, directive, explanation)."""
    if bench.way == "tcp":
        status, text = bench.over_tcp(name)
        good, directive = judge_tcp(status)
        return good, "" if not good else directive, text
    if name in bench.limits:
        return True, " # SKIP known limit: " + bench.limits[name], ""
    status, text = bench.over_san(name)
    good, directive, why = judge_san(bench, name, status)
    return good, directive, why + "\n" + text if why else text


def report(number, good, sentence, directive="", text=""):
    """One line of TAP, and what the case said when it is not good."""
    print(f"{'ok' if good else 'not ok'} {number} - {sentence}{directive}")
    if not good or directive:
        lines = text.strip().splitlines()
        if len(lines) > 80:  # a sanitizer says first what is wrong
            lines[60:-20] = ["..."]
        for line in lines:
            print("#", line)
    sys.stdout.flush()


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--thread-sanitizer", action="store_true")
    parser.add_argument("wsd")
    parser.add_argument("program")
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("part", nargs="?", default="")
    return parser.parse_args()


def main():
    """Returns the exit status."""
    options = parse_arguments()
    way = options.way
    bench = Bench(options.wsd, options.program, way)
    names = bench.names(options.part, options.thread_sanitizer)
    total = len(names) + (way != "tcp")
    print(f"1..{total}", flush=True)
    good = True
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(lambda name: run_case(bench, name), names)
        for number, (name, outcome) in enumerate(zip(names, outcomes), 1):
            report(number, outcome[0], f"{name} ({way})", *outcome[1:])
            good = good and outcome[0]
    if way != "tcp":
        taken = explain.count(bench.routes, "san")
        good = good and taken > 0
        report(total, taken > 0, f"{taken} connections went over the SAN")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
