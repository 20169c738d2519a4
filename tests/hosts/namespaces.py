#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The test hosts themselves."""

import os
import signal
import sys

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run")
sys.path.insert(0, RUN)

import hosts  # noqa: E402
import procs  # noqa: E402
from explain import PEER, Fast, start_echo  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402


def attempt(host, address, port):
    """What a connect ends with."""
    return host.run(*PEER, "try", address, port).out.strip()


@case("three hosts reach each other over IPv4 and IPv6, and only they")
def reach():
    with hosts.several(3) as three:
        for server in three:
            for address in (server.address, server.address6):
                _, port = start_echo(server.start, at=address)
                for client in three:
                    check_equal(attempt(client, address, port), "connected",
                                f"{client.name} to {address}")
                check(not procs.is_listening(port), "seen from outside")


@case("what runs on a host under wsd tells its routes")
def routes():
    with hosts.several(2) as (a, b):
        server, client = Fast(a), Fast(a)
        _, port = start_echo(server.start, at=a.address)
        check_equal(client.run(*PEER, "--at", a.address, "ask", port, 3, 1000)
                    .status, 0, "on one host")
        client.check_only("connect", "san", 3)
        far = Fast(b)
        check_equal(far.run(*PEER, "--at", a.address, "ask", port, 3, 1000)
                    .status, 0, "from the other")
        hosts.check_route(far, "connect", 3)


@case("a cable can be pulled and put back")
def unplug():
    with hosts.several(2) as (a, b):
        _, port = start_echo(a.start, at=a.address)
        for down, up in ((a.unplug, a.plug),
                         (lambda: a.link("down"), lambda: a.link("up"))):
            check_equal(attempt(b, a.address, port), "connected", "at first")
            down()
            check(attempt(b, a.address, port) in ("no answer", "EHOSTUNREACH"),
                  "without a link")
            up()
            procs.wait_until(
                lambda: attempt(b, a.address, port) == "connected", 10,
                "the link is back")


@case("a firewall drops or rejects some ports")
def firewall():
    with hosts.several(2) as (a, b):
        _, port = start_echo(a.start, at=a.address)
        for verdict, answer in (("drop", "no answer"),
                                ("reject with tcp reset", "ECONNREFUSED")):
            a.firewall(port, verdict)
            check_equal(attempt(b, a.address, port), answer, verdict)
            a.no_firewall()
            check_equal(attempt(b, a.address, port), "connected", "after")


@case("nothing is left of hosts, whatever ran on them")
def nothing_left():
    with hosts.several(2) as (a, b):
        program = a.start("sh", "-c", "trap '' TERM; setsid sleep 1000 &"
                          " while :; do sleep 1; done")
        procs.wait_until(lambda: len(a.pids()) >= 2, 5, "two processes")
        numbers = [a.number, b.number]
        check(hosts.left_behind(numbers), "they are there")
    check_equal(hosts.left_behind(numbers), [], "left behind")
    check_equal(program.wait(1), -signal.SIGKILL, "how it ended")


MAKER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import hosts
with hosts.several(2) as (a, b):
    a.start("sleep", "1000")
    print(a.number, b.number, flush=True)
    time.sleep(60)
"""


def interrupted(number):
    """Ends a program that has hosts with a signal; returns its pid."""
    maker = procs.start(sys.executable, "-c", MAKER, RUN)
    numbers = [int(word) for word in procs.wait_until(
        lambda: maker.output().split(), 10, "two hosts")]
    procs.wait_until(
        lambda: len(hosts.left_behind(numbers, maker.pid)) == 4, 5,
        "two hosts, a wire and a program")
    os.kill(maker.pid, number)
    maker.wait(10)
    return maker.pid, numbers


@case("a program that is told to end removes its hosts")
def terminated():
    with hosts.several(1):
        pid, numbers = interrupted(signal.SIGTERM)
        check_equal(hosts.left_behind(numbers, pid), [], "left behind")


@case("hosts of a killed program are removed by the next")
def killed():
    with hosts.several(1):
        pid, numbers = interrupted(signal.SIGKILL)
        check_equal(len(hosts.left_behind(numbers, pid)), 4, "at first")
    with hosts.several(1):
        procs.wait_until(lambda: not hosts.left_behind(numbers, pid), 5,
                         "they are gone")


if __name__ == "__main__":
    main()
