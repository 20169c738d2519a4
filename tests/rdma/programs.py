#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs under wsd between two machines that have RDMA verbs."""

import glob
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import machine  # noqa: E402
import hosts  # noqa: E402
import procs  # noqa: E402
from explain import PEER, WSD, Fast, start_echo  # noqa: E402
from tap import Skip, case, check, check_equal, main, note  # noqa: E402

# All is slow here: what nobody answers is waited for longer, a call as well.
os.environ["WSD_PATIENCE"] = "30000"
SLOW = (*PEER, "--limit", 60)

SIZES = (1, 100, 4096, 65537, 1 << 20, 16 << 20)
CONNECTIONS = 2
ROUNDS = 300
SOON = 10  # seconds, where all is slow
HALVES = ("R1-R125", "R126-R215")  # a machine for each
CASE_SECONDS = 100
KILLED = {"eof", "ECONNRESET", "EPIPE"}
LOST = {"ETIMEDOUT", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "EPIPE"}


def need_wsd():
    """There is nothing to test without it."""
    if not WSD:
        raise Skip("runs without wsd")


@case("two machines boot", seconds=240)
def boots():
    need_wsd()
    for each in machine.pair():
        outcome = each.run(WSD, "--version")
        check_equal(outcome.status, 0, str(outcome))


@case("the provider obeys the rules over verbs", seconds=1700)
def conforms():
    need_wsd()
    found = glob.glob(os.path.join(os.environ.get("WSD_BUILD", "."), "src",
                                   "**", "libwsd-fabric.so"), recursive=True)
    if not found:
        raise Skip("libwsd-fabric.so has not been built")
    kits = [each.start(WSD, "conform", found[0], "--rule", rules, "--seconds",
                       CASE_SECONDS)
            for each, rules in zip(machine.pair(), HALVES)]
    while any(kit.alive() for kit in kits):
        for kit in kits:
            note(last_line(kit))  # the runner wants a line now and then
        time.sleep(20)
    for kit, rules in zip(kits, HALVES):
        check_equal(kit.wait(1), 0, kit.output())
        note(f"{rules}: {last_line(kit)}")


def last_line(program):
    """What it has said last."""
    return (program.output().splitlines() or [""])[-1]


@case("wsd info shows the device in use, and wsd ping is answered over it",
      seconds=120)
def told():
    need_wsd()
    a, b = machine.pair()
    outcome = a.run(WSD, "info", "--json")
    check_equal(outcome.status, 0, str(outcome))
    used = [(net["network"], net["address"])
            for provider in json.loads(outcome.out)["providers"]
            for net in provider["networks"]
            if net["in_use"] and provider["name"] == "fabric"]
    check({("verbs", a.address), ("verbs", a.address6)} <= set(used),
          f"in use: {used}")
    server = a.start(WSD, "perf", "--server", "--provider", "fabric")
    procs.wait_until(lambda: "7470" in server.output(), SOON,
                     "wsd perf --server")
    outcome = b.run(WSD, "ping", a.address, "--count", 3, "--interval", 0.1)
    check_equal(outcome.status, 0, f"{outcome}\n{server.output()}")


@case("echoes from 1 B to 16 MB come back whole", seconds=240)
def echoes():
    need_wsd()
    a, b = machine.pair()
    for address in (a.address, a.address6):
        server, client = Fast(a), Fast(b)
        _, port = start_echo(server.start, at=address)
        outcome = client.run(*SLOW, "--at", address, "ask", port, 1, *SIZES,
                             seconds=110)
        check_equal(outcome.status, 0, str(outcome))
        hosts.check_ends(server, client, 1)


@case("Redis serves another machine without an error", seconds=180)
def redis():
    need_wsd()
    a, b = machine.pair()
    server, client = Fast(a), Fast(b)
    port = procs.free_port()
    server.start("redis-server", "--port", port, "--bind", a.address,
                 "--protected-mode", "no", "--save", "", "--dir",
                 "/tmp").wait_port(port)
    outcome = client.run("redis-benchmark", "-h", a.address, "-p", port, "-t",
                         "get,set", "-n", 2000, "-c", 10, "--csv", seconds=120)
    check_equal(outcome.status, 0, str(outcome))
    check("rror" not in outcome.out + outcome.err, str(outcome))
    note(outcome.out)
    hosts.check_ends(server, client, 10)


@case("memory that is unmapped and mapped anew gets the new bytes",
      seconds=240)
def remaps():
    need_wsd()
    a, b = machine.pair()
    server, port = start_echo(Fast(a).start, "give", at=a.address)
    client = Fast(b)
    outcome = client.run(*SLOW, "--at", a.address, "remap", port, ROUNDS,
                         seconds=110)
    check_equal(outcome.status, 0, f"{outcome}\n{server.output()}")
    note(outcome.out)
    check("at 1 places" in outcome.out, "the place changes: nothing is tested")
    hosts.check_route(client, "connect", 1)


def start_pump(a, b):
    """Busy connections between the machines: returns server and client."""
    server, port = start_echo(Fast(a).start, at=a.address)
    client = Fast(b)
    pump = client.start(*SLOW, "--at", a.address, "pump", port, CONNECTIONS)
    procs.wait_until(
        lambda: pump.output().count("connected") == CONNECTIONS, 60,
        "connections")
    hosts.check_route(client, "connect", CONNECTIONS)
    time.sleep(1)
    return server, pump


def check_endings(pump, seconds, allowed):
    """All connections of a pump end in time, in a way that is allowed."""
    began = time.monotonic()
    check_equal(pump.wait(seconds), 0, pump.output())
    ends = [word for word in pump.output().split()
            if word not in ("connected", "done")]
    note(f"after {time.monotonic() - began:.2f} s: {ends}")
    check_equal(len(ends), CONNECTIONS, "ends")
    check(set(ends) <= allowed, f"ends {ends}")


@case("a server that is killed ends its clients on another machine soon",
      seconds=150)
def kill_server():
    need_wsd()
    server, pump = start_pump(*machine.pair())
    server.kill()
    check_endings(pump, SOON, KILLED)


@case("a cable that is pulled is an error, in time; then all works again",
      seconds=240)
def unplugged():
    need_wsd()
    a, b = machine.pair()
    server, pump = start_pump(a, b)
    a.unplug()
    check_endings(pump, 40, LOST)
    procs.wait_until(lambda: len(server.output().split()) == CONNECTIONS, SOON,
                     "the ends on the other side")
    check(set(server.output().split()) <= LOST, server.output())
    a.plug()
    server, client = Fast(a), Fast(b)
    _, port = start_echo(server.start, at=a.address)
    outcome = client.run(*SLOW, "--at", a.address, "ask", port, 1, 10000)
    check_equal(outcome.status, 0, str(outcome))


@case("a machine that is lost is an error, in time", seconds=150)
def lost():
    need_wsd()
    a, b = machine.pair()
    _, pump = start_pump(a, b)
    a.lose()
    check_endings(pump, 40, LOST)


if __name__ == "__main__":
    main()
