#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wsd.exe under Wine: the registry, both ends in two processes, errors.

WSD is the path of wsd.exe, WSD_BUILD of its build.
"""

import json
import os
import re
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))
sys.path.insert(0, os.path.join(HERE, "..", "windows"))

import procs  # noqa: E402
import under_wine  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
BUILD = os.environ["WSD_BUILD"]
WINE = under_wine.Wine(os.path.join(BUILD, "wine-cli"))
KEY = ("HKLM\\SYSTEM\\CurrentControlSet\\Services\\Winsock\\Parameters"
       "\\TCP on SAN")
SHM_GUID = "{8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294}"
SHM_BYTES = "574B2E8C139D6A4FB1C85E0A7D36F294"  # as it lies in memory


def windows_path(*parts):
    """A path of this system as Windows programs under Wine name it."""
    return "Z:" + os.path.join(*parts).replace("/", "\\")


SHM = windows_path(BUILD, "src", "provider", "wsdshm.dll")
ODD = windows_path(BUILD, "tests", "cli", "libodd-provider.dll")


# Wine itself says so, now and then, when a process with several threads ends.
NOISE = re.compile(r"wine client error:[0-9a-f]+: (?:\w+: .*\n)?")


def wine(*arguments, env=None):
    """Runs a Windows program; its output with plain line ends."""
    outcome = procs.run(WINE.loader, *arguments, seconds=60,
                        env={**WINE.env, **(env or {})})
    outcome.out = outcome.out.replace("\r", "")
    outcome.err = NOISE.sub("", outcome.err.replace("\r", ""))
    return outcome


def start(*arguments):
    """Starts a wsd.exe that runs beside the test."""
    return procs.start(WINE.loader, WSD, *arguments, env=WINE.env)


def wsd(*arguments, env=None):
    """Runs wsd.exe."""
    return wine(WSD, *arguments, env=env)


def good(*arguments, env=None):
    """It succeeds and says nothing on standard error."""
    outcome = wsd(*arguments, env=env)
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    return outcome.out


def wrong(*arguments, says, status=1, env=None):
    """It fails with this status and one line that says this."""
    outcome = wsd(*arguments, env=env)
    check_equal((outcome.status, outcome.out), (status, ""), str(outcome))
    check_equal(len(outcome.err.splitlines()), 1, outcome.err)
    check(says in outcome.err, f"{outcome.err!r} does not say {says!r}")


def values():
    """The values of the key: {name: (type, data)}."""
    outcome = wine("reg", "query", KEY)
    found = {}
    for line in outcome.out.splitlines():
        parts = line.split(None, 2)
        if line.startswith("    ") and len(parts) == 3:
            found[parts[0]] = (parts[1], parts[2].strip())
    return found


def listed():
    """The list, as programs get it."""
    return json.loads(wsd("provider", "list", "--json").out)


# ---- commands ------------------------------------------------------------

@case("it has the commands that Windows can have", seconds=120)
def commands():
    out = good("help")
    for name in ("provider", "perf", "ping"):
        check(f"\n  {name} " in out, out)
        check(good(name, "--help").startswith(f"usage: wsd {name}"), name)
    check("\n  run " not in out, out)
    wrong("run", "x", says="no command named run", status=2)


# ---- installing ----------------------------------------------------------

@case("R2, R3: install writes the GUID as 16 bytes of REG_BINARY", seconds=120)
def install():
    wine("reg", "delete", KEY, "/f")  # an earlier run may have been ended
    check_equal(values(), {}, "before")
    check("shm: installed (HKLM\\" in good("provider", "install", SHM),
          "what it says")
    check_equal(values(), {"shm": ("REG_BINARY", SHM_BYTES)}, "after")
    (entry,) = listed()
    check_equal((entry["name"], entry["catalog"], entry["guid"]),
                ("shm", "system", SHM_GUID), str(entry))
    good("provider", "install", SHM)
    good("provider", "install", SHM, "--name", "other")
    check_equal(values(), {"shm": ("REG_BINARY", SHM_BYTES)}, "R7: again")
    good("provider", "remove", "shm")


@case("R6: remove deletes that value and no other", seconds=120)
def remove():
    wine("reg", "add", KEY, "/v", "theirs", "/t", "REG_BINARY", "/d",
         "00112233445566778899AABBCCDDEEFF", "/f")
    good("provider", "install", SHM, "--name", "mine")
    check_equal(sorted(values()), ["mine", "theirs"], "both")
    check("mine: removed (" in good("provider", "remove", "mine"), "remove")
    check_equal(sorted(values()), ["theirs"], "theirs")
    wrong("provider", "remove", "mine", says="mine")
    good("provider", "remove", "theirs")
    check_equal(values(), {}, "after")


@case("a value that is no GUID is told, and can be removed", seconds=120)
def broken():
    wine("reg", "add", KEY, "/v", "text", "/t", "REG_SZ", "/d", "x", "/f")
    wine("reg", "add", KEY, "/v", "long", "/t", "REG_BINARY", "/d",
         "00" * 100, "/f")
    outcome = wsd("provider", "list")
    check_equal(outcome.status, 1, str(outcome))
    for name in ("text", "long"):
        check(f"\\{name}: expected REG_BINARY with the 16 bytes of a GUID"
              in outcome.err, outcome.err)
        good("provider", "remove", name)
    check_equal(values(), {}, "after")


@case("what cannot be installed is one line that says why", seconds=120)
def refused():
    wrong("provider", "install", "Z:\\no\\such.dll", says="no such file")
    wrong("provider", "install", "Z:\\", says="directory")
    wrong("provider", "install", windows_path(__file__), says="not a library")
    wrong("provider", "install", "C:\\windows\\system32\\ws2_32.dll",
          says="WSPStartupEx")
    wrong("provider", "install", SHM, "--user", says="--system")
    wrong("provider", "install", ODD, env={"ODD": "version"}, says="1.1")
    wrong("provider", "install", ODD, env={"ODD": "mute"}, says="--guid")
    check_equal(values(), {}, "after")


@case("check tells what the provider offers", seconds=120)
def offers():
    (report,) = json.loads(good("provider", "check", SHM, "--json"))
    check_equal((report["good"], report["guid"]), (True, SHM_GUID),
                str(report))
    check("127.0.0.1" in report["addresses"], str(report))
    outcome = wsd("provider", "check", ODD, env={"ODD": "lonely"})
    check("is its network up?" in outcome.out, str(outcome))


# ---- measuring -----------------------------------------------------------

@case("ping and perf alone have both ends, in two processes", seconds=120)
def alone():
    told = json.loads(good("ping", "--count", "3", "--interval", "0.01",
                           "--json"))
    check_equal((told["sent"], told["answered"]), (3, 3), str(told))
    rows = json.loads(good("perf", "--json", "--seconds", "0.01"))["rows"]
    check_equal([row["bytes"] for row in rows][::9], [8, 1048576], str(rows))
    for row in rows:
        for key, value in row.items():
            check(value, f"{key} in {row}")


@case("a client reaches a server, and notices when it is killed", seconds=120)
def server():
    port = procs.free_port()
    program = start("perf", "--server", "--port", port)
    procs.wait_until(lambda: f":{port};" in program.output(), 20, "server")
    where = f"127.0.0.1:{port}"
    good("ping", where, "--count", "2", "--interval", "0.01")
    good("perf", where, "--size", "64K", "--seconds", "0.01")
    client = start("ping", where, "--interval", "0.01")
    procs.wait_until(lambda: "seq=2" in client.output(), 20, "answers")
    os.kill(program.pid, signal.SIGKILL)
    check_equal(client.wait(30), 1, client.output())
    wrong("ping", where, "--count", "1", says="does not answer")


if __name__ == "__main__":
    if WINE.there():
        with WINE:
            main()
    print("1..0 # SKIP Wine is not installed")
