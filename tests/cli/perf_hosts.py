#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wsd ping and wsd perf from host to host, over libfabric's tcp provider."""

import contextlib
import json
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import hosts  # noqa: E402
import procs  # noqa: E402
from tap import Skip, case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
FABRIC = os.path.join(os.environ["WSD_BUILD"], "src", "provider",
                      "libwsd-fabric.so")
ENV = {"HOME": "/nonexistent", "WSD_CATALOG": "", "WSD_PROVIDER": "",
       "WSD_FABRIC": "tcp"}
PORT = 7470


def need_fabric():
    """The provider fabric, and libfabric."""
    if not os.path.exists(FABRIC):
        raise Skip("built without libfabric's headers")
    outcome = procs.run(WSD, "info", "--json", env={**ENV,
                                                    "WSD_FABRIC": "off"})
    for provider in json.loads(outcome.out)["providers"]:
        for network in provider["networks"] or ():
            if network["network"] == "libfabric":
                raise Skip(network["reason"])


@contextlib.contextmanager
def two_hosts():
    """A host where a server runs, another one, and the server."""
    need_fabric()
    with hosts.several(2) as (a, b):
        server = a.start(WSD, "perf", "--server", "--provider", "fabric",
                         env=ENV)
        procs.wait_until(lambda: f":{PORT};" in server.output()
                         or not server.alive(), 10, "the server")
        check(server.alive(), server.output())
        yield a, b, server


def told(host, *arguments):
    """What programs are told by a command that succeeds."""
    outcome = host.run(WSD, *arguments, "--json", env=ENV)
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    return json.loads(outcome.out)


def fails(host, *arguments, says, **settings):
    """It fails with one line that says all of this."""
    outcome = host.run(WSD, *arguments, env={**ENV, **settings})
    check_equal((outcome.status, outcome.out), (1, ""), str(outcome))
    check_equal(len(outcome.err.splitlines()), 1, outcome.err)
    for part in says:
        check(part in outcome.err, f"{outcome.err!r} does not say {part!r}")


@case("ping goes to another host, over IPv4 and IPv6", 60)
def ping():
    with two_hosts() as (a, b, server):
        for where, peer in ((a.address, f"{a.address}:{PORT}"),
                            (f"{a.address}:{PORT}", f"{a.address}:{PORT}"),
                            (a.address6, f"[{a.address6}]:{PORT}")):
            for size in ("56", "1M"):
                got = told(b, "ping", where, "--provider", "fabric",
                           "--count", 3, "--interval", 0.01, "--size", size)
                check_equal((got["peer"], got["sent"], got["answered"]),
                            (peer, 3, 3), str(got))
        os.kill(server.pid, signal.SIGINT)
        check_equal(server.wait(10), 0, server.output())


@case("without --provider it is the one that reaches the host", 60)
def choice():
    with two_hosts() as (a, b, _):
        outcome = b.run(WSD, "ping", a.address, "--count", 1, env=ENV)
        check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
        check("over fabric" in outcome.out, outcome.out)
        outcome = b.run(WSD, "ping", "--count", 1, env=ENV)
        check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
        check("over shm" in outcome.out, outcome.out)
        fails(b, "ping", b.address, says=["over shm"])


@case("perf measures messages and RDMA to another host", 60)
def perf():
    with two_hosts() as (a, b, _):
        for size in ("8", "64K", "1M"):
            got = told(b, "perf", a.address, "--provider", "fabric", "--size",
                       size, "--seconds", 0.01)
            check_equal((got["provider"], got["same_command"]),
                        ("fabric", False), str(got))
            row, = got["rows"]
            for way in ("messages", "rdma_write", "rdma_read"):
                check(row[f"{way}_bytes_per_second"] > 0, str(row))


@case("both ends on one host meet at an address of the network", 60)
def alone():
    need_fabric()
    with hosts.several(1) as (host,):
        got = told(host, "ping", "--provider", "fabric", "--count", 2,
                   "--interval", 0.01)
        check_equal(got["answered"], 2, str(got))
        check(got["peer"].startswith(host.address), str(got))


@case("what does not answer says what to start there, or what is missing", 60)
def nobody():
    with two_hosts() as (a, b, _):
        fails(b, "ping", f"{a.address}:{PORT + 1}", says=[
            f"{a.address}:{PORT + 1} does not answer over fabric",
            "wsd perf --server --provider fabric"])
        fails(b, "perf", f"{a.address}:{PORT + 1}", says=[
            "wsd perf --server --provider fabric"])
        for command in (("ping", a.address), ("ping",), ("perf", "--server")):
            fails(b, *command, "--provider", "fabric", WSD_FABRIC="off",
                  says=[FABRIC, "it has no address", "wsd info"])


@case("ping ends when the other host is gone", 60)
def lost():
    with two_hosts() as (a, b, server):
        client = b.start(WSD, "ping", a.address, "--interval", 0.01, env=ENV)
        procs.wait_until(lambda: "seq=2" in client.output(), 10, "seq=2")
        server.kill()
        check_equal(client.wait(15), 1, client.output())
        check("answered" in client.output(), client.output())


if __name__ == "__main__":
    main()
