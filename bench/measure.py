# SPDX-License-Identifier: MIT
"""Measurements of programs, once over kernel TCP and once under wsd.

A `Side` says how both ends of a measurement are run. Each measuring function
starts a server, runs a client against it, ends the server, and returns
numbers. On the fast side it also proves that the SAN was really taken: else
WrongRoute is raised, because such a number would be a lie.

Latency depends on where the scheduler puts the two ends, which changes from run
to run; so for ping-pong each end has a CPU of its own, on both sides.
"""

import collections
import csv
import json
import os
import platform
import re
import shlex
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TOP, "tests", "run"))

import explain  # noqa: E402
import procs  # noqa: E402

HOST = "127.0.0.1"
PATIENCE = 60  # seconds that a client may take beyond what it was told


class WrongRoute(Exception):
    """A fast measurement did not go over the SAN."""


class Broken(Exception):
    """A program did not do what it should."""


class Side:
    """How the programs of a measurement are run: plain, or under wsd."""

    def __init__(self, name, wsd=None):
        self.name = name
        self.wsd = wsd

    def command(self, routes, cpu, *command):
        """The command line, with arguments as text."""
        prefix = ()
        if cpu is not None:
            prefix += ("taskset", "-c", cpu)
        if self.wsd:
            prefix += (self.wsd, "run", f"--explain={routes}", "--")
        return [str(part) for part in prefix + command]


class Pair:
    """One server and the clients that are run against it."""

    def __init__(self, side, pinned=False):
        self.side = side
        cpus = sorted(os.sched_getaffinity(0))
        self.cpus = cpus[:2] if pinned and len(cpus) > 1 else [None, None]
        self.routes = procs.scratch_file(f"routes-{procs.free_port()}")
        self.port = procs.free_port()
        self.server = None
        self.commands = []

    def serve(self, *command):
        """Starts the server and waits for its port."""
        line = self.side.command(self.routes, self.cpus[0], *command)
        self.commands.append(shown(line))
        self.server = procs.start(*line)
        if self.side.wsd:
            self.server.offers = lambda port: explain.offers(self.routes, port)
        self.server.wait_port(self.port)

    def ask(self, *command, seconds=PATIENCE):
        """Runs a client; returns what it printed."""
        line = self.side.command(self.routes, self.cpus[1], *command)
        self.commands.append(shown(line))
        outcome = procs.run(*line, seconds=seconds)
        if outcome.status != 0:
            raise Broken(str(outcome))
        return outcome.out

    def finish(self):
        """Ends the server; on the fast side, looks at the routes."""
        self.server.kill()
        if not self.side.wsd:
            return
        codes = collections.Counter(
            r.code for r in explain.read(self.routes)
            if r.direction == "connect")
        if not codes or set(codes) != {"san"}:
            raise WrongRoute(
                f"{self.commands[-1]}: the connections were to take the SAN; "
                f"wsd run --explain tells {dict(codes)}")


def shown(line):
    """A command line as a reader would type it."""
    return shlex.join(
        os.path.basename(part) if part.endswith("/wsd") else part
        for part in line if not part.startswith("--explain="))


# ---- programs ------------------------------------------------------------

def sockperf(side, size, seconds):
    """Ping-pong; half of a round trip in microseconds: mean, p50, p99.

    Without --mps sockperf stops when there are more than 600,000 round trips
    per second; it does not hold back below what is given here.
    """
    pair = Pair(side, pinned=True)
    pair.serve("sockperf", "server", "--tcp", "-i", HOST, "-p", pair.port)
    text = pair.ask("sockperf", "ping-pong", "--tcp", "-i", HOST, "-p",
                    pair.port, "-m", size, "-t", seconds, "--mps", 2000000)
    pair.finish()
    found = {"mean": re.search(r"Latency is ([0-9.]+) usec", text),
             "p50": re.search(r"percentile 50\.000 = *([0-9.]+)", text),
             "p99": re.search(r"percentile 99\.000 = *([0-9.]+)", text)}
    if None in found.values():
        raise Broken(text)
    return ({name: float(m.group(1)) for name, m in found.items()},
            pair.commands)


def redis(side, requests, clients, pipeline=1, size=3):
    """Requests per second: {"GET": n, "SET": n}."""
    pair = Pair(side)
    pair.serve("redis-server", "--port", pair.port, "--bind", HOST, "--save",
               "", "--appendonly", "no", "--dir", procs.scratch())
    text = pair.ask("redis-benchmark", "-h", HOST, "-p", pair.port, "-t",
                    "get,set", "-n", requests, "-c", clients, "-P", pipeline,
                    "-d", size, "--csv")
    pair.finish()
    rates = {row["test"]: float(row["rps"])
             for row in csv.DictReader(text.splitlines())}
    if sorted(rates) != ["GET", "SET"]:
        raise Broken(text)
    return rates, pair.commands


def iperf3(side, seconds, *options):
    """Gigabits per second that arrive: {"rate": n}."""
    pair = Pair(side)
    pair.serve("iperf3", "-s", "-p", pair.port)
    text = pair.ask("iperf3", "-c", HOST, "-p", pair.port, "-t", seconds, "-J",
                    *options)
    pair.finish()
    end = json.loads(text)["end"]
    return ({"rate": end["sum_received"]["bits_per_second"] / 1e9},
            pair.commands)


# ---- about the machine ---------------------------------------------------

def _first(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            match = re.search(pattern, file.read(), re.M)
    except OSError:
        return None
    return match.group(1) if match else None


def host():
    """What the numbers depend on."""
    return {
        "cpu": _first("/proc/cpuinfo", r"^model name\s*: (.*)$")
               or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "memory_kib": int(_first("/proc/meminfo", r"^MemTotal:\s*(\d+)") or 0),
    }


def commit():
    """The commit that is checked out, read without git; None if unknown."""
    folder = os.path.join(TOP, ".git")
    if os.path.isfile(folder):
        folder = _first(folder, r"^gitdir: (.*)$")
    head = _first(os.path.join(folder, "HEAD"), r"^(.*)$")
    if not head or not head.startswith("ref: "):
        return head
    name = head[len("ref: "):]
    return (_first(os.path.join(folder, name), r"^(\w+)$")
            or _first(os.path.join(folder, "packed-refs"),
                      rf"^(\w+) {re.escape(name)}$"))


# ---- numbers -------------------------------------------------------------

def rank(samples, share):
    """The sample below or at which that share of them lies."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(samples):
    """Min, median and 99th percentile of some runs."""
    return {"min": min(samples), "median": rank(samples, 0.5),
            "p99": rank(samples, 0.99), "samples": samples}
