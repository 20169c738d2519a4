#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wsd ping and wsd perf: figures, both kinds of ends, and what can go wrong."""

import json
import os
import re
import shutil
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import procs  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
BUILD = os.environ["WSD_BUILD"]
SHM = os.path.join(BUILD, "src", "provider", "libwsd-shm.so")
ODD = os.path.join(BUILD, "tests", "cli", "libodd-provider.so")
ENV = {"HOME": "/nonexistent", "WSD_CATALOG": "", "WSD_PROVIDER": ""}
QUICK = ("--seconds", "0.005")
TIME = r"\d+(\.\d+)? (ns|us|ms|s)"


def wsd(*arguments, env=None, **options):
    """Runs wsd without any catalog but the built-in one."""
    return procs.run(WSD, *arguments, env={**ENV, **(env or {})}, **options)


def good(*arguments, **options):
    """It succeeds and says nothing on standard error."""
    outcome = wsd(*arguments, **options)
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    return outcome.out


def wrong(*arguments, says, status=1, **options):
    """It fails with this status and one line that says all of this."""
    outcome = wsd(*arguments, **options)
    check_equal((outcome.status, outcome.out), (status, ""), str(outcome))
    check_equal(len(outcome.err.splitlines()), 1, outcome.err)
    for part in [says] if isinstance(says, str) else says:
        check(part in outcome.err, f"{outcome.err!r} does not say {part!r}")


def server(*arguments, port=None):
    """A server, and HOST:PORT to reach it."""
    port = port or procs.free_port()
    program = procs.start(WSD, "perf", "--server", "--port", port, *arguments,
                          env=ENV)
    procs.wait_until(lambda: f":{port};" in program.output()
                     or not program.alive(), 10, "the server")
    check(program.alive(), program.output())
    return program, f"127.0.0.1:{port}"


def ended(program):
    """Nothing of that program is left."""
    procs.wait_until(lambda: not procs.session_members(program.pid), 5,
                     f"{program} and its children ending")


def interrupt(program):
    """Ctrl-C; its exit status."""
    os.kill(program.pid, signal.SIGINT)
    return program.wait(5)


# ---- ping ----------------------------------------------------------------

@case("ping alone has both ends, and tells bytes and times with units")
def ping_alone():
    out = good("ping", "--count", 3, "--interval", 0.01)
    lines = out.splitlines()
    check_equal(len(lines), 7, out)
    check(re.fullmatch(r"wsd ping 127\.0\.0\.1:\d+ over shm: 56 bytes",
                       lines[0]), out)
    for number, line in enumerate(lines[1:4], 1):
        check(re.fullmatch(rf"56 bytes from 127\.0\.0\.1:\d+: seq={number} "
                           rf"time={TIME}", line), out)
    check(lines[5].endswith(": 3 sent, 3 answered"), out)
    check(re.fullmatch(rf"round trip min/avg/max: {TIME} / {TIME} / {TIME}",
                       lines[6]), out)


@case("ping reaches a server, over one connection after the other")
def ping_server():
    program, where = server()
    for size in ("1", "64K", "1M"):
        told = json.loads(good("ping", where, "--count", 2, "--interval",
                               "0.01", "--size", size, "--json"))
        check_equal((told["peer"], told["sent"], told["answered"]),
                    (where, 2, 2), str(told))
        check(told["min_ns"] <= told["avg_ns"] <= told["max_ns"], str(told))
    check_equal(interrupt(program), 0, program.output())


@case("ping sends once a second, and Ctrl-C ends it with the summary")
def ping_interrupted():
    _, where = server()
    for arguments in ((), (where,)):
        program = procs.start(WSD, "ping", *arguments, env=ENV)
        procs.wait_until(lambda p=program: "seq=1" in p.output(), 10, "seq=1")
        check_equal(interrupt(program), 0, program.output())
        out = program.output()
        check("seq=3" not in out and "answered" in out and "avg" in out, out)
        ended(program)


@case("ping fails when nothing answers")
def ping_nothing():
    for where in (f"127.0.0.1:{procs.free_port()}", "[::1]:9", "10.255.0.1"):
        wrong("ping", where, "--count", 1,
              says=["does not answer over shm", "wsd perf --server"])


