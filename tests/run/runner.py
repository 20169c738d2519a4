#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests that Meson knows, each as processes of its own.

    runner.py [OPTIONS] LABEL=BUILD[:SUITE,...] ...

Each test gets a session of its own, a time limit as a whole and one between
two lines of output; what it leaves behind is killed. Prints a line per test
and, last, "N passed, N failed[, N skipped]", where each subtest of a TAP
program counts. Suite rdma is run only when it is named. Logs go to --out.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import procs  # noqa: E402
import tap  # noqa: E402

QUIET_SECONDS = 120  # between two lines of output
SKIPPED = 77         # exit status of a test without TAP
ON_REQUEST = {"rdma"}  # suites that are run only when they are named
APART = {"hosts"}      # suites whose tests mind all company but each other's

Test = collections.namedtuple(
    "Test", "build suite name command env workdir seconds parallel protocol")


def title(test):
    """What the user calls the test."""
    return f"{test.build}/{test.suite}/{test.name}"


class Report:
    """How one test went."""

    def __init__(self, test):
        self.test = test
        self.seconds = 0.0
        self.results = []
        self.problem = ""
        self.log = ""

    def count(self, verdict):
        """Subtests with that verdict; a problem of the whole is a failure."""
        extra = 1 if verdict == "failed" and self.problem else 0
        return extra + sum(r.verdict == verdict for r in self.results)

    def failed(self):
        """Did anything go wrong?"""
        return self.count("failed") > 0

    def as_json(self):
        """For --json."""
        return {
            "name": title(self.test),
            "verdict": "failed" if self.failed() else "passed",
            "seconds": round(self.seconds, 3),
            "passed": self.count("passed"),
            "failed": self.count("failed"),
            "skipped": self.count("skipped"),
            "problem": self.problem,
            "failures": [r.name for r in self.results
                         if r.verdict == "failed"],
            "log": self.log,
        }


# ---- which tests ---------------------------------------------------------

