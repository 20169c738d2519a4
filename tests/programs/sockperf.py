#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sockperf over TCP: ping-pong, throughput, and many sockets in one set."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import procs  # noqa: E402
from explain import Fast  # noqa: E402
from tap import case, check, check_equal, main, note  # noqa: E402

HOST = "127.0.0.1"
FEED_SOCKETS = 5


def start_server(server, port):
    """A server for one socket."""
    program = server.start("sockperf", "server", "--tcp", "-i", HOST, "-p",
                           port)
    program.wait_port(port)
    return program


# By default sockperf stops when there are more than 600,000 round trips per
# second; it does not hold back below this.
MANY = ["--mps", "2000000"]


def run_client(client, mode, *options):
    """Runs a client for a second and returns its output."""
    outcome = client.run("sockperf", mode, "-t", "1", *options, seconds=20)
    check_equal(outcome.status, 0, str(outcome))
    check("Test ended" in outcome.out, str(outcome))
    check("onnection refused" not in outcome.out + outcome.err, str(outcome))
    return outcome.out


def check_latency(text):
    """A ping-pong in which nothing was lost, doubled or out of order."""
    latency = re.search(r"Latency is ([0-9.]+) usec", text)
    check(latency, text)
    note(f"latency {latency.group(1)} us")
    for problem in ("dropped", "duplicated", "out-of-order"):
        found = re.search(rf"# {problem} messages = (\d+)", text)
        check(found and found.group(1) == "0", text)


def ping_pong(*options):
    """One socket, ping-pong."""
    server, client = Fast(), Fast()
    port = procs.free_port()
    start_server(server, port)
    check_latency(run_client(client, "ping-pong", "--tcp", "-i", HOST, "-p",
                             port, *MANY, *options))
    client.check_only("connect", "san")
    server.check_only("accept", "san")


def feed(multiplexer):
    """Several sockets that both sides wait on with one call."""
    server, client = Fast(), Fast()
    ports = [procs.free_port() for _ in range(FEED_SOCKETS)]
    path = procs.scratch_file(f"feed-{multiplexer}")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"T:{HOST}:{port}\n" for port in ports)
    program = server.start("sockperf", "server", "-f", path, "-F", multiplexer)
    for port in ports:
        program.wait_port(port)
    check_latency(run_client(client, "ping-pong", "-f", path, "-F",
                             multiplexer, *MANY, "-m", "64"))
    client.check_only("connect", "san", FEED_SOCKETS)
    server.check_only("accept", "san", FEED_SOCKETS)


@case("ping-pong of 64 bytes", seconds=40)
def small():
    ping_pong("-m", "64")


@case("ping-pong of 16 KiB", seconds=40)
def large():
    ping_pong("-m", "16384")


@case("ping-pong with changing sizes and its contents checked", seconds=40)
def integrity():
    ping_pong("-m", "1000", "-r", "900", "--data-integrity")


@case("ping-pong with non-blocking sockets", seconds=40)
def nonblocking():
    ping_pong("-m", "64", "--nonblocked")


@case("throughput", seconds=40)
def throughput():
    server, client = Fast(), Fast()
    port = procs.free_port()
    start_server(server, port)
    text = run_client(client, "throughput", "--tcp", "-i", HOST, "-p", port,
                      "-m", "1024")
    rate = re.search(r"Message Rate is (\d+)", text)
    check(rate and int(rate.group(1)) > 0, text)
    note(f"{rate.group(1)} messages per second")
    client.check_only("connect", "san")
    server.check_only("accept", "san")


@case("five sockets with poll (-F p)", seconds=40)
def with_poll():
    feed("p")


@case("five sockets with epoll (-F e)", seconds=40)
def with_epoll():
    feed("e")


@case("five sockets with select (-F s)", seconds=40)
def with_select():
    feed("s")


if __name__ == "__main__":
    main()
