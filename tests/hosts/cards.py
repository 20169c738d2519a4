#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Network cards that come and go while programs run."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import explain  # noqa: E402
import hosts  # noqa: E402
import procs  # noqa: E402
from explain import PEER, WSD, Fast, start_echo  # noqa: E402
from tap import case, check, check_equal, main, note  # noqa: E402

CONNECTIONS = 4
LIMIT = 10  # seconds that peer.py waits in a call, and a lost peer is waited for
LOST = {"ETIMEDOUT", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "EPIPE"}


def ends(program):
    """How the connections of a program of peer.py have ended so far."""
    return [word for word in program.output().split()
            if word not in ("connected", "done")]


def wait_for_ends(program, seconds):
    """All have ended, with errors."""
    procs.wait_until(lambda: len(ends(program)) == CONNECTIONS, seconds,
                     "all connections have ended")
    check(set(ends(program)) <= LOST, f"ends {ends(program)}")


@case("a card that vanishes is an error on both sides, in time", seconds=60)
def vanished():
    with hosts.several(2) as (a, b):
        server, port = start_echo(Fast(a).start, at=a.address)
        client = Fast(b)
        pump = client.start(*PEER, "--at", a.address, "pump", port, CONNECTIONS)
        procs.wait_until(
            lambda: pump.output().count("connected") == CONNECTIONS, 20,
            "connections")
        hosts.check_route(client, "connect", CONNECTIONS)
        time.sleep(0.2)
        a.remove_first()
        wait_for_ends(pump, LIMIT + 2)
        if hosts.BETWEEN != hosts.TCP:
            wait_for_ends(server, LIMIT + 2)


def check_last_route(client):
    """Its latest connection took the route between hosts."""
    if WSD:
        paths = [route.path for route in explain.read(client.path)
                 if route.direction == "connect"]
        note(f"routes: {paths}")
        check_equal(paths[-1], hosts.BETWEEN, "latest route")


@case("a running server and a running client use a card that is new",
      seconds=60)
def inserted():
    with hosts.several(2) as (a, b):
        _, port = start_echo(Fast(a).start, at="0.0.0.0")
        client = Fast(b)
        knocking = client.start(*PEER, "--at", a.second, "knock", port, 30)
        time.sleep(1)
        check(knocking.alive(), "somebody was there: " + knocking.output())
        a.insert_second()
        b.insert_second()
        check_equal(knocking.wait(20), 0, knocking.output())
        check_last_route(client)


if __name__ == "__main__":
    main()