@case("ping ends when the server does, however that goes")
def ping_server_dies():
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        program, where = server()
        client = procs.start(WSD, "ping", where, "--interval", 0.01, env=ENV)
        procs.wait_until(lambda c=client: "seq=2" in c.output(), 10, "seq=2")
        os.kill(program.pid, number)
        program.wait(5)
        check_equal(client.wait(15), 1, client.output())
        check("answered" in client.output(), client.output())


# ---- perf ----------------------------------------------------------------

@case("perf alone prints a table: sizes, round trips, bandwidths, units")
def perf_alone():
    out = good("perf", *QUICK)
    rows = [line for line in out.splitlines()
            if re.match(r" *\d+ (B|KiB|MiB) ", line)]
    check_equal([row[:8].strip() for row in rows],
                ["8 B", "32 B", "128 B", "512 B", "2 KiB", "8 KiB", "32 KiB",
                 "128 KiB", "512 KiB", "1 MiB"], out)
    rate = r"\d+(\.\d+)? [kMG]B/s"
    for row in rows:
        check(re.fullmatch(rf" *\d+ \S+( +{TIME}){{3}}( +{rate}){{3}}", row),
              row)
    check("messages  RDMA write   RDMA read" in out, out)


@case("perf tells programs the same")
def perf_json():
    told = json.loads(good("perf", "--json", *QUICK))
    check_equal((told["provider"], told["library"], told["same_command"]),
                ("shm", SHM, True), str(told))
    check_equal(len(told["rows"]), 10, str(told))
    for row in told["rows"]:
        check(row["round_trips"] >= 16, str(row))
        check(0 < row["min_ns"] <= row["median_ns"] <= row["p99_ns"],
              str(row))
        for way in ("messages", "rdma_write", "rdma_read"):
            check(row[f"{way}_bytes_per_second"] > 0, str(row))


@case("perf measures a server, several clients at once")
def perf_server():
    program, where = server("--provider", SHM)
    clients = [procs.start(WSD, "perf", where, "--size", size, "--provider",
                           SHM, *QUICK, env=ENV)
               for size in ("1", "255", "65537", "1M")]
    for client in clients:
        check_equal(client.wait(30), 0, client.output())
    check("1 MiB" in clients[3].output(), clients[3].output())
    check_equal(interrupt(program), 0, program.output())


@case("more clients than there is room for are turned away, not the rest")
def perf_crowd():
    program, where = server()
    crowd = [procs.start(WSD, "ping", where, "--interval", 0.05, env=ENV)
             for _ in range(18)]
    procs.wait_until(
        lambda: sum("seq=2" in c.output() for c in crowd) == 16
        and sum(not c.alive() for c in crowd) == 2, 20, "16 of 18")
    check("too many clients" in program.output(), program.output())
    good_ones = [c for c in crowd if c.alive()]
    check_equal(interrupt(good_ones[0]), 0, good_ones[0].output())
    good("ping", where, "--count", 1)
    check_equal(interrupt(program), 0, program.output())


@case("Ctrl-C ends perf with what there is, and leaves nothing running")
def perf_interrupted():
    program = procs.start(WSD, "perf", "--json", "--seconds", 0.3, env=ENV)
    procs.wait_until(lambda: '"bytes": 8,' in program.output(), 20, "a row")
    check_equal(interrupt(program), 1, program.output())
    rows = json.loads(program.output())["rows"]
    check(1 <= len(rows) < 10, program.output())
    ended(program)


@case("a server that is busy ends at Ctrl-C as well")
def busy_server():
    program, where = server()
    client = procs.start(WSD, "perf", where, "--seconds", 60, env=ENV)
    procs.wait_until(lambda: "median" in client.output(), 10, "the head")
    check_equal(interrupt(program), 0, program.output())
    check_equal(client.wait(15), 1, client.output())


@case("when perf is killed its other end goes too")
def perf_killed():
    program = procs.start(WSD, "perf", "--seconds", 5, env=ENV)
    procs.wait_until(lambda: "median" in program.output(), 10, "the head")
    check(len(procs.session_members(program.pid)) == 2, "two processes")
    os.kill(program.pid, signal.SIGKILL)
    program.wait(5)
    ended(program)


