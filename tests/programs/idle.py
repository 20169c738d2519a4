#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server with a hundred idle connections uses no CPU; nor do its clients."""

import os
import sys
import time

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run")
sys.path.insert(0, RUN)

import procs  # noqa: E402
from explain import PEER, Fast, start_echo  # noqa: E402
from tap import case, check, main, note  # noqa: E402

CONNECTIONS = 100
WATCH_SECONDS = 5
ALLOWED = 0.010  # seconds of CPU
SETTLE = 0.5     # for what follows the last message


def measure(verb, *more):
    """Opens the connections, then watches both sides."""
    server, client = Fast(), Fast()
    program, port = start_echo(server.start, verb, *more)
    holder = client.start(*PEER, "hold", port, CONNECTIONS)
    procs.wait_until(lambda: "held" in holder.output(), 15, "connections")
    client.check_only("connect", "san", CONNECTIONS)
    time.sleep(SETTLE)
    before = [procs.cpu_seconds(p.pid) for p in (program, holder)]
    time.sleep(WATCH_SECONDS)
    used = [procs.cpu_seconds(p.pid) - b
            for p, b in zip((program, holder), before)]
    note(f"server {used[0] * 1000:.2f} ms, client {used[1] * 1000:.2f} ms")
    check(max(used) < ALLOWED, f"{used} s of CPU in {WATCH_SECONDS} s")


@case("with epoll")
def with_epoll():
    measure("serve", "epoll")


@case("with poll")
def with_poll():
    measure("serve", "poll")


@case("with a blocking thread for each")
def with_threads():
    measure("threads")


if __name__ == "__main__":
    main()
