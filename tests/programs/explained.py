#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wsd run --explain: one line per connection, with the route and why."""

import os
import re
import sys

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run")
sys.path.insert(0, RUN)

import explain  # noqa: E402
import procs  # noqa: E402
from explain import PEER, WSD, Fast, start_echo  # noqa: E402
from tap import Skip, case, check_equal, main  # noqa: E402

REASONS = os.path.join(RUN, "..", "..", "src", "switch", "reason.h")


def start_server(start):
    """Returns the port of an echo server."""
    return start_echo(start)[1]


def ask(run, port, count=1, **options):
    """Some connections, which must work."""
    outcome = run(*PEER, "ask", port, count, 1000, **options)
    check_equal(outcome.status, 0, str(outcome))
    return outcome


def known_codes():
    """Code and text of every reason, from the header."""
    with open(REASONS, encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    return dict(re.findall(r'X\(SW_\w+,\s*"([^"]+)",\s*"([^"]+)"\)', text))


def codes_of(fast, direction):
    """What of that direction was told, and that it is a known reason."""
    known = known_codes()
    routes = [r for r in explain.read(fast.path) if r.direction == direction]
    for route in routes:
        check_equal(route.text, known.get(route.code), f"text of {route.code}")
        check_equal(route.path == "tcp", route.code != "san", str(route))
    return [r.code for r in routes]


def need_wsd():
    """There is nothing to explain without it."""
    if not WSD:
        raise Skip("runs without wsd")


@case("both sides tell each connection once, with the same addresses")
def same_addresses():
    need_wsd()
    server, client = Fast(), Fast()
    port = start_server(server.start)
    ask(client.run, port, 3)
    connects = [r for r in explain.read(client.path)]
    accepts = [r for r in explain.read(server.path) if r.direction == "accept"]
    check_equal([r.direction for r in connects], ["connect"] * 3, "directions")
    check_equal(sorted((r.remote, r.local) for r in connects),
                sorted((r.local, r.remote) for r in accepts), "addresses")
    check_equal({r.path for r in connects + accepts}, {"shm"}, "routes")
    check_equal({r.remote for r in connects}, {f"127.0.0.1:{port}"}, "remote")
    check_equal(codes_of(server, "listen"), ["san"], "the listener")


@case("a plain client, and a plain server, are told")
def plain_sides():
    need_wsd()
    server, client = Fast(), Fast()
    ask(procs.run, start_server(server.start), 2)
    check_equal(codes_of(server, "accept"), ["plain-client"] * 2, "accept")
    ask(client.run, start_server(procs.start), 2)
    check_equal(codes_of(client, "connect"), ["peer-without-san"] * 2,
                "connect")


@case("nobody listening is a refusal over TCP, told too")
def refused():
    need_wsd()
    client = Fast()
    outcome = client.run(*PEER, "try", "127.0.0.1", procs.free_port())
    check_equal(outcome.out, "ECONNREFUSED\n", str(outcome))
    check_equal(codes_of(client, "connect"), ["peer-without-san"], "connect")


@case("an address elsewhere is not on the SAN")
def elsewhere():
    need_wsd()
    client = Fast()
    outcome = client.run(*PEER, "try", "192.0.2.1", 9)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(codes_of(client, "connect"), ["not-on-san"], "connect")


@case("switched off, every connection is told as that")
def off():
    need_wsd()
    port = start_server(procs.start)
    path = procs.scratch_file("off")
    for switch in (["--off"], ["--no-san"], ["--set", "enable=off"]):
        outcome = procs.run(WSD, "run", f"--explain={path}", *switch, *PEER,
                            "ask", port, 1, 10)
        check_equal(outcome.status, 0, str(outcome))
        check_equal(outcome.err, "", "standard error")
    check_equal([r.code for r in explain.read(path)], ["disabled"] * 3,
                "codes")


@case("without FILE the lines come on standard error, each whole")
def on_standard_error():
    need_wsd()
    port = start_server(Fast().start)
    outcome = procs.run(WSD, "run", "--explain", *PEER, "ask", port, 5, 100)
    check_equal(outcome.status, 0, str(outcome))
    lines = outcome.err.splitlines()
    check_equal(len(lines), 5, outcome.err)
    check_equal(len(explain.parse(outcome.err)), 5, outcome.err)


@case("without --explain nothing is printed")
def silence():
    need_wsd()
    port = start_server(Fast().start)
    outcome = procs.run(WSD, "run", *PEER, "ask", port, 5, 100)
    check_equal((outcome.status, outcome.out, outcome.err),
                (0, "done\n", ""), str(outcome))


if __name__ == "__main__":
    main()
