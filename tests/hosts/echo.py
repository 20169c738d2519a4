#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Echoes from 1 B to 16 MB between hosts: every byte comes back."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import hosts  # noqa: E402
from explain import PEER, Fast, start_echo  # noqa: E402
from tap import case, check_equal, main  # noqa: E402

SIZES = (1, 2, 100, 1460, 4096, 65535, 65537, 1 << 20, 16 << 20)


def ask(client, address, port, count, *sizes):
    """Some connections; all that was sent has come back."""
    outcome = client.run(*PEER, "--at", address, "ask", port, count, *sizes,
                         seconds=50)
    check_equal(outcome.status, 0, str(outcome))


@hosts.each_way("all sizes on one connection")
def sizes(address, server, client):
    _, port = start_echo(server.start, at=address)
    ask(client, address, port, 1, *SIZES)
    return 1


@hosts.each_way("a hundred connections one after the other, blocking")
def many(address, server, client):
    _, port = start_echo(server.start, "threads", at=address)
    ask(client, address, port, 100, 1000)
    return 100


@case("all sizes over IPv6, both under wsd", seconds=60)
def inet6():
    with hosts.several(2) as (a, b):
        server, client = Fast(a), Fast(b)
        _, port = start_echo(server.start, at=a.address6)
        ask(client, a.address6, port, 1, *SIZES)
        hosts.check_ends(server, client, 1)


@case("both ways at once: each host is server and client", seconds=60)
def both_ways():
    with hosts.several(2) as (a, b):
        ends = [(Fast(a), Fast(b), a.address), (Fast(b), Fast(a), b.address)]
        asking = []
        for server, client, address in ends:
            _, port = start_echo(server.start, at=address)
            asking.append(client.start(*PEER, "--at", address, "ask", port, 5,
                                       *SIZES[:-1]))
        for program in asking:
            check_equal(program.wait(40), 0, program.output())
        for server, client, _ in ends:
            hosts.check_ends(server, client, 5)


if __name__ == "__main__":
    main()
