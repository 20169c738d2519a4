#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""iperf3 between hosts: one way, the other way, in parallel."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import hosts  # noqa: E402
import procs  # noqa: E402
from tap import check, check_equal, main, note  # noqa: E402

SECONDS = 1


def transfer(address, server, client, *options, streams=1):
    """One client against one server; returns how many connections."""
    port = procs.free_port()
    program = server.start("iperf3", "-s", "-1", "-p", port)
    program.wait_port(port)
    outcome = client.run("iperf3", "-c", address, "-p", port, "-t", SECONDS,
                         "-J", *options, seconds=SECONDS + 20)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(program.wait(10), 0, program.output())
    check_report(json.loads(outcome.out))
    return streams + 1  # the control connection


def check_report(report):
    """What was sent has arrived, but for what was under way at the end."""
    check("error" not in report, report.get("error"))
    sent = report["end"]["sum_sent"]["bytes"]
    received = report["end"]["sum_received"]["bytes"]
    rate = report["end"]["sum_received"]["bits_per_second"]
    note(f"{rate / 1e9:.1f} Gbit/s")
    check(0 < received <= sent, f"sent {sent}, received {received}")


@hosts.each_way("one stream")
def plain(address, server, client):
    return transfer(address, server, client)


@hosts.each_way("one stream in reverse (-R)")
def reverse(address, server, client):
    return transfer(address, server, client, "-R")


@hosts.each_way("eight streams at once (-P 8)")
def parallel(address, server, client):
    return transfer(address, server, client, "-P", "8", streams=8)


if __name__ == "__main__":
    main()
