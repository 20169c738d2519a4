#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples do what they say, and stay short.

Programs for Windows are run by the command WSD_WRAPPER.
"""

import os
import re
import shlex
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

from tap import case, check, check_equal, main  # noqa: E402

SOURCES = os.path.join(HERE, "..", "..", "examples")
BUILD = os.environ["WSD_BUILD"]
WRAPPER = shlex.split(os.environ.get("WSD_WRAPPER", ""))
SUFFIX, LIBRARY, NO_PROVIDER = ((".exe", "wsdshm.dll", "kernel32.dll")
                                if WRAPPER else
                                ("", "libwsd-shm.so", "libm.so.6"))
PROVIDER = os.path.join(BUILD, "src", "provider", LIBRARY)
NAMES = ("by_hand", "rdma")


def free_port():
    """One with a free neighbour, which the examples take too."""
    while True:
        with socket.socket() as a, socket.socket() as b:
            a.bind(("127.0.0.1", 0))
            port = a.getsockname()[1]
            try:
                b.bind(("127.0.0.1", port + 1))
                return port
            except (OSError, OverflowError):
                pass


def run(name, *arguments):
    program = os.path.join(BUILD, "examples", name + SUFFIX)
    return subprocess.run([*WRAPPER, program, *arguments],
                          capture_output=True, text=True, timeout=25,
                          check=False)


def steps(name):
    """What the example prints, when all goes well."""
    done = run(name, PROVIDER, str(free_port()))
    check_equal((done.returncode, done.stderr), (0, ""), name)
    return done.stdout.splitlines()


def in_order(lines, *wanted):
    rest = iter(lines)
    for text in wanted:
        check(any(text in line for line in rest), f"no {text!r} in {lines}")


@case("by_hand sends a message and hears of its completion")
def by_hand():
    lines = steps("by_hand")
    in_order(lines, "WSPStartupEx", "new handle", "WSPListen", "WSPConnect",
             "WSPAccept", "connected", "complete: 10 bytes, error 0",
             '10 bytes: "a message"', "WSPCloseSocket", "WSPCleanup")
    check_equal(sum("new handle" in line for line in lines), 3, "handles")
    check_equal(sum("closed" in line for line in lines), 3, "closed handles")
    check_equal(sum("complete:" in line for line in lines), 1, "completions")


@case("rdma moves memory until it is closed to the peer")
def rdma():
    in_order(steps("rdma"), "WSPRdmaWrite", "WSPRdmaRead",
             "both sides have both halves", "no access any more",
             "it failed with error 10022", "WSPCleanup")


@case("what is no provider is said to be none", seconds=90)
def no_provider():
    for name in NAMES:
        for path in ("/nowhere/lib.so", NO_PROVIDER, __file__):
            done = run(name, path)
            check_equal(done.returncode, 1, f"{name} {path}")
            check_equal(done.stderr.count("\n"), 1, done.stderr)


@case("wrong arguments end with 2", seconds=90)
def wrong_use():
    for name in NAMES:
        for arguments in ((), (PROVIDER, "0"), (PROVIDER, "65535"),
                          (PROVIDER, "x"), (PROVIDER, "1", "2")):
            done = run(name, *arguments)
            check_equal(done.returncode, 2, f"{name} {arguments}")
            check("usage:" in done.stderr, done.stderr)


@case("each is under 200 lines and says how to run it")
def short():
    for name in NAMES:
        with open(os.path.join(SOURCES, name + ".c"), encoding="utf-8") as f:
            text = f.read()
        check(text.count("\n") < 200, f"{name}.c is too long")
        check(re.search(rf"\n \*     {name} PROVIDER", text), f"{name}.c")
        check("#if" not in text, f"{name}.c: systems differ in load.h only")


if __name__ == "__main__":
    main()
