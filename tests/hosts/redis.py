#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Redis on one host, its clients on another, and on all three."""

import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import hosts  # noqa: E402
import procs  # noqa: E402
from explain import Fast  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

CLIENTS = 20
REQUESTS = 20000


def start_server(start, *addresses):
    """A server that keeps nothing; returns its port."""
    port = procs.free_port()
    server = start("redis-server", "--port", port, "--bind", *addresses,
                   "--protected-mode", "no", "--save", "", "--appendonly",
                   "no", "--daemonize", "no", "--dir", procs.scratch())
    server.wait_port(port)
    return port


def benchmark(address, port, clients=CLIENTS, requests=REQUESTS):
    """A load of GET and SET."""
    return ("redis-benchmark", "-h", address, "-p", port, "-t", "get,set",
            "-n", requests, "-c", clients, "--csv")


def check_benchmark(outcome):
    """It ran to its end, without an error, and reports a rate for both."""
    check_equal(outcome.status, 0, str(outcome))
    check("rror" not in outcome.out + outcome.err, str(outcome))
    rates = {row["test"]: float(row["rps"])
             for row in csv.DictReader(outcome.out.splitlines())}
    check_equal(sorted(rates), ["GET", "SET"], str(outcome))
    check(min(rates.values()) > 0, str(outcome))


@hosts.each_way("a load of requests")
def load(address, server, client):
    port = start_server(server.start, address)
    check_benchmark(client.run(*benchmark(address, port)))
    return CLIENTS


@hosts.each_way("a large value comes back as it was")
def large(address, server, client):
    port = start_server(server.start, address)
    text = "0123456789" * 300000
    ask = ("redis-cli", "-h", address, "-p", port)
    check_equal(client.run(*ask, "-x", "set", "big", stdin=text).out.strip(),
                "OK", "set")
    got = client.run(*ask, "--raw", "get", "big").out
    check(got.rstrip("\n") == text, "3 MB come back as they were")
    return 2


@case("both under wsd, over IPv6", seconds=60)
def inet6():
    with hosts.several(2) as (a, b):
        server, client = Fast(a), Fast(b)
        port = start_server(server.start, a.address6)
        check_benchmark(client.run(*benchmark(a.address6, port)))
        hosts.check_ends(server, client, CLIENTS)


@case("one port serves its own host, a fast host and a plain host at once",
      seconds=60)
def three_hosts():
    with hosts.several(3) as (a, b, c):
        server, near, far = Fast(a), Fast(a), Fast(b)
        port = start_server(server.start, a.address)
        loads = [end.start(*benchmark(a.address, port, requests=10000))
                 for end in (near, far, c)]
        for load_of in loads:
            status = load_of.wait(40)
            check_benchmark(procs.Outcome(load_of.command, status,
                                          load_of.output(), ""))
        near.check_only("connect", "san", CLIENTS)
        hosts.check_route(far, "connect", CLIENTS)
        server.check_some("accept", "san", CLIENTS)
        server.check_some("accept", "plain-client", CLIENTS)


if __name__ == "__main__":
    main()
