#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The runner itself: it notices what goes wrong, and kills what stays."""

import io
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import procs  # noqa: E402
import runner  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402


LEAVES = ("setsid sleep 1000 >/dev/null 2>&1 </dev/null & sleep 1;"
          "echo 1..1; echo ok 1")


def sample(script, protocol="tap", seconds=20):
    """A test that is this shell script."""
    return runner.Test("build", "harness", "sample", ["sh", "-c", script], {},
                       procs.scratch(), seconds, False, protocol)


def run(script, protocol="tap", seconds=20):
    """How that goes."""
    return runner.run_test(sample(script, protocol, seconds), procs.scratch(),
                           set())


def counts(report):
    """Passed, failed, skipped."""
    return tuple(report.count(v) for v in ("passed", "failed", "skipped"))


@case("subtests are counted, with their comments")
def subtests():
    report = run("echo 1..4; echo ok 1 - a; echo not ok 2 - b; echo '# why';"
                 "echo 'ok 3 - c # SKIP no'; echo 'not ok 4 # TODO later';"
                 "exit 1")
    check_equal(counts(report), (2, 1, 1), "passed, failed, skipped")
    check_equal(report.problem, "", "problem")
    check_equal(report.results[1].notes, ["why"], "comments")


@case("a test that passes and then fails has failed")
def bad_status():
    report = run("echo 1..1; echo ok 1; exit 3")
    check("ended with 3" in report.problem, report.problem)
    check(report.failed(), "it has failed")


@case("a test that stops in the middle has failed")
def too_few():
    check("3 tests were planned" in run("echo 1..3; echo ok 1").problem,
          "too few")
    check("no plan" in run("echo ok 1").problem, "no plan")
    check("no plan" in run("kill -11 $$").problem, "killed")
    check("Bail out" in run("echo 1..1; echo 'Bail out! no'").problem, "bail")
    check("no test" in run("echo 1..0").problem, "an empty plan")


@case("a whole test may be skipped")
def skipped():
    check_equal(counts(run("echo '1..0 # SKIP no such thing'")), (0, 0, 1),
                "passed, failed, skipped")
    check_equal(counts(run("exit 77", "exitcode")), (0, 0, 1), "status 77")


@case("a test without TAP is judged by its status")
def plain():
    check_equal(counts(run("exit 0", "exitcode")), (1, 0, 0), "status 0")
    check_equal(counts(run("exit 1", "exitcode")), (0, 1, 0), "status 1")


@case("a test that hangs is killed, with its children")
def hangs():
    path = procs.scratch_file("child")
    report = run(f"echo 1..2; echo ok 1; sleep 1000 & echo $! >{path}; wait",
                 seconds=1)
    check("time limit" in report.problem, report.problem)
    check(report.seconds < 10, f"{report.seconds} s")
    with open(path, encoding="ascii") as file:
        child = int(file.read())
    procs.wait_until(lambda: procs.stat_fields(child) is None
                     or procs.stat_fields(child)[0] == "Z", 5,
                     "the child is gone")


@case("what a test leaves behind in another session is found and killed")
def orphans():
    procs.adopt_orphans()
    run(LEAVES)
    left = runner.end_orphans(set())
    check_equal(left, ["sleep 1000"], "left behind")
    check_equal(runner.end_orphans(set()), [], "the second time")


@case("what one of several tests leaves behind is a failure")
def left_by_some():
    procs.adopt_orphans()
    silent = runner.Printer(io.StringIO())
    reports = runner.run_parallel([sample("echo 1..1; echo ok 1"),
                                   sample(LEAVES)], 2, procs.scratch(), silent)
    check_equal([report.problem for report in reports],
                ["", "", "left behind: sleep 1000"], "problems")
    check_equal(runner.summary(reports)[0], "2 passed, 1 failed", "line")


@case("a suite that takes long is run only when it is named")
def on_request():
    check(runner.asked_for("unit", None), "a usual suite")
    check(not runner.asked_for("rdma", None), "a long one")
    check(runner.asked_for("rdma", {"rdma"}), "named")
    check(not runner.asked_for("unit", {"rdma"}), "another is named")


@case("the last line tells all")
def last_line():
    reports = [run("echo 1..1; echo ok 1"), run("exit 1", "exitcode")]
    check_equal(runner.summary(reports)[0], "1 passed, 1 failed", "line")
    reports.append(run("exit 77", "exitcode"))
    check_equal(runner.summary(reports)[0], "1 passed, 1 failed, 1 skipped",
                "line")


if __name__ == "__main__":
    main()
