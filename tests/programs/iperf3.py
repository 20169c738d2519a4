#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""iperf3: bulk data one way, the other way, in parallel, with sendfile."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import procs  # noqa: E402
from explain import Fast  # noqa: E402
from tap import case, check, check_equal, main, note  # noqa: E402

SECONDS = 2


def transfer(*options, streams=1, host="127.0.0.1"):
    """One client against one server, both fast; checks what they report."""
    server, client = Fast(), Fast()
    port = procs.free_port()
    program = server.start("iperf3", "-s", "-1", "-p", port)
    program.wait_port(port)
    outcome = client.run("iperf3", "-c", host, "-p", port, "-t", SECONDS, "-J",
                         *options, seconds=SECONDS + 20)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(program.wait(10), 0, program.output())
    check_report(json.loads(outcome.out))
    # The control connection comes before the streams.
    client.check_only("connect", "san", streams + 1)
    server.check_only("accept", "san", streams + 1)


def check_report(report):
    """What was sent has arrived, but for what was under way at the end."""
    check("error" not in report, report.get("error"))
    sent = report["end"]["sum_sent"]["bytes"]
    received = report["end"]["sum_received"]["bytes"]
    rate = report["end"]["sum_received"]["bits_per_second"]
    note(f"{rate / 1e9:.1f} Gbit/s")
    check(0 < received <= sent, f"sent {sent}, received {received}")


@case("one stream", seconds=40)
def plain():
    transfer()


@case("one stream in reverse (-R)", seconds=40)
def reverse():
    transfer("-R")


@case("eight streams at once (-P 8)", seconds=40)
def parallel():
    transfer("-P", "8", streams=8)


@case("with sendfile (-Z)", seconds=40)
def zero_copy():
    transfer("-Z")


@case("both ways at once (--bidir) over ::1", seconds=40)
def both_ways():
    transfer("--bidir", streams=2, host="::1")


if __name__ == "__main__":
    main()