@case("perf ends when its server dies")
def perf_server_dies():
    program, where = server()
    client = procs.start(WSD, "perf", where, "--seconds", 2, env=ENV)
    procs.wait_until(lambda: "median" in client.output(), 10, "the head")
    program.kill()
    check_equal(client.wait(15), 1, client.output())
    check(f"wsd: {where}: " in client.output(), client.output())


@case("a server outlives clients that say anything", seconds=60)
def attacked():
    program, where = server()
    outcome = procs.run(os.path.join(BUILD, "tests", "cli", "perf_attack"),
                        SHM, where, 2, env=ENV)
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    check(int(outcome.out.split()[0]) > 50, outcome.out)
    good("perf", where, "--size", "64K", *QUICK)
    check_equal(interrupt(program), 0, program.output())
    lines = set(program.output().splitlines()[1:])
    check(lines <= {"wsd: too many clients at once"}, program.output())


# ---- providers -----------------------------------------------------------

@case("--provider takes the name of an entry, or a path")
def choose():
    catalog = procs.scratch_file("catalog")
    copy = procs.scratch_file("copy.so")
    shutil.copy(SHM, copy)
    env = {**ENV, "WSD_CATALOG": catalog}
    good("provider", "install", copy, "--name", "mine", env=env)

    def library(*arguments, env):
        return json.loads(good("perf", "--json", "--size", 8, *QUICK,
                               *arguments, env=env))["library"]

    check_equal(library("--provider", "mine", env=env), copy, "by name")
    check_equal(library("--provider", SHM, env=env), SHM, "by path")
    check_equal(library(env=env), copy, "the first")
    check_equal(library("--provider", "shm", env=env), SHM, "built-in")
    check_equal(library(env={**ENV, "WSD_PROVIDER": copy}), copy, "setting")


@case("a provider that is none, or cannot work, is one line")
def bad_provider():
    for command in ("ping", "perf"):
        wrong(command, "--provider", "ghost", says="no provider ghost")
        wrong(command, "--provider", "/no/such", says="no such file")
        wrong(command, "--provider", WSD, says=WSD)
        wrong(command, "--provider", ODD, env={"ODD": "down"},
              says="WSASYSNOTREADY")
        wrong(command, "--provider", ODD, env={"ODD": "missing"},
              says="WSPConnect")
        wrong(command, "--provider", ODD, env={"ODD": "short"},
              says="100 bytes")


# ---- mistakes ------------------------------------------------------------

@case("usage errors are one line and status 2")
def usage():
    def bad(*arguments, says):
        wrong(*arguments, says=says, status=2)

    for command in ("ping", "perf"):
        bad(command, "nosuch.host", says="'nosuch.host'")
        bad(command, "127.0.0.1:0", says="'127.0.0.1:0'")
        bad(command, "127.0.0.1", "x", says="unexpected x")
        bad(command, "--frob", says="unknown option --frob")
        bad(command, "--size", "0", says="'0'")
        bad(command, "--size", "2M", says="'2M'")
        bad(command, "--size", "1G", says="'1G'")
        bad(command, "--size", says="--size needs a value")
        bad(command, "--provider", "", says="--provider needs a value")
    bad("ping", "--count", "0", says="'0'")
    bad("ping", "--count", "99999999999999999999999", says="--count")
    bad("ping", "--interval", "nan", says="'nan'")
    bad("ping", "--interval", "-1", says="'-1'")
    bad("perf", "--seconds", "0", says="'0'")
    bad("perf", "--server", "--port", "0", says="'0'")
    bad("perf", "--server", "127.0.0.1", says="--server takes no HOST")
    bad("perf", "--port", "80", says="HOST:PORT")
    bad("perf", "--child", says="unknown option --child")


@case("a port that is taken is told")
def port_taken():
    _, where = server()
    wrong("perf", "--server", "--port", where.rsplit(":", 1)[1],
          says=["cannot listen", "WSAEADDRINUSE"])


@case("a full disk is noticed")
def full_disk():
    outcome = procs.run("sh", "-c", f"{WSD} perf --size 8 --seconds 0.005 "
                        ">/dev/full", env=ENV)
    check_equal(outcome.status, 1, str(outcome))
    check("cannot write" in outcome.err, outcome.err)


if __name__ == "__main__":
    main()
