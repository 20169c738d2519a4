#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Firewalls, pulled cables and lost hosts: no wrong byte, no endless wait."""

import contextlib
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import hosts  # noqa: E402
import procs  # noqa: E402
from explain import PEER, WSD, Fast, start_echo  # noqa: E402
from tap import case, check, check_equal, main, note  # noqa: E402

CONNECTIONS = 4
SOON = 1.5     # seconds until a program sees that its peer was killed
LIMIT = 10     # seconds that peer.py waits in a call
SHORT = 4      # a time limit of the fabric's that is not the usual one
KILLED = {"eof", "ECONNRESET", "EPIPE"}
LOST = {"ETIMEDOUT", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "EPIPE"}


def dial(client, address, port, count):
    """How many milliseconds each of some connections took."""
    outcome = client.run(*PEER, "--at", address, "dial", port, count)
    check_equal(outcome.status, 0, str(outcome))
    took = [int(word) for word in outcome.out.split()]
    note(f"milliseconds: {took}")
    check_equal(len(took), count, "connections")
    return took


def blocked(verdict, first, other):
    """Connections without the SAN's ports; limits in milliseconds."""
    with hosts.several(2) as (a, b):
        server, client = Fast(a), Fast(b)
        _, port = start_echo(server.start, at=a.address)
        for host in (a, b):
            host.firewall(hosts.SAN_PORTS, verdict)
        took = dial(client, a.address, port, 5)
        check(took[0] <= first, f"the first took {took[0]} ms")
        check(max(took[1:]) <= other, f"a later one took {max(took[1:])} ms")
        hosts.check_route(client, "connect", 5, hosts.TCP)
        hosts.check_route(server, "accept", 5, hosts.TCP)


@case("a firewall that drops the SAN's ports delays one connection only",
      seconds=60)
def dropped():
    blocked("drop", 1500, 500)


@case("a firewall that rejects the SAN's ports delays none", seconds=60)
def rejected():
    blocked("reject with tcp reset", 500, 500)


def start_pump(client, address, port):
    """Busy connections; they are all open when this returns."""
    program = client.start(*PEER, "--at", address, "pump", port, CONNECTIONS)
    procs.wait_until(
        lambda: program.output().count("connected") == CONNECTIONS, 20,
        "connections")
    return program


def check_endings(pump, seconds, allowed):
    """All connections of a pump end in time, in a way that is allowed."""
    began = time.monotonic()
    check_equal(pump.wait(seconds + 5), 0, pump.output())
    took = time.monotonic() - began
    ends = [word for word in pump.output().split()
            if word not in ("connected", "done")]
    note(f"after {took:.2f} s: {ends}")
    check_equal(len(ends), CONNECTIONS, "ends")
    check(set(ends) <= allowed, f"ends {ends}")
    check(took <= seconds, f"it took {took:.2f} s")


def check_works(server, client, address):
    """A new connection between the hosts."""
    _, port = start_echo(server.start, at=address)
    outcome = client.run(*PEER, "--at", address, "ask", port, 1, 100000)
    check_equal(outcome.status, 0, str(outcome))


@contextlib.contextmanager
def giving_up_after(seconds):
    """The fabric's time limit for hosts that are not heard of. TCP knows none
    of it: there the programs themselves give up."""
    os.environ["WSD_FABRIC_TIMEOUT_MS"] = str(seconds * 1000)
    try:
        yield LIMIT if hosts.BETWEEN == hosts.TCP else seconds
    finally:
        del os.environ["WSD_FABRIC_TIMEOUT_MS"]


@contextlib.contextmanager
def pumping():
    """Two hosts, and busy connections from the second to the first."""
    with hosts.several(2) as (a, b):
        server, port = start_echo(Fast(a).start, at=a.address)
        client = Fast(b)
        pump = start_pump(client, a.address, port)
        hosts.check_route(client, "connect", CONNECTIONS)
        time.sleep(0.2)
        yield a, b, server, pump


def check_server(server, seconds, allowed):
    """The server has seen the end of all connections, in a way allowed."""
    procs.wait_until(lambda: len(server.output().split()) == CONNECTIONS,
                     seconds, "the server has seen the end")
    check(set(server.output().split()) <= allowed, server.output())


@case("a server that is killed ends its clients on another host at once",
      seconds=60)
def kill_server():
    with pumping() as (a, b, server, pump):
        server.kill()
        check_endings(pump, SOON, KILLED)
        check_works(Fast(a), Fast(b), a.address)


@case("a client that is killed ends its server's connections at once",
      seconds=60)
def kill_client():
    with pumping() as (a, b, server, pump):
        pump.kill()
        check_server(server, SOON, KILLED)
        check_works(Fast(a), Fast(b), a.address)


@case("a cable that is pulled for a second costs no byte", seconds=90)
def unplugged():
    with hosts.several(2) as (a, b):
        _, port = start_echo(Fast(a).start, at=a.address)
        client = Fast(b)
        asking = client.start(*PEER, "--at", a.address, "ask", port, 40,
                              100000, 5000000)
        procs.wait_until(lambda: os.path.getsize(client.path) or not WSD, 10,
                         "a start")
        time.sleep(0.2)
        check(asking.alive(), "it has ended too early: " + asking.output())
        a.unplug()
        time.sleep(1)
        a.plug()
        status = asking.wait(60)
        check("wrong" not in asking.output(), asking.output())
        if hosts.BETWEEN == hosts.TCP:
            check_equal(status, 0, asking.output())
        note(f"it ended with {status} {asking.output().strip()}")
        check_works(Fast(a), Fast(b), a.address)


@case("a cable that stays out is an error, in time", seconds=60)
def cut():
    with pumping() as (a, b, _, pump):
        a.unplug()
        check_endings(pump, LIMIT + 2, LOST)
        a.plug()
        check_works(Fast(a), Fast(b), a.address)


@case("a card that vanishes is an error on both sides, in time", seconds=60)
def vanished():
    with giving_up_after(SHORT) as limit, pumping() as (a, _, server, pump):
        a.remove_first()
        check_endings(pump, limit + 2, LOST)
        if hosts.BETWEEN != hosts.TCP:  # an idle end of TCP's notices nothing
            check_server(server, 5, LOST)


@case("a host that is lost is an error, in time", seconds=60)
def lost():
    with giving_up_after(SHORT) as limit, pumping() as (a, b, _, pump):
        a.lose()
        check_endings(pump, limit + 2, LOST)
        a.plug()
        check_works(Fast(a), Fast(b), a.address)


if __name__ == "__main__":
    main()
