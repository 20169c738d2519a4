#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Redis: one port for fast and plain clients, and each with a plain peer."""

import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import procs  # noqa: E402
from explain import Fast  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

CLIENTS = 50
REQUESTS = 200000


def server_command(port):
    """A server that keeps nothing."""
    return ("redis-server", "--port", port, "--bind", "127.0.0.1", "::1",
            "--save", "", "--appendonly", "no", "--daemonize", "no",
            "--dir", procs.scratch())


def start_server(start):
    """Returns (program, port)."""
    port = procs.free_port()
    server = start(*server_command(port))
    server.wait_port(port)
    return server, port


def benchmark(port, *more, requests=REQUESTS):
    """A load of GET and SET."""
    return ("redis-benchmark", "-h", "127.0.0.1", "-p", port, "-t", "get,set",
            "-n", requests, "-c", CLIENTS, "--csv", *more)


def check_benchmark(outcome):
    """It ran to its end and reports a rate for both."""
    check_equal(outcome.status, 0, str(outcome))
    check("rror" not in outcome.out + outcome.err, str(outcome))
    rates = {row["test"]: float(row["rps"])
             for row in csv.DictReader(outcome.out.splitlines())}
    check_equal(sorted(rates), ["GET", "SET"], str(outcome))
    check(min(rates.values()) > 0, str(outcome))


def ask(run, port, *question, host="127.0.0.1"):
    """What redis-cli gets for an answer."""
    outcome = run("redis-cli", "-h", host, "-p", port, *question, seconds=20)
    check_equal(outcome.status, 0, str(outcome))
    return outcome.out.strip()


@case("fast and plain clients are served at once on one port", seconds=120)
def one_port():
    server, client = Fast(), Fast()
    program, port = start_server(server.start)
    load = client.start(*benchmark(port))
    while load.alive():
        check_equal(ask(procs.run, port, "set", "key", "value"), "OK", "set")
        check_equal(ask(procs.run, port, "get", "key"), "value", "get")
    outcome = procs.Outcome(load.command, load.wait(1), load.output(), "")
    check_benchmark(outcome)
    client.check_only("connect", "san", CLIENTS)
    server.check_some("accept", "san", CLIENTS)
    server.check_some("accept", "plain-client")
    check(program.alive(), "the server is there after it")


@case("a plain client of a fast server uses TCP", seconds=60)
def plain_client():
    server = Fast()
    _, port = start_server(server.start)
    check_benchmark(procs.run(*benchmark(port, requests=20000)))
    server.check_only("accept", "plain-client", CLIENTS)


@case("a fast client of a plain server uses TCP", seconds=60)
def plain_server():
    client = Fast()
    _, port = start_server(procs.start)
    check_benchmark(client.run(*benchmark(port, requests=20000)))
    client.check_only("connect", "peer-without-san", CLIENTS)


@case("pipelined requests and large values arrive whole", seconds=90)
def large_values():
    server, client = Fast(), Fast()
    _, port = start_server(server.start)
    check_benchmark(client.run(*benchmark(port, "-P", 16)))
    check_benchmark(
        client.run(*benchmark(port, "-d", 100000, requests=5000)))
    text = "0123456789" * 300000
    check_equal(
        client.run("redis-cli", "-p", port, "-x", "set", "big",
                   stdin=text).out.strip(), "OK", "set")
    got = client.run("redis-cli", "-p", port, "--raw", "get", "big").out
    check(got.rstrip("\n") == text, "3 MB come back as they were")
    client.check_only("connect", "san", 2 * CLIENTS)


@case("redis-cli speaks to ::1 and subscribes", seconds=30)
def inet6_and_subscribe():
    server, client = Fast(), Fast()
    _, port = start_server(server.start)
    check_equal(ask(client.run, port, "ping", host="::1"), "PONG", "ping")
    listener = client.start("redis-cli", "-h", "::1", "-p", port, "subscribe",
                            "news")
    procs.wait_until(
        lambda: ask(client.run, port, "publish", "news", "hello") == "1", 10,
        "a subscriber")
    procs.wait_until(lambda: "hello" in listener.output(), 10, "the message")
    client.check_only("connect", "san", 3)


@case("a thousand short connections leave nothing open", seconds=60)
def short_connections():
    server, client = Fast(), Fast()
    program, port = start_server(server.start)
    before = len(procs.open_files(program.pid))
    outcome = client.run("redis-benchmark", "-h", "127.0.0.1", "-p", port,
                         "-t", "ping_inline", "-n", 1000, "-c", 10, "-k", 0,
                         "-q", seconds=40)
    check_equal(outcome.status, 0, str(outcome))
    client.check_only("connect", "san", 1000)
    procs.wait_until(
        lambda: len(procs.open_files(program.pid)) <= before + 4, 5,
        "the server's descriptors closed")


if __name__ == "__main__":
    main()
