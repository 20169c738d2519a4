#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two virtual machines have RDMA verbs, and they work between them."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import machine  # noqa: E402
from tap import case, check, check_equal, main, note  # noqa: E402


def run_well(where, *command, **options):
    """What a command prints that must go well."""
    outcome = where.run(*command, **options)
    check_equal(outcome.status, 0, str(outcome))
    return outcome.out


def between(server_command, client_command):
    """A server on one machine, its client on the other; both go well.

    The client is repeated until the server is there.
    """
    a, b = machine.pair()
    server = a.start(*server_command)
    for _ in range(20):
        outcome = b.run(*client_command, seconds=60)
        if outcome.status == 0 or not server.alive():
            break
    check_equal(outcome.status, 0, f"{outcome}\n{server.output()}")
    check_equal(server.wait(30), 0, server.output())
    return outcome.out


@case("two machines boot", seconds=240)
def boots():
    for each in machine.pair():
        check_equal(run_well(each, "uname", "-n").strip(),
                    f"vm{each.number}", "name")
        note(run_well(each, "cut", "-d", " ", "-f1", "/proc/uptime"))


@case("each has a device rxe0 that is active", seconds=60)
def devices():
    for each in machine.pair():
        check("rxe0" in run_well(each, "ibv_devices"), "device")
        check("PORT_ACTIVE" in run_well(each, "ibv_devinfo", "-d", "rxe0"),
              "state of its port")


@case("libfabric offers connected endpoints over verbs", seconds=60)
def endpoints():
    for each in machine.pair():
        said = run_well(each, "fi_info", "-p", "verbs", "-t", "FI_EP_MSG")
        check("domain: rxe0" in said and "type: FI_EP_MSG" in said, said)


@case("rping answers over IPv4 and IPv6", seconds=120)
def pings():
    a, _ = machine.pair()
    for address in (a.address, a.address6):
        said = between(
            ("rping", "-s", "-C", "3", "-a", address),
            ("rping", "-c", "-v", "-C", "3", "-a", address))
        check_equal(said.count("ping data"), 3, said)


@case("fi_pingpong passes data of all sizes", seconds=180)
def pingpong():
    a, _ = machine.pair()
    options = ("fi_pingpong", "-p", "verbs", "-e", "msg", "-I", "10", "-c")
    said = between(options, (*options, a.address))
    note(said)
    check("1m" in said, said)


if __name__ == "__main__":
    main()