def introspect(label, build):
    """The tests of a build directory."""
    listed = subprocess.run(
        ["meson", "introspect", "--tests", build],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    for entry in json.loads(listed):
        suite = entry["suite"][0].split(":")[-1] if entry["suite"] else "other"
        yield Test(label, suite, entry["name"], entry["cmd"], entry["env"],
                   entry["workdir"] or build, entry["timeout"],
                   entry["is_parallel"], entry["protocol"])


def asked_for(suite, wanted):
    """Is a suite among those named, or, when none is, a usual one?"""
    return suite in wanted if wanted else suite not in ON_REQUEST


def choose(specifications, pattern):
    """All tests asked for, in the order of Meson."""
    chosen = []
    for specification in specifications:
        label, _, rest = specification.partition("=")
        build, _, suites = rest.partition(":")
        wanted = set(suites.split(",")) if suites else None
        for test in introspect(label, build):
            if not asked_for(test.suite, wanted):
                continue
            if pattern is None or pattern.search(title(test)):
                chosen.append(test)
    return chosen


# ---- running one ---------------------------------------------------------

class Output:
    """Reads a process's output by lines, with deadlines."""

    def __init__(self, process, seconds):
        self.stream = process.stdout
        os.set_blocking(self.stream.fileno(), False)
        self.end = time.monotonic() + seconds
        self.rest = b""
        self.overdue = ""

    def _wait(self, selector, quiet_end):
        left = min(self.end, quiet_end) - time.monotonic()
        if left > 0 and selector.select(left):
            return True
        if time.monotonic() >= self.end:
            self.overdue = "the time limit of the whole test has passed"
        elif time.monotonic() >= quiet_end:
            self.overdue = f"nothing was printed for {QUIET_SECONDS} s"
        return not self.overdue

    def lines(self):
        """Yields lines until the end of the output or a deadline."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.stream, selectors.EVENT_READ)
            while self._wait(selector, time.monotonic() + QUIET_SECONDS):
                chunk = self.stream.read(65536)
                if chunk is None:
                    continue
                if not chunk:
                    break
                yield from self._split(chunk)
        if self.rest:
            yield self.rest.decode("utf-8", "replace")

    def _split(self, chunk):
        *whole, self.rest = (self.rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace") + "\n"


def run_test(test, folder, running):
    """Runs a test to its end and tells how it went."""
    report = Report(test)
    report.log = os.path.join(folder, title(test).replace("/", "-") + ".log")
    began = time.monotonic()
    with open(report.log, "w", encoding="utf-8") as log:
        log.write(f"# {' '.join(test.command)}\n")
        process = subprocess.Popen(
            test.command, cwd=test.workdir, env={**os.environ, **test.env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        running.add(process.pid)
        try:
            watch(process, test, report, log)
        finally:
            procs.kill_session(process.pid)
            process.wait()
            process.stdout.close()
            running.discard(process.pid)
        report.seconds = time.monotonic() - began
        if report.problem:
            log.write(f"# {report.problem}\n")
    return report


def watch(process, test, report, log):
    """Reads what the test prints and judges it."""
    reader = tap.Reader()
    output = Output(process, test.seconds)
    for line in output.lines():
        log.write(line)
        log.flush()
        reader.line(line)
    report.results = reader.results
    if output.overdue:
        report.problem = output.overdue
        return
    status = process.wait()
    if test.protocol == "tap":
        report.problem = reader.end(status)
    else:
        report.results = [plain_result(test.name, status)]


def plain_result(name, status):
    """A test that does not speak TAP."""
    if status == SKIPPED:
        return tap.Result(name, "skipped")
    return tap.Result(name, "passed" if status == 0 else "failed")


def end_orphans(known):
    """Kills what tests have left behind; returns their command lines."""
    left = []
    for pid in procs.all_pids():
        fields = procs.stat_fields(pid)
        if not fields or int(fields[1]) != os.getpid() or pid in known:
            continue
        if fields[0] != "Z":
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                left.append(file.read().replace(b"\0", b" ").decode().strip())
            procs.kill_session(int(fields[3]))
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass
    return left


# ---- running all ---------------------------------------------------------

class Printer:
    """A line per test; the failures of each with what they said."""

    def __init__(self, stream):
        self.stream = stream
        self.lock = threading.Lock()

    def report(self, report):
        """Prints one test."""
        mark = "FAIL" if report.failed() else "ok"
        numbers = [f"{report.count(v)} {v}"
                   for v in ("passed", "failed", "skipped") if report.count(v)]
        lines = [f"{mark:4} {report.seconds:6.1f} s  {title(report.test)}"
                 f" ({', '.join(numbers)})"]
        if report.problem:
            lines.append(f"         {report.problem}")
        for result in report.results:
            if result.verdict == "failed":
                lines.append(f"         not ok: {result.name}")
                lines.extend(f"           {n}" for n in result.notes[-12:])
        if report.failed():
            lines.append(f"         log: {report.log}")
        with self.lock:
            print("\n".join(lines), file=self.stream, flush=True)


def left_by_some(left):
    """A report for processes that one of several tests has left behind."""
    test = Test("all", "run", "left-behind", [], {}, "", 0, True, "exit")
    report = Report(test)
    report.problem = "left behind: " + "; ".join(left)
    return report


def run_parallel(tests, jobs, folder, printer):
    """Tests that do not mind each other; those that may take longest first."""
    running = set()

    def one(test):
        report = run_test(test, folder, running)
        printer.report(report)
        return report

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            reports = list(pool.map(
                one, sorted(tests, key=lambda test: -test.seconds)))
        except BaseException:  # what waits is not begun, what runs is ended
            for session in tuple(running):
                procs.kill_session(session)
            raise
    left = end_orphans(running)
    if left:
        reports.append(left_by_some(left))
        printer.report(reports[-1])
    return reports


def run_serial(tests, folder, printer):
    """Tests that measure, or watch for what is left behind."""
    reports = []
    for test in tests:
        running = set()
        report = run_test(test, folder, running)
        left = end_orphans(running)
        if left and not report.problem:
            report.problem = "left behind: " + "; ".join(left)
        printer.report(report)
        reports.append(report)
    return reports


def summary(reports):
    """The last line."""
    total = {v: sum(r.count(v) for r in reports)
             for v in ("passed", "failed", "skipped")}
    text = f"{total['passed']} passed, {total['failed']} failed"
    if total["skipped"]:
        text += f", {total['skipped']} skipped"
    return text, total


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("builds", nargs="+", metavar="LABEL=BUILD[:SUITE,...]")
    parser.add_argument("--filter", type=re.compile, metavar="REGEX")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--jobs", type=int,
                        default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", default="out/check")
    return parser.parse_args()


def main():
    """Returns the exit status."""
    options = parse_arguments()
    tests = choose(options.builds, options.filter)
    if options.list:
        print("\n".join(title(test) for test in tests))
        return 0
    os.makedirs(options.out, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    procs.adopt_orphans()
    printer = Printer(sys.stderr if options.json else sys.stdout)
    began = time.monotonic()
    reports = []
    for phase in ([t for t in tests if t.parallel],
                  [t for t in tests if not t.parallel and t.suite in APART]):
        reports += run_parallel(phase, options.jobs, options.out, printer)
    reports += run_serial([t for t in tests
                           if not t.parallel and t.suite not in APART],
                          options.out, printer)
    text, total = summary(reports)
    if options.json:
        total["seconds"] = round(time.monotonic() - began, 1)
        total["tests"] = [report.as_json() for report in reports]
        print(json.dumps(total, indent=1))
    else:
        print(text)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
