#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks that change while programs run."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import explain  # noqa: E402
import hosts  # noqa: E402
from explain import PEER, WSD, Fast, start_echo  # noqa: E402
from tap import case, check, check_equal, main, note  # noqa: E402


def check_last_route(client):
    """Its latest connection took the route between hosts."""
    if WSD:
        paths = [route.path for route in explain.read(client.path)
                 if route.direction == "connect"]
        note(f"routes: {paths}")
        check_equal(paths[-1], hosts.BETWEEN, "latest route")


def knock_meanwhile(address, change):
    """Two hosts, at the second one a client that has knocked at an address of
    the first one since before the change that makes it one."""
    with hosts.several(2) as (a, b):
        _, port = start_echo(Fast(a).start, at="0.0.0.0")
        client = Fast(b)
        # That nobody was there is soon forgotten.
        knocking = client.start(*PEER, "--at", address, "knock", port, 30,
                                env={"WSD_RETRY": "1"})
        time.sleep(1)
        check(knocking.alive(), "somebody was there: " + knocking.output())
        change(a, b)
        check_equal(knocking.wait(20), 0, knocking.output())
        check_last_route(client)


@case("a running server and a running client use a card that is new",
      seconds=60)
def new_card():
    knock_meanwhile("10.87.84.1",
                    lambda *both: [host.insert_second() for host in both])


@case("a running server and a running client use an address that is new",
      seconds=60)
def new_address():
    knock_meanwhile("10.87.83.77",
                    lambda a, _: a.ip("address", "add", "10.87.83.77/24",
                                      "dev", "eth0"))


if __name__ == "__main__":
    main()
